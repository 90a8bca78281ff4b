#!/usr/bin/python3
"""kill -9 in the middle of offline messages and roster changes loses nothing that was accepted or answered.

What counts as accepted: XMPP has no receipt from a server for a message, so a message counts as accepted when an IQ
that the same sender sent after it to the same bare JID has been answered. RFC 6120 §10.1 has a server process what
goes from one entity to another in order, so the answer comes after the message was processed. That this means
"stored" is the assumption of this test: the server answers only when what came before is safe. `--fence host` sends
the IQ to the server instead, which asks for more than §10.1 does.

A roster set counts when its result has come. What was neither accepted nor answered may be there or not; nothing may
be there twice, in another order, or in part.
"""

import asyncio
import collections
import json
import random

import helper
from runner.stream import NS_CLIENT, NS_PING
from tiny_client import Refused, TinyClient

PASSWORD = "load-password"
NS_ROSTER = "jabber:iq:roster"
# Below the 1000 messages that wait for an account by default (security-cases.md §3).
MESSAGES_MAX = 400
WAIT_S = 20 * helper.PATIENCE


class Books:
    """What the clients know to be safe."""

    def __init__(self):
        self.sent = collections.Counter()          # receiver -> last number sent
        self.accepted = collections.Counter()      # receiver -> last number accepted
        self.rosters = collections.defaultdict(dict)   # user -> jid -> name, or None if removed
        self.unsure = {}                           # user -> (jid, name) of the set without an answer


async def log_in(server, name, on_stanza=lambda element: None):
    client = TinyClient("localhost", name, PASSWORD)
    await asyncio.wait_for(client.connect(server.ports["clients"]), WAIT_S)
    client.run(on_stanza)
    return client


async def write_messages(server, books, sender, receiver, fence):
    client = await log_in(server, sender)
    target = f"{receiver}@localhost" if fence == "account" else "localhost"
    try:
        for turn in range(MESSAGES_MAX // 4):
            for _ in range(4):
                books.sent[receiver] += 1
                number = books.sent[receiver]
                client.send(f"<message to='{receiver}@localhost' type='chat' id='m{number}'>"
                            f"<body>{number} {'x' * (number % 50)}</body></message>")
            last = books.sent[receiver]
            await client.asks(f"f{turn}", f"<iq type='get' id='f{turn}' to='{target}'><ping xmlns='{NS_PING}'/></iq>",
                              WAIT_S)
            books.accepted[receiver] = last
    except (Refused, OSError):
        pass   # the kill
    finally:
        client.abandon()


async def change_roster(server, books, user, seed):
    client = await log_in(server, user)
    chance = random.Random(seed)
    try:
        for turn in range(100000):
            jid = f"contact{chance.randrange(40)}@localhost"
            remove = books.rosters[user].get(jid) is not None and chance.random() < 0.3
            name = None if remove else f"name {turn} {'y' * chance.randrange(30)}"
            item = (f"<item jid='{jid}' subscription='remove'/>" if remove
                    else f"<item jid='{jid}' name='{name}'><group>g{turn % 5}</group></item>")
            books.unsure[user] = (jid, name)
            answer = await client.asks(f"r{turn}", f"<iq type='set' id='r{turn}'><query xmlns='{NS_ROSTER}'>{item}"
                                       f"</query></iq>", WAIT_S)
            if answer.get("type") != "result":
                raise AssertionError(f"a roster set was refused: {item}")
            books.rosters[user][jid] = name
            del books.unsure[user]
    except (Refused, OSError):
        pass   # the kill
    finally:
        client.abandon()


async def load_and_kill(server, books, options, seed):
    tasks = [asyncio.ensure_future(write_messages(server, books, f"sender{n}", f"receiver{n}", options.fence))
             for n in range(options.pairs)]
    tasks += [asyncio.ensure_future(change_roster(server, books, f"keeper{n}", seed * 1000 + n))
              for n in range(options.pairs)]
    after = random.Random(seed).uniform(0.5, 2.0) * helper.PATIENCE
    await asyncio.sleep(after)
    server.kill()
    await asyncio.gather(*tasks)
    return after


async def check_messages(server, books, receiver):
    came = []

    def takes(element):
        if element.tag == f"{{{NS_CLIENT}}}message":
            body = element.findtext(f"{{{NS_CLIENT}}}body")
            number, _, rest = body.partition(" ")
            assert rest == "x" * (int(number) % 50), f"{receiver}: a message came back in part: {body}"
            came.append(int(number))

    client = await log_in(server, receiver, takes)
    client.send("<presence/>")
    accepted = books.accepted[receiver]
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while (not came or came[-1] < accepted) and asyncio.get_running_loop().time() < deadline and accepted:
        await asyncio.sleep(0.05)
    await client.asks("last", f"<iq type='get' id='last' to='localhost'><ping xmlns='{NS_PING}'/></iq>", WAIT_S)
    await asyncio.sleep(0.1 * helper.PATIENCE)   # for what was never accepted and may come yet
    await client.close(WAIT_S)
    assert came == sorted(set(came)), f"{receiver}: messages came twice or out of order: {came}"
    missing = set(range(1, accepted + 1)) - set(came)
    assert not missing, f"{receiver}: {len(missing)} of {accepted} accepted messages are lost: {sorted(missing)[:20]}"
    assert not came or came[-1] <= books.sent[receiver], f"{receiver}: a message came that nobody sent"
    return accepted, len(came)


async def check_roster(server, books, user):
    client = await log_in(server, user)
    answer = await client.asks("get", f"<iq type='get' id='get'><query xmlns='{NS_ROSTER}'/></iq>", WAIT_S)
    await client.close(WAIT_S)
    found = {item.get("jid"): item.get("name") for item in answer.iter(f"{{{NS_ROSTER}}}item")}
    wanted = {jid: name for jid, name in books.rosters[user].items() if name is not None}
    unsure = books.unsure.pop(user, None)
    if unsure is not None and found.get(unsure[0]) == unsure[1]:
        books.rosters[user][unsure[0]] = unsure[1]   # it was carried out, only its answer was not
        wanted = {jid: name for jid, name in books.rosters[user].items() if name is not None}
    wrong = {jid for jid in wanted.keys() | found.keys() if wanted.get(jid) != found.get(jid)}
    assert not wrong, f"{user}: " + "; ".join(f"{jid} is {found.get(jid)} not {wanted.get(jid)}" for jid in sorted(wrong))
    return len(books.rosters[user])


async def check(server, books, options):
    messages = await asyncio.gather(*(check_messages(server, books, f"receiver{n}") for n in range(options.pairs)))
    items = await asyncio.gather(*(check_roster(server, books, f"keeper{n}") for n in range(options.pairs)))
    return sum(a for a, _ in messages), sum(c for _, c in messages), sum(items)


def main():
    parser = helper.parser(__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=8, help="senders, receivers, and keepers of rosters, of each")
    parser.add_argument("--fence", choices=("account", "host"), default="account")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    def test():
        with helper.make_server(options, threads=4) as server:
            server.add_users([(f"{kind}{n}@localhost", PASSWORD) for n in range(options.pairs)
                              for kind in ("sender", "receiver", "keeper")])
            books = Books()
            for turn in range(options.rounds):
                books.sent.clear()
                books.accepted.clear()
                after = asyncio.run(load_and_kill(server, books, options, options.seed + turn))
                server.start()
                accepted, came, items = asyncio.run(check(server, books, options))
                assert accepted and items, "the load did nothing before the kill"
                print(json.dumps({"round": turn, "killed_after_s": round(after, 2), "accepted": accepted, "came": came,
                                  "roster_items": items, "seed": options.seed + turn}), flush=True)

    helper.finish(test)


if __name__ == "__main__":
    main()
