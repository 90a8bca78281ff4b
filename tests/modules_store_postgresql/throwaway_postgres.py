"""A PostgreSQL server in a temporary folder, on a Unix socket and a free loopback port, as an unprivileged user."""

import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

from runner.server import free_port


class Postgres:
    """Use as a context manager. `folder` holds its socket; `user` may do everything, without a password."""

    user = "rondel"

    def __init__(self):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin")) or [os.path.dirname(shutil.which("postgres") or "")]
        self.bin = found[-1]
        self.folder = tempfile.mkdtemp(prefix="rondel-pg-")
        self.data = os.path.join(self.folder, "data")
        self.port = free_port()
        self.process = None
        self.identity = {}
        if os.geteuid() == 0:   # it refuses to run as root
            try:
                account = pwd.getpwnam("postgres")
            except KeyError:
                account = pwd.getpwnam("nobody")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self.identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def __enter__(self):
        subprocess.run([os.path.join(self.bin, "initdb"), "-D", self.data, "-U", self.user, "-A", "trust", "-E", "UTF8",
                        "--locale=C"], check=True, capture_output=True, cwd=self.folder, **self.identity)
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, *settings):
        words = [os.path.join(self.bin, "postgres"), "-D", self.data, "-k", self.folder, "-p", str(self.port),
                 "-c", "listen_addresses=127.0.0.1"]
        for setting in settings:
            words += ["-c", setting]
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                                            **self.identity)
        deadline = time.monotonic() + 60
        while subprocess.run([os.path.join(self.bin, "pg_isready"), "-q", "-h", self.folder, "-p", str(self.port)],
                             check=False).returncode != 0:
            assert time.monotonic() < deadline, f"PostgreSQL does not come up: see {self.folder}/log"
            time.sleep(0.05)

    def stop(self):
        """At once, as a restart of the service does: its sessions end."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=60)
            self.process = None

    def ask(self, sql):
        done = subprocess.run([os.path.join(self.bin, "psql"), "-h", self.folder, "-p", str(self.port), "-U", self.user,
                               "-d", "postgres", "-AtX", "-c", sql], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def options(self):
        """The section of rondeld's configuration."""
        return "\n".join(["[module.store-postgresql]", f'host = "{self.folder}"', f'port = "{self.port}"',
                          f'user = "{self.user}"', 'database = "postgres"', ""])
