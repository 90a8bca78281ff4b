"""A small certificate authority for a test: certificates with keys of both types, and OCSP responses about them."""

import os
import subprocess

# Nobody ever asks there: it only shows that the authority would answer.
OCSP_URI = "http://127.0.0.1:9/ocsp"
KEYS = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "rsa": ["rsa:2048"]}


def openssl(*words, **options):
    done = subprocess.run(["openssl", *words], capture_output=True, stdin=subprocess.DEVNULL, check=False, **options)
    assert done.returncode == 0, f"openssl {' '.join(words)} ended with {done.returncode}: {done.stderr.decode()}"
    return done.stdout


def der(path):
    """The first certificate of a PEM file."""
    return openssl("x509", "-in", path, "-outform", "DER")


class Authority:
    """Its own certificate is `certificate`; everything lies in `folder`."""

    def __init__(self, folder):
        self.folder = folder
        self.certificate, self.key = self.path("authority.crt"), self.path("authority.key")
        openssl("req", "-x509", "-newkey", *KEYS["ec"], "-sha256", "-nodes", "-days", "3650", "-subj",
                "/O=Test/CN=Test Authority", "-addext", "basicConstraints=critical,CA:TRUE", "-addext",
                "keyUsage=critical,keyCertSign,cRLSign,digitalSignature", "-keyout", self.key, "-out", self.certificate)

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, label, host, kind, days=90):
        """`kind` is "ec" or "rsa"; returns the paths of certificate and key."""
        certificate, key = self.path(f"{label}.crt"), self.path(f"{label}.key")
        request, extensions = self.path(f"{label}.csr"), self.path(f"{label}.ext")
        openssl("req", "-newkey", *KEYS[kind], "-nodes", "-subj", f"/CN={host}", "-keyout", key, "-out", request)
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName=DNS:{host}\nbasicConstraints=critical,CA:FALSE\n"
                       "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
                       f"authorityInfoAccess=OCSP;URI:{OCSP_URI}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-set_serial",
                "0x" + os.urandom(16).hex().replace("0", "1"), "-sha256", "-days", str(days), "-extfile", extensions,
                "-out", certificate)
        return certificate, key

    def respond(self, label, name, status="V"):
        """Writes what the authority says about the certificate `label` into the file `name`; V: good, R: revoked.
        Returns the bytes."""
        serial = openssl("x509", "-in", self.path(f"{label}.crt"), "-noout", "-serial").decode().strip().split("=")[1]
        index = self.path("index.txt")
        revoked = "260101000000Z" if status == "R" else ""
        with open(index, "w", encoding="ascii") as file:
            file.write(f"{status}\t491231235959Z\t{revoked}\t{serial}\tunknown\t/CN=any\n")
        openssl("ocsp", "-index", index, "-CA", self.certificate, "-rsigner", self.certificate, "-rkey", self.key,
                "-issuer", self.certificate, "-cert", self.path(f"{label}.crt"), "-no_nonce", "-noverify", "-ndays", "2",
                "-respout", self.path(name))
        with open(self.path(name), "rb") as file:
            return file.read()
