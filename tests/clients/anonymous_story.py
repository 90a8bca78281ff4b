#!/usr/bin/python3
"""Guests by SASL ANONYMOUS (XEP-0175): slixmpp (Debian's python3-slixmpp) as one, what a guest may do and what it may
not, how many there may be, and that nothing of a guest stays behind."""

import asyncio
import os
import re

import helper
from runner import sasl
from runner.server import client_context
from runner.stream import NS_CLIENT, NS_STREAM, NS_STREAM_ERRORS, Stream

try:
    import slixmpp
except ImportError:
    helper.skip("slixmpp is missing (apt-get install python3-slixmpp)")

WAIT_S = 15 * helper.PATIENCE
HOST, OTHER, CLOSED = "localhost", "other.localhost", "closed.localhost"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}@localhost/.+")
PER_ADDRESS, IN_ALL, PER_MINUTE = 4, 6, 60


def check(what, found, wanted):
    assert found == wanted, f"{what}: {found!r} instead of {wanted!r}"


class Peer:
    """A bound stream; without an account it is a guest's."""

    def __init__(self, server, jid=None, resource=None, address="127.0.0.1"):
        self.stream = Stream((address, server.ports["direct"]), patience_s=WAIT_S)
        self.stream.open_socket()
        self.stream.start_tls(HOST, client_context(server.trust))
        self.stream.open_stream(HOST)
        if jid is None:
            self.log_in()
        else:
            self.stream.authenticate("SCRAM-SHA-1", jid.split("@")[0], helper.PASSWORDS[jid])
        self.stream.open_stream(HOST)
        self.jid = self.stream.bind(resource)
        self.bare = self.jid.split("/")[0]

    def log_in(self):
        self.stream.send(f"<auth xmlns='{sasl.NS_SASL}' mechanism='ANONYMOUS'/>")
        check("the answer", self.stream.sasl_reply(), ("success", b""))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.shut()

    def send(self, text):
        self.stream.send(text)

    def next(self):
        element = self.stream.expect("element")
        return element.tag.split("}")[1], element

    def refusal(self, text):
        """The condition of the error that a stanza with id "r" comes back with."""
        self.send(text)
        while True:
            element = self.next()[1]
            if element.get("id") == "r":
                break
        check("the type", element.get("type"), "error")
        return element.find(f"{{{NS_CLIENT}}}error")[0].tag.split("}")[1]

    def ask(self, kind, payload, to=""):
        to = f" to='{to}'" if to else ""
        self.send(f"<iq type='{kind}' id='q'{to}>{payload}</iq>")
        while True:
            element = self.next()[1]
            if element.get("id") == "q":
                return element

    def is_quiet(self):
        return self.stream.ping(HOST) and not self.stream.events

    def ends_with(self):
        while True:
            event = self.stream.next_event()
            if event.kind == "element" and event.element.tag == f"{{{NS_STREAM}}}error":
                return next(e.tag.split("}")[1] for e in event.element if NS_STREAM_ERRORS in e.tag)


def refused(server):
    """The SASL condition that one guest more gets; with its stream, which may try again."""
    try:
        with Peer(server):
            return None
    except sasl.SaslFailure as failure:
        return failure.condition


def what_a_guest_may(server):
    with Peer(server) as guest, Peer(server, resource="chosen") as second, Peer(server, helper.ROMEO) as romeo:
        assert UUID.fullmatch(guest.jid) and UUID.fullmatch(second.jid), f"{guest.jid}, {second.jid}"
        assert guest.bare != second.bare
        # Messages to and from accounts and guests.
        guest.send(f"<message to='{romeo.jid}' type='chat'><body>hi</body></message>")
        _, message = romeo.next()
        check("from", message.get("from"), guest.jid)
        romeo.send(f"<message to='{guest.jid}' type='chat'><body>who?</body></message>")
        check("answer", guest.next()[1].get("from"), romeo.jid)
        guest.send(f"<message to='{second.jid}'><body>psst</body></message>")
        check("guest to guest", second.next()[1].get("from"), guest.jid)
        # A roster is there, empty, and stays so.
        roster = guest.ask("get", "<query xmlns='jabber:iq:roster'/>")
        check("roster", (roster.get("type"), len(list(roster[0]))), ("result", 0))
        item = f"<query xmlns='jabber:iq:roster'><item jid='{helper.ROMEO}'/></query>"
        check("roster set", guest.refusal(f"<iq type='set' id='r'>{item}</iq>"), "not-allowed")
        for kind in ("subscribe", "subscribed", "unsubscribe", "unsubscribed"):
            check(kind, guest.refusal(f"<presence type='{kind}' id='r' to='{helper.ROMEO}'/>"), "not-allowed")
        assert romeo.is_quiet(), "something came through"
        # Presence, discovery.
        guest.send("<presence><status>here</status></presence>")
        check("own presence", guest.next()[1].get("from"), guest.jid)
        info = guest.ask("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", guest.bare)
        kinds = [(e.get("category"), e.get("type")) for e in info.iter() if e.tag.endswith("}identity")]
        check("identity", kinds, [("account", "anonymous")])
        # Whom it may not write to, and to whom nobody can subscribe.
        for target in ("juliet@remote.example", "remote.example", "room@rooms.remote.example"):
            check(target, guest.refusal(f"<message id='r' to='{target}'><body>hi</body></message>"), "not-allowed")
        condition = guest.refusal(f"<message id='r' to='nobody@{OTHER}'><body>hi</body></message>")
        check("another host of this server", condition, "service-unavailable")
        romeo.ask("get", "<query xmlns='jabber:iq:roster'/>")
        romeo.send("<presence/>")
        romeo.send(f"<presence type='subscribe' to='{guest.bare}'/>")
        answers = []
        while "unsubscribed" not in answers:
            answers.append(romeo.next()[1].get("type"))
        assert guest.is_quiet(), "a guest was asked for a subscription"
        # No account to change or to remove.
        for payload in ("<remove/>", f"<username>{guest.bare.split('@')[0]}</username><password>x</password>"):
            answer = guest.ask("set", f"<query xmlns='jabber:iq:register'>{payload}</query>", HOST)
            check("jabber:iq:register", answer.get("type"), "error")
        own = "<items xmlns='urn:xmpp:saslcert:1'/>"
        check("certificates", guest.ask("get", own).get("type"), "error")
        gone = guest.bare
    # Gone: the address is nobody's.
    with Peer(server, helper.ROMEO) as romeo:
        check("to a guest who has gone", romeo.refusal(
            f"<message id='r' type='chat' to='{gone}'><body>hi</body></message>"), "service-unavailable")
    print("passed   what a guest may do", flush=True)


def no_offline_messages(server):
    with Peer(server) as guest, Peer(server, helper.ROMEO) as romeo:
        guest.send("<presence><priority>-1</priority></presence>")
        guest.next()
        check("to a guest who takes none", romeo.refusal(
            f"<message id='r' type='chat' to='{guest.bare}'><body>hi</body></message>"), "service-unavailable")
    print("passed   no messages are kept for guests", flush=True)


def limits(server):
    guests = [Peer(server) for _ in range(PER_ADDRESS)]
    check("one too many from here", refused(server), "temporary-auth-failure")
    with Peer(server, helper.ROMEO):
        pass
    guests.pop().stream.shut()
    deadline = 50
    while refused(server) is not None and deadline:
        deadline -= 1
    assert deadline, "a place that was given back is not given away"
    for guest in guests:
        guest.stream.shut()

    # A stream that ends between success and binding gives its place back as well.
    for _ in range(3 * PER_ADDRESS):
        stream = Stream(("127.0.0.1", server.ports["direct"]), patience_s=WAIT_S)
        stream.open_socket()
        stream.start_tls(HOST, client_context(server.trust))
        stream.open_stream(HOST)
        stream.send(f"<auth xmlns='{sasl.NS_SASL}' mechanism='ANONYMOUS'>=</auth>")
        try:
            stream.sasl_reply()
        except sasl.SaslFailure as failure:
            check("condition", failure.condition, "temporary-auth-failure")
        stream.shut()
    with Peer(server) as guest:
        check("too big", (guest.send(f"<message to='{guest.jid}'><body>{'x' * 12000}</body></message>"),
                          guest.ends_with())[1], "policy-violation")
    with Peer(server) as guest:
        for _ in range(PER_MINUTE + 3):
            guest.send(f"<message to='{guest.jid}'><body>x</body></message>")
        check("too many", guest.ends_with(), "policy-violation")
    stream = Stream(("127.0.0.1", server.ports["direct"]), patience_s=WAIT_S)
    stream.open_socket()
    stream.start_tls(HOST, client_context(server.trust))
    stream.open_stream(HOST)
    stream.send(f"<auth xmlns='{sasl.NS_SASL}' mechanism='ANONYMOUS'>{sasl.encode(b'x' * 2000)}</auth>")
    try:
        stream.sasl_reply()
        raise AssertionError("so much of a trace was taken")
    except sasl.SaslFailure as failure:
        check("a long trace", failure.condition, "malformed-request")
    stream.shut()
    print("passed   limits of guests", flush=True)


def a_host_without_guests(server):
    stream = Stream(("127.0.0.1", server.ports["direct"]), patience_s=WAIT_S)
    stream.open_socket()
    context = client_context(server.certificates[CLOSED][0])
    stream.start_tls(CLOSED, context)
    stream.open_stream(CLOSED)
    assert "ANONYMOUS" not in stream.mechanisms() and "SCRAM-SHA-256" in stream.mechanisms(), stream.mechanisms()
    stream.send(f"<auth xmlns='{sasl.NS_SASL}' mechanism='ANONYMOUS'/>")
    try:
        stream.sasl_reply()
        raise AssertionError("a host that wants no guests took one")
    except sasl.SaslFailure as failure:
        check("condition", failure.condition, "invalid-mechanism")
    stream.shut()
    print("passed   a host without guests", flush=True)


class Client(slixmpp.ClientXMPP):
    def __init__(self, trust):
        super().__init__(HOST, "", sasl_mech="ANONYMOUS")
        self.ca_certs = trust
        self.register_plugin("xep_0199")
        self.online = asyncio.get_event_loop().create_future()
        self.gone = asyncio.get_event_loop().create_future()
        self.messages = asyncio.Queue()
        self.add_event_handler("message", self.messages.put_nowait)
        self.add_event_handler("session_start", lambda _: self.online.done() or self.online.set_result(True))
        for name in ("failed_auth", "failed_all_auth", "no_auth", "connection_failed", "ssl_invalid_chain"):
            self.add_event_handler(name, lambda event, name=name: self.online.done() or self.online.set_exception(
                AssertionError(f"{name} {event}")))
        self.add_event_handler("disconnected", lambda _: self.gone.done() or self.gone.set_result(True))


async def slixmpp_as_guest(server, port):
    client, other = Client(server.trust), Client(server.trust)
    direct = port == "direct"
    for each in (client, other):
        each.connect(("127.0.0.1", server.ports[port]), use_ssl=direct, force_starttls=not direct,
                     disable_starttls=direct)
        await asyncio.wait_for(each.online, WAIT_S)
        assert UUID.fullmatch(each.boundjid.full), each.boundjid.full
    await asyncio.wait_for(client["xep_0199"].ping(HOST), WAIT_S)
    await asyncio.wait_for(client.get_roster(), WAIT_S)
    client.send_message(mto=other.boundjid.full, mbody="Who's there?", mtype="chat")
    message = await asyncio.wait_for(other.messages.get(), WAIT_S)
    check("between guests", (message["from"].full, message["body"]), (client.boundjid.full, "Who's there?"))
    for each in (client, other):
        each.disconnect()
        await asyncio.wait_for(each.gone, WAIT_S)
    rest = asyncio.all_tasks() - {asyncio.current_task()}   # slixmpp leaves its own loops behind
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    print(f"passed   slixmpp {slixmpp.__version__} as a guest: {port}", flush=True)


def nothing_is_kept(server):
    """Local parts of guests are UUIDs, and no account's name looks like one."""
    server.stop()
    form = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    for folder, _, files in os.walk(server.data):
        for name in files:
            with open(os.path.join(folder, name), "rb") as file:
                # (romeo's roster may name whom romeo asked; of a guest's own there is nothing.)
                for found in form.findall(file.read()):
                    raise AssertionError(f"{name} holds {found}")
    server.launch()
    print("passed   nothing of a guest is kept", flush=True)


def main():
    options = helper.parser(__doc__).parse_args()
    if options.server != "rondel":
        helper.skip("the limits are set up for rondel")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def test():
        server = helper.make_server(options, hosts=(HOST, OTHER, CLOSED),
                                    interfaces={"starttls": "required", "direct": "direct"})
        server.interface_extra = 'auth = ["internal", "anonymous"]'
        server.modules = server.modules + ["auth-external"]
        server.host_extra_of = {CLOSED: 'modules_off = ["auth-anonymous"]'}
        server.extra = ("[module.auth-anonymous]\n"
                        f"sessions_max = {IN_ALL}\nsessions_per_address_max = {PER_ADDRESS}\n"
                        f"stanzas_per_minute_max = {PER_MINUTE}\n")
        with server:
            for jid, password in helper.PASSWORDS.items():
                server.add_user(jid, password)
            server.trust = server.certificates[HOST][0]
            for port in ("starttls", "direct"):
                loop.run_until_complete(slixmpp_as_guest(server, port))
            no_offline_messages(server)
            limits(server)
            a_host_without_guests(server)
            nothing_is_kept(server)
            what_a_guest_may(server)

    helper.finish(test)


if __name__ == "__main__":
    main()
