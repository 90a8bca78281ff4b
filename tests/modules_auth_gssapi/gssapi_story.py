#!/usr/bin/python3
"""rondeld with tickets of a real MIT KDC: slixmpp logs in with one, and a client on python3-gssapi does what is wrong.
Users are in slapd first, then in the storage that this server has by default."""

import asyncio
import base64
import hashlib
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "clients"), os.path.join(HERE, "..", "modules_store_ldap")]

import directory as slapd  # noqa: E402
import helper  # noqa: E402
import kdc as kerberos_kdc  # noqa: E402
from runner import sasl, server as runner  # noqa: E402
from runner.stream import NS_STREAM  # noqa: E402
from tiny_client import Refused, TinyClient  # noqa: E402

try:
    import gssapi
    import gssapi.raw
    import kerberos  # noqa: F401  what slixmpp speaks GSSAPI by
    import slixmpp
except ImportError as error:
    helper.skip(f"{error.name} is missing (apt-get install python3-gssapi python3-kerberos python3-slixmpp)")

HOST = "localhost"
NODE = "node1.example.org"   # what this server calls itself
NS_DOMAIN_BASED = "urn:xmpp:domain-based-name:1"
WAIT_S = 15 * helper.PATIENCE
SASL_ERRORS = ("not-authorized", "temporary-auth-failure", "account-disabled", "invalid-authzid", "malformed-request",
               "credentials-expired", "invalid-mechanism", "aborted")
MODULES = ["store-ldap", *runner.MODULES, "auth-gssapi"]


def token_context(environment, service=f"xmpp@{HOST}", bindings=None, kind=gssapi.NameType.hostbased_service):
    """The client's end of a context. libkrb5 reads the environment of this process."""
    os.environ["KRB5_CONFIG"], os.environ["KRB5CCNAME"] = environment["KRB5_CONFIG"], environment["KRB5CCNAME"]
    name = gssapi.Name(service, kind)
    flags = [gssapi.RequirementFlag.mutual_authentication, gssapi.RequirementFlag.integrity]
    bound = gssapi.raw.ChannelBindings(application_data=bindings) if bindings else None
    return gssapi.SecurityContext(name=name, usage="initiate", flags=flags, mech=gssapi.MechType.kerberos,
                                  channel_bindings=bound)


class Ticket(TinyClient):
    """GSSAPI; `change` maps a token by its number (0: the first) to what is sent instead."""

    def __init__(self, context, authzid="", layer=1, change=None, bind=None, first=None):
        super().__init__(HOST, "?", "?", resource="g", mechanism="GSSAPI")
        self.context, self.authzid, self.layer = context, authzid, layer
        self.change = change or (lambda number, token: token)
        self.bind, self.first = bind, first

    def say(self, number, token):
        token = self.change(number, token)
        text = base64.b64encode(token).decode() or "="
        if number == 0:
            self.send(f"<auth xmlns='{sasl.NS_SASL}' mechanism='GSSAPI'>{text}</auth>")
        else:
            self.send(f"<response xmlns='{sasl.NS_SASL}'>{'' if text == '=' else text}</response>")

    async def hear(self):
        return base64.b64decode((await self.expect(f"{{{sasl.NS_SASL}}}challenge")).text or "")

    async def authenticate(self):
        if self.bind is not None:
            self.context = self.bind(self.writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
        self.say(0, self.first or self.context.step())
        token = self.context.step(await self.hear())
        assert self.context.complete
        self.say(1, token or b"")
        layers = self.context.unwrap(await self.hear()).message
        assert layers == b"\1\0\0\0", f"security layers are offered: {layers}"
        self.say(2, self.context.wrap(bytes([self.layer, 0, 0, 0]) + self.authzid.encode(), False).message)
        await self.expect(f"{{{sasl.NS_SASL}}}success")


async def outcome(server, client):
    """The bare JID that came in, or the name of the SASL error."""
    try:
        await asyncio.wait_for(client.connect(server.ports["starttls"], "starttls", server.trusted(HOST)), WAIT_S)
        return client.jid.split("/")[0]
    except Refused as error:
        for name in SASL_ERRORS:
            if name in str(error):
                return name
        raise
    finally:
        client.abandon()


async def expect(server, wanted, client, what):
    seen = await outcome(server, client)
    assert seen == wanted, f"{what}: {seen} instead of {wanted}\n{server.log_text()}"


def flipped(place):
    """A change of one bit in the first token."""
    def change(number, token):
        if number != 0:
            return token
        at = int(len(token) * place)
        return token[:at] + bytes([token[at] ^ 1]) + token[at + 1:]
    return change


async def right_and_wrong(server, kdc, evil, tickets):
    romeo = tickets["romeo"]
    jid = f"montague@{HOST}"   # romeo@EXAMPLE.ORG is bound to this account
    await expect(server, jid, Ticket(token_context(romeo)), "a ticket")
    await expect(server, jid, Ticket(token_context(romeo), authzid=jid), "a ticket with an authzid")
    await expect(server, "invalid-authzid", Ticket(token_context(romeo), authzid=f"juliet@{HOST}"), "another's authzid")
    await expect(server, "invalid-authzid", Ticket(token_context(romeo), authzid="@@"), "an authzid that is none")
    await expect(server, "malformed-request", Ticket(token_context(romeo), authzid="a\0b"), "NUL in the authzid")
    await expect(server, "not-authorized", Ticket(token_context(romeo), layer=2), "a layer that was not offered")
    await expect(server, "not-authorized", Ticket(token_context(tickets["stranger"])), "a principal bound to nobody")
    await expect(server, "account-disabled", Ticket(token_context(tickets["gone"])), "a disabled account")
    await expect(server, "not-authorized", Ticket(token_context(tickets["evil"]), change=None), "a ticket of a forger")
    # The ticket, its end and the authenticator, each with one bit changed.
    for place in (0.4, 0.6, 0.97):
        await expect(server, "not-authorized", Ticket(token_context(romeo), change=flipped(place)), f"a bit at {place}")
    await expect(server, "not-authorized", Ticket(token_context(romeo, f"host@{HOST}")), "a ticket for another service")
    for first in (b"x", b"\0" * 100, b"\x60\x82\xff\xff", os.urandom(2000)):
        await expect(server, "malformed-request", Ticket(token_context(romeo), first=first), "no token")
    context = token_context(romeo)
    token = context.step()
    await expect(server, jid, Ticket(token_context(romeo)), "before the repetition")
    used = Ticket(context, first=token)
    await expect(server, jid, used, "the first use")
    await expect(server, "not-authorized", Ticket(token_context(romeo), first=token), "a repeated token")


async def principal_of_two(server, tickets):
    """As only a directory that others write can have it."""
    await expect(server, "invalid-authzid", Ticket(token_context(tickets["shared"])), "a principal of two accounts")
    await expect(server, f"twin2@{HOST}", Ticket(token_context(tickets["shared"]), authzid=f"twin2@{HOST}"),
                 "a principal of two accounts that names one")
    await expect(server, "invalid-authzid", Ticket(token_context(tickets["shared"]), authzid=f"montague@{HOST}"),
                 "a principal of two accounts that names a third")


async def bound_to_the_channel(server, tickets):
    romeo = tickets["romeo"]

    def right(certificate):
        data = b"tls-server-end-point:" + hashlib.sha256(certificate).digest()
        return token_context(romeo, bindings=data)

    def wrong(_):
        return token_context(romeo, bindings=b"tls-server-end-point:" + b"\0" * 32)

    await expect(server, f"montague@{HOST}", Ticket(None, bind=right), "bound to this channel")
    await expect(server, "not-authorized", Ticket(None, bind=wrong), "bound to another channel")


class DomainBased(Ticket):
    """Asks for a ticket by the hostname that the server tells; `seen` is what it tells."""

    def __init__(self, environment, host=HOST):
        super().__init__(None)
        self.environment, self.domain, self.seen = environment, host, None

    async def authenticate(self):
        self.seen = [element.text for element in self.features.iter(f"{{{NS_DOMAIN_BASED}}}hostname")]
        mechanisms = self.features.find(f"{{{sasl.NS_SASL}}}mechanisms")
        assert [element.text for element in mechanisms.iter(f"{{{NS_DOMAIN_BASED}}}hostname")] == self.seen, "it is elsewhere"
        self.context = token_context(self.environment, f"xmpp/{''.join(self.seen)}/{self.domain}@{kerberos_kdc.REALM}",
                                     kind=gssapi.NameType.kerberos_principal)
        await super().authenticate()


async def told(server, interface):
    """The hostnames among the features, without logging in."""
    class Looker(TinyClient):
        async def authenticate(self):
            raise Refused("it has seen enough")

    client = Looker(HOST, "?", "?")
    try:
        await asyncio.wait_for(client.connect(server.ports[interface], "off" if interface == "open" else interface,
                                              server.trusted(HOST)), WAIT_S)
    except Refused:
        return [element.text for element in client.features.iter(f"{{{NS_DOMAIN_BASED}}}hostname")]
    finally:
        client.abandon()


async def domain_based(options, directory, kdc, tickets):
    """XEP-0233: the server tells its hostname, under TLS and with GSSAPI only, and takes tickets for it."""
    keytab = kdc.keytab("named.keytab", f"xmpp/{NODE}/{HOST}", f"xmpp/other.example/{HOST}", f"xmpp/{NODE}")
    line = f'hostname = "{NODE}"'
    own = [*runner.MODULES, "auth-gssapi"]
    without = kdc.path("xmpp.keytab")
    expect_refusal(make_server(options, directory, kdc, without, modules=own, more=line), without,
                   f"none of xmpp/{NODE}/{HOST}")
    with make_server(options, directory, kdc, keytab, modules=own, more=line) as server:
        fill_storage(server)
        client = DomainBased(tickets["romeo"])
        await expect(server, f"montague@{HOST}", client, "a ticket by the hostname")
        assert client.seen == [NODE], f"told: {client.seen}"
        for other in (f"xmpp/other.example/{HOST}", f"xmpp/{NODE}"):
            context = token_context(tickets["romeo"], f"{other}@{kerberos_kdc.REALM}",
                                    kind=gssapi.NameType.kerberos_principal)
            await expect(server, "not-authorized", Ticket(context), f"a ticket for {other}, whose key is there")
        assert await told(server, "starttls") == [NODE] and await told(server, "open") == [], "told without TLS"
        kdc.also_in(keytab, f"xmpp/{HOST}")
        await expect(server, f"montague@{HOST}", Ticket(token_context(tickets["romeo"])), "a ticket for the host, as before")
        server.extra = server.extra.replace(line, "")
        server.write_config()
        server.control("reload")
        deadline = time.monotonic() + WAIT_S
        while (await told(server, "starttls")) != []:
            assert time.monotonic() < deadline, "it is told after a reload without it"
    print("passed   the hostname of XEP-0233", flush=True)


async def expired(server, kdc):
    environment = kdc.tickets("romeo", life="2s")
    context = token_context(environment)
    token = context.step()
    await asyncio.sleep(2 + kerberos_kdc.SKEW_S + 2)
    await expect(server, "credentials-expired", Ticket(context, first=token), "an expired ticket")


async def real_client(server, environment):
    """slixmpp, as Debian has it."""
    os.environ["KRB5_CONFIG"], os.environ["KRB5CCNAME"] = environment["KRB5_CONFIG"], environment["KRB5CCNAME"]
    client = slixmpp.ClientXMPP(f"montague@{HOST}/slix", "", sasl_mech="GSSAPI")
    client.ca_certs = server.certificates[HOST][0]
    callback = client["feature_mechanisms"].sasl_callback
    client["feature_mechanisms"].sasl_callback = lambda needed, wished: {**callback(needed, wished),
                                                                         "service-name": HOST}
    client["feature_mechanisms"].use_mechs = {"GSSAPI"}
    online = asyncio.get_event_loop().create_future()
    client.add_event_handler("session_start", lambda _: online.done() or online.set_result(True))
    for event in ("failed_auth", "failed_all_auth", "connection_failed"):
        client.add_event_handler(event, lambda data, event=event: online.done()
                                 or online.set_exception(AssertionError(f"{event} {data}")))
    client.connect(("127.0.0.1", server.ports["starttls"]), force_starttls=True)
    await asyncio.wait_for(online, WAIT_S)
    await asyncio.wait_for(client.get_roster(), WAIT_S)
    client.disconnect()
    await asyncio.wait_for(client.disconnected, WAIT_S)
    rest = asyncio.all_tasks() - {asyncio.current_task()}   # slixmpp leaves its own loops behind
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


async def away(server, kdc, storage, tickets):
    """The KDC and the storage go and come while clients log in."""
    counts, running = {}, True

    async def log_in():
        while running:
            seen = await outcome(server, Ticket(token_context(tickets["romeo"])))
            counts[seen] = counts.get(seen, 0) + 1
            await asyncio.sleep(0.02)

    tasks = [asyncio.ensure_future(log_in()) for _ in range(4)]
    await asyncio.sleep(1)
    kdc.stop()   # who has a ticket needs it no more
    await asyncio.sleep(1)
    assert set(counts) == {f"montague@{HOST}"}, f"without the KDC: {counts}"
    try:
        kdc.tickets("romeo")
        raise AssertionError("the KDC is not away")
    except RuntimeError:
        pass
    kdc.start()
    storage.stop()
    await asyncio.sleep(1)
    storage.start()
    await back(server, kdc, tickets)
    before = counts[f"montague@{HOST}"]
    await asyncio.sleep(1 * helper.PATIENCE)
    running = False
    await asyncio.gather(*tasks)
    assert set(counts) == {f"montague@{HOST}", "temporary-auth-failure"}, f"{counts}"
    assert counts[f"montague@{HOST}"] > before, f"nobody came in at the end: {counts}"
    await expect(server, f"montague@{HOST}", Ticket(token_context(kdc.tickets("romeo"))), "a new ticket")
    print(f"passed   KDC and storage stopped and started under logins: {counts}", flush=True)


async def back(server, kdc, tickets):
    deadline = time.monotonic() + WAIT_S
    while await outcome(server, Ticket(token_context(tickets["romeo"]))) != f"montague@{HOST}":
        assert time.monotonic() < deadline, "nobody came in after the storage was back"
        await asyncio.sleep(0.05)


async def disabled_meanwhile(server, tickets):
    """An account is disabled and enabled; whoever is in is thrown out."""
    jid = f"montague@{HOST}"
    client = Ticket(token_context(tickets["romeo"]))
    await asyncio.wait_for(client.connect(server.ports["starttls"], "starttls", server.trusted(HOST)), WAIT_S)
    came = []
    client.run(came.append)
    server.control("user", "disable", jid)
    try:
        await asyncio.wait_for(asyncio.shield(client.reading), WAIT_S)
    except Refused:
        pass
    finally:
        client.abandon()
    assert any(stanza.tag == f"{{{NS_STREAM}}}error" for stanza in came), "the stream went on"
    await expect(server, "account-disabled", Ticket(token_context(tickets["romeo"])), "disabled")
    await expect(server, "account-disabled", Ticket(token_context(tickets["romeo"]), authzid=jid), "disabled, by name")
    await expect(server, "invalid-authzid", Ticket(token_context(tickets["romeo"]), authzid=f"juliet@{HOST}"),
                 "disabled, with another's authzid")
    server.control("user", "enable", jid)
    await expect(server, jid, Ticket(token_context(tickets["romeo"])), "enabled again")


def fill_storage(server):
    for name in ("montague", "juliet", "gone"):
        server.add_user(f"{name}@{HOST}", "x")
    server.control("user", "bind", f"montague@{HOST}", "--principal", f"romeo@{kerberos_kdc.REALM}")
    server.control("user", "bind", f"gone@{HOST}", "--principal", f"gone@{kerberos_kdc.REALM}")
    server.control("user", "disable", f"gone@{HOST}")


async def rule_of_a_realm(server, tickets):
    """`realm` is set."""
    await expect(server, f"romeo@{HOST}", Ticket(token_context(tickets["romeo"])), "by the rule of the realm")
    await expect(server, "not-authorized", Ticket(token_context(tickets["stranger"])), "without an account")
    await expect(server, "not-authorized", Ticket(token_context(tickets["romeo/admin"])), "with two components")
    server.control("user", "bind", f"admin@{HOST}", "--principal", f"romeo/admin@{kerberos_kdc.REALM}")
    await expect(server, f"admin@{HOST}", Ticket(token_context(tickets["romeo/admin"])), "once it is bound")
    server.control("user", "bind", f"admin@{HOST}", "--principal", f"romeo@{kerberos_kdc.REALM}")
    await expect(server, f"admin@{HOST}", Ticket(token_context(tickets["romeo"])), "bound to another than the rule says")
    server.control("user", "unbind", f"admin@{HOST}", "--principal", f"romeo@{kerberos_kdc.REALM}")
    await expect(server, f"romeo@{HOST}", Ticket(token_context(tickets["romeo"])), "unbound again")


def fill(directory):
    def one(uid, principal, **more):
        return slapd.person(uid, "x", host=HOST, krbPrincipalName=f"{principal}@{kerberos_kdc.REALM}", **more)

    directory.add(one("montague", "romeo") + one("juliet", "juliet") + one("twin1", "shared") + one("twin2", "shared")
                  + one("gone", "gone", loginDisabled="TRUE"))


def check_missing_keytab(options, directory, kdc):
    for keytab, wanted in (("/nonexistent.keytab", "kadmin -q"), (kdc.keytab("other.keytab", "xmpp/elsewhere"),
                                                                "xmpp/elsewhere@EXAMPLE.ORG")):
        expect_refusal(make_server(options, directory, kdc, keytab), keytab, wanted, f"xmpp/{HOST}")


def expect_refusal(server, *wanted):
    try:
        server.start()
        raise AssertionError(f"it started in spite of {wanted}")
    except runner.ServerError as error:
        assert all(text in str(error) for text in wanted), str(error)
    finally:
        server.abandon()


def make_server(options, directory, kdc, keytab, modules=None, more=""):
    extra = f'[module.auth-gssapi]\nkeytab = "{keytab}"\n{more}\n'
    if "store-ldap" in (modules or MODULES):
        extra += (f'[module.store-ldap]\nservers = ["{directory.uris["ldap"]}"]\ntls = "off"\n'
                  f'bind_dn = "{slapd.READER}"\npassword_file = "{directory.password_file}"\n'
                  f'base = "ou={HOST},{slapd.BASE}"\noperation_timeout = "1s"\nretry_first = "50ms"\n'
                  'retry_max = "200ms"\ndisabled_filter = "(loginDisabled=TRUE)"\n')
    os.environ["KRB5_CONFIG"] = kdc.environment["KRB5_CONFIG"]   # its clock skew; tickets need nothing of it
    return helper.make_server(options, interfaces={"starttls": "required", "open": "off"}, modules=modules or MODULES,
                              extra=extra, interface_extra='auth = ["gssapi", "internal"]')


async def in_directory(server, kdc, evil, directory, tickets):
    await right_and_wrong(server, kdc, evil, tickets)
    await principal_of_two(server, tickets)
    print("passed   right and wrong tickets", flush=True)
    await bound_to_the_channel(server, tickets)
    print("passed   channel binding", flush=True)
    await real_client(server, tickets["romeo"])
    print(f"passed   slixmpp {slixmpp.__version__} with a ticket", flush=True)
    await expired(server, kdc)
    print("passed   an expired ticket", flush=True)
    await away(server, kdc, directory, tickets)


async def in_storage(server, kdc, evil, tickets):
    """Accounts that rondelctl makes, with the principals that it binds."""
    fill_storage(server)
    await right_and_wrong(server, kdc, evil, tickets)
    await bound_to_the_channel(server, tickets)
    await real_client(server, tickets["romeo"])
    await disabled_meanwhile(server, tickets)
    server.stop()
    server.launch()
    await expect(server, f"montague@{HOST}", Ticket(token_context(tickets["romeo"])), "after a restart")
    await expect(server, "account-disabled", Ticket(token_context(tickets["gone"])), "disabled, after a restart")
    print("passed   accounts and principals in the server's own storage", flush=True)
    if hasattr(server, "postgres"):
        await away(server, kdc, server.postgres, tickets)


def main():
    parser = helper.parser(__doc__)
    parser.add_argument("--without-directory", action="store_true", help="only the storage that the server has by default")
    options = parser.parse_args()
    if not slapd.is_installed() or not kerberos_kdc.is_installed():
        helper.skip("slapd or krb5-kdc is missing (apt-get install slapd ldap-utils krb5-kdc krb5-admin-server krb5-user)")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def test():
        with slapd.Directory(hosts=(HOST,)) as directory, kerberos_kdc.Kdc() as kdc, kerberos_kdc.Kdc() as evil:
            fill(directory)
            names = ("romeo", "stranger", "shared", "gone", "romeo/admin")
            kdc.add(*names)
            evil.add("romeo")
            keytab = kdc.keytab("xmpp.keytab", f"xmpp/{HOST}", f"host/{HOST}")
            evil.keytab("evil.keytab", f"xmpp/{HOST}")
            tickets = {name: kdc.tickets(name) for name in names}
            tickets["evil"] = evil.tickets("romeo")
            if not options.without_directory:
                check_missing_keytab(options, directory, kdc)
                print("passed   keytabs that are missing or of others", flush=True)
                with make_server(options, directory, kdc, keytab) as server:
                    loop.run_until_complete(in_directory(server, kdc, evil, directory, tickets))
            own = [*runner.MODULES, "auth-gssapi"]
            with make_server(options, directory, kdc, keytab, modules=own) as server:
                loop.run_until_complete(in_storage(server, kdc, evil, tickets))
            with make_server(options, directory, kdc, keytab, modules=own, more=f'realm = "{kerberos_kdc.REALM}"') as server:
                server.add_user(f"romeo@{HOST}", "x")
                server.add_user(f"admin@{HOST}", "x")
                loop.run_until_complete(rule_of_a_realm(server, tickets))
                print("passed   the rule of a realm", flush=True)
            loop.run_until_complete(domain_based(options, directory, kdc, tickets))

    helper.finish(test)


if __name__ == "__main__":
    main()
