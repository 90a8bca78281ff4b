"""Accounts and rosters for every contestant, in its own storage format; thousands a second.

All accounts have the same password and salt, so that keys are derived once. Server and wire do the same work for each.
"""

import contextlib
import hashlib
import hmac
import os
import re
import sqlite3
from base64 import b64encode
from dataclasses import dataclass

DOMAIN = "example.org"
PASSWORD = "compare"
SALT = b"0123456789abcdef"
ITERATIONS = 10000   # Rondel's default


@dataclass(frozen=True)
class Crowd:
    """Who there is: `users` accounts u0, u1, ... without contacts, and b0 with its contacts b1 to b`subscribers`."""

    users: int
    subscribers: int

    def names(self):
        return [f"u{i}" for i in range(self.users)] + [f"b{i}" for i in range(self.subscribers + 1)]

    def rosters(self):
        """(user, contact) in both directions; every subscription is mutual."""
        for i in range(1, self.subscribers + 1):
            yield "b0", f"b{i}"
            yield f"b{i}", "b0"


def scram_sha_256(password=PASSWORD, salt=SALT, iterations=ITERATIONS):
    """(stored key, server key), RFC 5802 §3."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client = hmac.new(salted, b"Client Key", "sha256").digest()
    return hashlib.sha256(client).digest(), hmac.new(salted, b"Server Key", "sha256").digest()


def fill_rondel(database, crowd):
    """Copies the account u0, which is there already, and adds rosters. The server must not run."""
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        for table, columns in (("account", "state, created, password_changed"),
                               ("scram_credential", "hash, iterations, salt, stored_key, server_key")):
            connection.executemany(
                f"INSERT INTO {table} (host, local, {columns}) SELECT host, ?, {columns} FROM {table} "
                f"WHERE host = ? AND local = 'u0'", ((name, DOMAIN) for name in crowd.names() if name != "u0"))
        by_user = {}
        for user, contact in crowd.rosters():
            by_user.setdefault(user, []).append(f"{contact}@{DOMAIN}")
        for user, contacts in by_user.items():
            connection.execute("INSERT INTO roster VALUES (?, ?, ?, 0)", (DOMAIN, user, len(contacts)))
            connection.executemany(
                "INSERT INTO roster_item (host, local, jid, name, subscription, is_asked, is_approved, is_listed, "
                "pending_in, version) VALUES (?, ?, ?, '', 3, 0, 0, 1, '', ?)",
                ((DOMAIN, user, jid, i + 1) for i, jid in enumerate(contacts)))


def coded(text):
    """As Prosody names files."""
    return re.sub(r"[^A-Za-z0-9]", lambda found: "".join(f"%{b:02x}" for b in found.group(0).encode()), text)


def fill_prosody(data, crowd):
    """A file for each account and roster, as mod_storage_internal writes them. The server may run."""
    stored, server = scram_sha_256()
    account = (f'return {{ ["iteration_count"] = {ITERATIONS}; ["salt"] = "{SALT.decode()}"; '
               f'["stored_key"] = "{stored.hex()}"; ["server_key"] = "{server.hex()}"; }};\n')
    host = os.path.join(data, coded(DOMAIN))
    for folder in ("accounts", "roster"):
        os.makedirs(os.path.join(host, folder), exist_ok=True)
    for name in crowd.names():
        with open(os.path.join(host, "accounts", f"{coded(name)}.dat"), "w", encoding="utf-8") as file:
            file.write(account)
    by_user = {}
    for user, contact in crowd.rosters():
        by_user.setdefault(user, []).append(contact)
    for user, contacts in by_user.items():
        items = "".join(f'["{contact}@{DOMAIN}"] = {{ ["subscription"] = "both"; ["groups"] = {{ }}; }};\n'
                        for contact in contacts)
        with open(os.path.join(host, "roster", f"{coded(user)}.dat"), "w", encoding="utf-8") as file:
            file.write(f'return {{\n[false] = {{ ["version"] = {len(contacts)}; ["pending"] = {{ }}; }};\n{items}}};\n')


def write_ejabberd_terms(path, crowd):
    """Records for file:consult/1 and mnesia:dirty_write/1: passwd with scram, and roster (ejabberd 23.01)."""
    stored, server = (b64encode(key).decode() for key in scram_sha_256())
    salt = b64encode(SALT).decode()
    with open(path, "w", encoding="utf-8") as file:
        for name in crowd.names():
            file.write(f'{{passwd, {{<<"{name}">>, <<"{DOMAIN}">>}}, {{scram, <<"{stored}">>, <<"{server}">>, '
                       f'<<"{salt}">>, sha256, {ITERATIONS}}}}}.\n')
        for user, contact in crowd.rosters():
            me, other = f'<<"{user}">>, <<"{DOMAIN}">>', f'<<"{contact}">>, <<"{DOMAIN}">>'
            file.write(f'{{roster, {{{me}, {{{other}, <<>>}}}}, {{{me}}}, {{{other}, <<>>}}, <<>>, both, none, [], <<>>, '
                       f'[]}}.\n')
