"""The rows of the comparison: what is run, which figure counts, and what must be reached.

A row's `run(contest, name)` starts a fresh contestant, runs it once and returns a Sample. A rule judges medians.
"""

import contextlib
import functools
import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .load import LoadError
from .servers import ServerError


@dataclass
class Sample:
    """One run: the figure that counts, what else was seen, and what went wrong."""

    value: float | None
    notes: dict = field(default_factory=dict)
    problems: list = field(default_factory=list)
    result: dict | None = None   # of rondel-load


@dataclass
class Figure:
    """What several rounds say of one contestant in one row."""

    samples: list

    @property
    def values(self):
        return [sample.value for sample in self.samples if sample.value is not None]

    @property
    def median(self):
        return statistics.median(self.values) if self.values else None

    @property
    def spread(self):
        return (min(self.values), max(self.values)) if self.values else None

    def note(self, name):
        """The median of a note."""
        found = [sample.notes[name] for sample in self.samples if sample.notes.get(name) is not None]
        return statistics.median(found) if found else None


@dataclass
class Rule:
    """A must: `left` is at most `factor` times `right` (names of contestants; `peer` is the better peer)."""

    text: str
    right: str
    factor: float


@dataclass
class Verdict:
    text: str
    reached: bool | None   # None: can't be said
    ratio: float | None = None   # of Rondel to what it is measured against
    is_inverse: bool = False     # people ask how many times less it is


def problems_of(result):
    """Everything that makes a run worthless, in words."""
    found = [f"{problem['what']} ({problem['count']} times): {problem.get('first', '')}".strip(": ")
             for problem in result.get("problems") or []]
    if not result["ok"] and not found:
        counts = {**(result.get("messages") or {}), **(result.get("sessions") or {}), **(result.get("presence") or {})}
        found.append("not as it should be: " + ", ".join(f"{name} {value}" for name, value in counts.items()
                                                         if isinstance(value, int | float) and value))
    return found


class Row:
    """One line of the table of numbers to reach. Subclasses say what a run is."""

    unit = "µs CPU"
    peers = True      # take part
    is_in_quick = False   # so do they in the quick form, which is of ours above all
    relay = None      # the relay's mode, if it takes part
    tls = False
    rounds_max = 9    # for what changes little from round to round
    rounds_more = 0   # for what changes much, behind the others' rounds

    def __init__(self, name, title, rules=()):
        self.name, self.title, self.rules = name, title, list(rules)

    def contestants(self, contest):
        names = ["rondel"]
        if self.peers and (self.is_in_quick or not contest.is_quick):
            names += [name for name in ("prosody", "ejabberd") if name in contest.names]
        if self.relay and "relay" in contest.names:
            names.append("relay")
        return [name for name in names if name in contest.names]

    def rounds(self, usual):
        """How many this row has."""
        return usual if usual == 1 else min(usual + self.rounds_more, self.rounds_max)

    def prepare(self, contest):
        """Before each of the row's rounds."""

    def measure(self, contest, server):
        """One run against a started server; returns a Sample."""
        raise NotImplementedError

    def run(self, contest, name):
        with contest.started(name, relay_mode=self.relay) as server:
            return self.measure(contest, server)

    def judge(self, figures):
        """`figures`: contestant -> Figure of this row."""
        return [judge_rule(rule, figures) for rule in self.rules]


def better_peer(figures):
    """(name, median) of the peer with the lower figure, or (None, None)."""
    found = [(figures[name].median, name) for name in ("prosody", "ejabberd")
             if name in figures and figures[name].median is not None]
    return (min(found)[1], min(found)[0]) if found else (None, None)


def judge_rule(rule, figures):
    mine = figures["rondel"].median if "rondel" in figures else None
    if rule.right == "peer":
        other = better_peer(figures)[1]
    else:
        other = figures[rule.right].median if rule.right in figures else None
    if mine is None or other is None:
        return Verdict(rule.text, None)
    return Verdict(rule.text, mine <= rule.factor * other, mine / other if other else None, rule.factor < 1)


def relay_rule(factor, what="the bare relay"):
    return Rule(f"at most {factor} × {what}", "relay", factor)


def peer_rule(times, what="less CPU"):
    return Rule(f"at least {times} × {what} than the better peer", "peer", 1 / times)


class Cost(Row):
    """CPU of the server for each unit of work of one run of the generator."""

    def load(self, contest, server):
        """The run; its result."""
        raise NotImplementedError

    @contextlib.contextmanager
    def started(self, contest, name):
        """The servers that run, and what loads them."""
        with contest.started(name, relay_mode=self.relay) as server:
            yield [server], [lambda: self.load(contest, server)]

    def measure(self, contest, server):
        result = self.load(contest, server)
        return Sample(result["work"]["server_cpu_us_each"],
                      {"rate": result["work"]["rate"], "generator_was_bottleneck": result["generator"]["was_bottleneck"],
                       "p99_us": (result["latency_us"] or {}).get("p99")}, problems_of(result), result)


class Chat(Cost):
    """CPU of the server for each delivered message, closed loop: every user has `window` messages under way."""

    relay = "pairs"

    def __init__(self, name, title, users, rules, tls=False, pipeline=1, window=1, only_ours=False):
        super().__init__(name, title, rules)
        self.users, self.tls, self.pipeline, self.window = users, tls, pipeline, window
        self.peers = not only_ours
        self.is_in_quick = name == "chat-100"
        if tls:
            self.relay = None

    def load(self, contest, server):
        users = contest.scaled(self.users)
        return contest.generator.run("chat", server, tls=self.tls, users=users, window=self.window,
                                       pipeline=self.pipeline, duration=contest.seconds(4), warm_up=contest.seconds(1),
                                       patience_s=180)


class Growth(Row):
    """The same chat among more and more sessions; the value is the growth from the fewest to the most."""

    unit = "×"
    rounds_more = 2
    peers = False
    relay = "pairs"
    SIZES = (100, 1_000, 10_000)

    def measure(self, contest, server):
        costs, problems = [], []
        for size in self.SIZES:
            users = contest.scaled(size)
            result = contest.generator.run("chat", server, users=users, window=1, duration=contest.seconds(4),
                                           warm_up=contest.seconds(1.5), login_parallel=64, patience_s=180)
            costs.append(result["work"]["server_cpu_us_each"])
            problems += problems_of(result)
        if None in costs or not costs[0]:
            return Sample(None, {}, problems + ["no CPU time was seen"])
        return Sample(costs[-1] / costs[0], {f"{size} sessions": cost for size, cost in zip(self.SIZES, costs)}, problems)

    def judge(self, figures):
        text = "grows by no larger a factor than the relay's own, plus a tenth"
        mine, relay = (figures[name].median if name in figures else None for name in ("rondel", "relay"))
        if mine is None or relay is None:
            return [Verdict(text, None)]
        return [Verdict(text, mine <= relay * 1.1, mine / relay)]


class Login(Cost):
    """CPU of the server from connect to a bound resource, and a clean end."""

    def __init__(self, name, title, rules, tls=False):
        super().__init__(name, title, rules)
        self.tls = tls

    def load(self, contest, server):
        return contest.generator.run("login", server, tls=self.tls, users=contest.scaled(500), window=16,
                                       duration=contest.seconds(4), warm_up=contest.seconds(1))


class TlsLogin(Login):
    """Also against OpenSSL alone on memory, without sockets, which is the limit of this row: `relay`."""

    relay = "handshakes"
    is_in_quick = True

    def run(self, contest, name):
        if name != "relay":
            return super().run(contest, name)
        found = contest.handshakes()
        return Sample(found["memory_cpu_us_each"], {"over_sockets_us": found["socket_cpu_us_each"]})


class Idle(Row):
    """User-space memory (private dirty pages) that each further idle session adds to the server.

    Two crowds on one process, and the difference between them: what is there once (caches, pools, receive buffers, threads)
    counts for nobody.
    """

    unit = "bytes"
    rounds_max = 1
    BYTES_MAX = 2048
    SIZES = {"rondel": (500, 5_500)}
    PEER_SIZES = (300, 1_500)

    def __init__(self, name, title, rules, tls=False):
        super().__init__(name, title, rules)
        self.tls = tls

    def measure(self, contest, server):
        sizes = [contest.scaled(size) for size in self.SIZES.get(server.name, self.PEER_SIZES)]
        memory, problems, result = [], [], None
        if not contest.is_quick:   # caches of accounts
            contest.generator.run("login", server, tls=self.tls, users=sizes[1], window=16, duration=3, warm_up=0,
                                  patience_s=240)
        for size in sizes:
            result = contest.generator.run("idle", server, tls=self.tls, users=size, duration=contest.seconds(2),
                                           warm_up=contest.seconds(1), login_parallel=32, patience_s=240)
            memory.append(result["server"]["memory_end"]["private_dirty"])
            problems += problems_of(result)
        each = (memory[1] - memory[0]) / (sizes[1] - sizes[0])
        return Sample(each, {"from_nothing": (result["memory_per_session"] or {}).get("private_dirty"),
                             "kernel_tcp_memory": (result["memory_per_session"] or {}).get("kernel_tcp_memory"),
                             "cpu_us_each_s": result["work"]["server_cpu_us_each"]}, problems, result)

    def judge(self, figures):
        mine = figures["rondel"].median if "rondel" in figures else None
        own = Verdict("at most 2 KiB", None if mine is None else mine <= self.BYTES_MAX,
                      None if mine is None else mine / self.BYTES_MAX)
        return [own] + super().judge(figures)


class Presence(Cost):
    """CPU of the server for each copy of a presence that one user broadcasts to 500 contacts."""

    relay = "broadcast"
    is_in_quick = True

    def load(self, contest, server):
        subscribers = contest.crowd.subscribers
        return contest.generator.run("presence", server, users=subscribers + 1, user_prefix="b",
                                       subscribers=subscribers, prepared=True, duration=contest.seconds(4),
                                       warm_up=contest.seconds(1), patience_s=180)


class Latency(Row):
    """p99 at half of the better peer's highest rate, open loop; the highest rate is a closed loop's.

    The generator never sleeps if it has a core of its own, since its own waking up would be in everybody's latency, nor does
    the server's core: that is a matter of the machine, and worst for who needs the core least. Whoever else takes a core for
    a millisecond moves a p99, whichever contestant it meets: hence more rounds, and messages that were due while a core
    stood still, or near that, are left out (rondel-load's README tells how). Beside the verdict stand the p99 of everything,
    what was left out, and how late the generator itself was.
    """

    unit = "ms, p99"
    rounds_more = 2
    TRIES = 3   # for the highest rate
    relay = "pairs"

    def __init__(self, name, title, rules):
        super().__init__(name, title, rules)
        self.rate = None

    def prepare(self, contest):
        if self.rate is not None:
            return   # one rate for all rounds
        if contest.is_quick:
            self.rate = 500
            return
        # The best of several: whoever else takes a core only lowers what is seen of a rate.
        rates = [self.highest_rate(contest, name) for name in ("prosody", "ejabberd") if name in contest.names
                 for unused in range(self.TRIES)]
        self.rate = max(rates, default=2000) / 2 or 1000
        self.title = f"{self.title} ({self.rate:.0f} messages a second)"

    def highest_rate(self, contest, name):
        """What a closed loop reaches; 0 if it fails, which the row itself will tell."""
        try:
            with contest.started(name) as server:
                result = contest.generator.run("chat", server, users=contest.scaled(100), window=4,
                                               duration=contest.seconds(4), warm_up=contest.seconds(1))
            return result["work"]["rate"]
        except (ServerError, LoadError):
            return 0

    def measure(self, contest, server):
        result = contest.generator.run("chat", server, users=contest.scaled(100), rate=f"{self.rate:.0f}",
                                       arrivals="poisson", spin=contest.machine.generator_cpus() is not None,
                                       keep_awake=",".join(map(str, contest.machine.server_cpus() or [])) or None,
                                       watch_cores=",".join(map(str, contest.machine.watched_cpus() or [])) or None,
                                       duration=contest.seconds(6), warm_up=contest.seconds(1.5))
        undisturbed = result["undisturbed"] or {"latency_us": result["latency_us"], "left_out_share": None}
        latency = undisturbed["latency_us"] or {}
        p99 = latency.get("p99")
        return Sample(None if p99 is None else p99 / 1000,
                      {"p50_us": latency.get("p50"), "p99_9_us": latency.get("p99_9"),
                       "all_p99_us": (result["latency_us"] or {}).get("p99"), "left_out": undisturbed["left_out_share"],
                       "generator_late_p99_us": (result["generator"]["late_us"] or {}).get("p99")},
                      problems_of(result), result)

    def judge(self, figures):
        told = "; ".join(f"{what}: {', '.join(values)}" for what, note, form in (
            ("left out near stalls of a core", "left_out", lambda value: f"{100 * value:.0f} %"),
            ("with these", "all_p99_us", lambda value: f"{value / 1000:.3f} ms"),
            ("of it how late the generator itself was", "generator_late_p99_us", lambda value: f"{value / 1000:.3f} ms"))
            if (values := [f"{name} {form(figure.note(note))}" for name, figure in figures.items()
                           if figure.note(note) is not None]))
        verdicts = super().judge(figures)
        for verdict in verdicts if told else []:
            verdict.text += f" ({told})"
        return verdicts


class Shards(Row):
    """Throughput of two shards against one, in a closed loop.

    With four cores or more: the shards on one or two, two generators on two others. With fewer, everything is doubled: a
    shard and a generator share one core, then two shards and two generators share two. What the machine can give is what two
    servers of a shard each reach side by side, which have nothing to do with each other: first with a generator of its
    own for each, then crossed, half of each one's clients on either core, as the users of two shards are.
    """

    unit = "messages/s"
    rounds_more = 2
    peers = False

    def contestants(self, contest):
        if "rondel" not in contest.names or len(contest.machine.cpus) < 2:
            return []
        return ["rondel", "rondel-2", "rondel-twice", "rondel-crossed"]

    @contextlib.contextmanager
    def started(self, contest, name):
        """The set-up `name`: its servers (one that has two generators stands there twice), and the loads."""
        cpus = contest.machine.cpus
        with contextlib.ExitStack() as stack:
            if name in ("rondel-twice", "rondel-crossed"):
                servers = [stack.enter_context(contest.started("rondel", crowd=crowd, cpus=[cpu]))
                           for crowd, cpu in (("usual", cpus[0]), ("second", cpus[1]))]
            else:
                shards = 2 if name == "rondel-2" else 1
                servers = [stack.enter_context(contest.started("rondel", shards=shards))] * 2
            # With few cores each generator shares one with its shard; one shard has one generator then.
            generators = [cpus[2], cpus[3]] if len(cpus) >= 4 else cpus[:1 if name == "rondel" else 2]
            loads = [(server, cpu, 1) for server, cpu in zip(servers, generators)]
            if name == "rondel-crossed":
                loads = [(server, cpu, 2) for server in servers for cpu in generators]
            yield servers, [functools.partial(self.load, contest, number, *load) for number, load in enumerate(loads)]

    def run(self, contest, name):
        with self.started(contest, name) as (servers, loads):
            with ThreadPoolExecutor() as pool:
                results = list(pool.map(lambda load: load(), loads))
        problems = [problem for result in results for problem in problems_of(result)]
        looked_at = len(results) / len(set(map(id, servers)))   # generators that look at the same server
        return Sample(sum(result["work"]["rate"] for result in results),
                      {"cpu_us_each": sum(result["server"]["cpu_s"] for result in results) / looked_at
                       / max(1, sum(result["work"]["count"] for result in results)) * 1e6}, problems, results[0])

    def load(self, contest, number, server, cpu, parts):
        users = contest.scaled(500) // parts
        return contest.generator_on([cpu]).run(
            "chat", server, users=users, first_user=number * users, window=4, duration=contest.seconds(5),
            warm_up=contest.seconds(2), patience_s=180)

    def judge(self, figures):
        text = "at least 1.8 × the throughput of one shard"
        medians = {name: figure.median for name, figure in figures.items()}
        one, two = medians.get("rondel"), medians.get("rondel-2")
        if not one or not two:
            return [Verdict(text, None)]
        words = {"rondel": "one shard", "rondel-2": "two", "rondel-twice": "two servers", "rondel-crossed": "crossed"}
        costs = ", ".join(f"{what} {number_of(figures[name].note('cpu_us_each'))} µs"
                          for name, what in words.items() if name in figures)
        ceilings = "".join(f"{what} reach {medians[name] / one:.2f} ×; " for name, what in (
            ("rondel-twice", "two servers that share nothing"),
            ("rondel-crossed", "with clients on both cores, as two shards have them, they")) if medians.get(name))
        return [Verdict(f"{text} ({ceilings}server CPU for each message: {costs})", two >= 1.8 * one, two / one)]


def number_of(value):
    return "–" if value is None else f"{value:.2f}"


class Start(Row):
    """From exec to accepting connections, with many accounts in storage."""

    unit = "s"
    peers = False

    def contestants(self, contest):
        return ["rondel"] if "rondel" in contest.names else []

    def run(self, contest, name):
        with contest.started("rondel", crowd="large") as server:
            return Sample(server.start_s)

    def judge(self, figures):
        mine = figures["rondel"].median if "rondel" in figures else None
        return [Verdict("ready in under a second", None if mine is None else mine < 1)]


def all_rows():
    """The table of the issue, in its order; latency stands after the chat that tells the rates."""
    chat = [relay_rule(1.5), peer_rule(10)]
    return [
        Chat("chat-100", "chat, plain, 100 users", 100, chat),
        Chat("chat-1000", "chat, plain, 1,000 users", 1_000, chat),
        Chat("chat-100-tls", "chat, TLS 1.3, 100 users", 100, [peer_rule(10)], tls=True),
        Chat("chat-1000-tls", "chat, TLS 1.3, 1,000 users", 1_000, [peer_rule(10)], tls=True),
        Chat("pipelined", "chat, plain, 100 users, 16 messages in a write", 100, [peer_rule(20)], pipeline=16, window=16),
        Login("login", "login, plain, SCRAM-SHA-256", [peer_rule(5)]),
        TlsLogin("login-tls", "login, TLS 1.3, SCRAM-SHA-256",
                 [peer_rule(5), relay_rule(2, "a bare OpenSSL handshake")], tls=True),
        Idle("idle", "idle, plain: memory a session", [peer_rule(10, "less memory")]),
        Idle("idle-tls", "idle, TLS 1.3: memory a session", [peer_rule(10, "less memory")], tls=True),
        Presence("presence", "presence to 500 contacts: a copy",
                 [relay_rule(1.3, "a bare send of the same bytes"), peer_rule(8)]),
        Latency("latency", "latency at half of the better peer's highest rate",
                [Rule("p99 at most a tenth of the better peer's", "peer", 0.1)]),
        Growth("growth", "cost of a message, 10,000 sessions against 100"),
        Shards("shards", "two shards against one"),
        Start("start", "start with 100,000 accounts"),
    ]
