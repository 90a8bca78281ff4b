#!/usr/bin/python3
"""Two storages in one server: what each holds, bindings by rondelctl, a copy from one to the other, and a PostgreSQL
that goes and comes while people are logged in."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "clients"))

import helper  # noqa: E402
from throwaway_postgres import Postgres  # noqa: E402
from tiny_client import Refused, TinyClient  # noqa: E402

WAIT_S = 15 * helper.PATIENCE
MODULES = ["layer-tls", "store-sqlite", "store-postgresql", "auth-internal", "roster", "presence", "offline", "disco",
           "ping", "account", "control"]
NS_ROSTER = "jabber:iq:roster"


def control(server, *words, stdin=None, exit_code=0):
    done = subprocess.run([server.rondelctl, "--socket", server.socket_path, *words], input=stdin, text=True,
                          capture_output=True, timeout=4 * WAIT_S, check=False)
    assert done.returncode == exit_code, \
        f"rondelctl {' '.join(words)} ended with {done.returncode}, not {exit_code}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def as_json(server, *words, exit_code=0):
    return json.loads(control(server, "--json", *words, exit_code=exit_code))


def in_sqlite(server, sql):
    with sqlite3.connect(f"file:{server.data}/rondel.db?mode=ro", uri=True) as connection:
        return connection.execute(sql).fetchone()[0]


async def log_in(server, host, user, password):
    client = TinyClient(host, user, password)
    await asyncio.wait_for(client.connect(server.ports["clients"]), WAIT_S)
    client.run(lambda stanza: None)
    return client


def import_accounts(server):
    path = os.path.join(server.folder, "accounts.txt")
    with open(path, "w", encoding="utf-8") as file:
        for number in range(250):
            file.write(f"user{number}@localhost pass{number}\nuser{number}@other.localhost pass{number}\n")
        file.write("romeo@localhost first\njuliet@localhost first\n")
    control(server, "user", "import", path)


def check_places(server, postgres):
    """Each host's accounts are in its own storage, also after an import of both at once."""
    count = "SELECT count(*) FROM {}account WHERE host = '{}'"
    assert postgres.ask(count.format("rondel.", "localhost")) == "252"
    assert postgres.ask(count.format("rondel.", "other.localhost")) == "0"
    assert in_sqlite(server, count.format("", "other.localhost")) == 250
    assert in_sqlite(server, count.format("", "localhost")) == 0


def check_bindings(server):
    for host, owner, other in (("localhost", "romeo", "juliet"), ("other.localhost", "user1", "user2")):
        jid, second = f"{owner}@{host}", f"{other}@{host}"
        control(server, "user", "bind", jid, "--principal", "romeo/im@VERONA.IT", "--certificate",
                server.certificate_file, "--certificate-name", f"xmpp:{jid}")
        shown = as_json(server, "user", "show", jid)
        kinds = [binding["kind"] for binding in shown["bindings"]]
        assert kinds == ["certificate_fingerprint", "certificate_name", "principal"], f"shown: {shown}"
        assert shown["is_writable"] and shown["keys"], f"shown: {shown}"
        fingerprint = shown["bindings"][0]["value"]
        plain = control(server, "user", "show", jid)
        assert "romeo/im@VERONA.IT" in plain and fingerprint in plain, plain
        # Whose it is, is said; it stays there.
        taken = control(server, "user", "bind", second, "--principal", "romeo/im@VERONA.IT", exit_code=1)
        assert jid in taken, taken
        control(server, "user", "bind", jid, "--principal", "romeo/im@VERONA.IT")
        control(server, "user", "bind", jid, exit_code=1)
        control(server, "user", "bind", jid, "--principal", "nobody", exit_code=1)
        control(server, "user", "bind", f"nobody@{host}", "--principal", "x@Y", exit_code=1)
        control(server, "user", "unbind", second, "--principal", "romeo/im@VERONA.IT", exit_code=1)
        colons = ":".join(fingerprint.upper()[i:i + 2] for i in range(0, 64, 2))
        control(server, "user", "unbind", jid, "--fingerprint", colons)
        # A new password leaves the bindings.
        control(server, "user", "passwd", jid, "--password-stdin", stdin="first\n")
        left = [binding["kind"] for binding in as_json(server, "user", "show", jid)["bindings"]]
        assert left == ["certificate_name", "principal"], f"left: {left}"
        control(server, "user", "bind", second, "--certificate", server.certificate_file)
    text_file = os.path.join(server.folder, "accounts.txt")
    control(server, "user", "bind", "romeo@localhost", "--certificate", text_file, exit_code=1)
    control(server, "user", "bind", "romeo@localhost", "--certificate", "/no/such/file", exit_code=2)


def check_copy(server, postgres):
    control(server, "storage", "copy", "store-sqlite", "store-sqlite", "other.localhost", exit_code=1)
    control(server, "storage", "copy", "store-sqlite", "store-mysql", "other.localhost", exit_code=1)
    control(server, "storage", "copy", "store-sqlite", "store-postgresql", "elsewhere.example", exit_code=1)
    answer = as_json(server, "storage", "copy", "store-sqlite", "store-postgresql", "other.localhost")
    assert answer == {"ok": True, "copied": 250, "compared": 250, "problems": []}, f"copied: {answer}"
    assert postgres.ask("SELECT count(*) FROM rondel.account WHERE host = 'other.localhost'") == "250"
    refused = control(server, "storage", "copy", "store-sqlite", "store-postgresql", "other.localhost", exit_code=1)
    assert "--replace" in refused, refused
    # What is only in the second one, or differs in it, is told at the end.
    postgres.ask("INSERT INTO rondel.account VALUES ('other.localhost', 'zoe', 0, 0, 0)")
    said = as_json(server, "storage", "copy", "store-sqlite", "store-postgresql", "other.localhost", "--replace",
                   exit_code=1)
    assert said["problems"] == ["zoe@other.localhost is only in store-postgresql"], f"said: {said}"


async def check_plain(server):
    """The password itself, under TLS, against the keys in PostgreSQL."""
    for password, is_right in (("first", True), ("second", False)):
        client = TinyClient("localhost", "juliet", password, mechanism="PLAIN")
        connecting = client.connect(server.ports["direct"], "direct", server.trusted("localhost"))
        try:
            await asyncio.wait_for(connecting, WAIT_S)
            assert is_right, "a wrong password was taken"
        except Refused as refused:
            assert not is_right and "not-authorized" in str(refused), f"refused: {refused}"
        client.abandon()


async def roster_set(client, name, wait_s=WAIT_S):
    return await client.asks(name, f"<iq type='set' id='{name}'><query xmlns='{NS_ROSTER}'>"
                                   f"<item jid='{name}@example.net'/></query></iq>", wait_s)


async def check_outage(server, postgres):
    romeo = await log_in(server, "localhost", "romeo", "first")
    assert (await roster_set(romeo, "before")).get("type") == "result"
    postgres.stop()
    began = asyncio.get_running_loop().time()
    away = await roster_set(romeo, "during")
    assert away.get("type") == "error" and away.find("{jabber:client}error").get("type") == "wait", \
        f"during an outage: {away.get('type')}"
    for _ in range(3):
        try:
            (await log_in(server, "localhost", "juliet", "first")).abandon()
            raise AssertionError("juliet could log in while PostgreSQL was away")
        except Refused as refused:
            assert "temporary-auth-failure" in str(refused), f"refused for another reason: {refused}"
    assert asyncio.get_running_loop().time() - began < 10 * helper.PATIENCE, "answers did not come promptly"
    # Another host, whose accounts are elsewhere, does not notice; and the session stays up.
    (await log_in(server, "other.localhost", "user3", "pass3")).abandon()
    ping = await romeo.asks("ping", "<iq type='get' id='ping' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>", WAIT_S)
    assert ping.get("type") == "result"
    postgres.start()
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while (await roster_set(romeo, "after")).get("type") != "result":
        assert asyncio.get_running_loop().time() < deadline, "PostgreSQL was not found again"
        await asyncio.sleep(0.1)
    (await log_in(server, "localhost", "juliet", "first")).abandon()
    kept = postgres.ask("SELECT string_agg(jid, ',' ORDER BY jid) FROM rondel.roster_item WHERE host = 'localhost'")
    assert kept == "after@example.net,before@example.net", f"kept: {kept}"
    romeo.abandon()


async def check_removal(server, postgres):
    """The message that waits is in SQLite, the account and the roster in PostgreSQL; all of it goes."""
    juliet = await log_in(server, "localhost", "juliet", "first")
    await asyncio.sleep(0.2)
    juliet.send("<message to='romeo@localhost' type='chat'><body>later</body></message>")
    deadline = asyncio.get_running_loop().time() + WAIT_S
    offline = "SELECT count(*) FROM offline_stanza WHERE host = 'localhost'"
    while in_sqlite(server, offline) != 1:
        assert asyncio.get_running_loop().time() < deadline, "the message is not in SQLite"
        await asyncio.sleep(0.05)
    juliet.abandon()
    control(server, "user", "delete", "romeo@localhost")
    assert in_sqlite(server, offline) == 0
    for table in ("account", "binding", "roster_item"):
        left = postgres.ask(f"SELECT count(*) FROM rondel.{table} WHERE host = 'localhost' AND local = 'romeo'")
        assert left == "0", f"{table}: {left}"


def main():
    options = helper.parser(__doc__).parse_args()
    if options.server != "rondel":
        helper.skip("storages are of rondeld only")

    def test():
        with Postgres() as postgres:
            extra = postgres.options()
            server = helper.make_server(options, hosts=["localhost", "other.localhost"], modules=MODULES, extra=extra,
                                        interfaces={"clients": "off", "direct": "direct"})
            server.host_extra_of["localhost"] = \
                '[host.storage]\nusers = "store-postgresql"\nrosters = "store-postgresql"'
            server.certificate_file = os.path.join(postgres.folder, "client.crt")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                            "-nodes", "-days", "2", "-subj", "/CN=romeo", "-keyout", os.devnull, "-out",
                            server.certificate_file], check=True, capture_output=True)
            with server:
                import_accounts(server)
                check_places(server, postgres)
                check_bindings(server)
                check_copy(server, postgres)
                asyncio.run(check_plain(server))
                asyncio.run(check_outage(server, postgres))
                asyncio.run(check_removal(server, postgres))

    helper.finish(test)


if __name__ == "__main__":
    main()
