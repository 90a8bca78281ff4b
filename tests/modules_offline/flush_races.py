"""Messages that wait, while everything happens at once: live messages, two resources, a stuck reader, kill -9, churn.

Each message has its number as its id, so that loss, repetition and disorder show. Takes RONDEL_BUILD_DIR and
RONDEL_MODULES_DIR as the scripts in tests/clients do. Names of races as arguments run only those.
"""

import asyncio
import os
import sqlite3
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "clients"), os.path.join(TESTS, "scenario")]

from runner.server import PATIENCE, Rondel  # noqa: E402
from tiny_client import TinyClient  # noqa: E402

MODULES = ["layer-tls", "store-sqlite", "auth-internal", "roster", "presence", "offline", "ping", "control"]
NS = "{jabber:client}"


class Inbox:
    """What one client was sent."""

    def __init__(self):
        self.ids, self.errors = [], []

    def __call__(self, stanza):
        if stanza.tag == NS + "message" and stanza.get("type") == "error":
            self.errors.append((stanza.get("id"), [child.tag for child in stanza.find(NS + "error")]))
        elif stanza.tag == NS + "message":
            self.ids.append(int(stanza.get("id")))


async def login(server, user, resource):
    client, inbox = TinyClient("localhost", user, "secret", resource), Inbox()
    await client.connect(server.ports["clients"])
    client.run(inbox)
    return client, inbox


async def settle(client):
    """All that the client sent before has been read by the server."""
    await client.asks("sync", "<iq type='get' id='sync' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>",
                      30 * PATIENCE)


async def until(condition, seconds=30):
    deadline = asyncio.get_running_loop().time() + seconds * PATIENCE
    while not condition() and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)   # for what should not come


def waiting(server):
    with sqlite3.connect(f"file:{server.data}/rondel.db?mode=ro", uri=True) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        table = next(name for name in tables if "offline" in name)
        return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def send(romeo, number, size):
    romeo.send(f"<message to='juliet@localhost' type='chat' id='{number}'><body>{'x' * size}</body></message>")


async def fill(server, count, size):
    """Romeo, and `count` messages of his that wait."""
    romeo, inbox = await login(server, "romeo", "r")
    for number in range(count):
        send(romeo, number, size)
        if number % 20 == 0:
            await romeo.writer.drain()
            await settle(romeo)
    await until(lambda: waiting(server) == count)
    assert waiting(server) == count, waiting(server)
    return romeo, inbox


async def live_messages_do_not_overtake(server):
    romeo, answers = await fill(server, 400, 6000)   # more than a connection may have unsent
    juliet, inbox = await login(server, "juliet", "a")
    juliet.send("<presence/>")
    for number in range(400, 600):
        send(romeo, number, 100)
        await asyncio.sleep(0.001)
    await until(lambda: len(inbox.ids) >= 600)
    assert inbox.ids == list(range(600)), inbox.ids
    assert not answers.errors and waiting(server) == 0
    await juliet.close(5)
    await romeo.close(5)


async def two_resources_share_what_waits(server):
    romeo, _ = await fill(server, 300, 3000)
    (a, first), (b, second) = await asyncio.gather(login(server, "juliet", "a"), login(server, "juliet", "b"))
    a.send("<presence/>")
    b.send("<presence/>")
    await until(lambda: len(first.ids) + len(second.ids) >= 300)
    assert sorted(first.ids + second.ids) == list(range(300)), (first.ids, second.ids)
    for client in (a, b, romeo):
        await client.close(5)


async def what_a_lost_resource_was_not_sent_goes_to_another(server):
    romeo, _ = await fill(server, 150, 60000)   # far more than the buffers of a socket hold
    (a, _), (b, inbox) = await asyncio.gather(login(server, "juliet", "a"), login(server, "juliet", "b"))
    a.reading.cancel()
    a.send("<presence/>")
    await asyncio.sleep(0.8)
    b.send("<presence/>")
    await asyncio.sleep(0.3)
    assert not inbox.ids, "one resource at a time"
    left = waiting(server)
    a.abandon()
    await until(lambda: inbox.ids and inbox.ids[-1] == 149)
    assert inbox.ids == list(range(150 - left, 150)), (left, inbox.ids)
    assert left > 0 and waiting(server) == 0
    await b.close(5)
    await romeo.close(5)


async def a_stuck_reader_gets_everything_later(server):
    romeo, answers = await fill(server, 150, 60000)
    juliet, inbox = await login(server, "juliet", "a")
    juliet.reading.cancel()
    juliet.send("<presence/>")
    await asyncio.sleep(0.5)
    for number in range(150, 170):
        send(romeo, number, 50)
    await asyncio.sleep(11)   # longer than a stanza may be held
    juliet.reading = asyncio.ensure_future(juliet.read_on())
    await until(lambda: len(inbox.ids) >= 170)
    assert inbox.ids == list(range(170)), inbox.ids
    assert not answers.errors, answers.errors
    await juliet.close(5)
    await romeo.close(5)


async def kill_minus_nine_loses_nothing(server):
    romeo, _ = await fill(server, 400, 20000)
    juliet, before = await login(server, "juliet", "a")
    juliet.send("<presence/>")
    while len(before.ids) < 100:
        await asyncio.sleep(0.005)
    server.kill()
    await asyncio.sleep(0.3)
    juliet.abandon()
    romeo.abandon()
    server.start()
    juliet, after = await login(server, "juliet", "a")
    juliet.send("<presence/>")
    await until(lambda: after.ids and after.ids[-1] == 399)
    missing = set(range(400)) - set(before.ids) - set(after.ids)
    assert not missing and after.ids, missing
    await juliet.close(5)


async def messages_race_with_logins(server):
    romeo, answers = await login(server, "romeo", "r")
    count, received = 1000, []

    async def write():
        for number in range(count):
            send(romeo, number, 20)
            await asyncio.sleep(0.007 * PATIENCE)   # a commit each, with an fsync

    writing = asyncio.ensure_future(write())
    while not writing.done():
        juliet, inbox = await login(server, "juliet", "a")
        juliet.send("<presence/>")
        await asyncio.sleep(0.03)
        juliet.send("<presence type='unavailable'/>")
        await settle(juliet)
        await juliet.close(10)
        received += inbox.ids
    juliet, inbox = await login(server, "juliet", "a")
    juliet.send("<presence/>")
    await until(lambda: len(received) + len(inbox.ids) >= count)
    assert received + inbox.ids == list(range(count)), received + inbox.ids
    assert not answers.errors, answers.errors
    await juliet.close(5)
    await romeo.close(5)


RACES = [live_messages_do_not_overtake, two_resources_share_what_waits,
         what_a_lost_resource_was_not_sent_goes_to_another, a_stuck_reader_gets_everything_later,
         kill_minus_nine_loses_nothing, messages_race_with_logins]


def main():
    races = [race for race in RACES if len(sys.argv) == 1 or race.__name__ in sys.argv[1:]]
    with Rondel(modules=MODULES) as server:
        server.add_users([("romeo@localhost", "secret"), ("juliet@localhost", "secret")])
        for race in races:
            asyncio.run(asyncio.wait_for(race(server), 120 * PATIENCE))
            print("ok:", race.__name__.replace("_", " "), flush=True)


if __name__ == "__main__":
    main()
