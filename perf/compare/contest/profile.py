"""Where the time of a message goes in a run of a row, by `perf` and by the counters of the rings."""

import collections
import json
import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

FREQUENCY_HZ = 1999
FRAME = re.compile(r"\s+[0-9a-f]+ (.*) \(([^()]*(?:\([^()]*\))?)\)$")
HEAD = re.compile(r"(.*?)\s+(\d+)/\d+\s*$")

# What a sample in the kernel belongs to; the first that stands anywhere in its chain of callers counts.
KERNEL_PARTS = (
    ("waking others", ("sock_def_readable", "eventfd_write", "wake_up_q")),
    ("send", ("io_send", "io_sendmsg", "tcp_sendmsg")),
    ("receive", ("io_recv", "io_recvmsg", "tcp_recvmsg")),
    ("waiting, changing places", ("io_cqring_wait", "schedule", "__schedule")),
)
ALLOCATOR = re.compile(r"^(_?_?(int_)?(malloc|free|memalign|realloc)|cfree|aligned_alloc|unlink_chunk|operator (new|delete))")
MAILBOX = re.compile(r"(drain_mailboxes|Shard::try_send|wake_receivers|wake_if_sleeping|SpscQueue|RouteStanza)")
PARTS = ("own code", "mailbox", "allocator", "send", "receive", "waking others", "waiting, changing places", "kernel, other")


class ProfileError(Exception):
    """There is no profile; the text says why."""


def record(path, seconds):
    command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(FREQUENCY_HZ), "-a", "-g", "-o", path, "--", "sleep",
               str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ProfileError(f"perf record: {(done.stderr or done.stdout).strip()[-300:]}")


def samples(path):
    """(name of the process, its id, frames from the innermost on: symbol, file), one for each sample."""
    done = subprocess.run(["perf", "script", "-i", path, "-F", "comm,pid,tid,ip,sym,dso", "--no-inline"], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise ProfileError(f"perf script: {done.stderr.strip()[-300:]}")
    found = []
    for line in done.stdout.splitlines():
        frame = FRAME.match(line)
        if frame and found:
            found[-1][2].append((frame.group(1), frame.group(2)))
            continue
        head = HEAD.match(line)
        if head:
            found.append((head.group(1).strip(), int(head.group(2)), []))
    return found


def part_of(frames):
    if not frames:
        return "kernel, other"
    symbol, file = frames[0]
    if not file.startswith("[") or file.startswith("[vdso"):
        if ALLOCATOR.match(symbol):
            return "allocator"
        return "mailbox" if MAILBOX.search(symbol) else "own code"
    names = {name for name, _ in frames}
    for part, marks in KERNEL_PARTS:
        if names.intersection(marks):
            return part
    return "kernel, other"


class Counters:
    """Of all shards of all servers, from `rondelctl status`; nothing of others than Rondel."""

    NAMES = ("stanzas_received", "stanzas_sent", "loop_turns", "operations", "completions", "wakes", "gathers")

    def __init__(self, build, servers):
        self.sums = collections.Counter()
        for server in {id(server): server for server in servers if server.name == "rondel"}.values():
            done = subprocess.run([os.path.join(build, "bin", "rondelctl"), "--socket",
                                   os.path.join(server.folder, "control.sock"), "--json", "status"], capture_output=True,
                                  text=True, check=False)
            if done.returncode != 0:
                raise ProfileError(f"rondelctl: {(done.stderr or done.stdout).strip()[-300:]}")
            for shard in json.loads(done.stdout)["shards"]:
                self.sums.update({name: shard[name] for name in self.NAMES})

    def since(self, before):
        return {name: self.sums[name] - before.sums[name] for name in self.NAMES}


class Profile:
    """One contestant, or one set-up of it. `us`: (who, part) -> microseconds of a message; `ratios`: messages in a send and the
    like."""

    def __init__(self, row, contest, name, seconds):
        path = os.path.join(contest.folder, f"{name}.perf")
        with row.started(contest, name) as (servers, loads), ThreadPoolExecutor() as pool:
            pids = {server.pid for server in servers}
            running = [pool.submit(load) for load in loads]
            time.sleep(3)   # logins and warm-up
            before = Counters(contest.build, servers)
            record(path, seconds)
            counted = Counters(contest.build, servers).since(before)
            results = [each.result() for each in running]
        self.problems = [problem["what"] for result in results for problem in result["problems"]]
        self.rate = sum(result["work"]["rate"] for result in results)
        messages = sum(result["work"]["count"] for result in results)
        found = samples(path)
        if not found:
            raise ProfileError("perf gave no samples")
        us_each = 1e6 / FREQUENCY_HZ / seconds / self.rate
        self.us = collections.Counter()
        self.elsewhere = collections.Counter()   # share of all cores
        whole = FREQUENCY_HZ * seconds * len(contest.machine.cpus)
        for process, pid, frames in found:
            who = "server" if pid in pids else "generator" if process == "rondel-load" else None
            if who:
                self.us[who, part_of(frames)] += us_each
            elif process != "swapper":
                self.elsewhere[process] += 1 / whole
        rings = collections.Counter()
        for result in results:
            rings.update(result["generator"]["ring"])
        self.ratios = {
            "server: messages in a send": ratio(counted["stanzas_sent"], counted["operations"]),
            "server: messages in a receive": ratio(counted["stanzas_received"],
                                                   counted["completions"] - counted["operations"]),
            "server: messages in a turn of a shard": ratio(counted["stanzas_received"], counted["loop_turns"]),
            "server: wake-ups between shards for 1,000 messages": ratio(1000 * counted["wakes"], counted["stanzas_received"]),
            "generator: messages in a send": ratio(messages, rings["operations"]),
            "generator: messages in a receive": ratio(messages, rings["completions"] - rings["operations"]),
            "generator: messages in a turn": ratio(messages, rings["turns"]),
        }

    def of(self, who):
        return sum(value for (owner, _), value in self.us.items() if owner == who)


def ratio(count, of):
    return count / of if of > 0 else None


def table(profiles):
    """Markdown: title -> Profile."""
    lines = ["| µs of each | " + " | ".join(profiles) + " |", "|---" * (len(profiles) + 1) + "|"]

    def row(title, values, digits):
        shown = " | ".join("–" if value is None else f"{value:,.{digits}f}" for value in values)
        lines.append(f"| {title} | {shown} |")

    for who in ("server", "generator"):
        row(f"**{who}**", [profile.of(who) for profile in profiles.values()], 2)
        for part in PARTS:
            values = [profile.us[who, part] for profile in profiles.values()]
            if max(values) >= 0.005:
                row(f"{who}: {part}", values, 2)
    row("**both**", [profile.of("server") + profile.of("generator") for profile in profiles.values()], 2)
    row("messages/s", [profile.rate for profile in profiles.values()], 0)
    for title in next(iter(profiles.values())).ratios:
        row(title, [profile.ratios[title] for profile in profiles.values()], 1)
    row("other processes, % of the machine", [100 * sum(profile.elsewhere.values()) for profile in profiles.values()], 1)
    return "\n".join(lines) + "\n"
