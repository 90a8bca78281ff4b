"""One XMPP stream over one socket: bytes out, events in, nothing hidden from the script."""

import collections
import hashlib
import secrets
import socket
import ssl
import struct
import time
import xml.etree.ElementTree as ET

from . import sasl

NS_CLIENT = "jabber:client"
NS_STREAM = "http://etherx.jabber.org/streams"
NS_STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
NS_TLS = "urn:ietf:params:xml:ns:xmpp-tls"
NS_BIND = "urn:ietf:params:xml:ns:xmpp-bind"
NS_STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
NS_PING = "urn:xmpp:ping"
NS_SASL_CB = "urn:xmpp:sasl-cb:0"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

# kind: "header" (stream start), "element" (a child of the stream), "end" (</stream:stream>),
# "eof" (the peer closed), "reset" (the peer aborted), "garbage" (what came is not XML).
Event = collections.namedtuple("Event", "kind element")


class NothingCame(Exception):
    """No event arrived in time."""


class Stream:
    """A client's connection. Calls block, at most `patience_s` for what must come. Not for use by two threads."""

    def __init__(self, address, patience_s=8.0, trace=None):
        self.address = address
        self.patience_s = patience_s
        self.trace = trace if trace is not None else []
        self.socket = None
        self.events = collections.deque()
        self.parser = None
        self.depth = 0
        self.root = None
        self.closed = False
        self.features = None
        self.certificate = None

    # Bytes

    def open_socket(self, port=None):
        self.socket = socket.create_connection((self.address[0], port or self.address[1]), timeout=self.patience_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.closed = False
        self.events.clear()
        self.new_parser()

    def start_tls(self, host, context, session=None):
        """Shakes hands on the open socket; what follows is encrypted."""
        self.socket.settimeout(self.patience_s)
        self.socket = context.wrap_socket(self.socket, server_hostname=host, session=session)
        self.certificate = self.socket.getpeercert(binary_form=True)
        self.trace.append(("--", f"TLS: {self.socket.version()}, ALPN {self.socket.selected_alpn_protocol()}"))
        self.new_parser()

    def new_parser(self):
        self.parser = ET.XMLPullParser(events=("start", "end"))
        self.depth = 0
        self.root = None

    def send(self, data):
        if isinstance(data, str):
            data = data.encode("utf-8", "surrogateescape")
        shown = data if len(data) < 2000 else data[:900] + b" [...] " + data[-100:]
        self.trace.append((">>", shown.decode("utf-8", "replace")))
        self.socket.settimeout(self.patience_s)
        self.socket.sendall(data)

    def read_once(self, timeout_s):
        """Reads what is there into events. False if nothing came in time."""
        self.socket.settimeout(max(timeout_s, 0.001))
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except (ConnectionError, ssl.SSLError) as error:
            self.closed = True
            kind = "eof" if isinstance(error, ssl.SSLEOFError) else "reset"
            self.events.append(Event(kind, None))
            return True
        if not data:
            self.closed = True
            self.events.append(Event("eof", None))
            return True
        self.trace.append(("<<", data.decode("utf-8", "replace")))
        self.feed(data)
        return True

    def feed(self, data):
        try:
            self.parser.feed(data)
            parsed = list(self.parser.read_events())
        except ET.ParseError as error:
            self.events.append(Event("garbage", f"{error}: {data[:200]!r}"))
            return
        for kind, element in parsed:
            if kind == "start":
                self.depth += 1
                if self.depth == 1:
                    self.root = element
                    self.events.append(Event("header", element))
                continue
            self.depth -= 1
            if self.depth == 1:
                self.root.remove(element)
                self.events.append(Event("element", element))
            elif self.depth == 0:
                self.events.append(Event("end", None))

    # Events

    def next_event(self, timeout_s=None):
        deadline = time.monotonic() + (self.patience_s if timeout_s is None else timeout_s)
        while not self.events:
            left = deadline - time.monotonic()
            if left <= 0 or self.closed or self.socket is None:
                raise NothingCame("the connection is closed" if self.closed else "nothing came in time")
            self.read_once(left)
        return self.events.popleft()

    def expect(self, kind, tag=None):
        event = self.next_event()
        if event.kind != kind or (tag and event.element.tag != tag):
            raise AssertionError(f"expected {tag or kind}, received {describe(event)}")
        return event.element

    def is_open(self):
        return self.socket is not None and not self.closed

    # Negotiation

    def header_text(self, host, more=""):
        return (f"<?xml version='1.0'?><stream:stream to='{host}' version='1.0' xml:lang='en' {more}"
                f"xmlns='{NS_CLIENT}' xmlns:stream='{NS_STREAM}'>")

    def open_stream(self, host):
        self.new_parser()
        self.send(self.header_text(host))
        header = self.expect("header", f"{{{NS_STREAM}}}stream")
        self.features = self.expect("element", f"{{{NS_STREAM}}}features")
        return header

    def offers(self, tag):
        return self.features is not None and self.features.find(f".//{tag}") is not None

    def negotiate_tls(self, host, context, session=None):
        self.send(f"<starttls xmlns='{NS_TLS}'/>")
        self.expect("element", f"{{{NS_TLS}}}proceed")
        self.start_tls(host, context, session)

    def mechanisms(self):
        return [e.text for e in self.features.iter(f"{{{sasl.NS_SASL}}}mechanism")]

    def channel_bindings(self):
        return [e.get("type") for e in self.features.iter(f"{{{NS_SASL_CB}}}channel-binding")]

    def end_point(self):
        """The data of tls-server-end-point (RFC 5929 §4.1); our certificates are signed with SHA-256."""
        return hashlib.sha256(self.certificate).digest()

    def sasl_reply(self):
        element = self.expect("element")
        name = element.tag.removeprefix(f"{{{sasl.NS_SASL}}}")
        if name == "failure":
            raise sasl.SaslFailure(element[0].tag.split("}")[1] if len(element) else "without a condition")
        text = (element.text or "").strip()
        return name, b"" if text in ("", "=") else sasl.base64.b64decode(text, validate=True)

    def authenticate(self, mechanism, user, password, authzid="", flag=None, tweak=None, binding=None):
        """Runs one SASL exchange to <success/>; raises SaslFailure with the condition otherwise."""
        start = f"<auth xmlns='{sasl.NS_SASL}' mechanism='{mechanism}'>"
        if mechanism == "PLAIN":
            self.send(start + sasl.encode(sasl.plain(user, password, authzid)) + "</auth>")
            name, _ = self.sasl_reply()
            if name != "success":
                raise sasl.SaslError(f"PLAIN was answered with {name}")
            return None
        if mechanism.endswith("-PLUS") and binding is None:
            binding = ("tls-server-end-point", self.end_point())
        scram = sasl.Scram(mechanism, user, password, authzid, binding, flag, tweak)
        self.send(start + sasl.encode(scram.first()) + "</auth>")
        name, challenge = self.sasl_reply()
        if name != "challenge":
            raise sasl.SaslError(f"SCRAM's first message was answered with {name}")
        self.send(f"<response xmlns='{sasl.NS_SASL}'>{sasl.encode(scram.final(challenge))}</response>")
        name, last = self.sasl_reply()
        if name == "challenge":
            scram.verify(last)
            self.send(f"<response xmlns='{sasl.NS_SASL}'/>")
            name, _ = self.sasl_reply()
        else:
            scram.verify(last)
        if name != "success":
            raise sasl.SaslError(f"SCRAM ended with {name}")
        return scram

    def bind(self, resource=None):
        """Binds and returns the full JID (RFC 6120 §7)."""
        wish = f"<resource>{resource}</resource>" if resource else ""
        self.send(f"<iq type='set' id='bind'><bind xmlns='{NS_BIND}'>{wish}</bind></iq>")
        answer = self.expect("element", f"{{{NS_CLIENT}}}iq")
        jid = answer.find(f".//{{{NS_BIND}}}jid")
        if answer.get("type") != "result" or jid is None:
            raise AssertionError("binding was refused: " + ET.tostring(answer, "unicode"))
        return jid.text

    def ping(self, host):
        """A round trip to the server; whatever came before the answer stays in the queue of events."""
        name = "fence-" + secrets.token_hex(6)
        self.send(f"<iq type='get' id='{name}' to='{host}'><ping xmlns='{NS_PING}'/></iq>")
        kept = collections.deque()
        deadline = time.monotonic() + self.patience_s
        while True:
            try:
                event = self.next_event(deadline - time.monotonic())
            except NothingCame:
                self.events = kept + self.events
                return False
            if event.kind == "element" and event.element.get("id") == name:
                self.events = kept + self.events
                return True
            kept.append(event)

    # Ends

    def close(self):
        """Closes both ways as RFC 6120 §4.4 demands; what arrives meanwhile is kept."""
        if not self.is_open():
            return
        self.send("</stream:stream>")
        kept = []
        while True:
            event = self.next_event()
            if event.kind == "end":
                break
            if event.kind in ("eof", "reset"):
                raise AssertionError("the server closed the socket without </stream:stream>")
            kept.append(event)
        self.shut()
        self.events.extend(kept)

    def shut(self):
        if self.socket is not None:
            try:
                self.socket.close()
            except OSError:
                pass
        self.closed = True

    def drop(self):
        """Aborts: the peer sees a reset, not an end."""
        raw = self.socket
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()
        self.closed = True


def describe(event):
    if event.kind in ("element", "header"):
        return pretty(event.element)
    return event.kind if event.element is None else f"{event.kind} ({event.element})"


def pretty(element):
    """The element as text with readable prefixes."""
    for prefix, uri in (("", NS_CLIENT), ("stream", NS_STREAM)):
        try:
            ET.register_namespace(prefix, uri)
        except ValueError:
            pass
    try:
        return ET.tostring(element, "unicode")
    except ValueError:
        return repr(element)
