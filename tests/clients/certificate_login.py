"""A login by client certificate, step by step, and what it is expected to give."""

import helper
from client_authority import XMPP_ADDRESS
from runner import sasl
from runner.server import client_context
from runner.stream import NS_CLIENT, NS_STREAM, NS_STREAM_ERRORS, Stream

WAIT_S = 15 * helper.PATIENCE
HOST = "localhost"


def address(*jids):
    return ",".join(XMPP_ADDRESS + jid for jid in jids)


class Login:
    """A stream on the way to a resource. `certificate` holds the paths of chain and key, or is None."""

    def __init__(self, server, port="direct", certificate=None, version=None, session=None):
        self.context = client_context(server.trust, version=version)
        if certificate is not None:
            self.context.load_cert_chain(*certificate)
        self.stream = Stream(("127.0.0.1", server.ports[port]), patience_s=WAIT_S)
        self.stream.open_socket()
        if port == "direct":
            self.stream.start_tls(HOST, self.context, session)
        else:
            self.stream.open_stream(HOST)
            self.stream.negotiate_tls(HOST, self.context, session)
        self.stream.open_stream(HOST)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.shut()

    def is_offered(self):
        return "EXTERNAL" in self.stream.mechanisms()

    def external(self, authzid=""):
        """Whether it worked, else the SASL condition."""
        self.stream.send(f"<auth xmlns='{sasl.NS_SASL}' mechanism='EXTERNAL'>{sasl.encode(authzid.encode())}</auth>")
        try:
            return self.stream.sasl_reply()[0]
        except sasl.SaslFailure as failure:
            return failure.condition

    def bind(self, resource="here"):
        self.stream.open_stream(HOST)
        return self.stream.bind(resource)

    def password(self, jid):
        self.stream.authenticate("SCRAM-SHA-1", jid.split("@")[0], helper.PASSWORDS[jid])
        return self

    def ask(self, kind, payload, to=""):
        """An IQ's answer: "result" and the element, or the condition of the error and None."""
        to = f" to='{to}'" if to else ""
        self.stream.send(f"<iq type='{kind}' id='q'{to}>{payload}</iq>")
        while True:
            element = self.stream.expect("element")
            if element.get("id") == "q":
                break
        if element.get("type") == "result":
            return "result", element
        error = element.find(f"{{{NS_CLIENT}}}error")
        return error[0].tag.split("}")[1], None

    def ends_with(self):
        """The condition of the stream error that comes."""
        while True:
            event = self.stream.next_event()
            if event.kind == "element" and event.element.tag == f"{{{NS_STREAM}}}error":
                return next(e.tag.split("}")[1] for e in event.element if NS_STREAM_ERRORS in e.tag)
            assert event.kind == "element", f"the stream ended without an error: {event}"


def check(what, found, wanted):
    assert found == wanted, f"{what}: {found!r} instead of {wanted!r}"


def expect_open(server, what, certificate, outcomes, port="direct"):
    """`outcomes` maps an authzid to what EXTERNAL gives for it."""
    for authzid, wanted in outcomes.items():
        with Login(server, port, certificate) as login:
            assert login.is_offered(), f"{what}: EXTERNAL is not offered"
            check(f"{what}, authzid '{authzid}'", login.external(authzid), wanted)
            if wanted == "success":
                jid = login.bind()
                if authzid:
                    check(what, jid.split("/")[0], authzid)


def expect_shut(server, what, certificate, port="direct"):
    """EXTERNAL is not offered and not taken, and a password still is."""
    with Login(server, port, certificate) as login:
        assert not login.is_offered(), f"{what}: EXTERNAL is offered"
        check(what, login.external(), "invalid-mechanism")
        login.password(helper.ROMEO)
        check(what, login.bind().split("/")[0], helper.ROMEO)
