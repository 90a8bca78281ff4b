#!/usr/bin/python3
"""RSA and ECDSA certificates side by side and OCSP stapling, as a client that we did not write (openssl s_client) sees
them on both ports, and over reloads."""

import json
import os
import re
import subprocess
import time

import helper
from authority import Authority, der
from runner.server import ServerError

WAIT_S = 20 * helper.PATIENCE
HEX_LINE = re.compile(r"^ {4}((?:[0-9a-f]{2}[ -]?)+)\s*$")
# How a client says that it can use keys of one type only.
ONLY = {("tls1_2", "rsa"): ["-cipher", "ECDHE-RSA-AES128-GCM-SHA256"],
        ("tls1_2", "ec"): ["-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"],
        ("tls1_3", "rsa"): ["-sigalgs", "RSA-PSS+SHA256"],
        ("tls1_3", "ec"): ["-sigalgs", "ECDSA+SHA256"]}


def handshake(server, port_name, version, kind, asks=True):
    """All bytes of a handshake's messages, both ways, as s_client prints them; the chain has been verified."""
    start = ["-starttls", "xmpp", "-xmpphost", "localhost"] if port_name == "starttls" else []
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.ports[port_name]}", "-servername",
                           "localhost", "-verify_hostname", "localhost", "-CAfile", server.authority.certificate,
                           "-verify_return_error", f"-{version}", "-msg", *ONLY[version, kind], *start,
                           *(["-status"] if asks else [])],
                          input=b"", capture_output=True, timeout=WAIT_S, check=False)
    text = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0 and "Verify return code: 0 (ok)" in text, \
        f"no handshake on {port_name} with {version} and {kind}: {text[-1500:]}{done.stderr.decode()[-1500:]}"
    found = (HEX_LINE.match(line) for line in text.splitlines())
    return b"".join(bytes.fromhex(line.group(1).replace("-", " ")) for line in found if line)


def expect(server, certificates, response):
    """Each client gets the certificate that it can use, with the response if it is the first and it asks."""
    for port_name in server.ports:
        for version, kind in ONLY:
            where = f"{port_name}, {version}, {kind}"
            seen = handshake(server, port_name, version, kind)
            other = "ec" if kind == "rsa" else "rsa"
            assert der(certificates[kind][0]) in seen, f"{where}: the {kind} certificate did not come"
            assert der(certificates[other][0]) not in seen, f"{where}: the {other} certificate came too"
            assert (response in seen) == (kind == "ec"), f"{where}: the OCSP response came wrongly or not at all"
        assert response not in handshake(server, port_name, "tls1_3", "ec", asks=False), "nobody asked for it"


def is_served(server, bytes_wanted, version="tls1_3", kind="ec"):
    """Within the deadline, for a reload reaches one core after the other."""
    deadline = time.monotonic() + WAIT_S
    while bytes_wanted not in handshake(server, "direct", version, kind):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def refused_reload(server):
    try:
        server.control("reload")
    except ServerError as error:
        return str(error)
    raise AssertionError("a bad file was taken by a reload")


def story(server):
    authority = server.authority
    certificates = {"ec": server.certificates["localhost"], "rsa": (authority.path("rsa.crt"), authority.path("rsa.key"))}
    first = server.response
    expect(server, certificates, first)
    shown = json.loads(server.control("--json", "status"))["certificates"]
    assert [(each["host"], each["key"]) for each in shown] == [("localhost", "EC P-256"), ("localhost", "RSA 2048")], \
        f"status shows {shown}"

    # A bad response stops the reload, in words, and the old one goes on.
    with open(authority.path("ec.ocsp"), "wb") as file:
        file.write(b"not an OCSP response")
    assert "holds no OCSP response" in refused_reload(server)
    authority.respond("rsa", "ec.ocsp")
    assert "is not about certificate" in refused_reload(server)
    authority.respond("ec", "ec.ocsp", status="R")
    assert "revoked" in refused_reload(server)
    os.unlink(authority.path("ec.ocsp"))
    assert "No such file" in refused_reload(server)
    assert first in handshake(server, "direct", "tls1_3", "ec")

    # A new second certificate and a new response, by one reload.
    before = der(certificates["rsa"][0])
    authority.issue("rsa", "localhost", "rsa")
    time.sleep(1.1)   # the response's time is in seconds
    second = authority.respond("ec", "ec.ocsp")
    assert second != first and der(certificates["rsa"][0]) != before
    server.control("reload")
    assert is_served(server, second), "the reload did not bring the new response"
    assert is_served(server, der(certificates["rsa"][0]), kind="rsa"), "the reload did not bring the new certificate"
    expect(server, certificates, second)


def prepare(server):
    """A server with certificates of both types and a response about the first, still to be started."""
    server.authority = authority = Authority(server.folder)
    server.certificates["localhost"] = authority.issue("ec", "localhost", "ec")
    certificate, key = authority.issue("rsa", "localhost", "rsa")
    server.response = authority.respond("ec", "ec.ocsp")
    server.host_extra = (f'certificate_alternative = "{certificate}"\nkey_alternative = "{key}"\n'
                         f'ocsp_response = "{authority.path("ec.ocsp")}"\n')
    return server


def main():
    options = helper.parser(__doc__).parse_args()
    if options.server != "rondel":
        helper.skip("the certificates are set up for rondel")

    def test():
        with prepare(helper.make_server(options, interfaces={"starttls": "required", "direct": "direct"})) as server:
            story(server)

    helper.finish(test)


if __name__ == "__main__":
    main()
