"""Starts a server in a temporary folder on free loopback ports, and stops it and looks for what it left behind."""

import os
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

MODULES = ["layer-tls", "store-sqlite", "auth-internal", "roster", "presence", "offline", "disco", "ping",
           "version", "time", "last-activity", "account", "stanza-ids", "control"]
if "RONDEL_TEST_MODULES" in os.environ:   # for a server that is only partly built
    MODULES = os.environ["RONDEL_TEST_MODULES"].split()
SANITIZER = re.compile(rb"(ERROR: \w*Sanitizer|WARNING: ThreadSanitizer|runtime error:|LeakSanitizer)")
AUTH = re.compile(r"^\s*auth\s*=\s*\[(.*)\]", re.MULTILINE)
# Sanitizers slow the server down; everything that waits is multiplied.
PATIENCE = float(os.environ.get("RONDEL_TEST_PATIENCE", "1"))


class ServerError(Exception):
    """The server did not start, did not stop, or complained."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(folder, hosts):
    """A self-signed certificate for the hosts (SHA-256); returns the two paths."""
    name = hosts[0]
    certificate, key = os.path.join(folder, f"{name}.crt"), os.path.join(folder, f"{name}.key")
    names = ",".join(f"DNS:{host}" for host in hosts)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-sha256",
                    "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


def client_context(certificate=None, alpn=None, version=None):
    """A TLS context that trusts exactly `certificate`."""
    context = ssl.create_default_context(cafile=certificate)
    if alpn:
        context.set_alpn_protocols([alpn])
    if version:
        context.minimum_version = context.maximum_version = version
    return context


class Server:
    """One run of a server. Owner: who made it; use as a context manager.

    `interfaces` maps a name to the words of its `tls` option; the ports are in `ports` by the same name.
    """

    def __init__(self, hosts=("localhost",), interfaces=None, extra="", interface_extra="", host_extra="",
                 modules=None, threads=2, keep=False):
        self.hosts = list(hosts)
        self.interfaces = dict(interfaces or {"clients": "off"})
        self.extra, self.interface_extra, self.host_extra = extra, interface_extra, host_extra
        self.host_extra_of = {}   # by host: what only its entry has
        self.modules = modules or MODULES
        self.threads = threads
        self.keep = keep
        self.folder = tempfile.mkdtemp(prefix="rondel-test-")
        self.data = os.path.join(self.folder, "data")
        os.mkdir(self.data)
        self.process = None
        self.ports = {}
        self.certificates = {}
        self.log_path = os.path.join(self.folder, "server.log")
        self.log_level = "info"
        self.open_files_max = None   # as many as we may

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.abandon()
            raise
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            self.abandon()
            return
        try:
            self.stop()
        finally:
            self.remove()

    def uses_tls(self):
        return any(mode != "off" for mode in self.interfaces.values())

    def start(self):
        for host in self.hosts:
            if self.uses_tls() and host not in self.certificates:
                self.certificates[host] = make_certificate(self.folder, [host])
        last = None
        for _ in range(4):   # a free port can be taken by another program before the server binds it
            if not self.ports or last:
                self.ports = {name: free_port() for name in self.interfaces}
            self.write_config()
            try:
                self.launch()
                return
            except ServerError as error:
                last = error
                if "in use" not in str(error):
                    break
        raise last

    def launch(self):
        log = open(self.log_path, "ab")
        mark = log.tell()
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        cwd=self.folder, start_new_session=True, preexec_fn=self.bound_open_files)
        log.close()
        deadline = time.monotonic() + 20 * PATIENCE
        for port in self.ports.values():
            while True:
                if self.process.poll() is not None:
                    raise ServerError(f"the server ended with {self.process.returncode} at its start:\n"
                                      + self.log_text(mark))
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise ServerError("the server does not listen:\n" + self.log_text(mark)) from None
                    time.sleep(0.02)
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise ServerError("the server is not ready:\n" + self.log_text(mark))
            time.sleep(0.02)

    def bound_open_files(self):
        if self.open_files_max is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.open_files_max, self.open_files_max))

    def is_ready(self):
        """What must be there besides open ports."""
        return True

    def log_text(self, start=0, limit=6000):
        with open(self.log_path, "rb") as log:
            log.seek(start)
            text = log.read()
        return text[-limit:].decode("utf-8", "replace")

    def stop(self):
        """Ends the server with SIGTERM. Errors: ServerError for a bad exit code or a sanitizer's report."""
        if self.process is None:
            return
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(timeout=15 * PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ServerError("the server did not stop on SIGTERM:\n" + self.log_text()) from None
        self.judge(code)

    def judge(self, code):
        with open(self.log_path, "rb") as log:
            text = log.read()
        found = SANITIZER.search(text)
        if found:
            report = text[max(0, found.start() - 200):found.start() + 6000].decode("utf-8", "replace")
            raise ServerError("a sanitizer complains:\n" + report)
        if code != 0:
            raise ServerError(f"the server ended with {code}:\n" + self.log_text())

    def kill(self):
        """kill -9, and nothing is tidied."""
        process, self.process = self.process, None
        process.kill()
        process.wait()

    def abandon(self):
        """Ends without judging, after a failure that has been seen already."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(timeout=5 * PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        self.remove()

    def remove(self):
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def trusted(self, host, alpn=None, version=None):
        return client_context(self.certificates[host][0], alpn, version)


class Rondel(Server):
    """The server of this project."""

    name = "rondel"

    def __init__(self, *args, rondeld=None, rondelctl=None, modules_dir=None, **options):
        super().__init__(*args, **options)
        build = os.environ.get("RONDEL_BUILD_DIR", "")
        self.rondeld = rondeld or os.environ.get("RONDELD") or os.path.join(build, "bin", "rondeld")
        self.rondelctl = rondelctl or os.environ.get("RONDELCTL") or os.path.join(
            os.path.dirname(self.rondeld), "rondelctl")
        self.modules_dir = modules_dir or os.environ.get("RONDEL_MODULES_DIR") or os.path.join(
            os.path.dirname(os.path.dirname(self.rondeld)), "modules")
        self.config_path = os.path.join(self.folder, "rondel.toml")
        self.socket_path = os.path.join(self.folder, "control.sock")

    def command(self):
        return [self.rondeld, "--config", self.config_path]

    def is_ready(self):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self.socket_path)
                return True
            except OSError:
                return False

    def all_modules(self):
        """Those asked for, and those of the ways to authenticate that the interfaces name."""
        named = AUTH.search(self.interface_extra)
        modules = ["auth-" + way for way in re.findall(r'"([a-z-]+)"', named.group(1))] if named else []
        return self.modules + [module for module in modules if module not in self.modules]

    def write_config(self):
        def quoted(items):
            return "[" + ", ".join(f'"{item}"' for item in items) + "]"

        lines = ["[server]", f"threads = {self.threads}", f'data_dir = "{self.data}"',
                 f'control_socket = "{self.socket_path}"', "", "[log]", 'destination = "stderr"',
                 f'level = "{self.log_level}"', "",
                 "[modules]", f'directory = "{self.modules_dir}"', f"load = {quoted(self.all_modules())}", ""]
        for host in self.hosts:
            lines += ["[[host]]", f'name = "{host}"']
            if host in self.certificates:
                certificate, key = self.certificates[host]
                lines += [f'certificate = "{certificate}"', f'key = "{key}"']
            lines += [self.host_extra, self.host_extra_of.get(host, ""), ""]
        for name, mode in self.interfaces.items():
            lines += ["[[interface]]", f'name = "{name}"', 'kind = "c2s"',
                      f'listen = ["127.0.0.1:{self.ports[name]}"]', f'tls = "{mode}"',
                      f"hosts = {quoted(self.hosts)}"]
            if not AUTH.search(self.interface_extra):
                lines.append('auth = ["internal"]')
            if "connections_per_address_max" not in self.interface_extra:
                lines.append("connections_per_address_max = 100000")   # every test client has the same address
            if "receive_rate" not in self.interface_extra:
                lines.append("receive_rate = 0")   # a script says a lot at once
            lines += [self.interface_extra, ""]
        if "[module.auth-internal]" not in self.extra:
            mechanisms = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]
            lines += ["[module.auth-internal]", "iterations = 4096", f"mechanisms = {quoted(mechanisms)}", ""]
        lines.append(self.extra)
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def control(self, *words, stdin=None):
        """Runs rondelctl; returns its output. Errors: ServerError with what it said."""
        done = subprocess.run([self.rondelctl, "--socket", self.socket_path, *words], input=stdin,
                              capture_output=True, text=True, timeout=60 * PATIENCE, check=False)
        if done.returncode != 0:
            raise ServerError(f"rondelctl {' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def add_user(self, jid, password):
        self.control("user", "add", jid, "--password-stdin", stdin=password + "\n")

    def add_users(self, accounts):
        """Many at once; `accounts` holds pairs of bare JID and password."""
        path = os.path.join(self.folder, "accounts.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{jid} {password}\n" for jid, password in accounts)
        self.control("user", "import", path)


class Prosody(Server):
    """A server that we did not write: it shows that a script is right where both agree."""

    name = "prosody"

    def __init__(self, *args, prosody="prosody", **options):
        super().__init__(*args, **options)
        self.prosody = prosody
        self.config_path = os.path.join(self.folder, "prosody.cfg.lua")

    def command(self):
        return [self.prosody, "--config", self.config_path, "-F"]

    def write_config(self):
        modes = {mode: self.ports[name] for name, mode in self.interfaces.items()}
        open_mode = next((m for m in modes if m != "direct"), None)
        lines = ["run_as_root = true", "daemonize = false", f'data_path = "{self.data}"', 'log = { info = "*console" }',
                 'network_backend = "epoll"', 'admins = { }', 'storage = "internal"',
                 'authentication = "internal_hashed"', 's2s_ports = { }', 'c2s_interfaces = { "127.0.0.1" }',
                 'c2s_direct_tls_interfaces = { "127.0.0.1" }', 'default_iteration_count = 4096',
                 'modules_enabled = { "roster", "saslauth", "tls", "disco", "ping", "version", "time", "uptime", '
                 '"lastactivity", "register", "offline", "server_contact_info", "c2s", "posix" }',
                 'modules_disabled = { "s2s" }', "allow_registration = false",
                 'contact_info = { abuse = { "mailto:abuse@localhost" }, admin = { "xmpp:admin@localhost" } }',
                 f"c2s_ports = {{ {modes[open_mode] if open_mode else ''} }}",
                 f"c2s_direct_tls_ports = {{ {modes.get('direct', '')} }}",
                 f"c2s_require_encryption = {'true' if open_mode == 'required' else 'false'}"]
        if "SCRAM" in self.extra or open_mode == "off":
            lines.append('disable_sasl_mechanisms = { "DIGEST-MD5" }')
        for ours, theirs, factor in (("stanza_bytes_max", "c2s_stanza_size_limit", 1024),
                                     ("authentication_deadline", "c2s_timeout", 1)):
            found = re.search(rf'{ours} = "(\d+)(?:KiB|s)"', self.interface_extra)
            if found:
                lines.append(f"{theirs} = {int(found.group(1)) * factor}")
        for host in self.hosts:
            lines.append(f'VirtualHost "{host}"')
            if host in self.certificates:
                certificate, key = self.certificates[host]
                lines.append(f'ssl = {{ certificate = "{certificate}", key = "{key}" }}')
        if self.certificates:
            certificate, key = self.certificates[self.hosts[0]]
            lines.insert(0, f'ssl = {{ certificate = "{certificate}", key = "{key}" }}')
            lines.insert(0, f'c2s_direct_tls_ssl = {{ certificate = "{certificate}", key = "{key}" }}')
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def add_user(self, jid, password):
        self.add_users([(jid, password)])

    def add_users(self, accounts):
        def coded(text):
            return re.sub(r"[^A-Za-z0-9]", lambda m: "".join(f"%{b:02x}" for b in m.group(0).encode()), text)

        for jid, password in accounts:
            user, host = jid.split("@")
            folder = os.path.join(self.data, coded(host), "accounts")
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, coded(user) + ".dat"), "w", encoding="utf-8") as file:
                file.write(f'return {{ ["password"] = "{password}"; }};\n')

    def judge(self, code):
        """Its exit codes and words are its own affair."""
