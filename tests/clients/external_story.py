#!/usr/bin/python3
"""Client certificates made by openssl against the server: what each opens and what it gets where it opens nothing, over
STARTTLS and direct TLS; names that an operator has bound; disabled accounts; slixmpp (Debian's python3-slixmpp) logging
in by one; revocation and change of authorities by reload; users' own certificates (XEP-0257)."""

import asyncio
import base64
import os
import ssl
import time
import xml.etree.ElementTree as ET

import helper
from authority import der
from certificate_login import HOST, WAIT_S, Login, address, check, expect_open, expect_shut
from client_authority import ClientAuthority, self_signed
from runner.server import ServerError
from runner.stream import Stream

try:
    import slixmpp
except ImportError:
    helper.skip("slixmpp is missing (apt-get install python3-slixmpp)")

NS_CERTIFICATES = "urn:xmpp:saslcert:1"
LISTS = "revoked.pem"


# --- What each certificate opens ----------------------------------------------------------------------------------------


def every_certificate(server):
    authority, foreign = server.authority, server.foreign
    romeo = server.romeo
    for port in ("starttls", "direct"):
        expect_open(server, "romeo's", romeo, {
            "": "success", helper.ROMEO: "success", helper.JULIET: "invalid-authzid",
            "nobody@localhost": "invalid-authzid", "romeo@elsewhere.example": "invalid-authzid",
            "romeo@localhost/x": "invalid-authzid", "romeo": "invalid-authzid"}, port)
        expect_shut(server, "no certificate", None, port)
    expect_open(server, "two addresses", authority.issue("both", address(helper.ROMEO, helper.JULIET)), {
        "": "invalid-authzid", helper.JULIET: "success", helper.ROMEO: "success",
        "nobody@localhost": "invalid-authzid"})
    nothing = {"": "not-authorized", helper.ROMEO: "not-authorized", "nobody@localhost": "not-authorized"}
    for what, words in {
            "an account that is not there": {"names": address("nobody@localhost")},
            "another host's address": {"names": address("romeo@elsewhere.example")},
            "an address with a resource": {"names": address(helper.ROMEO + "/orchard")},
            "an address as common name": {"names": "", "subject": "/CN=romeo@localhost"},
            "an address as e-mail": {"names": "email:romeo@localhost"},
            "an address as DNS name": {"names": "DNS:romeo.localhost"},
            "several common names": {"subject": "/CN=romeo/CN=juliet"},
            "a common name inside another RDN": {"subject": "/O=x,CN=romeo/OU=CN=romeo"},
            "no name at all": {}}.items():
        expect_open(server, what, authority.issue(what.replace(" ", "-"), **words), nothing)
    day = 86400
    for what, certificate in {
            "expired": authority.issue("expired", address(helper.ROMEO), start=-9 * day, end=-day),
            "not yet valid": authority.issue("early", address(helper.ROMEO), start=day, end=9 * day),
            "for servers": authority.issue("server", address(helper.ROMEO), usage="serverAuth"),
            "self-signed": self_signed(server.folder, "selfmade", address(helper.ROMEO)),
            "of a foreign authority": foreign.issue("foreign", address(helper.ROMEO)),
    }.items():
        for port in ("starttls", "direct"):
            expect_shut(server, what, certificate, port)
    print("passed   what each certificate opens", flush=True)


def bound_names(server):
    """A name in a certificate opens the account that the operator has bound it to, and nothing before and after."""
    def name(verb, jid, value):
        return server.control("user", verb, jid, "--certificate-name", value)

    issue = server.authority.issue
    by_mail = issue("by-mail", "email:Capulet@Verona.example")
    by_cn = issue("by-cn", subject="/O=Verona/CN=Juliet (of Verona)")
    other_case = issue("other-case", subject="/O=Verona/CN=juliet (of verona)")
    both = issue("mail-and-cn", "email:Capulet@Verona.example", subject="/O=Verona/CN=Juliet (of Verona)")
    two_cns = issue("two-cns", subject="/O=Verona/CN=Juliet (of Verona)/CN=x")
    by_address = issue("by-address", address("juliet@elsewhere.example"))
    foreign = server.foreign.issue("foreign-name", "email:Capulet@Verona.example", subject="/CN=Juliet (of Verona)")
    nothing = {"": "not-authorized", helper.JULIET: "not-authorized", helper.ROMEO: "not-authorized"}
    juliets = {"": "success", helper.JULIET: "success", helper.ROMEO: "invalid-authzid", "juliet": "invalid-authzid"}
    romeos = {"": "success", helper.ROMEO: "success", helper.JULIET: "invalid-authzid"}
    for what, certificate in {"e-mail": by_mail, "common name": by_cn, "another host's address": by_address}.items():
        expect_open(server, f"{what}, not bound yet", certificate, nothing)
    name("bind", helper.JULIET, "cn:Juliet (of Verona)")
    expect_open(server, "common name", by_cn, juliets)
    expect_open(server, "common name", by_cn, {"": "success"}, "starttls")
    expect_open(server, "common name beside an e-mail that is not bound", both, juliets)
    name("bind", helper.ROMEO, "email:Capulet@verona.example")
    expect_open(server, "e-mail, the domain in other letters", by_mail, romeos)
    expect_open(server, "e-mail before common name", both, romeos)
    name("bind", helper.JULIET, "xmpp:juliet@elsewhere.example")
    expect_open(server, "another host's address", by_address, juliets)
    expect_open(server, "common name in other letters", other_case, nothing)
    expect_open(server, "two common names, one of them bound", two_cns, nothing)
    expect_shut(server, "bound names of a foreign authority", foreign)
    for value in ("cn:Juliet (of Verona)", "xmpp:juliet@elsewhere.example"):
        try:
            name("bind", helper.ROMEO, value)
            raise AssertionError(f"{value} is bound to two")
        except ServerError as error:
            assert helper.JULIET in str(error), f"whose {value} is, is not said: {error}"
    server.stop()
    server.launch()
    expect_open(server, "common name after a restart", by_cn, juliets)
    name("unbind", helper.JULIET, "cn:Juliet (of Verona)")
    name("unbind", helper.ROMEO, "email:Capulet@verona.example")
    name("unbind", helper.JULIET, "xmpp:juliet@elsewhere.example")
    for what, certificate in {"e-mail": by_mail, "common name": by_cn, "another host's address": by_address}.items():
        expect_open(server, f"{what}, not bound any more", certificate, nothing)
    print("passed   names that an operator has bound", flush=True)


def disabled(server):
    """By whichever name: the account is disabled, and who is in by a certificate is thrown out."""
    fingerprint = server.authority.issue("whose", subject="/O=Verona/CN=whose")
    by_cn = server.authority.issue("whose-cn", subject="/O=Verona/CN=Nurse")
    server.control("user", "bind", helper.ROMEO, "--certificate", fingerprint[0], "--certificate-name", "cn:Nurse")
    with Login(server, "direct", server.romeo) as login:
        check("still enabled", login.external(), "success")
        login.bind()
        server.control("user", "disable", helper.ROMEO)
        check("a stream by certificate", login.ends_with(), "not-authorized")
    for what, certificate in {"address": server.romeo, "fingerprint": fingerprint, "common name": by_cn}.items():
        expect_open(server, f"{what} of a disabled account", certificate, {
            "": "account-disabled", helper.ROMEO: "account-disabled", helper.JULIET: "invalid-authzid"})
    both = server.authority.issue("both-again", address(helper.ROMEO, helper.JULIET))
    expect_open(server, "two addresses, one disabled", both, {
        "": "invalid-authzid", helper.JULIET: "success", helper.ROMEO: "account-disabled"})
    server.control("user", "enable", helper.ROMEO)
    expect_open(server, "enabled again", server.romeo, {"": "success"})
    expect_open(server, "enabled again", by_cn, {"": "success"})
    print("passed   a disabled account", flush=True)


def no_session_carries_it_on(server):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with Login(server, "direct", server.romeo, version) as first:
            check("first", first.external(), "success")
            first.bind()
            session = first.stream.socket.session
            context = first.context
        stream = Stream(("127.0.0.1", server.ports["direct"]), patience_s=WAIT_S)
        stream.open_socket()
        stream.start_tls(HOST, context, session)
        assert not stream.socket.session_reused, "a session with a certificate was resumed"
        stream.open_stream(HOST)
        assert "EXTERNAL" in stream.mechanisms(), "the certificate was not shown again"
        stream.shut()
    print("passed   no session carries a certificate on", flush=True)


# --- Reloads --------------------------------------------------------------------------------------------------------------


def write_lists(server, text):
    with open(os.path.join(server.folder, LISTS), "w", encoding="ascii") as file:
        file.write(text)


def is_offered_soon(server, certificate, wanted):
    """Within the deadline, for a reload reaches one core after the other."""
    deadline = time.monotonic() + WAIT_S
    same = 0
    while same < 6:
        with Login(server, "direct", certificate) as login:
            same = same + 1 if login.is_offered() == wanted else 0
        if time.monotonic() > deadline:
            return False
    return True


def refused_reload(server):
    try:
        server.control("reload")
    except ServerError as error:
        return str(error)
    raise AssertionError("a bad file was taken by a reload")


def reloads(server):
    authority = server.authority
    doomed = authority.issue("doomed", address(helper.JULIET))
    expect_open(server, "not revoked yet", doomed, {"": "success"})
    authority.revoke("doomed")
    write_lists(server, authority.lists())
    server.control("reload")
    assert is_offered_soon(server, doomed, False), "a revoked certificate still opens the account"
    assert is_offered_soon(server, server.romeo, True), "another one does not any more"

    # A bad file stops the reload, in words, and what was known before still holds.
    # (The foreign authority calls itself as ours does.)
    for bad, words in (("", "holds no revocation list"), ("-----BEGIN X509 CRL-----\nAAAA\n", "broken"),
                       (server.foreign.lists(), "not signed")):
        write_lists(server, bad)
        assert words in refused_reload(server), f"the reload does not say '{words}'"
        expect_shut(server, "revoked, after a bad list", doomed)
        expect_open(server, "good, after a bad list", server.romeo, {"": "success"})
    write_lists(server, authority.root.list())
    server.control("reload")
    assert is_offered_soon(server, server.romeo, False), "a certificate without a list of its issuer is taken"
    write_lists(server, authority.lists())

    # Another authority instead.
    own = authority.certificate
    with open(own, encoding="ascii") as file:
        before = file.read()
    with open(server.foreign.certificate, encoding="ascii") as file:
        other = file.read()
    with open(own, "w", encoding="ascii") as file:
        file.write("not a certificate")
    assert "holds no certificate" in refused_reload(server)
    with open(own, "w", encoding="ascii") as file:
        file.write(other)
    write_lists(server, server.foreign.lists())
    server.control("reload")
    stranger = (server.foreign.path("foreign.chain"), server.foreign.path("foreign.key"))
    assert is_offered_soon(server, stranger, True) and is_offered_soon(server, server.romeo, False)
    with open(own, "w", encoding="ascii") as file:
        file.write(before)
    write_lists(server, authority.lists())
    server.control("reload")
    assert is_offered_soon(server, server.romeo, True) and is_offered_soon(server, stranger, False)
    print("passed   reloads of authorities and lists", flush=True)


def a_stream_ends_with_its_certificate(server):
    brief = server.authority.issue("brief", address(helper.ROMEO), end=int(6 * helper.PATIENCE))
    with Login(server, "direct", brief) as login:
        check("brief", login.external(), "success")
        login.bind()
        check("the end of a certificate", login.ends_with(), "reset")
    time.sleep(1)   # what OpenSSL takes for now has whole seconds
    expect_shut(server, "after its end", brief)
    print("passed   a stream ends with its certificate", flush=True)


def no_password_by_certificate(server):
    payload = ("<query xmlns='jabber:iq:register'><username>romeo</username><password>taken-over</password></query>")
    with Login(server, "direct", server.romeo) as login:
        check("login", login.external(), "success")
        login.bind()
        check("a password by certificate", login.ask("set", payload, HOST)[0], "not-authorized")
        check("a password by certificate", login.ask("set", payload)[0], "not-authorized")
    with Login(server).password(helper.ROMEO) as login:
        login.bind()
    print("passed   no new password by certificate", flush=True)


# --- A client that we did not write ---------------------------------------------------------------------------------------


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, certificate, trust):
        super().__init__(jid, "", sasl_mech="EXTERNAL")
        self.ca_certs = trust
        self.certfile, self.keyfile = certificate
        self.register_plugin("xep_0199")
        self.register_plugin("xep_0257")
        self.online = asyncio.get_event_loop().create_future()
        self.gone = asyncio.get_event_loop().create_future()
        self.add_event_handler("session_start", lambda _: self.online.done() or self.online.set_result(True))
        for name in ("failed_auth", "failed_all_auth", "no_auth", "connection_failed", "ssl_invalid_chain"):
            self.add_event_handler(name, lambda event, name=name: self.fail(name, event))
        self.add_event_handler("disconnected", lambda _: self.gone.done() or self.gone.set_result(True))

    def fail(self, name, event):
        if not self.online.done():
            self.online.set_exception(AssertionError(f"{self.boundjid}: {name} {event}"))


async def slixmpp_logs_in(server, port):
    client = Client(helper.ROMEO + "/slix", server.romeo, server.trust)
    direct = port == "direct"
    client.connect(("127.0.0.1", server.ports[port]), use_ssl=direct, force_starttls=not direct, disable_starttls=direct)
    await asyncio.wait_for(client.online, WAIT_S)
    check("bound", client.boundjid.full, helper.ROMEO + "/slix")
    await asyncio.wait_for(client["xep_0199"].ping("localhost"), WAIT_S)
    certificates = await asyncio.wait_for(client["xep_0257"].get_certs(), WAIT_S)
    check("its list", len(list(certificates["sasl_certs"]["items"])), 0)
    client.disconnect()
    await asyncio.wait_for(client.gone, WAIT_S)
    rest = asyncio.all_tasks() - {asyncio.current_task()}   # slixmpp leaves its own loops behind
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    print(f"passed   slixmpp {slixmpp.__version__} by certificate: {port}", flush=True)


# --- Users' own certificates ----------------------------------------------------------------------------------------------


def append_text(label, certificate, more=""):
    text = base64.encodebytes(der(certificate[0])).decode()   # with line breaks, as the XEP's example has them
    return f"<append xmlns='{NS_CERTIFICATES}'><name>{label}</name>{more}<x509cert>\n{text}</x509cert></append>"


def named(verb, label):
    return f"<{verb} xmlns='{NS_CERTIFICATES}'><name>{label}</name></{verb}>"


def items(login):
    kind, element = login.ask("get", f"<items xmlns='{NS_CERTIFICATES}'/>")
    check("items", kind, "result")
    tag = f"{{{NS_CERTIFICATES}}}"
    return {item.find(tag + "name").text: (base64.b64decode(item.find(tag + "x509cert").text),
                                           [r.text for r in item.iter(tag + "resource")])
            for item in element.iter(tag + "item")}


def own_certificates(server):
    phone = self_signed(server.folder, "phone", address(helper.ROMEO))
    bot = self_signed(server.folder, "bot", address(helper.ROMEO))
    past = server.authority.issue("past", start=-9 * 86400, end=-86400)
    owner = Login(server).password(helper.ROMEO)
    owner.bind("owner")
    kind, info = owner.ask("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", HOST)
    assert kind == "result" and NS_CERTIFICATES in ET.tostring(info, "unicode"), "the host does not announce it"
    check("an empty list", items(owner), {})
    expect_open(server, "in nobody's list", phone, {"": "not-authorized", helper.ROMEO: "not-authorized"})
    check("append", owner.ask("set", append_text("Phone", phone))[0], "result")
    check("the name again", owner.ask("set", append_text("Phone", bot))[0], "conflict")
    check("the certificate again", owner.ask("set", append_text("Again", phone))[0], "conflict")
    check("an expired one", owner.ask("set", append_text("Past", past))[0], "not-acceptable")
    for bad in (f"<append xmlns='{NS_CERTIFICATES}'><name>x</name></append>",
                f"<append xmlns='{NS_CERTIFICATES}'><name>x</name><x509cert>AAAA</x509cert></append>",
                f"<append xmlns='{NS_CERTIFICATES}'><name>x</name><x509cert>?</x509cert></append>",
                append_text("", bot), append_text("x" * 300, bot)):
        check("a bad request", owner.ask("set", bad)[0], "bad-request")
    check("a bot's", owner.ask("set", append_text("Bot", bot, "<no-cert-management/>"))[0], "result")

    juliet = Login(server).password(helper.JULIET)
    juliet.bind("balcony")
    check("somebody else's", juliet.ask("set", append_text("Mine", phone))[0], "conflict")
    check("somebody else's list", items(juliet), {})
    check("somebody else's list by name", juliet.ask("get", f"<items xmlns='{NS_CERTIFICATES}'/>", helper.ROMEO)[0],
          "service-unavailable")
    check("somebody else's name", juliet.ask("set", named("revoke", "Phone"))[0], "item-not-found")

    expect_open(server, "in the list", phone, {"": "success", helper.ROMEO: "success", helper.JULIET: "invalid-authzid"})
    by_phone, by_bot = Login(server, "direct", phone), Login(server, "starttls", bot)
    check("phone", by_phone.external(), "success")
    check("bot", by_bot.external(), "success")
    by_phone.bind("phone")
    by_bot.bind("bot")
    check("the list", items(owner), {"Phone": (der(phone[0]), ["phone"]), "Bot": (der(bot[0]), ["bot"])})
    check("a bot looks", set(items(by_bot)), {"Phone", "Bot"})
    check("a bot manages", by_bot.ask("set", named("disable", "Phone"))[0], "forbidden")
    check("a bot manages", by_bot.ask("set", append_text("More", server.romeo))[0], "forbidden")

    # Disabled: no further login. Revoked: the sessions end as well.
    check("disable", owner.ask("set", named("disable", "Bot"))[0], "result")
    check("still there", by_bot.ask("get", "<ping xmlns='urn:xmpp:ping'/>", HOST)[0], "result")
    expect_open(server, "disabled", bot, {"": "not-authorized"})
    check("revoke", owner.ask("set", named("revoke", "Phone"))[0], "result")
    check("revoked", by_phone.ends_with(), "not-authorized")
    expect_open(server, "revoked by its user", phone, {"": "not-authorized"})
    check("twice", owner.ask("set", named("revoke", "Phone"))[0], "item-not-found")
    check("an empty list", items(owner), {})

    check("again", owner.ask("set", append_text("Phone", phone))[0], "result")
    for number in range(9):
        extra = self_signed(server.folder, f"extra-{number}", address(helper.ROMEO))
        check("one more", owner.ask("set", append_text(f"n{number}", extra))[0], "result")
    check("one too many", owner.ask("set", append_text("Bot", bot))[0], "resource-constraint")
    for login in (owner, juliet, by_bot):
        login.stream.shut()
    server.stop()
    server.launch()
    expect_open(server, "after a restart", phone, {"": "success"})
    expired = server.authority.issue("late", end=int(3 * helper.PATIENCE))
    with Login(server).password(helper.JULIET) as login:
        login.bind("balcony")
        check("brief", login.ask("set", append_text("Brief", expired))[0], "result")
    time.sleep(3 * helper.PATIENCE)
    expect_shut(server, "bound but expired", expired)
    print("passed   users manage their own certificates", flush=True)


def make(options, issuers):
    server = helper.make_server(options, interfaces={"starttls": "required", "direct": "direct"})
    server.authority, server.foreign = ClientAuthority(server.folder, "ours"), ClientAuthority(server.folder, "theirs")
    server.romeo = server.authority.issue("romeo", address(helper.ROMEO))
    server.authority.issue("revoked", address(helper.ROMEO))
    server.authority.revoke("revoked")
    write_lists(server, server.authority.lists())
    lists = f'client_crl = "{os.path.join(server.folder, LISTS)}"' if issuers == "trusted" else ""
    server.interface_extra = (f'auth = ["external", "internal"]\nclient_ca = "{server.authority.certificate}"\n{lists}')
    server.extra = f'[module.auth-external]\nissuers = "{issuers}"\n'
    return server


def set_up(server):
    for jid, password in helper.PASSWORDS.items():
        server.add_user(jid, password)
    server.trust = server.certificates[HOST][0]


def main():
    options = helper.parser(__doc__).parse_args()
    if options.server != "rondel":
        helper.skip("the certificates are set up for rondel")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def test():
        with make(options, "trusted") as server:
            set_up(server)
            revoked = (server.authority.path("revoked.chain"), server.authority.path("revoked.key"))
            expect_shut(server, "revoked", revoked)
            every_certificate(server)
            bound_names(server)
            disabled(server)
            no_session_carries_it_on(server)
            for port in ("starttls", "direct"):
                loop.run_until_complete(slixmpp_logs_in(server, port))
            no_password_by_certificate(server)
            a_stream_ends_with_its_certificate(server)
            reloads(server)
        with make(options, "any") as server:
            set_up(server)
            own_certificates(server)

    helper.finish(test)


if __name__ == "__main__":
    main()
