"""One comparison: who takes part, on which cores, and the rounds in which everybody has a turn."""

import contextlib
import os
import shutil
import sys
import tempfile
import time

from . import accounts, load, servers
from .rows import Figure, Sample

LARGE = 100_000


class Machine:
    """The cores: the first for the server, the others for the generator."""

    def __init__(self):
        self.cpus = sorted(os.sched_getaffinity(0))

    def server_cpus(self, shards=1):
        return self.cpus[:shards] if len(self.cpus) > 1 else None

    def generator_cpus(self):
        """A core of its own, if there is one."""
        return self.cpus[1:2] or None

    def watched_cpus(self):
        """Those of server and generator, if threads here may have the real-time priority that watching them needs."""
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        except PermissionError:
            return None
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        return self.cpus[:2]

    def description(self):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "CPU")
        return f"{len(self.cpus)} cores of {model}, Linux {os.uname().release}"


class Contest:
    """Owner of folders and processes; use as a context manager, which ends them all."""

    def __init__(self, build, names, is_quick, say=lambda text: print(text, file=sys.stderr, flush=True)):
        self.build, self.is_quick, self.say = build, is_quick, say
        self.longer_s = 0   # that each run takes, for who looks at it meanwhile
        self.machine = Machine()
        self.folder = tempfile.mkdtemp(prefix="compare-")
        self.certificate, self.key = servers.make_certificate(self.folder)
        self.generator = self.generator_on(self.machine.generator_cpus())
        self.crowd = accounts.Crowd(self.scaled(10_000), 20 if is_quick else 500)
        self.prepared = {}   # (name, crowd) -> server that has its accounts and does not run
        self.names, self.versions, self.absent = [], {}, {}
        self.wanted = names

    def __enter__(self):
        try:
            for name in self.wanted:
                self.enter(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        for server in self.prepared.values():
            server.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Sizes: the quick form looks for mistakes, not for time.
    def scaled(self, users):
        return max(10, users // 50) if self.is_quick else users

    def seconds(self, seconds):
        return min(seconds, 1) if self.is_quick else seconds + self.longer_s

    def make(self, name):
        if name == "prosody":
            return servers.Prosody(self.certificate, self.key)
        if name == "ejabberd":
            return servers.Ejabberd(self.certificate, self.key)
        if name == "relay":
            return servers.Relay(self.certificate, self.key, self.build)
        return servers.Rondel(self.certificate, self.key, self.build)

    def enter(self, name):
        """A contestant that can't start is reported, and the rest goes on."""
        try:
            server = self.make(name)
            self.prepared[name, "usual"] = server
            self.versions[name] = server.version()
            server.prepare(self.crowd)
            server.start(self.machine.server_cpus())
            server.stop()
            self.names.append(name)
        except (servers.ServerError, OSError) as error:
            self.absent[name] = str(error)
            self.say(f"{name} does not take part: {error}")

    def generator_on(self, cpus):
        return load.Generator(self.build, cpus, os.path.join(self.folder, "scram-keys"))

    def handshakes(self):
        cpus = self.machine.cpus
        return load.handshakes(self.build, self.certificate, self.key, cpus[0], cpus[-1],
                               100 if self.is_quick else 3000)

    @contextlib.contextmanager
    def started(self, name, relay_mode=None, shards=1, crowd="usual", cpus=None):
        """A fresh process with the accounts that it has. `crowd`: "usual", "large", or the usual of a second server."""
        if (name, crowd) not in self.prepared:   # only Rondel has another crowd
            self.prepared[name, crowd] = server = self.make(name)
            server.prepare(accounts.Crowd(self.scaled(LARGE), 0) if crowd == "large" else self.crowd)
        server = self.prepared[name, crowd]
        if name == "relay":
            server.mode = relay_mode
        elif name == "rondel":
            server.threads = shards
        server.start(cpus or self.machine.server_cpus(shards))
        try:
            yield server
        finally:
            server.stop()

    def run_row(self, row, name):
        """One turn of one contestant; never raises for what a contestant does."""
        begin = time.monotonic()
        try:
            sample = row.run(self, name)
        except (servers.ServerError, load.LoadError, KeyError, TypeError, OSError) as error:
            sample = Sample(None, problems=[f"{type(error).__name__}: {error}"])
        shown = "-" if sample.value is None else f"{sample.value:.4g} {row.unit}"
        self.say(f"  {name}: {shown} ({time.monotonic() - begin:.0f} s)"
                 + "".join(f"\n    ! {problem[:500]}" for problem in sample.problems))
        return sample

    def run(self, rows, rounds):
        """row name -> contestant -> Figure. Rounds are outermost, and who begins changes, so that noise hits all."""
        samples = {row.name: {name: [] for name in row.contestants(self)} for row in rows}
        for turn in range(max((row.rounds(rounds) for row in rows), default=0)):
            for row in rows:
                if turn >= row.rounds(rounds):
                    continue
                row.prepare(self)
                names = row.contestants(self)
                self.say(f"round {turn + 1} of {row.rounds(rounds)}: {row.title}")
                for name in names[turn % len(names):] + names[:turn % len(names)] if names else []:
                    samples[row.name][name].append(self.run_row(row, name))
        return {row: {name: Figure(found) for name, found in of_row.items()} for row, of_row in samples.items()}
