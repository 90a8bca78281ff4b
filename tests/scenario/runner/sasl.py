"""The client's side of SASL: PLAIN and SCRAM with and without channel binding (RFC 4616, RFC 5802)."""

import base64
import hashlib
import hmac
import secrets

NS_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"


class SaslFailure(Exception):
    """The server refused; `condition` is the name of the element in <failure/>."""

    def __init__(self, condition):
        super().__init__(condition)
        self.condition = condition


class SaslError(Exception):
    """The server broke the mechanism's rules."""


def encode(data):
    return base64.b64encode(data).decode("ascii") if data else "="


def plain(user, password, authzid=""):
    """Initial response of PLAIN (RFC 4616 §2)."""
    return f"{authzid}\0{user}\0{password}".encode("utf-8")


def xor(left, right):
    return bytes(a ^ b for a, b in zip(left, right))


def downgrade_hash(hash_name, mechanisms, bindings):
    """The hash of XEP-0474 over what the server announced."""
    text = b"\x1e".join(sorted(name.encode() for name in mechanisms))
    if bindings:
        text += b"\x1f" + b"\x1e".join(sorted(name.encode() for name in bindings))
    return base64.b64encode(hashlib.new(hash_name, text).digest()).decode("ascii")


class Scram:
    """One exchange of SCRAM (RFC 5802 §5, RFC 7677 for SHA-256).

    `binding` is None or a pair (name, data); `flag` overrides the gs2 flag; the `tweak` names one lie to tell:
    "nonce" (changed in the final message), "proof" (one bit), "binding" (other data), "no-proof".
    """

    def __init__(self, mechanism, user, password, authzid="", binding=None, flag=None, tweak=None):
        self.plus = mechanism.endswith("-PLUS")
        self.hash_name = mechanism.removesuffix("-PLUS").removeprefix("SCRAM-").replace("-", "").lower()
        self.user, self.password, self.tweak = user, password, tweak
        self.binding = binding
        if flag is None:
            flag = f"p={binding[0]}" if self.plus else "n"
        self.header = f"{flag},{'a=' + authzid if authzid else ''},"
        self.nonce = base64.b64encode(secrets.token_bytes(18)).decode("ascii")
        name = user.replace("=", "=3D").replace(",", "=2C")
        self.bare = f"n={name},r={self.nonce}"
        self.server_signature = None
        self.attributes = {}

    def first(self):
        return (self.header + self.bare).encode("utf-8")

    def final(self, challenge):
        text = challenge.decode("utf-8")
        self.attributes = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
        nonce, salt, count = (self.attributes.get(key) for key in ("r", "s", "i"))
        if not nonce or not nonce.startswith(self.nonce) or nonce == self.nonce:
            raise SaslError("the server's nonce does not extend ours")
        if not salt or not count or int(count) < 4096:
            raise SaslError(f"salt or iteration count missing or too small: {text}")
        data = self.header.encode("utf-8")
        if self.plus and self.binding:
            data += b"\0" * len(self.binding[1]) if self.tweak == "binding" else self.binding[1]
        if self.tweak == "nonce":
            nonce += "x"
        without_proof = f"c={base64.b64encode(data).decode('ascii')},r={nonce}"
        if self.tweak == "no-proof":
            return without_proof.encode("utf-8")
        salted = hashlib.pbkdf2_hmac(self.hash_name, self.password.encode("utf-8"), base64.b64decode(salt), int(count))
        message = f"{self.bare},{text},{without_proof}".encode("utf-8")
        client_key = self.mac(salted, b"Client Key")
        stored_key = hashlib.new(self.hash_name, client_key).digest()
        proof = xor(client_key, self.mac(stored_key, message))
        if self.tweak == "proof":
            proof = bytes([proof[0] ^ 1]) + proof[1:]
        self.server_signature = self.mac(self.mac(salted, b"Server Key"), message)
        return f"{without_proof},p={base64.b64encode(proof).decode('ascii')}".encode("utf-8")

    def mac(self, key, data):
        return hmac.new(key, data, self.hash_name).digest()

    def verify(self, data):
        """Checks the server's own proof, which <success/> carries (RFC 6120 §6.4.6)."""
        wanted = b"v=" + base64.b64encode(self.server_signature)
        if data.split(b",")[0] != wanted:
            raise SaslError(f"the server did not prove that it knows the password: {data!r}")
