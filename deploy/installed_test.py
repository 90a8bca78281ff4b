#!/usr/bin/python3
"""installed_test.py CMAKE BUILD: installs into a temporary prefix and runs what is there as a service manager would.

The example configuration passes --check with only certificates, sockets and folders put elsewhere; the server says
READY, RELOADING and STOPPING; an existing configuration outlives a second installation; a failed login is what the
fail2ban filter looks for.
"""

import base64
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

PATIENCE = float(os.environ.get("RONDEL_TEST_PATIENCE", "1"))
WAIT_S = 20 * PATIENCE


def install(cmake, build, prefix):
    subprocess.run([cmake, "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(folder):
    certificate, key = os.path.join(folder, "example.org.crt"), os.path.join(folder, "example.org.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=example.org", "-addext", "subjectAltName=DNS:example.org",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate


def elsewhere(config, folder, ports):
    """The example with sockets of this test; everything else is as installed."""
    with open(config, encoding="utf-8") as file:
        text = file.read()
    for old, new in (("[::]:5222", f"127.0.0.1:{ports[0]}"), ("[::]:5223", f"127.0.0.1:{ports[1]}"),
                     ("/run/rondel/control.sock", os.path.join(folder, "control.sock"))):
        assert text.count(f'"{old}"') == 1, f"{old} stands once in {config}"
        text = text.replace(f'"{old}"', f'"{new}"')
    with open(config, "w", encoding="utf-8") as file:
        file.write(text)


class Manager:
    """The service manager's end of sd_notify."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)

    def hears(self, word):
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                said = self.socket.recv(4096).decode().split("\n")
            except TimeoutError:
                break
            if word in said:
                return said
        raise AssertionError(f"the server did not say {word}")


def fail_to_log_in(port, certificate):
    """SCRAM with a proof that is wrong; returns when the server has said so."""
    context = ssl.create_default_context(cafile=certificate)
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as plain, \
            context.wrap_socket(plain, server_hostname="example.org") as stream:
        def says(text, answer):
            stream.sendall(text.encode())
            heard = b""
            while answer not in heard:
                part = stream.recv(65536)
                assert part, f"the server ended the stream before {answer}: {heard}"
                heard += part
            return heard.decode()

        def coded(text):
            return base64.b64encode(text.encode()).decode()

        sasl = "urn:ietf:params:xml:ns:xmpp-sasl"
        says("<stream:stream to='example.org' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
             "version='1.0'>", b"</stream:features>")
        heard = says(f"<auth xmlns='{sasl}' mechanism='SCRAM-SHA-256'>{coded('n,,n=nobody,r=abcdefgh')}</auth>",
                     b"</challenge>")
        challenge = base64.b64decode(re.search(r"<challenge[^>]*>([^<]+)", heard).group(1)).decode()
        nonce = re.match(r"r=([^,]+)", challenge).group(1)
        wrong = base64.b64encode(bytes(32)).decode()
        says(f"<response xmlns='{sasl}'>{coded(f'c=biws,r={nonce},p={wrong}')}</response>", b"</failure>")


def fail2ban_pattern(path):
    with open(path, encoding="utf-8") as file:
        found = re.search(r"^failregex = (.+)$", file.read(), re.M)
    return re.compile(found.group(1).replace("<ADDR>", r"(?P<address>[0-9a-fA-F:.]+)"))


def main():
    cmake, build = sys.argv[1:]
    folder = tempfile.mkdtemp(prefix="rondel-installed-")
    server = None
    try:
        prefix = os.path.join(folder, "prefix")
        install(cmake, build, prefix)
        rondeld = os.path.join(prefix, "sbin", "rondeld")
        config = os.path.join(prefix, "etc", "rondel", "rondel.toml")
        with open(os.path.join(prefix, "lib", "systemd", "system", "rondel.service"), encoding="utf-8") as file:
            unit = file.read()
        assert f"ExecStart={rondeld} --config {config}\n" in unit, "the unit names what was installed"

        ports = (free_port(), free_port())
        certificate = make_certificate(os.path.dirname(config))
        elsewhere(config, folder, ports)
        command = [rondeld, "--config", config, "--data-dir", os.path.join(folder, "data")]
        checked = subprocess.run([*command, "--check"], capture_output=True, text=True, timeout=WAIT_S, check=False)
        assert checked.returncode == 0, f"--check ended with {checked.returncode}: {checked.stdout}{checked.stderr}"

        install(cmake, build, prefix)
        with open(config, encoding="utf-8") as file:
            assert str(ports[0]) in file.read(), "a second installation keeps the configuration"

        manager = Manager(folder)
        log_path = os.path.join(folder, "log")
        with open(log_path, "wb") as log:
            server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                      env=dict(os.environ, NOTIFY_SOCKET=manager.path))
        manager.hears("READY=1")
        fail_to_log_in(ports[1], certificate)
        server.send_signal(signal.SIGHUP)
        assert any(word.startswith("MONOTONIC_USEC=") for word in manager.hears("RELOADING=1"))
        manager.hears("READY=1")
        told = subprocess.run([os.path.join(prefix, "bin", "rondelctl"), "--config", config, "status"],
                              capture_output=True, text=True, timeout=WAIT_S, check=False)
        assert told.returncode == 0, told.stdout + told.stderr
        server.send_signal(signal.SIGTERM)
        manager.hears("STOPPING=1")
        code = server.wait(timeout=WAIT_S)
        with open(log_path, encoding="utf-8") as file:
            said = file.read()
        assert code == 0, f"the server ended with {code}:\n{said}"
        pattern = fail2ban_pattern(os.path.join(prefix, "share", "doc", "rondel", "examples", "fail2ban", "filter.d",
                                                "rondel.conf"))
        found = pattern.search(said)
        assert found and found.group("address") == "127.0.0.1", f"fail2ban finds no failed login in\n{said}"
        print("installed, checked, started, reloaded, stopped")
    finally:
        if server is not None and server.poll() is None:
            server.kill()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
