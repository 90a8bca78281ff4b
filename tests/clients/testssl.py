#!/usr/bin/python3
"""The public scanner testssl.sh against STARTTLS and direct TLS: it may find nothing of weight."""

import json
import os
import shutil
import signal
import subprocess

import certificates_story
import helper

WAIT_S = 210 * helper.PATIENCE
# Protocols, cipher classes, forward secrecy, what the server prefers, what it says of itself, and all vulnerabilities.
GROUPS = ["--protocols", "--std", "--fs", "--server-preference", "--server-defaults", "--vulnerable"]
# No name is looked up, nobody outside is asked (--phone-out would), and nothing waits for a key.
MANNERS = ["--nodns", "none", "--ip", "127.0.0.1", "--warnings", "batch", "--quiet", "--color", "0",
           "--connect-timeout", "20", "--openssl-timeout", "20"]

# The severities that the scan may give without a word from us.
HARMLESS = {"OK", "INFO", "LOW"}
# What it finds otherwise and why that is well, by identifier and a part of the finding.
ALLOWED = {
    "service": ("Couldn't determine service", "on direct TLS it looks for HTTP, which is not there"),
    "engine_problem": ("No engine or GOST support", "it is about the scanner's own OpenSSL, and nothing here speaks GOST"),
    "sessionresumption_ticket": ("check failed because of connect problem",
                                 "it often hangs up before the ticket of TLS 1.3, and then has no session to resume"),
}
# What must have been looked at, and found so, of one of the certificates at least: a scan that fell short must not pass.
WANTED = {
    "SSLv2": "not offered", "SSLv3": "not offered", "TLS1": "not offered", "TLS1_1": "not offered",
    "TLS1_2": "offered", "TLS1_3": "offered with final", "cipherlist_NULL": "not offered",
    "cipherlist_aNULL": "not offered", "cipherlist_EXPORT": "not offered", "cipherlist_LOW": "not offered",
    "cipherlist_3DES_IDEA": "not offered", "cipherlist_AVERAGE": "not offered", "cipherlist_STRONG": "offered",
    "PFS": "offered", "PFS_ECDHE_curves": "prime256v1 secp384r1 X25519", "cipher_order": "server",
    "protocol_negotiated": "Default protocol TLS1.3", "cert_numbers": "2", "OCSP_stapling": "offered",
    "secure_renego": "supported", "secure_client_renego": "not vulnerable", "CRIME_TLS": "not vulnerable",
    "heartbleed": "not vulnerable", "CCS": "not vulnerable", "ROBOT": "not vulnerable", "SWEET32": "not vulnerable",
    "FREAK": "not vulnerable", "DROWN": "not vulnerable", "LOGJAM": "not vulnerable", "BEAST": "not vulnerable",
    "LUCKY13": "not vulnerable", "RC4": "not vulnerable", "scanTime": "",
}


class Scan:
    """One run of the scanner against one port."""

    def __init__(self, program, server, port_name):
        self.name = port_name
        self.result = os.path.join(server.folder, f"scan-{port_name}.json")
        self.said = os.path.join(server.folder, f"scan-{port_name}.txt")
        start = ["--starttls", "xmpp", "--xmpphost", "localhost"] if port_name == "starttls" else []
        with open(self.said, "wb") as said:
            self.process = subprocess.Popen(
                [program, *start, *GROUPS, *MANNERS, "--add-ca", server.authority.certificate, "--jsonfile", self.result,
                 f"localhost:{server.ports[port_name]}"],
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=server.folder, start_new_session=True)

    def end(self):
        """Stops it with everything that it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def findings(self):
        """Its exit code counts oddities of every kind; what counts here are the findings."""
        try:
            self.process.wait(timeout=WAIT_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the scan of {self.name} takes longer than {WAIT_S} s") from None
        try:
            with open(self.result, encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError) as error:
            with open(self.said, encoding="utf-8", errors="replace") as file:
                raise AssertionError(f"the scan of {self.name} has no result: {error}\n{file.read()[-2000:]}") from None


def judge(findings):
    """What speaks against the server, one line each."""
    against, seen = [], {}
    for finding in findings:
        # With two certificates an identifier ends in " <cert#1>".
        name = finding["id"].split(" ")[0]
        seen.setdefault(name, []).append(finding["finding"].strip())
        part, reason = ALLOWED.get(name, (None, None))
        if finding["severity"] in HARMLESS:
            continue
        line = f"{finding['id']}: {finding['severity']}: {finding['finding']}"
        if part is not None and part in finding["finding"]:
            print(f"  allowed: {line} ({reason})", flush=True)
        else:
            against.append(line)
    for name, wanted in WANTED.items():
        if name not in seen:
            against.append(f"{name}: has not been looked at")
        elif not any(found.startswith(wanted) for found in seen[name]):
            against.append(f"{name}: {seen[name]}, not \"{wanted}\"")
    return against


def scan(server, program):
    scans = [Scan(program, server, name) for name in server.ports]
    try:
        against = []
        for each in scans:
            findings = each.findings()
            print(f"{each.name}: {len(findings)} findings", flush=True)
            against += [f"{each.name}: {line}" for line in judge(findings)]
    finally:
        for each in scans:
            each.end()
    assert not against, "the scanner objects:\n" + "\n".join(against)


def main():
    options = helper.parser(__doc__).parse_args()
    program = shutil.which("testssl") or shutil.which("testssl.sh")
    if program is None:
        helper.skip("testssl.sh is not installed (Debian package testssl.sh)")
    if options.server != "rondel":
        helper.skip("the certificates are set up for rondel")

    def test():
        server = certificates_story.prepare(
            helper.make_server(options, interfaces={"starttls": "required", "direct": "direct"}))
        with server:
            scan(server, program)

    helper.finish(test)


if __name__ == "__main__":
    main()
