"""Carries out the steps of one scenario. Each step is a method with the pattern that names it."""

import re
import time

from . import sasl, template
from .script import ScriptError
from .server import PATIENCE
from .stream import NS_CLIENT, NS_STANZAS, NS_STREAM, NS_STREAM_ERRORS, NothingCame, Stream, describe, pretty

NS_ROSTER = "jabber:iq:roster"
STEPS = []
PASSWORD = "r0se-&-ünder"   # an ampersand and a letter beyond ASCII travel in every login
SETTLE_ROUNDS = 2
SETTLE_PAUSE_S = 0.02


class StepFailed(AssertionError):
    """A step did not come out as the script says."""


def step(pattern):
    def register(function):
        STEPS.append((re.compile(pattern + "$"), function))
        return function
    return register


class Execution:
    """One scenario on one server. Owner: one thread."""

    def __init__(self, scenario, server, number):
        self.scenario, self.server = scenario, server
        self.captured = {}
        self.trace = []
        self.actors = {name: Actor(client, self, number) for name, client in scenario.clients.items()}

    def accounts(self):
        wanted = {}
        for actor in self.actors.values():
            if actor.user and actor.client.options.get("account") != "no":
                wanted[actor.bare] = actor.password
        return list(wanted.items())

    def run(self):
        """Errors: StepFailed, ScriptError."""
        try:
            for one in self.scenario.steps:
                self.carry_out(one)
            self.finish()
        finally:
            for actor in self.actors.values():
                actor.shut()

    def carry_out(self, one):
        where = f"{self.scenario.path}:{one.line}"
        self.trace.append(("==", one.text))
        for pattern, function in STEPS:
            found = pattern.match(one.text)
            if not found:
                continue
            words = found.groupdict()
            if "who" in words:
                words["who"] = self.actor(words["who"], where)
            if "other" in words:
                words["other"] = self.actor(words["other"], where)
            try:
                if one.block:
                    words["block"] = one.block
                function(self, **words)
            except ScriptError:
                raise
            except (ValueError, KeyError, TypeError) as error:
                raise ScriptError(f"{where}: {one.text}: {type(error).__name__} {error}") from error
            except (AssertionError, template.Mismatch, NothingCame, OSError, sasl.SaslError) as error:
                raise StepFailed(f"{where}: {one.text}: {error or type(error).__name__}") from error
            except sasl.SaslFailure as error:
                raise StepFailed(f"{where}: {one.text}: SASL failure {error.condition}") from error
            return
        raise ScriptError(f"{where}: this step is not known: {one.text}")

    def actor(self, name, where):
        if name not in self.actors:
            raise ScriptError(f"{where}: no client is called '{name}'")
        return self.actors[name]

    def resolve(self, name):
        if name in self.captured:
            return self.captured[name]
        if name == "host":
            return self.server.hosts[0]
        who, _, what = name.partition(".")
        if who in self.actors:
            return self.actors[who].part(what)
        word, _, rest = name.partition(" ")
        if word == "base64":
            return sasl.encode(self.filled(rest).replace("\\0", "\0").encode("utf-8"))
        if word == "repeat":
            count, _, text = rest.partition(" ")
            return self.filled(text) * int(count)
        if word == "salt":
            challenge = sasl.base64.b64decode(self.filled(rest)).decode("utf-8")
            return next(part for part in challenge.split(",") if part.startswith("s="))
        if word == "text":
            return rest
        if word == "upper":
            return self.filled(rest).upper()
        raise ValueError(f"nothing is known as {{{name}}}")

    def filled(self, text):
        return "".join(self.resolve(part) if is_placeholder else part
                       for is_placeholder, part in template.placeholders(text))

    def settle(self):
        """Waits until what every client sent has had its effect: round trips, for the server keeps the order of
        each pair of addresses (RFC 6120 §10.1), and a short pause for what rests on storage."""
        for turn in range(SETTLE_ROUNDS):
            if turn:
                time.sleep(SETTLE_PAUSE_S * PATIENCE)
            for actor in self.actors.values():
                actor.fence()

    def finish(self):
        self.trace.append(("==", "(the end: nothing may be left)"))
        self.settle()
        for actor in self.actors.values():
            left = actor.left()
            if left and not actor.is_forgiven:
                raise StepFailed(f"{self.scenario.path}: at the end {actor.name} had received also: {describe(left[0])}")
        for actor in self.actors.values():
            if actor.stream and actor.stream.is_open() and actor.is_bound:
                try:
                    actor.stream.close()
                except (AssertionError, NothingCame, OSError) as error:
                    raise StepFailed(f"{self.scenario.path}: {actor.name} could not close its stream: {error}") from error


class Actor:
    """A client of a script."""

    def __init__(self, client, execution, number):
        self.client, self.execution = client, execution
        self.name = client.name
        self.host = client.host
        self.user = f"{client.user}-{number}" if client.user else ""
        self.bare = f"{self.user}@{self.host}" if self.user else self.host
        self.password = client.options.get("password", PASSWORD)
        self.resource = client.resource
        self.jid = f"{self.bare}/{client.resource}" if client.resource else self.bare
        self.stream = None
        self.is_bound = False
        self.is_forgiven = False
        self.stream_id = ""
        self.scram = None
        self.try_options = {}

    def part(self, what):
        if what == "":
            return self.jid
        values = {"bare": self.bare, "user": self.user, "host": self.host, "resource": self.resource,
                  "password": self.password, "id": self.stream_id}
        return values[what]

    def port(self, name=None):
        ports = self.execution.server.ports
        return ports[name or self.client.options.get("interface") or next(iter(ports))]

    def mode(self, name=None):
        interfaces = self.execution.server.interfaces
        return interfaces[name or self.client.options.get("interface") or next(iter(interfaces))]

    def fresh(self, interface=None):
        self.shut()
        trace = _Tagged(self.execution.trace, self.name)
        self.stream = Stream(("127.0.0.1", self.port(interface)), 8.0 * PATIENCE, trace)
        self.is_bound = False
        self.stream.open_socket()
        return self.stream

    def open_stream(self, host=None):
        header = self.stream.open_stream(host or self.host)
        self.stream_id = header.get("id", "")

    def secure(self):
        """Brings up TLS where the interface or the client's options ask for it, and opens the stream."""
        mode = self.mode()
        if mode == "direct":
            self.stream.start_tls(self.host, self.execution.server.trusted(self.host, "xmpp-client"))
        self.open_stream()
        if mode == "required" or (mode == "optional" and self.client.options.get("tls") != "no"):
            self.stream.negotiate_tls(self.host, self.execution.server.trusted(self.host))
            self.open_stream()

    def log_in(self, mechanism=None):
        self.secure()
        wanted = mechanism or self.client.options.get("mechanism") or "SCRAM-SHA-1"
        self.scram = self.stream.authenticate(wanted, self.user, self.password)
        self.open_stream()

    def bind(self, resource=None):
        self.jid = self.stream.bind(resource)
        self.resource = self.jid.partition("/")[2]
        self.is_bound = True

    def connect(self, mechanism=None):
        self.fresh()
        self.log_in(mechanism)
        self.bind(self.client.resource or None)

    def fence(self):
        if self.is_bound and self.stream.is_open():
            self.stream.ping(self.host)

    def left(self):
        return [e for e in self.stream.events if e.kind not in ("end", "eof")] if self.stream else []

    def next_element(self):
        event = self.stream.next_event()
        if event.kind != "element":
            raise AssertionError(f"{self.name} received {describe(event)}")
        return event.element

    def own(self, element):
        """Takes `to` off when it only names this client: scripts need not write it."""
        if not element.tag.startswith(f"{{{NS_CLIENT}}}"):
            return element
        if element.get("to") in (self.jid, self.bare):
            element.set("_to", element.attrib.pop("to"))
        if element.get("from") is None:
            element.set("from", self.bare)   # RFC 6120 §8.1.2.1: so a client has to read it
        return element

    def compare(self, wanted, actual):
        actual = self.own(actual)
        mine = actual.attrib.pop("_to", None)
        if wanted.get("to") is not None and mine is not None:
            actual.set("to", mine)
        if wanted.get("from") is None and actual.get("from") == self.bare:
            del actual.attrib["from"]
        matcher = template.Matcher(self.execution.resolve)
        try:
            matcher.match(wanted, actual)
        except template.Mismatch as mismatch:
            raise template.Mismatch(f"{mismatch}\n  wanted   {pretty(wanted)}\n  received {pretty(actual)}") from None
        self.execution.captured.update(matcher.captured)

    def shut(self):
        if self.stream:
            self.stream.shut()


class _Tagged:
    """A trace that says whose lines they are."""

    def __init__(self, trace, name):
        self.trace, self.name = trace, name

    def append(self, line):
        self.trace.append((f"{self.name} {line[0]}", line[1]))


# Whole connections

@step(r"(?P<who>\w+) connects(?: with (?P<mechanism>[A-Z0-9-]+))?")
def connects(_, who, mechanism=None):
    who.connect(mechanism)


@step(r"(?P<who>\w+) comes online(?: with priority (?P<priority>-?\d+))?")
def comes_online(run, who, priority=None):
    if not who.stream or not who.stream.is_open():
        who.connect()
    who.stream.send("<presence/>" if priority is None else f"<presence><priority>{priority}</priority></presence>")
    run.settle()
    for event in who.stream.events:
        if event.kind == "element" and event.element.tag == f"{{{NS_CLIENT}}}presence" and \
                event.element.get("from") == who.jid and event.element.get("type") is None:
            who.stream.events.remove(event)
            return
    raise AssertionError(f"{who.name} did not receive its own presence (RFC 6121 §4.2.2)")


@step(r"(?P<who>\w+) asks for the roster")
def asks_for_roster(_, who):
    who.stream.send(f"<iq type='get' id='roster'><query xmlns='{NS_ROSTER}'/></iq>")
    before = []
    while True:
        event = who.stream.next_event()
        if event.kind == "element" and event.element.get("id") == "roster":
            break
        before.append(event)
    who.stream.events.extendleft(reversed(before))
    assert event.element.get("type") == "result", "the roster was refused: " + pretty(event.element)


@step(r"(?P<who>\w+) and (?P<other>\w+) are friends")
def are_friends(_, who, other):
    befriend(who, other, mutual=True)


@step(r"(?P<who>\w+) is subscribed to (?P<other>\w+)")
def is_subscribed(_, who, other):
    befriend(who, other, mutual=False)


def befriend(who, other, mutual):
    """Makes a subscription through connections that are gone afterwards; both must be away now."""
    if any(actor.stream and actor.stream.is_open() for actor in (who, other)):
        raise ValueError("both must still be away")
    pair = []
    for actor in (who, other):
        stream = Stream(("127.0.0.1", actor.port()), 8.0 * PATIENCE, _Tagged(actor.execution.trace, "(befriending)"))
        stream.open_socket()
        actor.stream = stream
        actor.log_in()
        stream.bind("befriending")
        # Approvals go to interested resources only (RFC 6121 §3.1.6): those that have asked for the roster.
        stream.send(f"<iq type='get' id='roster'><query xmlns='{NS_ROSTER}'/></iq><presence/>")
        stream.ping(actor.host)
        pair.append(stream)
    subscribe(pair[0], who, pair[1], other)
    if mutual:
        subscribe(pair[1], other, pair[0], who)
    wanted = "both" if mutual else "to"
    wait_for_subscription(pair[0], other, wanted)
    wait_for_subscription(pair[1], who, "both" if mutual else "from")
    for stream, actor in zip(pair, (who, other)):
        stream.send("<presence type='unavailable'/>")
        stream.ping(actor.host)
        stream.close()
        actor.stream = None


def subscribe(stream, actor, other_stream, other):
    stream.send(f"<presence type='subscribe' to='{other.bare}'/>")
    wait_for(other_stream, "subscribe", actor.bare)
    other_stream.send(f"<presence type='subscribed' to='{actor.bare}'/>")
    wait_for(stream, "subscribed", other.bare)


def wait_for(stream, kind, sender):
    while True:
        event = stream.next_event()
        if event.kind == "element" and event.element.get("type") == kind and event.element.get("from") == sender:
            return


def wait_for_subscription(stream, other, wanted):
    deadline = time.monotonic() + stream.patience_s
    while time.monotonic() < deadline:
        stream.send(f"<iq type='get' id='look'><query xmlns='{NS_ROSTER}'/></iq>")
        while True:
            event = stream.next_event()
            if event.kind == "element" and event.element.get("id") == "look":
                break
        for item in event.element.iter(f"{{{NS_ROSTER}}}item"):
            if item.get("jid") == other.bare and item.get("subscription") == wanted and item.get("ask") is None:
                return
        time.sleep(0.02)
    raise AssertionError(f"the subscription did not become '{wanted}'")


# Single acts

@step(r"(?P<who>\w+) opens a socket(?: to (?P<interface>\w+))?")
def opens_socket(_, who, interface=None):
    who.fresh(interface)


@step(r"(?P<who>\w+) opens a TLS socket(?: offering (?P<alpn>\S+))?")
def opens_tls_socket(run, who, alpn=None):
    who.fresh().start_tls(who.host, run.server.trusted(who.host, alpn))


@step(r"(?P<who>\w+) fails to open a TLS socket(?: offering (?P<alpn>\S+))?")
def fails_tls_socket(run, who, alpn=None):
    try:
        who.fresh().start_tls(who.host, run.server.trusted(who.host, alpn))
    except OSError:
        return
    raise AssertionError("the handshake went through")


@step(r"(?P<who>\w+) opens a stream(?: to (?P<host>\S+))?")
def opens_stream(_, who, host=None):
    if not who.stream or not who.stream.is_open():
        who.fresh()
    who.open_stream(host)


@step(r"(?P<who>\w+) restarts the stream(?: to (?P<host>\S+))?")
def restarts_stream(_, who, host=None):
    who.open_stream(host)


@step(r"(?P<who>\w+) sends a stream header(?: to (?P<host>\S+))?")
def sends_header(_, who, host=None):
    who.stream.new_parser()
    who.stream.send(who.stream.header_text(host or who.host))


@step(r"(?P<who>\w+) starts TLS(?: as (?P<version>1\.[23]))?(?: asking for (?P<sni>\S+))?")
def starts_tls(run, who, version=None, sni=None):
    import ssl
    wanted = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}.get(version)
    context = run.server.trusted(who.host, None, wanted)
    context.check_hostname = sni is None   # else a later step says whose certificate came
    who.stream.negotiate_tls(sni or who.host, context)


@step(r"(?P<who>\w+) shakes hands for (?P<host>\S+)")
def shakes_hands(run, who, host):
    who.stream.negotiate_tls(host, run.server.trusted(host))


@step(r"(?P<who>\w+) comes back with its TLS session")
def resumes_tls(_, who):
    """On another connection: STARTTLS, and the server takes up the session of the last (RFC 8446 §2.2)."""
    before = who.stream.socket
    session, context = before.session, before.context
    assert session is not None, "the server gave no session"
    who.fresh()
    who.open_stream()
    who.stream.negotiate_tls(who.host, context, session)
    assert who.stream.socket.session_reused, "the server began a session of its own"


@step(r"(?P<who>\w+) uses TLS (?P<version>1\.[23])")
def uses_tls(_, who, version):
    found = who.stream.socket.version()
    assert found == f"TLSv{version}", f"the connection speaks {found}"


@step(r"(?P<who>\w+) has agreed on ALPN (?P<name>\S+)")
def has_alpn(_, who, name):
    found = who.stream.socket.selected_alpn_protocol()
    assert found == name, f"ALPN chose {found}"


@step(r"(?P<who>\w+) sees the certificate of (?P<host>\S+)")
def sees_certificate(_, who, host):
    names = [value for kind, value in who.stream.socket.getpeercert().get("subjectAltName", ()) if kind == "DNS"]
    assert names == [host], f"the certificate is for {names}"


@step(r"(?P<who>\w+) authenticates(?: with (?P<mechanism>[A-Z0-9-]+))?(?: as user '(?P<user>[^']*)')?"
      r"(?: and password '(?P<password>[^']*)')?(?: for '(?P<authzid>[^']*)')?(?: with gs2 flag '(?P<flag>[^']*)')?"
      r"(?: binding to (?P<binding>\S+))?(?: with a wrong (?P<tweak>nonce|proof|binding|no-proof))?"
      r"(?: and fails with (?P<condition>[\w-]+(?: or [\w-]+)*))?")
def authenticates(run, who, mechanism=None, user=None, password=None, authzid=None, flag=None, binding=None,
                  tweak=None, condition=None):
    user = who.user if user is None else run.filled(user)
    password = who.password if password is None else run.filled(password)
    pair = None
    if binding:
        pair = (binding, who.stream.end_point() if binding == "tls-server-end-point" else b"unknown")
    try:
        who.scram = who.stream.authenticate(mechanism or "SCRAM-SHA-1", user, password,
                                            run.filled(authzid or ""), flag, tweak, pair)
    except sasl.SaslFailure as failure:
        if condition and failure.condition in condition.split(" or "):
            return
        raise
    assert not condition, "the server let it in"


@step(r"(?P<who>\w+) verifies the proof of what was announced")
def verifies_announcement(_, who):
    proof = who.scram.attributes.get("h")
    assert proof, f"the server sent no attribute h: {who.scram.attributes}"
    wanted = sasl.downgrade_hash(who.scram.hash_name, who.stream.mechanisms(), who.stream.channel_bindings())
    assert proof == wanted, f"the attribute h is {proof}, but what was announced gives {wanted}"


@step(r"(?P<who>\w+) binds(?: resource '(?P<resource>[^']*)')?")
def binds(run, who, resource=None):
    who.bind(run.filled(resource) if resource else who.client.resource or None)


@step(r"(?P<who>\w+) sends bytes (?P<bytes>[0-9a-f ]+)")
def sends_bytes(_, who, bytes):
    who.stream.send(bytes_from(bytes))


def bytes_from(text):
    return bytes.fromhex(text)


@step(r"(?P<who>\w+) sends")
def sends(run, who, block):
    if "<stream:stream" in block:
        who.stream.new_parser()   # the answer is a document of its own
    who.stream.send(run.filled(block))


@step(r"(?P<who>\w+) sends one byte at a time")
def sends_slowly(run, who, block):
    for byte in run.filled(block).encode("utf-8"):
        who.stream.send(bytes([byte]))


@step(r"(?P<who>\w+) receives")
def receives(_, who, block):
    for wanted in template.parse(block):
        who.compare(wanted, who.next_element())


@step(r"(?P<who>\w+) receives without forged ids")
def receives_without_forged_ids(_, who, block):
    """As `receives`, but ids of the server's own (XEP-0359) may be there, if they do not begin with "forged"."""
    actual = who.next_element()
    for child in list(actual):
        if child.tag == "{urn:xmpp:sid:0}stanza-id":
            assert not child.get("id", "").startswith("forged"), f"received {pretty(actual)}"
            actual.remove(child)
    who.compare(template.parse(block)[0], actual)


@step(r"(?P<who>\w+) receives in any order")
def receives_unordered(run, who, block):
    templates = template.parse(block)
    elements = []
    for _ in templates:
        try:
            elements.append(who.own(who.next_element()))
        except NothingCame as reason:
            came = "\n    ".join(pretty(e) for e in elements) or "nothing"
            raise AssertionError(f"{reason}; {len(elements)} of {len(templates)} came:\n    {came}") from None
    for element in elements:
        mine = element.attrib.pop("_to", None)
        if mine is not None and any(t.get("to") is not None and t.tag == element.tag for t in templates):
            element.set("to", mine)
    for wanted in templates:
        if wanted.tag.startswith(f"{{{NS_CLIENT}}}") and wanted.get("from") is None:
            wanted.set("from", who.bare)
    run.captured.update(template.match_all(templates, elements, run.resolve))


@step(r"(?P<who>\w+) receives nothing")
def receives_nothing(run, who):
    run.settle()
    if not who.is_bound:
        try:
            event = who.stream.next_event(0.15 * PATIENCE)
        except NothingCame:
            return
        raise AssertionError(f"{who.name} received {describe(event)}")
    left = who.left()
    assert not left, f"{who.name} received {describe(left[0])}"


@step(r"(?P<who>\w+) receives at most an error (?P<condition>[\w-]+)")
def at_most_an_error(run, who, condition):
    """Where the RFC lets a server choose between silence and one error."""
    run.settle()
    left = who.left()
    assert len(left) <= 1, f"{len(left)} stanzas came"
    for event in left:
        found = event.element.find(f"{{{NS_CLIENT}}}error/{{{NS_STANZAS}}}{condition}")
        assert event.element.get("type") == "error" and found is not None, f"received {describe(event)}"
    who.stream.events.clear()


@step(r"(?P<who>\w+) does not learn of (?P<other>\w+)")
def does_not_learn(run, who, other):
    """Nothing tells that `other` is there: no stanza of its resource, and no more than a refusal of its account."""
    run.settle()
    for event in who.stream.events:
        sender, kind = event.element.get("from"), event.element.get("type")
        assert sender != other.jid and kind in ("unsubscribed", "unavailable", "error"), f"received {describe(event)}"
    who.stream.events.clear()


@step(r"(?P<who>\w+) receives a stream header")
def receives_header(run, who, block):
    wanted = template.parse(block if block.rstrip().endswith("/>") else block + "</stream:stream>")[0]
    header = who.stream.expect("header")
    who.stream_id = header.get("id", "")
    bare = header.__copy__()
    for child in list(bare):
        bare.remove(child)
    bare.text = None
    matcher = template.Matcher(run.resolve)
    matcher.match(wanted, bare)
    run.captured.update(matcher.captured)


@step(r"(?P<who>\w+) learns(?: without (?P<gone>\S+))? the roster")
def learns_roster(run, who, block, gone=None):
    """The answer to a get with an older version, in either form of RFC 6121 §2.6.3: the whole roster, or an empty
    result followed by pushes of what changed (which may leave out items that did not)."""
    answer = who.next_element()
    assert answer.get("type") == "result", f"received {pretty(answer)}"
    wanted = template.parse(block.replace("<item ", f"<item xmlns='{NS_ROSTER}' "))
    query = answer.find(f"{{{NS_ROSTER}}}query")
    if query is not None:
        run.captured.update(template.match_all(wanted, list(query), run.resolve))
        return
    run.settle()
    items = [event.element.find(f".//{{{NS_ROSTER}}}item") for event in who.stream.events]
    who.stream.events.clear()
    removed = [item.get("jid") for item in items if item.get("subscription") == "remove"]
    assert removed == ([gone] if gone else []), f"removals of {removed} were pushed"
    for item in items:
        if item.get("jid") not in removed:
            assert any(matches(run, one, item) for one in wanted), f"pushed: {pretty(item)}"
    assert gone or items, "no push followed the empty result"


def matches(run, wanted, actual):
    try:
        template.Matcher(run.resolve).match(wanted, actual)
    except template.Mismatch:
        return False
    return True


@step(r"(?P<who>\w+) is offered")
def is_offered(run, who, block):
    for wanted in template.parse(block):
        reason = None
        for child in who.stream.features:
            matcher = template.Matcher(run.resolve)
            try:
                matcher.match(wanted, child)
                break
            except template.Mismatch as mismatch:
                reason = mismatch if child.tag == wanted.tag else reason
        else:
            raise AssertionError(f"not offered: {pretty(wanted)} ({reason})\n  in {pretty(who.stream.features)}")


@step(r"(?P<who>\w+) is not offered")
def is_not_offered(run, who, block):
    for wanted in template.parse(block):
        for child in who.stream.features:
            try:
                template.Matcher(run.resolve).match(wanted, child)
            except template.Mismatch:
                continue
            raise AssertionError(f"offered: {pretty(child)}")


@step(r"(?P<who>\w+) receives stream error (?P<condition>[\w-]+(?: or [\w-]+)*)")
def receives_stream_error(_, who, condition):
    """§4.9.1.1: the error, then </stream:stream>, then the end of the connection; with a header first if there was
    none (§4.9.1.2)."""
    event = who.stream.next_event()
    if event.kind == "header":
        event = who.stream.next_event()
    if event.kind == "element" and event.element.tag == f"{{{NS_STREAM}}}features":
        event = who.stream.next_event()
    if event.kind != "element" or event.element.tag != f"{{{NS_STREAM}}}error":
        raise AssertionError(f"expected the stream error, received {describe(event)}")
    names = [child.tag.split("}")[1] for child in event.element
             if child.tag.startswith(f"{{{NS_STREAM_ERRORS}}}") and not child.tag.endswith("}text")]
    assert len(names) == 1 and names[0] in condition.split(" or "), f"the stream error is {pretty(event.element)}"
    receives_end(None, who)


@step(r"(?P<who>\w+) receives the end of the stream")
def receives_end(_, who):
    event = who.stream.next_event()
    if event.kind != "end":
        raise AssertionError(f"expected </stream:stream>, received {describe(event)}")
    who.is_bound = False
    event = who.stream.next_event()
    if event.kind not in ("eof", "reset"):
        raise AssertionError(f"expected the end of the connection, received {describe(event)}")


@step(r"(?P<who>\w+) is disconnected")
def is_disconnected(_, who):
    """The connection ends, whatever the server still says about why."""
    while True:
        event = who.stream.next_event()
        if event.kind in ("eof", "reset"):
            who.is_bound = False
            return


@step(r"(?P<who>\w+) is refused")
def is_refused(_, who):
    """Any answer that says no: an error stanza, a SASL failure, a stream error, the end."""
    event = who.stream.next_event()
    if event.kind in ("end", "eof", "reset"):
        return
    element = event.element
    refusals = (f"{{{NS_STREAM}}}error", f"{{{sasl.NS_SASL}}}failure")
    if event.kind == "element" and (element.tag in refusals or element.get("type") == "error"):
        return
    raise AssertionError(f"{who.name} received {describe(event)}")


@step(r"(?P<who>\w+) (?:closes the stream|disconnects)")
def closes(_, who):
    who.is_bound = False
    who.stream.close()


@step(r"(?P<who>\w+) (?:drops|loses the connection)")
def drops(_, who):
    who.is_bound = False
    who.stream.drop()


@step(r"(?P<who>\w+) forgets what came")
def forgets(run, who):
    run.settle()
    who.stream.events.clear()


@step(r"(?P<who>\w+) forgets presence")
def forgets_presence(run, who):
    run.settle()
    for event in list(who.stream.events):
        if event.kind == "element" and event.element.tag == f"{{{NS_CLIENT}}}presence":
            who.stream.events.remove(event)


# Without a client

@step(r"everything settles")
def settles(run):
    run.settle()


@step(r"(?P<seconds>[\d.]+) seconds? pass(?:es)?")
def time_passes(_, seconds):
    time.sleep(float(seconds))


@step(r"(?P<left>\{.+\}) is not (?P<right>\{.+\})")
def differs(run, left, right):
    left, right = run.filled(left), run.filled(right)
    assert left != right, f"both are {left}"


@step(r"(?P<left>\{.+\}) is (?P<right>\{.+\})")
def equals(run, left, right):
    left, right = run.filled(left), run.filled(right)
    assert left == right, f"{left} is not {right}"


@step(r"(?P<left>\S+) is at (?P<which>least|most) (?P<right>[\d.]+)")
def bounds(run, left, which, right):
    value = float(run.filled(left))
    assert value >= float(right) if which == "least" else value <= float(right), f"it is {value}"
