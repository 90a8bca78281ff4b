#!/usr/bin/python3
"""The whole server with kernel TLS: clients log in over STARTTLS and direct TLS, chat both ways, are idle, and leave;
the server says that the kernel has every connection, and the kernel's own counters agree.

For a kernel that has TLS: run_in_kernel runs it.
"""

import asyncio
import json
import os
import socket
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))

import helper  # noqa: E402
from runner.server import client_context  # noqa: E402
from slixmpp_chat import WAIT_S, Client  # noqa: E402

RECORDS = '[tls]\nrecords = "kernel"\n'
IDLE_S = 5
MODES = ("starttls", "direct")
CIPHERS = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
COUNTERS = "/proc/net/tls_stat"


def counters():
    """The kernel's TLS counters, of this network namespace."""
    with open(COUNTERS, encoding="ascii") as file:
        return {name: int(value) for name, value in (line.split() for line in file)}


def difference(before):
    return {name: value - before[name] for name, value in counters().items() if value != before[name]}


async def until(what, is_so):
    """Waits until `is_so()`."""
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while not is_so():
        assert asyncio.get_running_loop().time() < deadline, f"never: {what}; counters: {counters()}"
        await asyncio.sleep(0.05)


def sessions(server):
    return json.loads(server.control("--json", "sessions"))["sessions"]


def check_engines(server, jids):
    """Each of the sessions of `jids`, and no other, is there, with TLS 1.3 in the kernel."""
    found = {session["jid"]: session for session in sessions(server)}
    assert sorted(found) == sorted(jids), f"sessions of {sorted(found)}, not of {sorted(jids)}"
    wrong = [f"{jid} ({session['interface']}): engine {session['engine']!r}, {session['tls']!r} {session['cipher']!r}"
             for jid, session in found.items() if session["engine"] != "kernel"]
    assert not wrong, "not in the kernel: " + "; ".join(wrong)
    counted = json.loads(server.control("--json", "status"))
    assert counted["engines"] == {"kernel": len(jids)}, f"status counts {counted['engines']}"
    assert counted["total"]["sessions"] == len(jids), f"status counts {counted['total']}"
    for session in found.values():
        assert session["cipher"] in CIPHERS, f"an unknown cipher: {session}"


async def chat(romeo, juliet, round_name):
    """Both ways; short, long, and many at once."""
    for sender, receiver in ((romeo, juliet), (juliet, romeo)):
        texts = [f"{round_name}: {sender.boundjid.user} says hello 🎭", "long " * 4000]
        texts += [f"{round_name} {number}" for number in range(20)]
        for text in texts:
            sender.send_message(mto=receiver.boundjid.full, mbody=text, mtype="chat")
        for text in texts:
            await receiver.reads(sender.boundjid.bare, text)
    await asyncio.wait_for(romeo["xep_0199"].ping("localhost"), WAIT_S)
    await asyncio.wait_for(juliet["xep_0199"].ping("localhost"), WAIT_S)


async def story(server):
    before = counters()
    ways = {mode: [Client(f"{who}/{mode}", None, server.trust) for who in (helper.ROMEO, helper.JULIET)]
            for mode in MODES}
    jids = []
    for mode, pair in ways.items():
        for client in pair:
            await client.come(server.ports[mode], mode == "direct")
            jids.append(client.boundjid.full)
    check_engines(server, jids)
    risen = difference(before)
    assert risen.get("TlsTxSw", 0) >= len(jids) and risen.get("TlsRxSw", 0) >= len(jids), f"counters rose by {risen}"
    assert min(risen.get("TlsCurrTxSw", 0), risen.get("TlsCurrRxSw", 0)) >= len(jids), f"counters rose by {risen}"
    print(f"passed   {len(jids)} logged in, counters rose by {risen}", flush=True)

    for mode, pair in ways.items():
        await chat(*pair, f"{mode}, first")
    await asyncio.sleep(IDLE_S)
    for mode, pair in ways.items():
        await chat(*pair, f"{mode}, after {IDLE_S} idle seconds")
    check_engines(server, jids)
    print("passed   chat, idleness, chat", flush=True)

    for pair in ways.values():
        for client in pair:
            await client.leave()
    await until("no session is left", lambda: not sessions(server))
    await until("the kernel has no connection of ours left", lambda: difference(before).get("TlsCurrTxSw", 0) <= 0
                and difference(before).get("TlsCurrRxSw", 0) <= 0)
    errors = {name: count for name, count in difference(before).items() if name.endswith("Error")}
    assert not errors, f"counted errors: {errors}"
    print(f"passed   all have left, counters rose by {difference(before)}", flush=True)
    rest = asyncio.all_tasks() - {asyncio.current_task()}   # slixmpp leaves its own loops behind
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


def closes_in_order(server):
    """A stream on direct TLS that is closed ends with </stream:stream> and then close_notify, not with a bare FIN."""
    before, context = counters(), client_context(server.trust)
    with socket.create_connection(("127.0.0.1", server.ports["direct"]), timeout=WAIT_S) as plain:
        with context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as stream:
            assert stream.version() == "TLSv1.3", stream.version()
            stream.sendall(b"<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
                           b"xmlns:stream='http://etherx.jabber.org/streams'></stream:stream>")
            text = b""
            try:
                while chunk := stream.recv(4096):
                    text += chunk
            except ssl.SSLEOFError as error:
                raise AssertionError(f"no close_notify after {text[-200:]}") from error
    assert text.rstrip().endswith(b"</stream:stream>"), f"the stream ended with {text[-200:]}"
    risen = difference(before)
    assert min(risen.get("TlsTxSw", 0), risen.get("TlsRxSw", 0)) >= 1, f"not in the kernel: counters rose by {risen}"
    print("passed   the server's end of a stream: </stream:stream>, close_notify", flush=True)


def main():
    options = helper.parser(__doc__).parse_args()
    if not os.path.exists(COUNTERS):
        helper.skip(f"there is no {COUNTERS}: this kernel has no TLS (run_in_kernel brings one that has)")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def test():
        interfaces = {"starttls": "required", "direct": "direct"}
        with helper.make_server(options, interfaces=interfaces, extra=RECORDS) as server:
            for jid, password in helper.PASSWORDS.items():
                server.add_user(jid, password)
            server.trust = server.certificates["localhost"][0]
            try:
                loop.run_until_complete(story(server))
                closes_in_order(server)
            except BaseException:
                print("the server's log:\n" + server.log_text(), flush=True)
                raise

    helper.finish(test)


if __name__ == "__main__":
    main()
