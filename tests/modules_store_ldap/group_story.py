#!/usr/bin/python3
"""rondeld with roster groups from a real slapd: users of one group see each other without having asked; they rename each
other and can't remove each other; the directory changes, goes away and comes back. Own rosters are in SQLite."""

import asyncio
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "clients")]

import directory as slapd  # noqa: E402
import helper  # noqa: E402
from ldap_story import HOST, MODULES, WAIT_S, Chatter, Login, options_of  # noqa: E402

NS = "{jabber:client}"
ROSTER = "{jabber:iq:roster}"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
REFRESH = {"group_refresh": "200ms", "group_base": f"ou={HOST},{slapd.BASE}"}
PASSWORDS = {"romeo": "wherefore", "juliet": "by any other", "nurse": "dearest", "ohara*(x)": "star"}
MONTAGUE = slapd.escape("Mon,tague <&> \"x\"")


class Member(Login):
    """Somebody who keeps what the server says of contacts."""

    def __init__(self, user, resource="r"):
        super().__init__(user, PASSWORDS[user])
        self.resource = resource
        self.roster, self.version, self.there, self.stanzas = {}, None, set(), []
        self.count = 0

    async def come(self, server):
        await asyncio.wait_for(self.connect(server.ports["starttls"], "starttls", server.trusted(HOST)), WAIT_S)
        self.run(self.keep)
        await self.load()
        self.send("<presence/>")
        return self

    def keep(self, stanza):
        self.stanzas.append(stanza)
        query = stanza.find(f"{ROSTER}query")
        if stanza.tag == f"{NS}iq" and query is not None:
            self.take(query)
            self.send(f"<iq type='result' id='{stanza.get('id')}'/>")
        elif stanza.tag == f"{NS}presence" and stanza.get("type") in (None, "unavailable"):
            (self.there.add if stanza.get("type") is None else self.there.discard)(stanza.get("from").split("@")[0])

    def take(self, query):
        self.version = query.get("ver")
        for item in query:
            name = item.get("jid").split("@")[0]
            if item.get("subscription") == "remove":
                self.roster.pop(name, None)
            else:
                groups = sorted(group.text for group in item)
                self.roster[name] = (item.get("name"), item.get("subscription"), groups)

    async def iq(self, kind, content):
        self.count += 1
        name = f"q{self.count}"
        return await self.asks(name, f"<iq type='{kind}' id='{name}'>{content}</iq>", WAIT_S)

    async def load(self, version=None):
        """The whole roster, or nothing if `version` is the current one; what the server said."""
        ver = "" if version is None else f" ver='{version}'"
        answer = await self.iq("get", f"<query xmlns='jabber:iq:roster'{ver}/>")
        assert answer.get("type") == "result", answer.get("type")
        query = answer.find(f"{ROSTER}query")
        if query is not None:
            self.roster = {}
            self.take(query)
        return query

    async def sets(self, content):
        """"result", or the name of the error."""
        answer = await self.iq("set", f"<query xmlns='jabber:iq:roster'>{content}</query>")
        if answer.get("type") == "result":
            return "result"
        return next(child.tag.replace(STANZAS, "") for child in answer.find(f"{NS}error"))

    def group_with(self, other):
        return self.roster.get(other, (None, None, []))[2]


async def until(what, holds):
    for _ in range(int(WAIT_S / 0.05)):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"did not come: {what}")


def fill(directory):
    directory.add(slapd.person("romeo", PASSWORDS["romeo"], host=HOST, name="Romeo M.")
                  + slapd.person("juliet", PASSWORDS["juliet"], host=HOST, name="Juliet C.")
                  + slapd.person("nurse", PASSWORDS["nurse"], host=HOST, name="The nurse")
                  + slapd.person("ohara*(x)", PASSWORDS["ohara*(x)"], host=HOST, name="O'Hara, \"x\" + y")
                  + slapd.person("twin", "one", host=HOST, name="twin 1")
                  + slapd.person("twin", "two", host=HOST, name="twin 2")
                  + slapd.group("Verona", [directory.dn("Romeo M.", HOST), directory.dn("Juliet C.", HOST).upper(),
                                           directory.dn("twin 1", HOST), f"cn=nobody,{slapd.BASE}"], host=HOST))


def change(directory, group, *steps):
    text = f"dn: cn={slapd.escape(group)},ou={HOST},{slapd.BASE}\nchangetype: modify\n"
    for step, name in steps:
        text += f"{step}: member\n" + slapd.line_of("member", directory.dn(name, HOST)) + "-\n"
    directory.modify(text)


async def see_each_other(server, romeo, juliet):
    assert romeo.roster == {"juliet": ("Juliet C.", "both", ["Verona"])}, romeo.roster
    assert juliet.roster == {"romeo": ("Romeo M.", "both", ["Verona"])}, juliet.roster
    assert server.log_text(limit=10_000_000).count("several entries for 1 users in groups") == 1, server.log_text()
    await until("presence between members", lambda: "juliet" in romeo.there and "romeo" in juliet.there)


async def own_words(romeo):
    """Renamed and put into a further group; not removed, and no subscription ends."""
    assert await romeo.sets(f"<item jid='juliet@{HOST}' name='My love'><group>Verona</group><group>Dearest</group>"
                            "</item>") == "result"
    await until("the push", lambda: romeo.roster["juliet"] == ("My love", "both", ["Dearest", "Verona"]))
    assert await romeo.sets(f"<item jid='juliet@{HOST}' subscription='remove'/>") == "not-allowed"
    await romeo.load()
    assert romeo.roster["juliet"] == ("My love", "both", ["Dearest", "Verona"]), romeo.roster
    for kind in ("unsubscribe", "unsubscribed", "subscribe", "subscribed"):
        romeo.send(f"<presence type='{kind}' to='juliet@{HOST}'/>")

    def refused():
        return [one for one in romeo.stanzas if one.get("type") == "error"
                and one.find(f".//{STANZAS}not-allowed") is not None]
    await until("both errors", lambda: len(refused()) == 2)
    await romeo.load()
    assert romeo.roster["juliet"][1] == "both", romeo.roster


async def changes(server, directory, romeo, juliet):
    """Somebody joins; names that mean something to XML, LDAP and filters; somebody leaves."""
    nurse = await Member("nurse").come(server)
    assert nurse.roster == {} and nurse.there <= {"nurse"}, (nurse.roster, nurse.there)
    before = juliet.version
    change(directory, "Verona", ("add", "The nurse"))
    for one, others in ((romeo, ("nurse", "juliet")), (juliet, ("nurse", "romeo")), (nurse, ("romeo", "juliet"))):
        await until("the contact", lambda one=one, others=others: all(one.group_with(o)[-1:] == ["Verona"] for o in others))
        await until("its presence", lambda one=one, others=others: set(others) <= one.there)
    assert juliet.version != before, "a client would hold its old roster for the current one"
    assert await juliet.load(before) is not None, "the old version has to give the whole roster"
    assert await juliet.load(juliet.version) is None, "the current version is known"

    directory.add(slapd.group(MONTAGUE, [directory.dn("O'Hara, \"x\" + y", HOST), directory.dn("Juliet C.", HOST)],
                              host=HOST))
    await until("odd names", lambda: juliet.roster.get("ohara*(x)") == ("O'Hara, \"x\" + y", "both", [MONTAGUE]))
    odd = await Member("ohara*(x)").come(server)
    assert odd.roster == {"juliet": ("Juliet C.", "both", [MONTAGUE])}, odd.roster
    await until("presence of odd names", lambda: "ohara*(x)" in juliet.there and "juliet" in odd.there)
    assert "ohara*(x)" not in romeo.roster and "ohara*(x)" not in romeo.there

    change(directory, "Verona", ("delete", "Juliet C."))
    await until("the end of it", lambda: "romeo" not in juliet.roster and "romeo" not in juliet.there
                and "juliet" not in romeo.there)
    await until("what is own stays", lambda: romeo.roster.get("juliet") == ("My love", "none", ["Dearest"]))
    assert juliet.group_with("ohara*(x)") == [MONTAGUE] and "ohara*(x)" in juliet.there
    change(directory, "Verona", ("add", "Juliet C."))
    await until("all again", lambda: romeo.roster["juliet"] == ("My love", "both", ["Dearest", "Verona"])
                and "juliet" in romeo.there and "romeo" in juliet.there)
    for one in (nurse, odd):
        await one.close(WAIT_S)
    await until("who has gone", lambda: "nurse" not in romeo.there and "ohara*(x)" not in juliet.there)


async def outage(server, directory, romeo, juliet):
    """slapd away: who is in keeps contacts and presence; what changed meanwhile is seen when it is back."""
    version = romeo.version
    directory.stop()
    await until("the log", lambda: "the last ones known stay" in server.log_text(limit=10_000_000))
    await romeo.load()
    assert romeo.roster["juliet"] == ("My love", "both", ["Dearest", "Verona"]), romeo.roster
    assert romeo.version == version
    romeo.send("<presence><show>away</show></presence>")
    await until("presence meanwhile", lambda: any(one.find(f"{NS}show") is not None for one in juliet.stanzas))
    assert await romeo.sets(f"<item jid='juliet@{HOST}' name='Juliet'/>") == "result"
    await until("a change of one's own", lambda: romeo.roster["juliet"] == ("Juliet", "both", ["Verona"]))
    directory.start()
    change(directory, "Verona", ("delete", "The nurse"))
    await until("the change after it", lambda: "nurse" not in romeo.roster and "nurse" not in juliet.roster)
    assert romeo.roster["juliet"] == ("Juliet", "both", ["Verona"]), romeo.roster


async def slixmpp_too(server):
    trust = server.certificates[HOST][0]
    romeo, juliet = Chatter("romeo", PASSWORDS["romeo"], trust), Chatter("juliet", PASSWORDS["juliet"], trust)
    seen = asyncio.Queue()
    juliet.add_event_handler("got_online", lambda presence: seen.put_nowait(presence["from"].bare))
    await juliet.come(server.ports["starttls"])
    await romeo.come(server.ports["starttls"])
    while await asyncio.wait_for(seen.get(), WAIT_S) != f"romeo@{HOST}":
        pass
    item = romeo.client_roster[f"juliet@{HOST}"]
    assert item["subscription"] == "both" and item["groups"] == ["Verona"] and item["name"] == "Juliet", dict(item._state)
    for client in (romeo, juliet):
        client.disconnect()
        await asyncio.wait_for(client.disconnected, WAIT_S)
    rest = asyncio.all_tasks() - {asyncio.current_task()}   # slixmpp leaves its own loops behind
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


async def story(server, directory):
    romeo = await Member("romeo").come(server)
    juliet = await Member("juliet").come(server)
    await see_each_other(server, romeo, juliet)
    print("passed   members of one group see each other", flush=True)
    await own_words(romeo)
    print("passed   renamed, not removed", flush=True)
    await changes(server, directory, romeo, juliet)
    print("passed   changes of the directory", flush=True)
    await outage(server, directory, romeo, juliet)
    print("passed   slapd away, and back", flush=True)
    for one in (romeo, juliet):
        await one.close(WAIT_S)
    await slixmpp_too(server)
    print("passed   slixmpp", flush=True)


def refuses_to_start(server, extra):
    """A directory that is named for groups and has no group_base: rosters without groups would look as if it had none."""
    server.stop()
    server.extra, server.host_extra = extra, '[host.storage]\ngroups = "store-ldap"'
    server.write_config()
    checked = subprocess.run([server.rondeld, "--check", "--config", server.config_path], capture_output=True, text=True,
                             timeout=WAIT_S, check=False)
    server.host_extra = ""
    assert checked.returncode == 78, checked
    assert 'groups of "localhost" names "store-ldap", which holds of this host only users' in checked.stderr, checked.stderr


async def without_groups(server):
    """The same accounts and rosters, and nobody asks for groups: nothing of them was stored."""
    romeo = await Member("romeo").come(server)
    juliet = await Member("juliet").come(server)
    assert romeo.roster == {"juliet": ("Juliet", "none", [])}, romeo.roster
    assert juliet.roster == {}, juliet.roster
    for one in (romeo, juliet):
        await one.close(WAIT_S)


async def before_slapd(server, directory):
    """The server starts while slapd is away: groups come when it does, also to who is in by then."""
    directory.start()
    await until("the first groups", lambda: "users" in server.log_text(limit=10_000_000).rpartition("roster.groups")[2])
    romeo = await Member("romeo").come(server)
    assert romeo.roster["juliet"][1:] == ("both", ["Verona"]), romeo.roster
    await romeo.close(WAIT_S)


def main():
    options = helper.parser(__doc__).parse_args()
    if not slapd.is_installed():
        helper.skip("slapd is missing (apt-get install slapd ldap-utils)")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def again(server, extra):
        server.stop()
        server.extra = extra
        server.start()

    def test():
        with slapd.Directory(hosts=(HOST,)) as directory:
            fill(directory)
            with helper.make_server(options, interfaces={"starttls": "required"}, modules=MODULES, threads=2,
                                    extra=options_of(directory, **REFRESH)) as server:
                loop.run_until_complete(story(server, directory))
                refuses_to_start(server, options_of(directory))
                again(server, options_of(directory))
                loop.run_until_complete(without_groups(server))
                print("passed   without groups nothing of them is left", flush=True)
                directory.stop()
                again(server, options_of(directory, **REFRESH))
                loop.run_until_complete(before_slapd(server, directory))
                print("passed   started before slapd", flush=True)

    helper.finish(test)


if __name__ == "__main__":
    main()
