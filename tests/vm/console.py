"""Runs a guest and reads its console: hides the boot, passes on what the command prints, finds its exit code."""

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time

from guest import Unusable

PR_SET_CHILD_SUBREAPER = 36
TIMED_OUT = 124
BOOT_TEXT_MAX = 64 * 1024
# Ends when its standard input does, which is when this program has ended without tidying up.
WATCH = 'read -r _; kill -s KILL -- "-$1"; rm -rf -- "$2"'


class GuestDied(Exception):
    """The guest ended, or was ended, after it had begun the command."""


def become_subreaper():
    """Makes orphaned grandchildren this process's children, for not every system has an init that reaps them."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap(limit):
    """Takes the exit codes of all children that end within `limit` seconds."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.01)
        except ChildProcessError:
            return


class Console:
    """One run of a guest. Owner: who made it; `run()` leaves no process behind."""

    def __init__(self, job, command, environment, boot_limit, log):
        self.job, self.command, self.environment = job, command, environment
        self.boot_limit, self.log = boot_limit, log
        self.boot_text = b""
        self.begun = self.booted = None
        self.code = None

    def run(self):
        """The exit code of the job's command, TIMED_OUT if it took too long.

        Errors: Unusable if the guest never got as far as the command; GuestDied if it ended without an exit code.
        """
        self.begun = time.monotonic()
        become_subreaper()
        # A process group of its own: User-Mode Linux has a host process for each address space of the guest.
        process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, env=self.environment, cwd=self.job.scratch,
                                   start_new_session=True)
        watch = subprocess.Popen(["/bin/sh", "-c", WATCH, "sh", str(process.pid), self.job.scratch],
                                 stdin=subprocess.PIPE, start_new_session=True)
        try:
            has_ended = self.read(process.stdout)
        finally:
            watch.kill()
            watch.communicate()
            self.end(process)
        if self.code is not None:
            return self.code
        if self.booted is None:
            how = "ended" if has_ended else f"was not up after {self.boot_limit:.0f} s"
            raise Unusable(f"the guest {how}; it said last: {self.last_words()}")
        if has_ended:
            raise GuestDied("the guest ended without an exit code of the command")
        return TIMED_OUT

    def read(self, pipe):
        """Reads until the exit code, the end (then true) or a limit."""
        os.set_blocking(pipe.fileno(), False)
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while self.code is None:
                wait = self.deadline() - time.monotonic()
                if wait <= 0 or not selector.select(wait):
                    return False
                chunk = pipe.read(65536)
                if not chunk:
                    self.take(rest)
                    return True
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self.take(line + b"\n")
        return False

    def deadline(self):
        if self.booted is None:
            return self.begun + self.boot_limit
        return self.booted + self.job.limit

    def take(self, line):
        line = line.replace(b"\r", b"")
        text = line.decode("utf-8", "replace").rstrip("\n")
        if self.booted is None:
            self.boot_text = (self.boot_text + line)[-BOOT_TEXT_MAX:]
            if text == self.job.up_line:
                self.booted = time.monotonic()
                self.log(f"booted in {self.booted - self.begun:.1f} s")
            elif text == self.job.no_tls_line:
                raise Unusable(f"its kernel has no TLS; it said last: {self.last_words()}")
        elif text.startswith(self.job.exit_prefix):
            self.code = int(text[len(self.job.exit_prefix):])
        elif self.code is None:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()

    def last_words(self):
        lines = [line for line in self.boot_text.decode("utf-8", "replace").splitlines() if line.strip()]
        return " | ".join(lines[-4:]) or "nothing"

    def end(self, process):
        """Kills the whole group; a guest has nothing worth an orderly end."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.stdout.close()
        process.wait(timeout=20)
        reap(limit=5)
