"""Accounts by the hundred thousand, made in the database of a server that is stopped."""

import contextlib
import os
import sqlite3

PASSWORD = "idle"
PREFIX = "idle"


def add_accounts(server, count):
    """The first account in the ordinary way, the others as copies of it: to make their keys would take minutes."""
    server.interfaces = {"clients": "off"}
    server.start()
    server.add_user(f"{PREFIX}0@{server.hosts[0]}", PASSWORD)
    server.stop()
    with contextlib.closing(sqlite3.connect(os.path.join(server.data, "rondel.db"))) as database, database:
        for table, columns in (("account", "state, created, password_changed"),
                               ("scram_credential", "hash, iterations, salt, stored_key, server_key")):
            database.executemany(f"INSERT INTO {table} (host, local, {columns}) SELECT host, ?, {columns} "
                                 f"FROM {table} WHERE host = ? AND local = '{PREFIX}0'",
                                 ((f"{PREFIX}{i}", server.hosts[0]) for i in range(1, count)))
