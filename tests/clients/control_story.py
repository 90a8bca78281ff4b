#!/usr/bin/python3
"""rondelctl against a running server: what it does to accounts is felt by the clients that are logged in."""

import asyncio
import json
import os
import re
import subprocess
import xml.etree.ElementTree as ET

import helper
from runner.sasl import NS_SASL
from runner.stream import NS_STREAM, NS_STREAM_ERRORS
from tiny_client import Refused, TinyClient

WAIT_S = 15 * helper.PATIENCE


def control(server, *words, stdin=None, exit_code=0):
    """The output of rondelctl, which must end with `exit_code`."""
    done = subprocess.run([server.rondelctl, "--socket", server.socket_path, *words], input=stdin, text=True,
                          capture_output=True, timeout=WAIT_S, check=False)
    assert done.returncode == exit_code, \
        f"rondelctl {' '.join(words)} ended with {done.returncode}, not {exit_code}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def as_json(server, *words):
    return json.loads(control(server, "--json", *words))


async def log_in(server, user, password):
    client = TinyClient("localhost", user, password)
    await asyncio.wait_for(client.connect(server.ports["clients"]), WAIT_S)
    return client


async def is_refused(server, user, password):
    try:
        client = await log_in(server, user, password)
    except Refused as refused:
        assert f"{{{NS_SASL}}}failure" in str(refused) or "failure" in str(refused), f"refused for another reason: {refused}"
        return
    client.abandon()
    raise AssertionError(f"{user} could log in")


async def is_thrown_out_by(client, act, condition):
    """The stream ends with that error once `act` is done, and not before."""
    came = []
    client.run(came.append)
    await client.asks("p", "<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>", WAIT_S)
    assert not came, f"it came before: {came}"
    act()
    await has_ended(client, came)
    error = next(element for element in came if element.tag == f"{{{NS_STREAM}}}error")
    assert error.find(f"{{{NS_STREAM_ERRORS}}}{condition}") is not None, ET.tostring(error, "unicode")


async def is_thrown_out(client):
    """The stream ends with an error."""
    came = []
    client.run(came.append)
    await has_ended(client, came)


async def has_ended(client, came):
    try:
        await asyncio.wait_for(asyncio.shield(client.reading), WAIT_S)
    except Refused:
        pass
    assert any(element.tag == f"{{{NS_STREAM}}}error" for element in came), f"no stream error came, only {came}"
    client.abandon()


async def outcome(server, user, password, mechanism):
    """"in", or the SASL condition."""
    client = TinyClient("localhost", user, password, mechanism=mechanism)
    try:
        await asyncio.wait_for(client.connect(server.ports["direct"], "direct", server.trusted("localhost")), WAIT_S)
        return "in"
    except Refused as refused:
        found = re.search(r"<ns\d+:([a-z-]+) ?/></ns\d+:failure>", str(refused))
        assert found, f"refused for another reason: {refused}"
        return found.group(1)
    finally:
        client.abandon()


def tells_what_a_reload_changes(server):
    """What holds from now on is told once; what waits for a restart each time, until it is taken back."""
    def reload_with(threads, interface_extra):
        kept = server.threads, server.interface_extra
        server.threads, server.interface_extra = threads, interface_extra
        server.write_config()
        server.threads, server.interface_extra = kept
        report = as_json(server, "reload")
        return " ".join(report["applied"]), " ".join(report["needs_restart"])

    changed = server.threads + 5, server.interface_extra + "\nresources_max = 4"
    applied, waiting = reload_with(*changed)
    assert "resources_max: 10 -> 4" in applied and "threads" in waiting, (applied, waiting)
    assert reload_with(*changed) == ("", waiting), "told again"
    applied, waiting = reload_with(server.threads, server.interface_extra)
    assert "resources_max: 4 -> 10" in applied and waiting == "", (applied, waiting)


async def disabled(server):
    """Whose account is disabled is thrown out, and learns why after the right password, and nobody else does."""
    romeo = await log_in(server, "romeo", "second")
    await is_thrown_out_by(romeo, lambda: control(server, "user", "disable", "romeo@localhost"), "not-authorized")
    control(server, "user", "disable", "romeo@localhost")
    for mechanism in ("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"):
        for user, password, wanted in (("romeo", "second", "account-disabled"), ("romeo", "wrong", "not-authorized"),
                                       ("nobody", "second", "not-authorized"), ("other", "its own", "in")):
            seen = await outcome(server, user, password, mechanism)
            assert seen == wanted, f"{mechanism} of {user} with {password}: {seen}"
    states = {user["jid"]: user["state"] for user in as_json(server, "user", "list", "localhost")["users"]}
    assert states == {"romeo@localhost": "disabled", "other@localhost": "active"}, f"{states}"
    assert as_json(server, "user", "show", "romeo@localhost")["state"] == "disabled"
    # What is written to the account waits, and is there afterwards; a new password opens nothing.
    other = await log_in(server, "other", "its own")
    other.send("<message to='romeo@localhost' type='chat' id='w'><body>Where?</body></message>")
    other.run(lambda _: None)
    await other.asks("p", "<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>", WAIT_S)
    other.abandon()
    control(server, "user", "passwd", "romeo@localhost", "--password-stdin", stdin="third\n")
    assert await outcome(server, "romeo", "third", "SCRAM-SHA-1") == "account-disabled"
    server.stop()
    server.launch()
    assert await outcome(server, "romeo", "third", "SCRAM-SHA-1") == "account-disabled", "a restart forgets it"
    assert "disabled" in server.log_text(limit=1_000_000)
    control(server, "user", "enable", "romeo@localhost")
    romeo, came = await log_in(server, "romeo", "third"), asyncio.get_running_loop().create_future()
    romeo.run(lambda stanza: came.done() or stanza.find("{jabber:client}body") is None or came.set_result(stanza))
    romeo.send("<presence/>")
    assert (await asyncio.wait_for(came, WAIT_S)).get("id") == "w"
    romeo.abandon()
    for verb in ("disable", "enable"):
        control(server, "user", verb, "nobody@localhost", exit_code=1)
        control(server, "user", verb, "romeo@elsewhere.example", exit_code=1)
        control(server, "user", verb, exit_code=2)
    control(server, "user", "passwd", "romeo@localhost", "--password-stdin", stdin="second\n")
    control(server, "user", "delete", "other@localhost")


async def story(server):
    control(server, "user", "add", "romeo@localhost", "--password-stdin", stdin="first\n")
    assert "exists" in control(server, "user", "add", "romeo@localhost", "--password-stdin", stdin="x\n", exit_code=1)
    control(server, "user", "add", "@@", "--password-stdin", stdin="x\n", exit_code=1)
    control(server, "user", "add", "romeo@elsewhere.example", "--password-stdin", stdin="x\n", exit_code=1)
    control(server, "user", "add", "empty@localhost", "--password-stdin", stdin="\n", exit_code=1)
    control(server, "user", "fly", "romeo@localhost", exit_code=2)
    names = [user["jid"] for user in as_json(server, "user", "list", "localhost")["users"]]
    assert names == ["romeo@localhost"], f"listed: {names}"

    romeo = await log_in(server, "romeo", "first")
    sessions = as_json(server, "sessions")["sessions"]
    assert len(sessions) == 1 and "romeo@localhost/load" in json.dumps(sessions), f"sessions: {sessions}"
    status = as_json(server, "status")
    assert status["total"]["sessions"] == 1 and len(status["shards"]) == server.threads, f"status: {status}"
    loaded = json.dumps(as_json(server, "modules"))
    assert all(name in loaded for name in server.modules), f"modules: {loaded}"

    control(server, "user", "passwd", "romeo@localhost", "--password-stdin", stdin="second\n")
    await is_refused(server, "romeo", "first")
    (await log_in(server, "romeo", "second")).abandon()
    control(server, "user", "passwd", "nobody@localhost", "--password-stdin", stdin="x\n", exit_code=1)
    romeo.abandon()
    control(server, "user", "add", "other@localhost", "--password-stdin", stdin="its own\n")
    await disabled(server)

    tells_what_a_reload_changes(server)
    path = os.path.join(server.folder, "import.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"imported{n}@localhost pass{n}\n" for n in range(1200))
    control(server, "user", "import", path)
    assert len(as_json(server, "user", "list", "localhost")["users"]) == 1201, "not all were imported and listed"
    (await log_in(server, "imported1199", "pass1199")).abandon()

    juliet = await log_in(server, "imported7", "pass7")
    control(server, "user", "delete", "imported7@localhost")
    await is_thrown_out(juliet)
    await is_refused(server, "imported7", "pass7")
    control(server, "user", "delete", "imported7@localhost", exit_code=1)

    last = await log_in(server, "romeo", "second")
    control(server, "stop")
    await is_thrown_out(last)
    code = server.process.wait(timeout=WAIT_S)
    assert code == 0, f"the server ended with {code}"
    control(server, "status", exit_code=1)


def main():
    options = helper.parser(__doc__).parse_args()
    if options.server != "rondel":
        helper.skip("rondelctl is for rondeld only")

    def test():
        with helper.make_server(options, interfaces={"clients": "off", "direct": "direct"}) as server:
            asyncio.run(story(server))

    helper.finish(test)


if __name__ == "__main__":
    main()
