#!/usr/bin/python3
"""The nine hook points of a running rondeld, written down by the module `recorder` in the order in which they run.

Usage: hook_points.py RECORDER.so   ($RONDEL_BUILD_DIR and $RONDEL_MODULES_DIR name the build)
"""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(ROOT, "scenario"), os.path.join(ROOT, "clients")]

from runner.server import PATIENCE, Rondel  # noqa: E402
from runner.stream import NS_CLIENT  # noqa: E402
from tiny_client import Refused, TinyClient  # noqa: E402

POINTS = ["before-accept", "after-accept", "layer-accept", "before-interface", "after-interface", "before-process",
          "after-process", "before-send", "after-send"]
ROMEO, JULIET = "romeo@localhost", "juliet@localhost"
WAIT_S = 10 * PATIENCE
MODULES = ["store-sqlite", "auth-internal", "control", "recorder"]


class Scene:
    """A server with the recorder, two accounts, and what was written down."""

    def __init__(self, server):
        self.server = server
        self.path = os.path.join(server.data, "record.txt")

    def lines(self):
        with open(self.path, encoding="utf-8") as file:
            return file.read().splitlines()

    def forget(self):
        """What was written so far does not count."""
        with open(self.path, "w", encoding="utf-8"):
            pass

    async def expect(self, expected):
        """Waits until as many lines are there as are expected; they must be these."""
        for _ in range(int(WAIT_S * 50)):
            if len(self.lines()) >= len(expected):
                break
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.05)   # and no more than these
        found = self.lines()
        assert found == expected, "expected\n  " + "\n  ".join(expected) + "\nbut these were\n  " + "\n  ".join(found)
        self.forget()

    async def client(self, user, tls="off"):
        client = TinyClient("localhost", user, "secret-" + user, resource="r")
        context = self.server.trusted("localhost") if tls != "off" else None
        await asyncio.wait_for(client.connect(self.server.ports["clients"], tls, context), WAIT_S)
        return client


@contextlib.contextmanager
def served(recorder, threads=1, tls="off", options=""):
    with tempfile.TemporaryDirectory(prefix="rondel-modules-") as folder:
        modules = os.environ.get("RONDEL_MODULES_DIR") or os.path.join(os.environ["RONDEL_BUILD_DIR"], "modules")
        names = MODULES + (["layer-tls"] if tls != "off" else [])
        for name in names:
            source = recorder if name == "recorder" else os.path.join(modules, name + ".so")
            os.symlink(os.path.abspath(source), os.path.join(folder, name + ".so"))
        with Rondel(interfaces={"clients": tls}, modules=names, modules_dir=folder, threads=threads,
                    extra="[module.recorder]\n" + options) as server:
            server.add_users([(ROMEO, "secret-romeo"), (JULIET, "secret-juliet")])
            scene = Scene(server)
            scene.forget()   # the probes of the start
            yield scene


def message(to, ident, body):
    return f"<message to='{to}/r' type='chat' id='{ident}'><body>{body}</body></message>"


async def stanza(client):
    """The next stanza that the server sends."""
    async def read():
        while not client.ready:
            await client.read_more()
        return client.ready.pop(0)
    return await asyncio.wait_for(read(), WAIT_S)


async def silence(client):
    """What is sent to it next is the answer to its ping, so nothing else was on the way."""
    client.send("<iq type='get' id='nothing-before'><ping xmlns='urn:nothing'/></iq>")
    answer = await stanza(client)
    assert answer.get("id") == "nothing-before", answer.attrib


async def end(client):
    client.send("</stream:stream>")
    try:
        while not client.has_ended:
            await asyncio.wait_for(client.read_more(), WAIT_S)
    except Refused:
        pass
    client.writer.close()


def login(user, layer=None):
    """The points of one login: negotiation passes before-interface only, as its elements are no stanzas."""
    lines = ["before-accept 127.0.0.1", "after-accept 127.0.0.1"]
    if layer:
        lines += ["before-interface starttls", f"layer-accept {layer} tagged"]
    return lines + ["before-interface auth", "before-interface response", "before-interface iq bind"]


def chat(ident, sender, receiver):
    return [f"before-interface message {ident}", f"after-interface message {ident} from {sender}/r",
            f"before-process message {ident}", f"after-process message {ident} delivered",
            f"before-send message {ident} to {receiver}/r", f"after-send {ident} sent"]


async def whole_chat(scene, tls="off"):
    layer = "layer-tls" if tls != "off" else None
    romeo = await scene.client("romeo", tls)
    await scene.expect(login("romeo", layer))
    juliet = await scene.client("juliet", tls)
    await scene.expect(login("juliet", layer))
    romeo.send(message(JULIET, "m1", "wherefore"))
    received = await stanza(juliet)
    assert (received.get("id"), received.get("from"), received.get("to")) == ("m1", ROMEO + "/r", JULIET + "/r")
    await scene.expect(chat("m1", ROMEO, JULIET))
    juliet.send(message(ROMEO, "m2", "art thou"))
    assert (await stanza(romeo)).get("id") == "m2"
    await scene.expect(chat("m2", JULIET, ROMEO))
    await end(romeo)
    await end(juliet)
    await scene.expect([])


async def answers(scene):
    """What contexts.h says of reject, handled, suspend and change, point by point."""
    romeo, juliet = await scene.client("romeo"), await scene.client("juliet")
    scene.forget()

    for point, lines in (
            ("before-interface", []),
            ("after-interface", ["after-interface message x from romeo@localhost/r"]),
            ("before-process", ["after-interface message x from romeo@localhost/r", "before-process message x",
                                "after-process message x bounced"])):
        romeo.send(message(JULIET, "x", point + ":reject"))
        error = await stanza(romeo)
        assert (error.get("type"), error.get("id")) == ("error", "x"), error.attrib
        assert error.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}not-acceptable") is not None
        found = [line for line in scene.lines() if line.endswith(" x") or " x " in line]
        wanted = ["before-interface message x"] + lines
        assert found[:len(wanted)] == wanted, found
        await asyncio.sleep(0.05)
        scene.forget()

        romeo.send(message(JULIET, "y", point + ":handled"))
        await silence(romeo)
        await silence(juliet)
        found = [line for line in scene.lines() if " y" in line]
        wanted = [line.replace(" x", " y").replace("bounced", "handled") for line in wanted]
        assert found == wanted, found
        scene.forget()

    # before-interface may change the element, before-send one session's copy.
    romeo.send(message(JULIET, "old", "before-interface:change"))
    assert (await stanza(juliet)).get("id") == "changed"
    romeo.send(message(JULIET, "old", "before-send:change"))
    assert (await stanza(juliet)).get("id") == "replaced"
    romeo.send(message(JULIET, "z", "before-send:handled"))
    await silence(romeo)
    await silence(juliet)
    scene.forget()

    # A suspended stanza holds those behind it for the same account, and then goes on.
    romeo.send(message(JULIET, "s1", "before-process:suspend-next") + message(JULIET, "s2", "behind"))
    assert [(await stanza(juliet)).get("id"), (await stanza(juliet)).get("id")] == ["s1", "s2"]
    order = [line for line in scene.lines() if line == "resume" or line.startswith(("before-process", "after-process"))]
    assert order == ["before-process message s1", "resume", "after-process message s1 delivered",
                     "before-process message s2", "after-process message s2 delivered"], order
    scene.forget()

    romeo.send(message(JULIET, "s3", "before-process:suspend-reject"))
    error = await stanza(romeo)
    assert (error.get("type"), error.get("id")) == ("error", "s3"), error.attrib
    romeo.send(message(JULIET, "s4", "before-process:suspend-handled"))
    await silence(juliet)
    for _ in range(int(WAIT_S * 50)):
        if "after-process message s4 handled" in scene.lines():
            break
        await asyncio.sleep(0.02)
    assert "after-process message s4 handled" in scene.lines(), scene.lines()
    await silence(juliet)
    await end(romeo)
    await end(juliet)


def connect_from(address, port):
    """What a peer with that address reads after it has sent a stream header."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S, source_address=(address, 0)) as peer:
        try:
            peer.sendall(b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
                         b"xmlns:stream='http://etherx.jabber.org/streams'>")
            return peer.recv(4096)
        except ConnectionResetError:
            return b""


async def refusals(scene):
    """before-accept leaves no connection, so no later point; after-accept ends the connection unread."""
    port = scene.server.ports["clients"]
    assert connect_from("127.0.0.2", port) == b""
    await scene.expect(["before-accept 127.0.0.2"])
    assert connect_from("127.0.0.3", port) == b""
    await scene.expect(["before-accept 127.0.0.3", "after-accept 127.0.0.3"])
    assert b"<stream:features" in connect_from("127.0.0.4", port)
    await scene.expect(["before-accept 127.0.0.4", "after-accept 127.0.0.4"])


async def refused_layer(scene):
    try:
        await scene.client("romeo", "starttls")
        raise AssertionError("a layer that was refused carried a login")
    except (Refused, OSError):
        pass
    await scene.expect(["before-accept 127.0.0.1", "after-accept 127.0.0.1", "before-interface starttls",
                        "layer-accept layer-tls tagged"])


def print_hooks(scene):
    server = scene.server
    text = subprocess.run([server.rondeld, "--config", server.config_path, "--print-hooks"], check=True,
                          capture_output=True, text=True, timeout=30 * PATIENCE).stdout
    points = [line for line in text.splitlines() if not line.startswith(" ")]
    assert points == POINTS, points
    blocks = text.split("\n  observe    recorder: writes it down\n")
    assert len(blocks) == len(POINTS) + 1, text


def main():
    recorder = sys.argv[1]
    for threads in (1, 2):
        with served(recorder, threads) as scene:
            asyncio.run(whole_chat(scene))
            asyncio.run(answers(scene))
            print(f"threads = {threads}: the order of a login and a chat, and every answer", flush=True)
    with served(recorder, 2, "required") as scene:
        asyncio.run(whole_chat(scene, "starttls"))
        print_hooks(scene)
        print("with TLS: all nine points, run and printed", flush=True)
    with served(recorder, 1, "off", 'refuse_before = "127.0.0.2"\nrefuse_after = "127.0.0.3"\n') as scene:
        asyncio.run(refusals(scene))
        print("refusals at before-accept and after-accept", flush=True)
    with served(recorder, 1, "required", "refuse_layer = true\n") as scene:
        asyncio.run(refused_layer(scene))
        print("a refused layer", flush=True)


if __name__ == "__main__":
    main()
