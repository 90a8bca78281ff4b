"""Runs rondel-load and rondel-handshakes, and reads what they found."""

import json
import os
import subprocess
import tempfile

from . import accounts, servers


class LoadError(Exception):
    """The generator gave no result; the text says why."""


class Generator:
    """rondel-load on its own core."""

    def __init__(self, build, cpus, keys):
        self.program = os.path.join(build, "bin", "rondel-load")
        self.cpus = cpus
        self.keys = keys   # a file that keeps derived SCRAM keys

    def run(self, scenario, server, tls=False, patience_s=120, **options):
        """The result as a dictionary, also when sessions failed or messages were lost. Errors: LoadError."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "result.json")
            command = [self.program, scenario, "--server", f"127.0.0.1:{server.tls_port if tls else server.plain_port}",
                       "--domain", accounts.DOMAIN, "--tls", "direct" if tls else "none",
                       "--mechanism", server.mechanism, "--password", accounts.PASSWORD, "--scram-cache", self.keys,
                       "--pid", str(server.pid), "--label", server.title, "--json", path, "--quiet"]
            for name, value in options.items():
                word = "--" + name.replace("_", "-")
                if value is True:
                    command.append(word)
                elif value is not None and value is not False:
                    command += [word, str(value)]
            if self.cpus:
                command = ["taskset", "-c", ",".join(str(cpu) for cpu in self.cpus)] + command
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=patience_s, check=False,
                                      preexec_fn=servers.raise_file_limit)
            except subprocess.TimeoutExpired:
                raise LoadError(f"{scenario}: no end after {patience_s} s") from None
            if not os.path.exists(path):
                raise LoadError(f"{scenario}: rondel-load ended with {done.returncode}: "
                                f"{(done.stderr or done.stdout).strip()[-500:]}")
            with open(path, encoding="utf-8") as file:
                return json.load(file)


def handshakes(build, certificate, key, server_cpu, client_cpu, count):
    """What a TLS 1.3 handshake costs with OpenSSL alone, as rondel-handshakes prints it. Errors: LoadError."""
    done = subprocess.run([os.path.join(build, "bin", "rondel-handshakes"), "--certificate", certificate, "--key", key,
                           "--count", str(count), "--server-cpu", str(server_cpu), "--client-cpu", str(client_cpu)],
                          capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise LoadError(f"rondel-handshakes: {done.stderr.strip()}")
    return json.loads(done.stdout)
