#!/usr/bin/python3
"""Many users chat for a while; nothing may be lost, repeated or reordered between any sender and any receiver.

Every user writes to two others by their bare JID, with a number of its own for each pair. Some log out and in again
all the time: what is written to them meanwhile waits as offline messages (XEP-0160) and comes before what is newer.
They close their streams and read to the end of them, so that nothing may be lost on the way either. The last line of
output is JSON; exit code 0 says that all is well.
"""

import asyncio
import collections
import json
import random
import time

import helper
from runner.stream import NS_CLIENT
from tiny_client import Refused, TinyClient

PASSWORD = "load-password"
MESSAGE, BODY = f"{{{NS_CLIENT}}}message", f"{{{NS_CLIENT}}}body"


class Ledger:
    """Who sent how many to whom, and what came."""

    def __init__(self):
        self.sent = collections.Counter()
        self.seen = collections.defaultdict(set)
        self.newest = collections.Counter()
        self.repeated = self.reordered = self.errors = self.delayed = 0
        self.latencies_ms = []
        self.examples = []

    def takes(self, receiver, element):
        if element.tag != MESSAGE:
            return
        sender = element.get("from", "").split("@")[0]
        if element.get("type") == "error":
            self.errors += 1
            self.note(f"{receiver} received an error for {element.get('id')}")
            return
        number, sent_at = element.findtext(BODY).split(" ")
        pair, number = (sender, receiver), int(number)
        if number in self.seen[pair]:
            self.repeated += 1
            self.note(f"{number} of {pair} came twice")
        elif number < self.newest[pair]:
            self.reordered += 1
            self.note(f"{number} of {pair} came after {self.newest[pair]}")
        self.seen[pair].add(number)
        self.newest[pair] = max(self.newest[pair], number)
        if element.find("{urn:xmpp:delay}delay") is not None:
            self.delayed += 1
        else:
            self.latencies_ms.append((time.monotonic() - float(sent_at)) * 1000)

    def note(self, text):
        if len(self.examples) < 10:
            self.examples.append(text)

    def lost(self):
        return sum(count - len(self.seen[pair]) for pair, count in self.sent.items())

    def percentile(self, share):
        values = sorted(self.latencies_ms)
        return round(values[min(len(values) - 1, int(len(values) * share))], 2) if values else None


class User:
    """One account and its present connection."""

    def __init__(self, number, options, server, ledger):
        self.name = f"user{number}"
        self.number, self.options, self.server, self.ledger = number, options, server, ledger
        self.client = None
        self.reconnects = 0
        count = options.users
        self.peers = [f"user{number ^ 1}", f"user{(number + 7) % count}"]
        self.random = random.Random(options.seed * 100003 + number)

    async def come(self):
        mechanism = self.options.mechanism or ("SCRAM-SHA-1" if self.options.tls == "off" else "PLAIN")
        client = TinyClient("localhost", self.name, PASSWORD, f"r{self.reconnects}", mechanism)
        port = self.server.ports[self.options.tls]
        context = self.server.trusted("localhost") if self.options.tls != "off" else None
        await asyncio.wait_for(client.connect(port, self.options.tls, context), 60 * helper.PATIENCE)
        client.run(lambda element: self.ledger.takes(self.name, element))
        client.send("<presence/>")
        self.client = client

    async def leave(self):
        client, self.client = self.client, None
        await client.close(30 * helper.PATIENCE)

    async def chat(self, until):
        pause = 1 / self.options.rate
        await asyncio.sleep(self.random.random() * pause)
        next_leave = time.monotonic() + self.random.uniform(1, self.options.reconnect_every)
        while time.monotonic() < until:
            if self.number < self.options.reconnecting and time.monotonic() > next_leave:
                await self.leave()
                await asyncio.sleep(self.random.random() * 0.3)
                self.reconnects += 1
                await self.come()
                next_leave = time.monotonic() + self.random.uniform(1, self.options.reconnect_every)
            peer = self.random.choice(self.peers)
            pair = (self.name, peer)
            self.ledger.sent[pair] += 1
            number = self.ledger.sent[pair]
            self.client.send(f"<message to='{peer}@localhost' type='chat' id='{self.name}-{number}'>"
                             f"<body>{number} {time.monotonic()}</body></message>")
            await asyncio.sleep(pause * self.random.uniform(0.5, 1.5))


async def chat(options, server, ledger):
    users = [User(number, options, server, ledger) for number in range(options.users)]
    gate = asyncio.Semaphore(20)   # not all knock at once

    async def come(user):
        async with gate:
            await user.come()

    await asyncio.gather(*(come(user) for user in users))
    until = time.monotonic() + options.seconds
    await asyncio.gather(*(user.chat(until) for user in users))
    deadline = time.monotonic() + 20 * helper.PATIENCE
    while ledger.lost() and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    await asyncio.gather(*(user.leave() for user in users))
    return users


def main():
    parser = helper.parser(__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=2, help="messages a second of every user")
    parser.add_argument("--reconnecting", type=int, default=20, help="users who log out and in again")
    parser.add_argument("--reconnect-every", type=float, default=8, help="seconds, at most, between their logouts")
    parser.add_argument("--tls", choices=("off", "starttls", "direct"), default="starttls")
    parser.add_argument("--mechanism", help="PLAIN under TLS and SCRAM-SHA-1 without it, if not given")
    parser.add_argument("--threads", type=int, default=4, help="of the server")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.users < 10 or options.users % 2:
        parser.error("--users must be even and at least 10")
    ledger = Ledger()
    mode = {"off": "off", "starttls": "required", "direct": "direct"}[options.tls]

    def test():
        with helper.make_server(options, interfaces={options.tls: mode}, threads=options.threads) as server:
            server.add_users([(f"user{n}@localhost", PASSWORD) for n in range(options.users)])
            started = time.monotonic()
            try:
                users = asyncio.run(chat(options, server, ledger))
            except (Refused, OSError) as error:
                raise AssertionError(f"{error}\n{server.log_text()}") from error
            sent = sum(ledger.sent.values())
            result = {"users": options.users, "tls": options.tls, "sent": sent, "lost": ledger.lost(),
                      "repeated": ledger.repeated, "reordered": ledger.reordered, "errors": ledger.errors,
                      "waited_offline": ledger.delayed, "reconnects": sum(user.reconnects for user in users),
                      "p50_ms": ledger.percentile(0.5), "p99_ms": ledger.percentile(0.99),
                      "seconds": round(time.monotonic() - started, 1), "seed": options.seed}
            for example in ledger.examples:
                print(example)
            print(json.dumps(result), flush=True)
            bad = [name for name in ("lost", "repeated", "reordered", "errors") if result[name]]
            assert not bad and sent, f"messages were {' and '.join(bad) or 'never sent'}"

    helper.finish(test)


if __name__ == "__main__":
    main()
