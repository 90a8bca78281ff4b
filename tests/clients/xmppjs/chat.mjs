// Two @xmpp/client clients chat: chat.mjs xmpp://localhost:PORT|xmpps://localhost:PORT romeo-password juliet-password
// The story is that of slixmpp_chat.py: subscriptions, presence, chat both ways, offline delivery.
import { client, xml } from "@xmpp/client";

const [service, romeoPassword, julietPassword] = process.argv.slice(2);
const WAIT_MS = 15000 * Number(process.env.RONDEL_TEST_PATIENCE ?? 1);

class Person {
  constructor(username, password) {
    this.bare = `${username}@localhost`;
    this.stanzas = [];
    this.waiting = [];
    this.xmpp = client({ service, domain: "localhost", username, password });
    this.xmpp.reconnect.stop();
    this.xmpp.on("error", (error) => fail(`${username}: ${error}`));
    this.xmpp.on("stanza", (stanza) => {
      this.stanzas.push(stanza);
      this.waiting.splice(0).forEach((look) => look());
    });
  }

  async come() {
    this.jid = (await this.xmpp.start()).toString();
    await this.xmpp.iqCaller.get(xml("query", "jabber:iq:roster"));
    await this.xmpp.send(xml("presence"));
    await this.sees(undefined, this.bare);
  }

  async leave() {
    await this.xmpp.stop();
  }

  // The first stanza that `matches`, also one that came before; it is taken out.
  async receives(what, matches) {
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
      const index = this.stanzas.findIndex(matches);
      if (index >= 0) return this.stanzas.splice(index, 1)[0];
      if (Date.now() > deadline) throw new Error(`${this.bare} waited in vain for ${what}: ${this.stanzas.join("\n")}`);
      await new Promise((resolve) => {
        this.waiting.push(resolve);
        setTimeout(resolve, 200);
      });
    }
  }

  sees(type, from) {
    return this.receives(`presence ${type} from ${from}`, (stanza) =>
      stanza.is("presence") && stanza.attrs.type === type && stanza.attrs.from?.split("/")[0] === from);
  }

  async reads(from, text) {
    const stanza = await this.receives(`a message from ${from}`, (one) =>
      one.is("message") && one.attrs.from.split("/")[0] === from);
    if (stanza.getChildText("body") !== text) throw new Error(`received ${stanza}`);
    return stanza;
  }

  says(to, text) {
    return this.xmpp.send(xml("message", { to, type: "chat" }, xml("body", {}, text)));
  }

  tells(to, type) {
    return this.xmpp.send(xml("presence", { to, type }));
  }

  ping() {
    return this.xmpp.iqCaller.get(xml("ping", "urn:xmpp:ping"), "localhost");
  }
}

function fail(why) {
  console.log(`FAILED  ${why}`);
  process.exit(1);
}

async function befriend(asker, other) {
  await asker.tells(other.bare, "subscribe");
  await other.sees("subscribe", asker.bare);
  await other.tells(asker.bare, "subscribed");
  await asker.sees("subscribed", other.bare);
  await asker.sees(undefined, other.bare);
}

async function story() {
  const romeo = new Person("romeo", romeoPassword);
  const juliet = new Person("juliet", julietPassword);
  await romeo.come();
  await juliet.come();
  const roster = await romeo.xmpp.iqCaller.get(xml("query", "jabber:iq:roster"));
  if (roster.getChildren("item").some((item) => item.attrs.subscription === "both")) {
    await juliet.sees(undefined, romeo.bare);
  } else {
    await befriend(romeo, juliet);
    await befriend(juliet, romeo);
  }
  await romeo.says(juliet.bare, "She speaks: „O“ & <sighs> 🎭");
  await juliet.reads(romeo.bare, "She speaks: „O“ & <sighs> 🎭");
  await juliet.says(romeo.jid, "Wherefore art thou?");
  await romeo.reads(juliet.bare, "Wherefore art thou?");
  await juliet.leave();
  await romeo.sees("unavailable", juliet.bare);
  await romeo.says(juliet.bare, "Art thou gone so?");
  await romeo.ping();
  const again = new Person("juliet", julietPassword);
  await again.come();
  const late = await again.reads(romeo.bare, "Art thou gone so?");
  if (!late.getChild("delay", "urn:xmpp:delay")) throw new Error(`no delay on ${late}`);
  await again.leave();
  await romeo.leave();
}

story().then(
  () => {
    console.log(`passed   @xmpp/client: ${service}`);
    process.exit(0);
  },
  (error) => fail(error.stack ?? error),
);
