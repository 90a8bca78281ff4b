#!/usr/bin/python3
"""A throw-away slapd (OpenLDAP) on loopback, and a relay before it that misbehaves when told to.

As a module: `with Directory() as directory: directory.add(person("romeo", "secret"))`.
As a program, for tests in C++: prints one line with what there is, then takes commands on standard input, a line each
(start, stop, add FILE, load FILE, modify FILE, delete DN, argon, relay MODE), and answers each with "ok" or "error WHY"; it ends with its
input.
"""

import base64
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

BASE = "dc=example,dc=org"
ADMIN, ADMIN_PASSWORD = f"cn=admin,{BASE}", "the-admin's-own"
READER, READER_PASSWORD = f"cn=rondel,{BASE}", "a-reader's-secret"
PATIENCE = float(os.environ.get("RONDEL_TEST_PATIENCE", "1"))
# The attributes of MIT's schema for Kerberos and of this test.
SCHEMA = """
attributetype ( 2.16.840.1.113719.1.301.4.1.1 NAME 'krbPrincipalName' EQUALITY caseExactIA5Match
  SUBSTR caseExactSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributetype ( 1.3.6.1.4.1.32473.1.1 NAME 'xmppAddress' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.32473.1.2 NAME 'loginDisabled' EQUALITY booleanMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.32473.2.1 NAME 'chatter' SUP top AUXILIARY
  MAY ( krbPrincipalName $ xmppAddress $ loginDisabled ) )
"""


def program(name):
    for folder in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/usr/bin"]:
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    return None


def is_installed():
    return all(program(name) for name in ("slapd", "slapadd", "ldapadd", "ldapmodify", "slappasswd"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def line_of(name, value):
    if isinstance(value, str):
        value = value.encode("utf-8")
    return f"{name}:: {base64.b64encode(value).decode()}\n"


def person(uid, password=None, host="example.org", name=None, **more):
    """An entry as LDIF; `more` are attributes, each a value or a list of values ("__" stands for ";")."""
    name = name or uid
    text = line_of("dn", f"cn={escape(name)},ou={host},{BASE}")
    text += "objectClass: inetOrgPerson\nobjectClass: chatter\n" + line_of("cn", name) + "sn: x\n"
    for one in uid if isinstance(uid, list) else [uid]:
        text += line_of("uid", one)
    if password is not None:
        text += line_of("userPassword", password)
    for attribute, values in more.items():
        for value in values if isinstance(values, list) else [values]:
            text += line_of(attribute.replace("__", ";"), value)
    return text + "\n"


def group(name, members, host="example.org"):
    """A groupOfNames as LDIF; members are DNs."""
    text = line_of("dn", f"cn={escape(name)},ou={host},{BASE}") + "objectClass: groupOfNames\n" + line_of("cn", name)
    return text + "".join(line_of("member", member) for member in members) + "\n"


def escape(value):
    """As a value in a distinguished name (RFC 4514)."""
    return "".join("\\" + c if c in ',+"\\<>;=#' else c for c in value)


class Relay:
    """Between clients and slapd, in clear. `mode` says what happens to answers:

    pass, late SECONDS, twice (every answer), entries-twice, silent, half (of the next answer), cut (close on a request).
    """

    def __init__(self, target):
        self.target = target
        self.mode = "pass"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            client.close()
            return
        threading.Thread(target=self.requests, args=(client, server), daemon=True).start()
        self.answers(client, server)

    def requests(self, client, server):
        try:
            while data := client.recv(65536):
                if self.mode == "cut":
                    break
                server.sendall(data)
        except OSError:
            pass
        self.end(client, server)

    def answers(self, client, server):
        try:
            with server.makefile("rb") as stream:
                while message := self.read_message(stream):
                    self.answer(client, message)
        except OSError:
            pass
        self.end(client, server)

    @staticmethod
    def read_message(stream):
        """One LDAPMessage: a BER sequence."""
        head = stream.read(2)
        if len(head) < 2:
            return b""
        size, more = head[1], b""
        if size & 0x80:
            more = stream.read(size & 0x7F)
            size = int.from_bytes(more, "big")
        return head + more + stream.read(size)

    @staticmethod
    def is_entry(message):
        body = 2 + (message[1] & 0x7F if message[1] & 0x80 else 0)
        return message[body + 2 + message[body + 1]] == 0x64

    def answer(self, client, message):
        words = self.mode.split()
        if words[0] == "late":
            time.sleep(float(words[1]))
        elif words[0] == "silent":
            return
        elif words[0] == "half":
            client.sendall(message[:len(message) // 2])
            return
        client.sendall(message)
        if words[0] == "twice" or (words[0] == "entries-twice" and self.is_entry(message)):
            client.sendall(message)

    @staticmethod
    def end(*sockets):
        for each in sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()


class Directory:
    """slapd with `hosts` as organisational units. Owner: who made it; use as a context manager."""

    def __init__(self, hosts=("example.org", "example.net")):
        self.hosts = hosts
        self.folder = tempfile.mkdtemp(prefix="rondel-ldap-")
        self.ports = {"ldap": free_port(), "ldaps": free_port()}
        self.process = None
        self.relay = Relay(self.ports["ldap"])
        self.ca = os.path.join(self.folder, "ca.crt")
        self.password_file = os.path.join(self.folder, "password")
        self.uris = {"ldap": f"ldap://127.0.0.1:{self.ports['ldap']}",
                     "ldaps": f"ldaps://127.0.0.1:{self.ports['ldaps']}",
                     "relay": f"ldap://127.0.0.1:{self.relay.port}"}

    def __enter__(self):
        try:
            self.prepare()
            self.start()
            self.add(self.skeleton())
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        self.relay.listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def prepare(self):
        os.mkdir(self.path("db"))
        with open(self.password_file, "w", encoding="utf-8") as file:
            file.write(READER_PASSWORD + "\n")
        os.chmod(self.password_file, 0o600)
        self.make_certificates()
        includes = "".join(f"include /etc/ldap/schema/{name}.schema\n" for name in ("core", "cosine", "inetorgperson", "nis"))
        with open(self.path("slapd.conf"), "w", encoding="utf-8") as file:
            file.write(includes + SCHEMA + f"""
pidfile {self.path('slapd.pid')}
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload argon2
TLSCACertificateFile {self.ca}
TLSCertificateFile {self.path('server.crt')}
TLSCertificateKeyFile {self.path('server.key')}
database mdb
suffix "{BASE}"
rootdn "{ADMIN}"
rootpw "{ADMIN_PASSWORD}"
directory {self.path('db')}
maxsize 1073741824
dbnosync
index objectClass,uid,mail,krbPrincipalName,xmppAddress eq
limits dn.exact="{READER}" size.soft=100 size.hard=100 size.pr=500 size.prtotal=unlimited
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{READER}" read by * none
""")

    def make_certificates(self):
        def openssl(*words):
            subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.folder)

        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256")
        for name in ("ca", "other"):
            openssl("req", "-x509", *curve, "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                    "-out", f"{name}.crt")
        openssl("req", *curve, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
        with open(self.path("names"), "w", encoding="utf-8") as file:
            file.write("subjectAltName=IP:127.0.0.1")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-sha256", "-extfile", "names", "-out", "server.crt")

    def skeleton(self):
        text = f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: test\ndc: example\n\n"
        text += (f"dn: {READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: rondel\n"
                 + line_of("userPassword", READER_PASSWORD) + "\n")
        for host in self.hosts:
            text += f"dn: ou={host},{BASE}\nobjectClass: organizationalUnit\nou: {host}\n\n"
        return text

    def start(self):
        with open(self.path("slapd.log"), "ab") as log:
            self.process = subprocess.Popen(
                [program("slapd"), "-f", self.path("slapd.conf"), "-d", "0", "-h",
                 f"ldap://127.0.0.1:{self.ports['ldap']} ldaps://127.0.0.1:{self.ports['ldaps']}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 20 * PATIENCE
        for port in self.ports.values():
            while True:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    with open(self.path("slapd.log"), encoding="utf-8", errors="replace") as log:
                        raise RuntimeError("slapd did not start: " + log.read())
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.02)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10 * PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def run(self, tool, *words, text=None):
        done = subprocess.run([program(tool), "-x", "-H", f"ldap://127.0.0.1:{self.ports['ldap']}", "-D", ADMIN,
                               "-w", ADMIN_PASSWORD, *words], input=text, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{tool}: {done.stdout[-500:]}{done.stderr[-1500:]}")

    def add(self, ldif):
        self.run("ldapadd", text=ldif)

    def load(self, path):
        """Very many at once; slapd is stopped meanwhile."""
        self.stop()
        done = subprocess.run([program("slapadd"), "-q", "-f", self.path("slapd.conf"), "-l", path], capture_output=True,
                              text=True, check=False)
        self.start()
        if done.returncode != 0:
            raise RuntimeError(f"slapadd: {done.stderr[-1500:]}")

    def modify(self, ldif):
        self.run("ldapmodify", text=ldif)

    def delete(self, dn):
        self.run("ldapdelete", dn)

    def dn(self, name, host="example.org"):
        return f"cn={escape(name)},ou={host},{BASE}"


def hashed(password, scheme="{ARGON2}"):
    """A password that costs the directory some time."""
    done = subprocess.run([program("slappasswd"), "-o", "module-path=/usr/lib/ldap", "-o", "module-load=argon2",
                           "-h", scheme, "-s", password], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def obey(directory, line):
    command, _, argument = line.strip().partition(" ")
    if command in ("add", "modify"):
        with open(argument, encoding="utf-8") as file:
            getattr(directory, command)(file.read())
    elif command == "delete":
        directory.delete(argument)
    elif command == "load":
        directory.load(argument)
    elif command == "relay":
        directory.relay.mode = argument
    elif command == "argon":   # a user whose password costs the directory time
        directory.add(person("argon", hashed("secret")))
    elif command in ("start", "stop"):
        getattr(directory, command)()
    else:
        raise RuntimeError(f"no command {command}")


def main():
    if not is_installed():
        print("missing slapd and ldap-utils", flush=True)
        return
    with Directory() as directory:
        print(directory.uris["ldap"], directory.uris["ldaps"], directory.uris["relay"], directory.folder, flush=True)
        for line in sys.stdin:
            try:
                obey(directory, line)
                print("ok", flush=True)
            except (OSError, RuntimeError) as error:
                print("error", str(error).replace("\n", " "), flush=True)


if __name__ == "__main__":
    main()
