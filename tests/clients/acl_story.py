#!/usr/bin/python3
"""The module acl in a running server: who comes from a forbidden address hears not one byte, everybody else talks;
both lists hold from the next reload on, and a wrong one changes nothing."""

import asyncio
import json
import re
import socket
import subprocess
import time

import helper
from runner.server import MODULES, free_port
from tiny_client import Refused, TinyClient

WAIT_S = 15 * helper.PATIENCE
HEADER = ("<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams'>").encode()
SIX = """
[[interface]]
name = "six"
listen = ["[::]:{port}"]
tls = "off"
allow_plain_text = true
hosts = ["localhost"]
auth = ["internal"]
"""


class Story:
    """A server whose lists change; its clients choose the address that they come from."""

    def __init__(self, options, six):
        self.options = options
        self.six = SIX.format(port=six) if six else ""
        self.server = helper.make_server(options, interfaces={"clients": "off", "direct": "direct"},
                                         modules=[*MODULES, "acl"], extra=self.lists())

    def lists(self, allow=(), deny=()):
        def quoted(items):
            return "[" + ", ".join(f'"{item}"' for item in items) + "]"
        return f"{self.six}[module.acl]\nallow = {quoted(allow)}\ndeny = {quoted(deny)}\n"

    def reload(self, **lists):
        """The lists of a configuration that the server takes."""
        self.server.extra = self.lists(**lists)
        self.server.write_config()
        return self.server.control("reload")

    def reload_fails(self, **lists):
        try:
            self.reload(**lists)
        except helper.ServerError as refused:
            return str(refused)
        raise AssertionError(f"the server took {lists}")

    async def log_in(self, user, source, interface="clients", address="127.0.0.1"):
        client = TinyClient("localhost", user, "secret", resource=source.replace(":", "-"))
        await asyncio.wait_for(client.connect(self.server.ports[interface], address=address, source=source), WAIT_S)
        return client

    async def is_let_in(self, *sources, **where):
        for source in sources:
            try:
                (await self.log_in("nurse", source, **where)).abandon()
            except (Refused, OSError) as error:
                raise AssertionError(f"{source} was not let in: {error}") from error

    def is_shut_out(self, *sources, interface="clients", address="127.0.0.1"):
        """The connection ends before the server has said a byte, whatever the peer says."""
        for source in sources:
            # The kernel has accepted before the server is asked.
            with socket.create_connection((address, self.server.ports[interface]), WAIT_S, (source, 0)) as peer:
                try:
                    peer.sendall(HEADER)
                    heard = peer.recv(100)
                except (ConnectionResetError, BrokenPipeError):
                    heard = b""
                assert heard == b"", f"{source} heard {heard}"

    def refused(self):
        """Who was refused, by the log."""
        return re.findall(r" info acl\.refused: listener=(\S+) remote=(\S+)\n", self.server.log_text(limit=1 << 20))

    def sessions(self):
        return json.loads(self.server.control("--json", "status"))["total"]["sessions"]

    async def has_sessions(self, expected):
        """The control socket is open to whom the lists shut out, and knows `expected` sessions; those that were
        abandoned are gone as soon as the server has read their end."""
        deadline = time.monotonic() + WAIT_S
        while (found := self.sessions()) != expected:
            assert time.monotonic() < deadline, f"{found} sessions, not {expected}"
            await asyncio.sleep(0.02)

    def must_have_refused(self, *expected):
        """The log, which is written by a thread of its own, has a line for each."""
        expected = sorted((f"127.0.0.1:{self.server.ports[interface]}", source) for interface, source in expected)
        deadline = time.monotonic() + WAIT_S
        while (found := sorted(self.refused())) != expected:
            assert time.monotonic() < deadline, f"logged as refused are {found}, not {expected}"
            time.sleep(0.02)


async def says(sender, receiver, text):
    """`text` comes through."""
    sender.send(f"<message to='{receiver.jid}' type='chat'><body>{text}</body></message>")
    message = await asyncio.wait_for(receiver.expect("{jabber:client}message"), WAIT_S)
    assert message.find("{jabber:client}body").text == text


async def ranges(story):
    await story.is_let_in("127.0.0.1", "127.0.0.2", "127.250.0.1")

    story.reload(deny=["127.0.0.2", "127.0.0.16/28"])
    story.is_shut_out("127.0.0.2", "127.0.0.16", "127.0.0.31")
    story.is_shut_out("127.0.0.2", interface="direct")
    await story.is_let_in("127.0.0.1", "127.0.0.3", "127.0.0.15", "127.0.0.32")
    story.must_have_refused(("clients", "127.0.0.2"), ("clients", "127.0.0.16"), ("clients", "127.0.0.31"),
                            ("direct", "127.0.0.2"))
    print("passed   deny: addresses and ranges, plain and before a TLS handshake", flush=True)

    story.reload(allow=["127.0.0.0/29", "127.0.1.7"], deny=["127.0.0.3"])
    await story.is_let_in("127.0.0.1", "127.0.0.7", "127.0.1.7")
    story.is_shut_out("127.0.0.8", "127.0.1.6", "127.0.1.8")
    story.is_shut_out("127.0.0.3")
    print("passed   allow lets in nobody else; deny wins", flush=True)


async def sessions_stay(story):
    story.reload()
    romeo, juliet = await story.log_in("romeo", "127.0.0.5"), await story.log_in("juliet", "127.0.0.6")
    await says(romeo, juliet, "before")
    story.reload(deny=["127.0.0.5"])
    story.is_shut_out("127.0.0.5")
    await says(romeo, juliet, "a reload is for new connections")
    await says(juliet, romeo, "both ways")
    story.reload()
    await story.is_let_in("127.0.0.5")
    print("passed   a reload shuts out who comes, not who is there, and lets in again", flush=True)

    story.reload(deny=["0.0.0.0/0", "::/0"])
    story.is_shut_out("127.0.0.1", "127.0.0.6")
    await story.has_sessions(2)
    await says(romeo, juliet, "still here")
    romeo.abandon()
    juliet.abandon()
    print("passed   with everybody denied rondelctl works, and sessions last", flush=True)


async def wrong_lists(story):
    story.reload(deny=["127.0.0.2"])
    for wrong in ("10.0.0.1/8", "127.0.0.300", "localhost", "10.0.0.0/33", "::1/129", ""):
        said = story.reload_fails(deny=["127.0.0.9", wrong])
        assert "an address or a range such as" in said and "rondel.toml:" in said, f"{wrong!r}: {said}"
        checked = subprocess.run([story.server.rondeld, "--check", "--config", story.server.config_path],
                                 capture_output=True, text=True, timeout=WAIT_S, check=False)
        assert checked.returncode == 78 and "an address or a range such as" in checked.stderr, checked.stderr
    story.is_shut_out("127.0.0.2")
    await story.is_let_in("127.0.0.9")
    print("passed   a wrong list is refused as a whole, with a sentence, and the old one holds", flush=True)


async def six(story):
    story.reload(deny=["::1", "127.0.0.2"])
    story.is_shut_out("::1", interface="six", address="::1")
    story.is_shut_out("127.0.0.2", interface="six")
    await story.is_let_in("127.0.0.3", interface="six")
    story.reload(deny=["2001:db8::/32"], allow=["::1/128"])
    await story.is_let_in("::1", interface="six", address="::1")
    story.is_shut_out("127.0.0.1", interface="six")
    print("passed   IPv6, and IPv4 on a socket that takes both", flush=True)


def port_of_six():
    """A free port of a socket that takes IPv4 and IPv6; nothing where there is no IPv6."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return free_port()
    except OSError:
        return None


def main():
    options = helper.parser(__doc__).parse_args()
    if options.server != "rondel":
        helper.skip("the module is rondeld's")

    def test():
        port = port_of_six()
        story = Story(options, port)
        with story.server:
            story.server.ports["six"] = port
            story.server.add_users([("romeo@localhost", "secret"), ("juliet@localhost", "secret"),
                                    ("nurse@localhost", "secret")])
            for part in (ranges, sessions_stay, wrong_lists) + ((six,) if port else ()):
                asyncio.run(part(story))
        if not port:
            helper.skip("all but IPv6, which this host has not")

    helper.finish(test)


if __name__ == "__main__":
    main()
