"""A throw-away MIT KDC on loopback."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time

REALM = "EXAMPLE.ORG"
SKEW_S = 5
PATIENCE = float(os.environ.get("RONDEL_TEST_PATIENCE", "1"))


def program(name):
    for folder in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/usr/bin"]:
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    return None


def is_installed():
    return all(program(name) for name in ("krb5kdc", "kdb5_util", "kadmin.local", "kinit"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Kdc:
    """One realm with its principals. Owner: who made it; use as a context manager. `environment` is for clients."""

    def __init__(self, realm=REALM):
        self.realm = realm
        self.folder = tempfile.mkdtemp(prefix="rondel-kdc-")
        self.port = free_port()
        self.process = None
        self.environment = {**os.environ, "KRB5_CONFIG": self.path("krb5.conf")}

    def path(self, name):
        return os.path.join(self.folder, name)

    def __enter__(self):
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def prepare(self):
        with open(self.path("krb5.conf"), "w", encoding="utf-8") as file:
            file.write(f"""[libdefaults]
default_realm = {self.realm}
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 1
clockskew = {SKEW_S}
kdc_timesync = 0
[realms]
{self.realm} = {{
  kdc = 127.0.0.1:{self.port}
}}
[domain_realm]
localhost = {self.realm}
""")
        with open(self.path("kdc.conf"), "w", encoding="utf-8") as file:
            file.write(f"""[kdcdefaults]
kdc_listen = 127.0.0.1:{self.port}
kdc_tcp_listen = 127.0.0.1:{self.port}
[realms]
{self.realm} = {{
  database_name = {self.path('principal')}
  key_stash_file = {self.path('stash')}
  acl_file = {self.path('kadm5.acl')}
  supported_enctypes = aes256-cts-hmac-sha1-96:normal
}}
[logging]
kdc = FILE:{self.path('kdc.log')}
""")
        self.run("kdb5_util", "create", "-s", "-r", self.realm, "-P", "of-the-master")

    def run(self, name, *words, text=None, environment=None):
        """Errors: RuntimeError with what the program said."""
        done = subprocess.run([program(name), *words], input=text, capture_output=True, text=True, check=False,
                              timeout=30 * PATIENCE, env={**(environment or self.environment),
                                                          "KRB5_KDC_PROFILE": self.path("kdc.conf")})
        if done.returncode != 0:
            raise RuntimeError(f"{name} {' '.join(words)}: {done.stdout}{done.stderr}")

    def start(self):
        self.process = subprocess.Popen([program("krb5kdc"), "-n", "-r", self.realm], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**self.environment, "KRB5_KDC_PROFILE": self.path("kdc.conf")})
        deadline = time.monotonic() + 20 * PATIENCE
        while True:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("krb5kdc did not start")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            time.sleep(0.02)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10 * PATIENCE)
            self.process = None

    def add(self, *principals, password="secret"):
        for principal in principals:
            self.run("kadmin.local", "-r", self.realm, "-q", f'addprinc -pw "{password}" {principal}')

    def keytab(self, name, *principals):
        """The keys of new services, in a new file; returns its path."""
        path = self.path(name)
        for principal in principals:
            self.run("kadmin.local", "-r", self.realm, "-q", f"addprinc -randkey {principal}")
            self.run("kadmin.local", "-r", self.realm, "-q", f"ktadd -k {path} {principal}")
        return path

    def also_in(self, path, principal):
        """Adds the keys of a service that there is to a file; tickets for it stay good."""
        self.run("kadmin.local", "-r", self.realm, "-q", f"ktadd -norandkey -k {path} {principal}")

    def tickets(self, principal, password="secret", life="1h"):
        """Logs a client in; returns the environment with its tickets."""
        cache = tempfile.mktemp(prefix="cache-", dir=self.folder)
        environment = {**self.environment, "KRB5CCNAME": "FILE:" + cache}
        self.run("kinit", "-l", life, principal, text=password + "\n", environment=environment)
        return environment
