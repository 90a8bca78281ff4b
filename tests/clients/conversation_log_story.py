#!/usr/bin/python3
"""The module conversation-log in a running server: what was said stands in the host's file, a line each, in the form
that its README tells; what its options leave out does not; a file that was moved away is opened anew."""

import asyncio
import datetime
import os
import re
import signal
import stat
import subprocess
import time

import helper
from runner.server import MODULES
from tiny_client import TinyClient

WAIT_S = 15 * helper.PATIENCE
USERS = ("romeo@localhost", "juliet@localhost", "romeo@other.localhost", "romeo@quiet.localhost")
HINTS = "urn:xmpp:hints"
QUIET = '\n[[host]]\nname = "quiet.localhost"\nmodules_off = ["conversation-log"]\n'
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
LINE_MAX = 32 * 1024


class Talk:
    """A server, its files, and who is logged in."""

    def __init__(self, options, module_options=""):
        self.server = helper.make_server(options, hosts=["localhost", "other.localhost"],
                                         modules=[*MODULES, "conversation-log"],
                                         extra=QUIET + "[module.conversation-log]\n" + module_options)
        self.folder = os.path.join(self.server.data, "conversations")
        self.marks = 0

    def path(self, host="localhost"):
        return os.path.join(self.folder, host + ".log")

    def lines(self, host="localhost"):
        """The fields of each line."""
        with open(self.path(host), encoding="utf-8", newline="\n") as file:
            text = file.read()
        assert text == "" or text.endswith("\n"), f"the last line is whole: {text[-100:]!r}"
        return [line.split("\t") for line in text.splitlines()]

    async def log_in(self, user, resource, host="localhost", is_present=True):
        client = TinyClient(host, user, "secret", resource=resource)
        await asyncio.wait_for(client.connect(self.server.ports["clients"]), WAIT_S)
        if is_present:
            client.send("<presence/>")
            await asyncio.wait_for(client.expect("{jabber:client}presence"), WAIT_S)
        return client

    async def line_of(self, mark, host="localhost"):
        """The line whose id is `mark`, as soon as it is there; the writer is a thread of its own."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            if os.path.exists(self.path(host)):
                found = [fields for fields in self.lines(host) if fields[5] == mark]
                if found:
                    assert len(found) == 1, f"written more than once: {found}"
                    return found[0]
            await asyncio.sleep(0.02)
        raise AssertionError(f"no line of {mark} in {self.path(host)}")

    async def settles(self, sender, receiver):
        """What `sender` said before has had its effect: a message that is written has come by the same way."""
        self.marks += 1
        mark = f"mark{self.marks}"
        message(sender, receiver.jid, mark, "mark")
        while (await asyncio.wait_for(receiver.expect("{jabber:client}message"), WAIT_S)).get("id") != mark:
            pass
        await self.line_of(mark)


def message(sender, to, mark, body, kind="chat", more=""):
    body = "" if body is None else f"<body>{body}</body>"
    kind = f"type='{kind}'" if kind else ""
    sender.send(f"<message to='{to}' {kind} id='{mark}'>{body}{more}</message>")


async def what_is_written(talk):
    romeo, juliet = await talk.log_in("romeo", "orchard"), await talk.log_in("juliet", "balcony")
    before = datetime.datetime.now(datetime.timezone.utc)
    for mark, kind in (("chat-1", "chat"), ("normal-1", "normal"), ("none-1", None), ("headline-1", "headline")):
        message(romeo, juliet.jid, mark, "But soft! “&lt;”", kind)
        fields = await talk.line_of(mark)
        assert STAMP.fullmatch(fields[0]), fields
        when = datetime.datetime.fromisoformat(fields[0].replace("Z", "+00:00"))
        assert abs((when - before).total_seconds()) < 60 + WAIT_S, f"{fields[0]} is the time in UTC, now {before}"
        assert fields[1:] == ["delivered", romeo.jid, juliet.jid, kind or "normal", mark, "But soft! “<”"], fields
    message(romeo, juliet.bare, "bare-1", "to whom it may concern")
    assert (await talk.line_of("bare-1"))[3] == juliet.bare, "as addressed"
    message(romeo, juliet.jid, "", "no id")
    await talk.settles(romeo, juliet)
    assert [line for line in talk.lines() if line[6] == "no id"][0][5] == "", "an absent id is an empty field"
    print("passed   time, outcome, from, to, type, id, body", flush=True)

    message(romeo, juliet.jid, "tab&#9;id", "one\ntwo&#9;three&#13;four \\ five\u0085six\u2028seven 🎭")
    fields = await talk.line_of("tab\\tid")
    assert fields[6:] == ["one\\ntwo\\tthree\\rfour \\ five\\xc2\\x85six\\xe2\\x80\\xa8seven 🎭"], fields
    message(romeo, juliet.jid, "long-1", "é" * 40000)
    fields = await talk.line_of("long-1")
    kept, mark = fields[6][:-len(" [cut]")], fields[6][-len(" [cut]"):]
    bytes_written = len("\t".join([*fields[:6], kept]).encode())
    assert LINE_MAX - 3 <= bytes_written <= LINE_MAX, f"cut at {bytes_written} bytes"
    assert mark == " [cut]" and set(kept) == {"é"}, fields[6][-40:]
    print("passed   a peer's control characters are escaped, a long line is cut between characters", flush=True)

    juliet.abandon()
    await talk.log_in("juliet", "away", is_present=False)
    message(romeo, juliet.bare, "stored-1", "for later")
    assert (await talk.line_of("stored-1"))[1] == "stored"
    romeo.abandon()
    print("passed   stored messages say so", flush=True)


async def what_is_not_written(talk):
    romeo, juliet = await talk.log_in("romeo", "orchard"), await talk.log_in("juliet", "balcony")
    nobody = "nobody@localhost"
    message(romeo, nobody, "bounced-1", "is there anybody?")
    assert (await asyncio.wait_for(romeo.expect("{jabber:client}message"), WAIT_S)).get("type") == "error"
    message(romeo, juliet.jid, "state-1", None, more="<composing xmlns='http://jabber.org/protocol/chatstates'/>")
    message(romeo, juliet.jid, "room-1", "to the room", "groupchat")
    message(romeo, juliet.jid, "hint-1", "off the record", more=f"<no-store xmlns='{HINTS}'/>")
    message(romeo, juliet.jid, "hint-2", "off the record", more=f"<no-permanent-store xmlns='{HINTS}'/>")
    message(romeo, juliet.jid, "hint-3", "keep this", more=f"<store xmlns='{HINTS}'/>")
    romeo.send(f"<iq type='get' id='iq-1' to='{juliet.jid}'><ping xmlns='urn:xmpp:ping'/></iq>")
    await talk.line_of("hint-3")
    written = {fields[5] for fields in talk.lines()}
    assert not written & {"bounced-1", "state-1", "room-1", "hint-1", "hint-2", "iq-1"}, written
    romeo.abandon()
    juliet.abandon()
    print("passed   not: bounced, without body, of a room, off the record, no message", flush=True)


async def hosts(talk):
    romeo, other = await talk.log_in("romeo", "orchard"), await talk.log_in("romeo", "inn", "other.localhost")
    message(romeo, other.jid, "there-1", "to the other host")
    message(other, romeo.jid, "here-1", "and back")
    assert (await talk.line_of("there-1", "other.localhost"))[2] == romeo.jid
    assert (await talk.line_of("here-1"))[2] == other.jid
    message(romeo, "romeo@quiet.localhost", "quiet-1", "does it keep a log?")
    message(romeo, other.jid, "there-2", "and this")
    await talk.line_of("there-2", "other.localhost")
    assert sorted(os.listdir(talk.folder)) == ["localhost.log", "other.localhost.log"], os.listdir(talk.folder)
    for host, marks in (("localhost", ("there-1", "there-2", "quiet-1")), ("other.localhost", ("here-1", "quiet-1"))):
        written = {fields[5] for fields in talk.lines(host)}
        assert not written & set(marks), f"{host}: {written}"
    folder, file = os.stat(talk.folder).st_mode, os.stat(talk.path()).st_mode
    assert stat.S_IMODE(folder) == 0o700 and not file & 0o007, f"{folder:o} {file:o}"
    romeo.abandon()
    other.abandon()
    print("passed   a file for each host of the receiver, none where it is off, for the server's user alone", flush=True)


async def rotation(talk):
    romeo, juliet = await talk.log_in("romeo", "orchard"), await talk.log_in("juliet", "balcony")
    for number, name in enumerate(("HUP", "USR1")):
        message(romeo, juliet.jid, f"{name}-before", "before")
        await talk.line_of(f"{name}-before")
        moved = f"{talk.path()}.{number}"
        os.rename(talk.path(), moved)
        message(romeo, juliet.jid, f"{name}-moved", "into the file that was moved")
        deadline = time.monotonic() + WAIT_S
        while f"\t{name}-moved\t".encode() not in open(moved, "rb").read():
            assert time.monotonic() < deadline, f"{moved} is written on"
            await asyncio.sleep(0.02)
        assert not os.path.exists(talk.path())
        talk.server.process.send_signal(getattr(signal, "SIG" + name))
        while not os.path.exists(talk.path()):
            assert time.monotonic() < deadline, f"after {name} there is no new {talk.path()}"
            await asyncio.sleep(0.02)
        message(romeo, juliet.jid, f"{name}-after", "after")
        await talk.line_of(f"{name}-after")
        with open(moved, "rb") as file:
            assert f"\t{name}-after\t".encode() not in file.read(), "the old file is closed"
        assert not {f"{name}-before", f"{name}-moved"} & {fields[5] for fields in talk.lines()}
    romeo.abandon()
    juliet.abandon()
    print("passed   HUP and USR1 open a moved file anew, and no line is lost", flush=True)


async def many(talk):
    """Both shards write into one file: every line once, whole, each sender's in order."""
    romeo, juliet = await talk.log_in("romeo", "orchard"), await talk.log_in("juliet", "balcony")
    for number in range(200):
        message(romeo, juliet.jid, f"r{number}", "x" * number)
        message(juliet, romeo.jid, f"j{number}", "y" * number)
    await talk.line_of("r199")
    await talk.line_of("j199")
    for letter in "rj":
        marks = [fields[5] for fields in talk.lines() if re.fullmatch(letter + r"\d+", fields[5])]
        assert marks == [f"{letter}{number}" for number in range(200)], f"{len(marks)} lines: {marks}"
    assert all(len(fields) == 7 and STAMP.fullmatch(fields[0]) for fields in talk.lines())
    romeo.abandon()
    juliet.abandon()
    print("passed   400 lines of two threads, in order and whole", flush=True)


async def other_options(talk):
    romeo, juliet = await talk.log_in("romeo", "orchard"), await talk.log_in("juliet", "balcony")
    message(romeo, juliet.jid, "room-2", "to the room", "groupchat")
    assert (await talk.line_of("room-2"))[4] == "groupchat"
    message(romeo, juliet.jid, "hint-4", "off the record", more=f"<no-store xmlns='{HINTS}'/>")
    await talk.line_of("hint-4")
    romeo.abandon()
    juliet.abandon()
    print("passed   groupchat = true, obey_hints = false, path", flush=True)


def restarts(talk):
    before = talk.lines()
    talk.server.stop()
    talk.server.start()
    asyncio.run(many_once(talk))
    assert talk.lines()[:len(before)] == before, "a start goes on at the end of the file"
    print("passed   a restart appends", flush=True)


async def many_once(talk):
    romeo, juliet = await talk.log_in("romeo", "orchard"), await talk.log_in("juliet", "balcony")
    message(romeo, juliet.jid, "restarted", "again")
    await talk.line_of("restarted")
    romeo.abandon()
    juliet.abandon()


def does_not_start(talk):
    """A path that is no folder: a sentence, and no server."""
    path = os.path.join(talk.server.folder, "a-file")
    with open(path, "w", encoding="utf-8") as file:
        file.write("not a folder\n")
    config = talk.server.config_path + ".wrong"
    with open(talk.server.config_path, encoding="utf-8") as file:
        text = file.read()
    with open(config, "w", encoding="utf-8") as file:
        file.write(text.replace("[module.conversation-log]", f'[module.conversation-log]\npath = "{path}"'))
    done = subprocess.run([talk.server.rondeld, "--config", config, "--check"], capture_output=True, text=True,
                          timeout=WAIT_S, check=False)
    assert done.returncode != 0 and f"conversation-log: the folder {path}" in done.stderr, done.stderr
    print("passed   a path that is no folder stops the start, with a sentence", flush=True)


def main():
    options = helper.parser(__doc__).parse_args()
    if options.server != "rondel":
        helper.skip("the module is rondeld's")

    def test():
        talk = Talk(options)
        with talk.server as server:
            server.add_users([(jid, "secret") for jid in USERS])
            for part in (what_is_written, what_is_not_written, hosts, rotation, many):
                asyncio.run(part(talk))
            does_not_start(talk)
            restarts(talk)
        talk = Talk(options, 'groupchat = true\nobey_hints = false\npath = "kept/here"\n')
        talk.folder = os.path.join(talk.server.data, "kept", "here")
        with talk.server as server:
            server.add_users([(jid, "secret") for jid in USERS])
            asyncio.run(other_options(talk))

    helper.finish(test)


if __name__ == "__main__":
    main()
