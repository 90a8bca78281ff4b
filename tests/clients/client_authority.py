"""An authority for client certificates, run by openssl's own: it issues through an intermediate, revokes, and says so
in lists."""

import os
import time

from authority import KEYS, openssl

XMPP_ADDRESS = "otherName:1.3.6.1.5.5.7.8.5;UTF8:"
CONFIG = """[ca]
default_ca = this
[this]
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
crlnumber = {folder}/crlnumber
default_md = sha256
default_crl_days = 30
default_days = 30
policy = any
preserve = yes
unique_subject = no
email_in_dn = no
[any]
countryName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
[req]
distinguished_name = none
[none]
"""


def stamp(seconds_from_now):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds_from_now))


class _Issuer:
    """One certificate that signs others, with openssl's records about them in a folder of its own."""

    def __init__(self, folder, name, parent=None):
        self.folder = os.path.join(folder, name)
        os.mkdir(self.folder)
        self.certificate, self.key = self.path("ca.crt"), self.path("ca.key")
        for file, text in (("index.txt", ""), ("serial", "1000\n"), ("crlnumber", "1000\n"),
                           ("openssl.cnf", CONFIG.format(folder=self.folder))):
            with open(self.path(file), "w", encoding="ascii") as out:
                out.write(text)
        subject = f"/O=Test/CN=Test {name}"
        if parent is None:
            openssl("req", "-x509", "-newkey", *KEYS["ec"], "-sha256", "-nodes", "-days", "3650", "-subj", subject,
                    "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                    "-keyout", self.key, "-out", self.certificate)
        else:
            parent.sign(self.path("ca"), subject, "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *words):
        return openssl("ca", "-batch", "-config", self.path("openssl.cnf"), "-cert", self.certificate, "-keyfile", self.key,
                       *words)

    def sign(self, label, subject, extensions, start=-3600, end=30 * 86400):
        """Writes label.crt and label.key."""
        openssl("req", "-newkey", *KEYS["ec"], "-nodes", "-subj", subject, "-multivalue-rdn", "-keyout", label + ".key",
                "-out", label + ".csr")
        with open(label + ".ext", "w", encoding="utf-8") as file:
            file.write(extensions)
        self.run("-in", label + ".csr", "-out", label + ".crt", "-extfile", label + ".ext", "-notext", "-multivalue-rdn",
                 "-startdate", stamp(start), "-enddate", stamp(end))

    def list(self):
        self.run("-gencrl", "-out", self.path("list.pem"))
        with open(self.path("list.pem"), encoding="ascii") as file:
            return file.read()


class ClientAuthority:
    """`certificate` is the anchor; everything lies in a folder of its own below `folder`."""

    def __init__(self, folder, name):
        self.folder = os.path.join(folder, name)
        os.mkdir(self.folder)
        self.root = _Issuer(self.folder, "root")
        self.intermediate = _Issuer(self.folder, "intermediate", self.root)
        self.certificate = self.root.certificate

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, label, names="", subject="/O=Verona", usage="clientAuth", **dates):
        """`names` is a subjectAltName as openssl writes it. Returns the paths of the chain and the key."""
        extensions = f"basicConstraints=critical,CA:FALSE\nextendedKeyUsage={usage}\n"
        if names:
            extensions += f"subjectAltName={names}\n"
        self.intermediate.sign(self.path(label), subject, extensions, **dates)
        with open(self.path(label + ".chain"), "w", encoding="ascii") as chain:
            for part in (self.path(label + ".crt"), self.intermediate.certificate):
                with open(part, encoding="ascii") as file:
                    chain.write(file.read())
        return self.path(label + ".chain"), self.path(label + ".key")

    def revoke(self, label):
        self.intermediate.run("-revoke", self.path(label + ".crt"))

    def lists(self):
        """What both issuers have revoked until now, as one PEM text."""
        return self.intermediate.list() + self.root.list()


def self_signed(folder, label, names, days=30):
    """Nobody's but its owner's; returns the paths of certificate and key."""
    certificate, key = os.path.join(folder, label + ".crt"), os.path.join(folder, label + ".key")
    openssl("req", "-x509", "-newkey", *KEYS["ec"], "-sha256", "-nodes", "-days", str(days), "-subj", f"/CN={label}",
            "-addext", f"subjectAltName={names}", "-keyout", key, "-out", certificate)
    return certificate, key
