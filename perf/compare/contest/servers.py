"""The contestants: each starts as a throw-away instance in a temporary folder, on free loopback ports, pinned to a core."""

import ctypes
import json
import os
import resource
import shutil
import signal
import socket
import string
import subprocess
import tempfile
import time

from . import accounts

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(os.path.dirname(HERE), "peers")
START_MAX_S = 60
STOP_MAX_S = 20
FILES_WANTED = 200_000


class ServerError(Exception):
    """A contestant can't take part; the text says why."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(folder):
    """One for all: self-signed, ECDSA on P-256, which is what certificate authorities hand out today."""
    certificate, key = os.path.join(folder, "server.crt"), os.path.join(folder, "server.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-sha256",
                    "-nodes", "-days", "2", "-subj", f"/CN={accounts.DOMAIN}",
                    "-addext", f"subjectAltName=DNS:{accounts.DOMAIN}", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    return certificate, key


def raise_file_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for limit in (FILES_WANTED, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, max(limit, hard)))
            return
        except (ValueError, PermissionError):
            continue   # only root may raise the hard limit


LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def become_server():
    """In the child: many files, and an end when the comparison itself is killed."""
    raise_file_limit()
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    """A contestant. Owner: who made it; `close()` ends the process and removes the folder, whatever happened before."""

    name = ""
    title = ""
    mechanism = "SCRAM-SHA-256"
    has_tls = True

    def __init__(self, certificate, key):
        self.folder = tempfile.mkdtemp(prefix=f"compare-{self.name}-")
        self.data = os.path.join(self.folder, "data")
        os.mkdir(self.data)
        self.certificate, self.key = certificate, key
        self.process = None
        self.plain_port = self.tls_port = 0
        self.log_path = os.path.join(self.folder, "output.log")
        self.start_s = 0.0

    # What differs.
    def version(self):
        """Of the program. Errors: ServerError if it isn't installed."""
        raise NotImplementedError

    def write_config(self):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def prepare(self, crowd):
        """Makes the accounts; once, before start()."""

    def is_ready(self):
        """What must be there besides open ports."""
        return True

    # What is the same.
    def template(self, name, target, **values):
        with open(os.path.join(PEERS, name), encoding="utf-8") as file:
            text = string.Template(file.read())
        values = {"folder": self.folder, "data": self.data, "domain": accounts.DOMAIN, "certificate": self.certificate,
                  "key": self.key, "iterations": accounts.ITERATIONS, "plain_port": self.plain_port,
                  "tls_port": self.tls_port, **values}
        with open(target, "w", encoding="utf-8") as file:
            file.write(text.substitute(values))

    def start(self, cpus=None):
        """Starts on free ports, bound to the cores `cpus` if given. Errors: ServerError."""
        for attempt in range(3):
            self.plain_port, self.tls_port = free_port(), free_port()
            self.write_config()
            try:
                self.launch(cpus)
                return
            except ServerError:
                self.stop()
                if attempt == 2:
                    raise

    def launch(self, cpus):
        begin = time.monotonic()
        pinned = ["taskset", "-c", ",".join(str(cpu) for cpu in cpus)] if cpus else []
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(pinned + self.command(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, cwd=self.folder, start_new_session=True,
                                            env={**os.environ, **self.environment()}, preexec_fn=become_server)
        deadline = begin + START_MAX_S
        for port in [self.plain_port] + ([self.tls_port] if self.has_tls else []):
            while not self.listens(port):
                self.check_alive(deadline)
                time.sleep(0.005)
        while not self.is_ready():
            self.check_alive(deadline)
            time.sleep(0.02)
        self.start_s = time.monotonic() - begin

    def listens(self, port):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            return False

    def check_alive(self, deadline):
        if self.process.poll() is not None:
            raise ServerError(f"{self.name} ended with {self.process.returncode} at its start: {self.log_text()}")
        if time.monotonic() > deadline:
            raise ServerError(f"{self.name} isn't ready after {START_MAX_S} s: {self.log_text()}")

    def log_text(self):
        with open(self.log_path, "rb") as log:
            return log.read()[-2000:].decode("utf-8", "replace").strip()

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        """Ends the process and everything that it started."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=STOP_MAX_S)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(process.pid, signal.SIGKILL)   # its session is its own
        except ProcessLookupError:
            pass
        process.wait()

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Rondel(Server):
    name, title = "rondel", "Rondel"

    def __init__(self, certificate, key, build, threads=1):
        super().__init__(certificate, key)
        self.build = build
        self.threads = threads

    def version(self):
        path = os.path.join(self.build, "bin", "rondeld")
        if not os.path.exists(path):
            raise ServerError(f"{path} isn't built")
        return subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout.strip()

    def write_config(self):
        self.template("rondel.toml", os.path.join(self.folder, "rondel.toml"), threads=self.threads,
                      modules=os.path.join(os.path.abspath(self.build), "modules"))

    def command(self):
        return [os.path.abspath(os.path.join(self.build, "bin", "rondeld")), "--config",
                os.path.join(self.folder, "rondel.toml")]

    def prepare(self, crowd):
        self.start()
        done = subprocess.run([os.path.join(self.build, "bin", "rondelctl"), "--socket",
                               os.path.join(self.folder, "control.sock"), "user", "add", f"u0@{accounts.DOMAIN}",
                               "--password-stdin"], input=accounts.PASSWORD + "\n", capture_output=True, text=True,
                              check=False)
        self.stop()
        if done.returncode != 0:
            raise ServerError(f"rondelctl: {done.stdout}{done.stderr}")
        accounts.fill_rondel(os.path.join(self.data, "rondel.db"), crowd)

    def is_ready(self):
        return os.path.exists(os.path.join(self.folder, "control.sock"))


class Prosody(Server):
    name, title = "prosody", "Prosody"

    def version(self):
        if shutil.which("prosody") is None:
            raise ServerError("prosody isn't installed: apt-get install prosody")
        done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "prosody"], capture_output=True, text=True,
                              check=False)
        return done.stdout.strip()

    def write_config(self):
        self.template("prosody.cfg.lua", os.path.join(self.folder, "prosody.cfg.lua"))

    def command(self):
        return ["prosody", "--config", os.path.join(self.folder, "prosody.cfg.lua"), "-F"]

    def prepare(self, crowd):
        accounts.fill_prosody(self.data, crowd)


class Ejabberd(Server):
    """Started by erl itself: ejabberdctl would change to the user and the folders of the package, and need epmd."""

    name, title = "ejabberd", "ejabberd"
    LIBRARIES = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib")

    def version(self):
        if shutil.which("ejabberdctl") is None or shutil.which("erl") is None:
            raise ServerError("ejabberd isn't installed: apt-get install ejabberd")
        done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "ejabberd"], capture_output=True, text=True,
                              check=False)
        return done.stdout.strip()

    def write_config(self):
        pem = os.path.join(self.folder, "server.pem")
        with open(pem, "w", encoding="utf-8") as target:
            for path in (self.certificate, self.key):
                with open(path, encoding="utf-8") as source:
                    target.write(source.read())
        self.template("ejabberd.yml", os.path.join(self.folder, "ejabberd.yml"), pem=pem)

    def environment(self):
        return {"EJABBERD_CONFIG_PATH": os.path.join(self.folder, "ejabberd.yml"),
                "EJABBERD_LOG_PATH": os.path.join(self.folder, "ejabberd.log"),
                "ERL_CRASH_DUMP": os.path.join(self.folder, "crash.dump"), "HOME": self.folder,
                "ERL_LIBS": ":".join(path for path in self.LIBRARIES if os.path.isdir(path))}

    def command(self):
        # +sbwt: schedulers that wait must not spin, or their spinning would be taken for work. +S 1 for the one core that
        # it gets, +P and +Q as ejabberdctl has them (more ports). Without a node name there is no epmd to leave behind.
        terms, ready = os.path.join(self.folder, "accounts.term"), os.path.join(self.folder, "ready")
        fill = (f'case file:consult("{terms}") of {{ok, Terms}} -> lists:foreach(fun mnesia:dirty_write/1, Terms), '
                f'mnesia:sync_log(), file:delete("{terms}"); _ -> ok end, file:write_file("{ready}", "").')
        if os.path.exists(ready):
            os.unlink(ready)
        return ["erl", "+K", "true", "+P", "250000", "+Q", "131072", "+S", "1:1", "+SDcpu", "1:1",
                "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none", "-noinput",
                "-mnesia", "dir", f'"{self.data}"', "-s", "ejabberd", "-eval", fill]

    def prepare(self, crowd):
        accounts.write_ejabberd_terms(os.path.join(self.folder, "accounts.term"), crowd)

    def is_ready(self):
        return os.path.exists(os.path.join(self.folder, "ready"))


class Relay(Server):
    """No server: the limit. Takes any password by PLAIN, and speaks no TLS."""

    name, title = "relay", "bare relay"
    mechanism = "PLAIN"
    has_tls = False

    def __init__(self, certificate, key, build, mode="pairs"):
        super().__init__(certificate, key)
        self.program = os.path.abspath(os.path.join(build, "bin", "rondel-relay"))
        self.mode = mode

    def version(self):
        if not os.path.exists(self.program):
            raise ServerError(f"{self.program} isn't built")
        return "-"

    def write_config(self):
        pass

    def command(self):
        return [self.program, "--listen", f"127.0.0.1:{self.plain_port}", "--mode", self.mode]

    def counters(self):
        """What it printed at its end."""
        lines = self.log_text().splitlines()
        return json.loads(lines[-1]) if lines else {}
