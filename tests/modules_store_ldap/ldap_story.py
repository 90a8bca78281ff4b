#!/usr/bin/python3
"""rondeld with users from a real slapd: PLAIN by slixmpp and by hand, client certificates, wrong input of every kind, slapd
stopped and started under load. Rosters and offline messages stay in SQLite."""

import asyncio
import base64
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "clients")]

import directory as slapd  # noqa: E402
import helper  # noqa: E402
from authority import KEYS, der, openssl  # noqa: E402
from client_authority import ClientAuthority, XMPP_ADDRESS  # noqa: E402
from runner import sasl, server as runner  # noqa: E402
from tiny_client import Refused, TinyClient  # noqa: E402

try:
    import slixmpp
except ImportError:
    helper.skip("slixmpp is missing (apt-get install python3-slixmpp)")

HOST = "localhost"
MODULES = ["store-ldap", *runner.MODULES]
WAIT_S = 15 * helper.PATIENCE


def options_of(directory, **more):
    """The lines of [module.store-ldap]."""
    lines = {"servers": [directory.uris["ldap"]], "tls": "starttls", "tls_ca": directory.ca, "bind_dn": slapd.READER,
             "password_file": directory.password_file, "operation_timeout": "1s", "retry_first": "50ms",
             "retry_max": "200ms", "disabled_filter": "(loginDisabled=TRUE)",
             "filter": "(&(objectClass=inetOrgPerson)(uid=%u))", **more}
    text = "[module.store-ldap]\n"
    for name, value in lines.items():
        text += f"{name} = {value if isinstance(value, list) else chr(34) + value + chr(34)}\n"
    return text.replace("'", '"') + f'base = "ou={HOST},{slapd.BASE}"\n'


class Login(TinyClient):
    """PLAIN with an authzid, or with bytes of the test's own."""

    def __init__(self, user, password, authzid="", message=None):
        super().__init__(HOST, user, password, resource="r", mechanism="PLAIN")
        self.message = message if message is not None else f"{authzid}\0{user}\0{password}".encode()

    async def authenticate(self):
        self.send(f"<auth xmlns='{sasl.NS_SASL}' mechanism='PLAIN'>"
                  + (base64.b64encode(self.message).decode() or "=") + "</auth>")
        await self.expect(f"{{{sasl.NS_SASL}}}success")


class External(TinyClient):
    """EXTERNAL, by the certificate in the TLS context."""

    def __init__(self, authzid=""):
        super().__init__(HOST, "?", "?", resource="r", mechanism="EXTERNAL")
        self.authzid = authzid

    async def authenticate(self):
        self.send(f"<auth xmlns='{sasl.NS_SASL}' mechanism='EXTERNAL'>"
                  + (base64.b64encode(self.authzid.encode()).decode() or "=") + "</auth>")
        await self.expect(f"{{{sasl.NS_SASL}}}success")


async def outcome(server, client, certificate=None):
    """"in", or the name of the SASL error."""
    context = server.trusted(HOST)
    if certificate:
        context.load_cert_chain(*certificate)
    try:
        await asyncio.wait_for(client.connect(server.ports["starttls"], "starttls", context), WAIT_S)
        return client.jid.split("@")[0] if certificate else "in"
    except Refused as error:
        for name in ("not-authorized", "temporary-auth-failure", "account-disabled", "invalid-authzid",
                     "malformed-request", "invalid-mechanism"):
            if name in str(error):
                return name
        raise
    finally:
        client.abandon()


async def expect(server, wanted, *words, **more):
    seen = await outcome(server, Login(*words, **more))
    assert seen == wanted, f"{words} {more}: {seen} instead of {wanted}"


async def wrong_input(server):
    await expect(server, "in", "romeo", "wherefore")
    await expect(server, "in", "ROMEO", "wherefore")
    await expect(server, "in", "romeo", "wherefore", authzid="romeo@localhost")
    for password in ("", "x", "*", "wherefore ", "x" * 1000):
        await expect(server, "malformed-request" if password == "" else "not-authorized", "romeo", password)
        await expect(server, "malformed-request" if password == "" else "not-authorized", "nobody", password)
    for name in ("*", "rom*", "romeo)(uid=*", "*)(|(uid=*", "(", "\\2a", "romeo\\", "%u", "cn=romeo", "ro meo"):
        await expect(server, "not-authorized", name, "wherefore")
    await expect(server, "in", "ohara*(x)", "star")
    await expect(server, "account-disabled", "gone", "secret")
    await expect(server, "not-authorized", "gone", "wrong")
    await expect(server, "temporary-auth-failure", "twin", "one")
    await expect(server, "temporary-auth-failure", "twin", "two")
    await expect(server, "not-authorized", "keyless", "x")
    await expect(server, "invalid-authzid", "romeo", "wherefore", authzid="juliet@localhost")
    await expect(server, "malformed-request", "", "", message=b"romeo")
    await expect(server, "malformed-request", "", "", message=b"\0romeo\0where\0fore")


class Chatter(slixmpp.ClientXMPP):
    def __init__(self, name, password, trust):
        super().__init__(f"{name}@{HOST}/slix", password)
        self.ca_certs = trust
        self.online = asyncio.get_event_loop().create_future()
        self.messages = asyncio.Queue()
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.messages.put_nowait)
        for event in ("failed_auth", "connection_failed"):
            self.add_event_handler(event, lambda _, event=event: self.online.done()
                                   or self.online.set_exception(AssertionError(event)))

    async def started(self, _):
        await self.get_roster()
        self.send_presence()
        self.online.done() or self.online.set_result(True)

    async def come(self, port):
        self.connect(("127.0.0.1", port), force_starttls=True)
        await asyncio.wait_for(self.online, WAIT_S)


async def chat(server, directory):
    """Two people, and slapd away while they talk: who is in stays in."""
    trust = server.certificates[HOST][0]
    romeo, juliet = Chatter("romeo", "wherefore", trust), Chatter("juliet", "by any other", trust)
    await romeo.come(server.ports["starttls"])
    await juliet.come(server.ports["starttls"])
    romeo.send_message(mto=f"juliet@{HOST}", mbody="She speaks", mtype="chat")
    assert (await asyncio.wait_for(juliet.messages.get(), WAIT_S))["body"] == "She speaks"
    directory.stop()
    juliet.send_message(mto=f"romeo@{HOST}/slix", mbody="Wherefore?", mtype="chat")
    assert (await asyncio.wait_for(romeo.messages.get(), WAIT_S))["body"] == "Wherefore?"
    await expect(server, "temporary-auth-failure", "romeo", "wherefore")
    await expect(server, "temporary-auth-failure", "nobody", "wherefore")
    directory.start()
    for client in (romeo, juliet):
        client.disconnect()
        await asyncio.wait_for(client.disconnected, WAIT_S)
    rest = asyncio.all_tasks() - {asyncio.current_task()}   # slixmpp leaves its own loops behind
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


async def load(server, directory):
    """Logins without pause; slapd goes and comes. Nothing but success and temporary-auth-failure may be seen."""
    counts, running = {}, True

    async def log_in(number):
        while running:
            name = f"user{number}"
            seen = await outcome(server, Login(name, "pass" + name))
            counts[seen] = counts.get(seen, 0) + 1
            if seen != "in":
                await asyncio.sleep(0.05)

    tasks = [asyncio.ensure_future(log_in(number)) for number in range(8)]
    for _ in range(2):
        await asyncio.sleep(1.5)
        directory.stop()
        await asyncio.sleep(1.5)
        directory.start()
    await asyncio.sleep(1)
    before = counts.get("in", 0)
    await asyncio.sleep(1.5 * helper.PATIENCE)
    running = False
    await asyncio.gather(*tasks)
    assert set(counts) == {"in", "temporary-auth-failure"}, f"{counts}"
    assert counts["in"] > before, f"nobody came in after slapd was back: {counts}"
    print(f"passed   slapd stopped and started twice under logins: {counts}", flush=True)


async def no_shard_waits(server, directory):
    """Eight logins hang on slapd's answers, all on the one shard; who is in notices nothing."""
    client = Login("juliet", "by any other")
    await client.connect(server.ports["starttls"], "starttls", server.trusted(HOST))
    client.run(lambda _: None)
    directory.relay.mode = "late 3"
    hanging = [asyncio.ensure_future(outcome(server, Login("romeo", "wherefore"))) for _ in range(8)]
    await asyncio.sleep(0.3)
    longest = 0
    for number in range(20):
        began = time.monotonic()
        await client.asks(f"p{number}", f"<iq type='get' id='p{number}' to='{HOST}'><ping xmlns='urn:xmpp:ping'/></iq>",
                          WAIT_S)
        longest = max(longest, time.monotonic() - began)
    assert not any(task.done() for task in hanging), "the logins did not hang"
    assert longest < 0.3 * helper.PATIENCE, f"a ping took {longest} s"
    assert set(await asyncio.gather(*hanging)) == {"temporary-auth-failure"}
    directory.relay.mode = "pass"
    client.abandon()
    await back(server, "late answers")


async def back(server, what):
    """A server that failed is left alone for a moment; then logins work again by themselves."""
    deadline = time.monotonic() + WAIT_S
    while await outcome(server, Login("romeo", "wherefore")) != "in":
        assert time.monotonic() < deadline, f"after {what} nobody came in"
        await asyncio.sleep(0.1)


async def late(server, directory):
    for mode, wanted in (("late 3", "temporary-auth-failure"), ("silent", "temporary-auth-failure"),
                         ("half", "temporary-auth-failure"), ("cut", "temporary-auth-failure"),
                         ("entries-twice", "temporary-auth-failure")):
        directory.relay.mode = mode
        began = time.monotonic()
        await expect(server, wanted, "romeo", "wherefore")
        assert time.monotonic() - began < 5 * helper.PATIENCE, f"{mode}: {time.monotonic() - began} s"
        directory.relay.mode = "pass"
        await back(server, mode)


async def certificates(server, directory, authority):
    """What a certificate opens follows from the attributes in the directory."""
    by_fingerprint = authority.issue("fingerprint", subject="/O=Verona")
    form = der(authority.path("fingerprint.crt"))
    directory.add(slapd.person("finger", host=HOST, userCertificate__binary=form)
                  + slapd.person("mailer", host=HOST, mail="mailer@example.org")
                  + slapd.person("named", host=HOST, displayName="Nomen (est) *omen")
                  + slapd.person("known", host=HOST, xmppAddress="elsewhere@example.net")
                  + slapd.person("two1", host=HOST, mail="two@example.org")
                  + slapd.person("two2", host=HOST, mail="two@example.org"))
    await asyncio.sleep(0.3)   # certificate_refresh

    def with_subject(subject):
        """As the authority's own, whose `openssl ca` leaves no subject."""
        label = authority.path(f"s{len(os.listdir(authority.folder))}")
        openssl("req", "-newkey", *KEYS["ec"], "-nodes", "-subj", subject, "-keyout", label + ".key", "-out", label + ".csr")
        with open(label + ".ext", "w", encoding="ascii") as file:
            file.write("basicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth\n")
        issuer = authority.intermediate
        certificate = openssl("x509", "-req", "-in", label + ".csr", "-CA", issuer.certificate, "-CAkey", issuer.key,
                              "-set_serial", str(len(label) + time.time_ns()), "-days", "2", "-sha256",
                              "-extfile", label + ".ext")
        with open(label + ".chain", "wb") as chain, open(issuer.certificate, "rb") as file:
            chain.write(certificate + file.read())
        return label + ".chain", label + ".key"

    async def opens(wanted, what, authzid="", **more):
        label = f"c{len(os.listdir(authority.folder))}"
        certificate = more.pop("certificate", None) or authority.issue(label, **more)
        seen = await outcome(server, External(authzid), certificate)
        assert seen == wanted, f"a certificate {what}: {seen} instead of {wanted}\n{server.log_text()}"

    await opens("finger", "by its fingerprint", certificate=by_fingerprint)
    await opens("invalid-authzid", "with another's authzid", f"romeo@{HOST}", certificate=by_fingerprint)
    await opens("romeo", "by the host's own address", names=f"{XMPP_ADDRESS}romeo@{HOST}")
    await opens("known", "by a bound address", names=f"{XMPP_ADDRESS}elsewhere@example.net")
    await opens("mailer", "by e-mail", names="email:mailer@example.org")
    await opens("named", "by common name", certificate=with_subject("/CN=Nomen (est) *omen"))
    await opens("two2", "of two, who names one", f"two2@{HOST}", names="email:two@example.org")
    await opens("invalid-authzid", "of two", names="email:two@example.org")
    for name in ("*", "Nomen*", "*)(uid=*", "NOMEN (EST) *OMEN", "romeo"):
        await opens("not-authorized", f"for {name}", certificate=with_subject(f"/CN={name}"))
    await opens("not-authorized", "for any e-mail", names="email:*@example.org")
    await opens("account-disabled", "of a disabled account", names=f"{XMPP_ADDRESS}gone@{HOST}")
    directory.modify(f"dn: {directory.dn('finger', HOST)}\nchangetype: modify\ndelete: userCertificate;binary\n")
    await opens("not-authorized", "that was taken away", certificate=by_fingerprint)
    directory.stop()
    await opens("temporary-auth-failure", "while slapd is away", names="email:mailer@example.org")
    directory.start()


def check_administration(server):
    """What rondelctl says of accounts that are written elsewhere."""
    listed = server.control("user", "list", HOST)
    assert f"romeo@{HOST}" in listed and f"ohara*(x)@{HOST}" in listed, listed
    for words, stdin in ((("user", "add", f"new@{HOST}", "--password-stdin"), "x\n"),
                         (("user", "passwd", f"romeo@{HOST}", "--password-stdin"), "x\n"),
                         (("user", "delete", f"romeo@{HOST}"), None)):
        try:
            server.control(*words, stdin=stdin)
        except runner.ServerError as error:
            assert "only be read" in str(error), str(error)
        else:
            raise AssertionError(f"{words} was done")


def fill(directory):
    text = (slapd.person("Romeo", "wherefore", host=HOST) + slapd.person("juliet", "by any other", host=HOST)
            + slapd.person("ohara*(x)", "star", host=HOST, name="O'Hara, \"x\" + y")
            + slapd.person("gone", "secret", host=HOST, loginDisabled="TRUE") + slapd.person("keyless", host=HOST)
            + slapd.person("twin", "one", host=HOST, name="twin 1")
            + slapd.person("twin", "two", host=HOST, name="twin 2"))
    for number in range(8):
        text += slapd.person(f"user{number}", f"passuser{number}", host=HOST)
    directory.add(text)


def check_log(server):
    text = server.log_text(limit=10_000_000)
    for word in (slapd.READER_PASSWORD, "wherefore", "by any other"):
        assert word not in text, f"a password is in the log: {word}"
    for event in ("ldap.trouble", "ldap.lost", "ldap.connected"):
        assert event in text, f"{event} is not in the log:\n{text[-3000:]}"
    assert "twin 1" in text and "twin 2" in text, "the log does not name the two entries"


def main():
    options = helper.parser(__doc__).parse_args()
    if not slapd.is_installed():
        helper.skip("slapd is missing (apt-get install slapd ldap-utils)")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def test():
        with slapd.Directory(hosts=(HOST,)) as directory:
            fill(directory)
            authority = ClientAuthority(directory.folder, "authority")
            names = {"certificate_refresh": "200ms", "certificate_email_attribute": "mail",
                     "certificate_cn_attribute": "displayName", "certificate_xmpp_attribute": "xmppAddress"}
            with helper.make_server(options, interfaces={"starttls": "required"}, modules=MODULES,
                                    extra=options_of(directory, **names),
                                    interface_extra='auth = ["external", "internal"]\n'
                                                    f'client_ca = "{authority.certificate}"') as server:
                loop.run_until_complete(wrong_input(server))
                print("passed   wrong input of every kind", flush=True)
                check_administration(server)
                loop.run_until_complete(certificates(server, directory, authority))
                print("passed   EXTERNAL by fingerprint, address, e-mail and common name", flush=True)
                loop.run_until_complete(chat(server, directory))
                print(f"passed   slixmpp {slixmpp.__version__}: PLAIN against slapd, and slapd away meanwhile",
                      flush=True)
                loop.run_until_complete(load(server, directory))
                check_log(server)
            with helper.make_server(options, interfaces={"starttls": "required"}, modules=MODULES,
                                    extra=options_of(directory, tls="off", servers=[directory.uris["relay"]]),
                                    threads=1) as server:
                loop.run_until_complete(no_shard_waits(server, directory))
                print("passed   no shard waits for the directory", flush=True)
                loop.run_until_complete(late(server, directory))
                print("passed   late, silent, halved, cut and doubled answers", flush=True)

    helper.finish(test)


if __name__ == "__main__":
    main()
