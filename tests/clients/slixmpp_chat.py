#!/usr/bin/python3
"""Two slixmpp clients (Debian's python3-slixmpp): SCRAM over STARTTLS and direct TLS, subscriptions, presence, chat,
offline delivery."""

import asyncio

import helper

try:
    import slixmpp
except ImportError:
    helper.skip("slixmpp is missing (apt-get install python3-slixmpp)")

# Debian's slixmpp 1.8.3 knows one channel binding, tls-unique, which TLS 1.3 does not have (RFC 9266 §1). It
# claims it all the same, and says with the flag "y" that a server that offers others has none, which a server must
# refuse (RFC 5802 §6). slixmpp 1.8.5 mended that; until Debian has it the test tells the client what is true.
UNBOUND = {"SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"}
WAIT_S = 15 * helper.PATIENCE


class Client(slixmpp.ClientXMPP):
    """Puts what comes into queues, so that the test below reads like a story."""

    def __init__(self, jid, mechanism, trust):
        super().__init__(jid, helper.PASSWORDS[slixmpp.JID(jid).bare], sasl_mech=mechanism)
        self.ca_certs = trust
        sasl = self["feature_mechanisms"]
        sasl.use_mechs = {mechanism} if mechanism else UNBOUND
        credentials = sasl.sasl_callback
        sasl.sasl_callback = lambda needed, wished: {**credentials(needed, wished), "channel_binding": None}
        self.auto_authorize = None
        self.auto_subscribe = False
        self.register_plugin("xep_0199")
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0203")
        self.online = asyncio.get_event_loop().create_future()
        self.gone = asyncio.get_event_loop().create_future()
        self.messages, self.presences = asyncio.Queue(), asyncio.Queue()
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.messages.put_nowait)
        for name in ("presence_subscribe", "presence_subscribed", "presence_available", "presence_unavailable"):
            self.add_event_handler(name, self.presences.put_nowait)
        for name in ("failed_auth", "failed_all_auth", "connection_failed", "ssl_invalid_chain"):
            self.add_event_handler(name, lambda event, name=name: self.fail(name, event))
        self.add_event_handler("disconnected", lambda _: self.gone.done() or self.gone.set_result(True))

    def fail(self, name, event):
        if not self.online.done():
            self.online.set_exception(AssertionError(f"{self.boundjid}: {name} {event}"))

    async def started(self, _):
        await self.get_roster()
        self.send_presence()
        if not self.online.done():
            self.online.set_result(True)

    async def come(self, port, direct):
        self.connect(("127.0.0.1", port), use_ssl=direct, force_starttls=not direct, disable_starttls=direct)
        await asyncio.wait_for(self.online, WAIT_S)

    async def leave(self):
        self.disconnect()
        await asyncio.wait_for(self.gone, WAIT_S)

    async def sees(self, kind, sender):
        while True:
            stanza = await asyncio.wait_for(self.presences.get(), WAIT_S)
            if stanza["type"] == kind and stanza["from"].bare == sender:
                return stanza

    async def reads(self, sender, text):
        stanza = await asyncio.wait_for(self.messages.get(), WAIT_S)
        assert stanza["from"].bare == sender and stanza["body"] == text, f"received {stanza}"
        return stanza


async def befriend(asker, other):
    asker.send_presence_subscription(pto=other.boundjid.bare, ptype="subscribe")
    await other.sees("subscribe", asker.boundjid.bare)
    other.send_presence_subscription(pto=asker.boundjid.bare, ptype="subscribed")
    await asker.sees("subscribed", other.boundjid.bare)
    await asker.sees("available", other.boundjid.bare)


async def story(server, mode, mechanism, first):
    port, direct = server.ports[mode], mode == "direct"
    romeo = Client(helper.ROMEO + "/orchard", mechanism, server.trust)
    juliet = Client(helper.JULIET + "/balcony", mechanism, server.trust)
    await romeo.come(port, direct)
    await juliet.come(port, direct)
    if first:
        await befriend(romeo, juliet)
        await befriend(juliet, romeo)
    else:
        await juliet.sees("available", helper.ROMEO)
    romeo.send_message(mto=helper.JULIET, mbody="She speaks: „O“ & <sighs> 🎭", mtype="chat")
    await juliet.reads(helper.ROMEO, "She speaks: „O“ & <sighs> 🎭")
    juliet.send_message(mto=romeo.boundjid.full, mbody="Wherefore art thou?", mtype="chat")
    await romeo.reads(helper.JULIET, "Wherefore art thou?")
    await asyncio.wait_for(romeo["xep_0199"].ping("localhost"), WAIT_S)
    info = await asyncio.wait_for(romeo["xep_0030"].get_info("localhost"), WAIT_S)
    assert any(kind[:2] == ("server", "im") for kind in info["disco_info"]["identities"]), f"disco: {info}"
    await juliet.leave()
    await romeo.sees("unavailable", helper.JULIET)
    romeo.send_message(mto=helper.JULIET, mbody="Art thou gone so?", mtype="chat")
    await asyncio.wait_for(romeo["xep_0199"].ping("localhost"), WAIT_S)
    again = Client(helper.JULIET + "/balcony", mechanism, server.trust)
    await again.come(port, direct)
    late = await again.reads(helper.ROMEO, "Art thou gone so?")
    assert late["delay"]["stamp"], f"no delay on {late}"
    await romeo.sees("available", helper.JULIET)
    await again.leave()
    await romeo.leave()
    rest = asyncio.all_tasks() - {asyncio.current_task()}   # slixmpp leaves its own loops behind
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    print(f"passed   slixmpp {slixmpp.__version__}: {mode} {mechanism or 'SCRAM of its own choice'}", flush=True)


def main():
    options = helper.parser(__doc__).parse_args()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def test():
        with helper.served(options) as server:
            mechanisms = [None] if options.server == "prosody" else [None, "SCRAM-SHA-1", "SCRAM-SHA-256"]
            first = True
            for mode in ("starttls", "direct"):
                for mechanism in mechanisms:
                    loop.run_until_complete(story(server, mode, mechanism, first))
                    first = False

    helper.finish(test)


if __name__ == "__main__":
    main()
