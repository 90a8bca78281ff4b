#!/usr/bin/python3
"""rondel-load against a server that errs on purpose: it must report exactly the errors that were made.

The server is a small XMPP server of this file: SCRAM-SHA-1 (RFC 5802) or PLAIN, binding, chat between bare addresses.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import tempfile
import threading

PATIENCE = float(os.environ.get("RONDEL_TEST_PATIENCE", "1"))
LOAD = os.environ["RONDEL_LOAD"]
PASSWORD = "secret"
SALT, ITERATIONS = b"0123456789abcdef", 4096
EVERY = 10_000   # One message in so many is treated badly.

TOKEN = re.compile(rb"\s*(?:<\?xml[^>]*\?>|<stream:stream[^>]*>|</stream:stream>|<(\w+)\b[^>]*?(?:/>|>.*?</\1>))", re.S)
STREAM = ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
          "id='s1' from='localhost' version='1.0'>")
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"


class Session:
    """One connection. Owner: ErringServer."""

    def __init__(self, server, reader, writer):
        self.server, self.reader, self.writer = server, reader, writer
        self.user = None
        self.scram = None

    def send(self, text):
        self.writer.write(text.encode())

    async def run(self):
        buffer = b""
        try:
            while data := await self.reader.read(65536):
                buffer += data
                end = 0
                while token := TOKEN.match(buffer, end):   # One behind the other: a piece has elements in it, too.
                    end = token.end()
                    if not self.take(token.group(0).decode().strip()):
                        await self.writer.drain()
                        return
                buffer = buffer[end:]
                await self.writer.drain()
        except ConnectionError:
            pass
        finally:
            self.server.sessions.pop(self.user, None)
            self.writer.close()

    def take(self, text):
        """False: the stream is over."""
        if text.startswith("<?xml"):
            return True
        if text.startswith("</stream:stream>"):
            self.send("</stream:stream>")
            return False
        if text.startswith("<stream:stream"):
            return self.open_stream()
        if text.startswith("<auth"):
            self.authenticate(text)
        elif text.startswith("<response"):
            self.finish_scram(text)
        elif text.startswith("<iq"):
            self.answer(text)
        elif text.startswith("<message"):
            return self.server.route(self, text)
        return True

    def open_stream(self):
        self.send(STREAM)
        if self.server.fault == "stream error at once":
            self.send("<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                      "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>not here</text></stream:error>"
                      "</stream:stream>")
            return False
        if self.user:
            self.send("<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
                      "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></stream:features>")
        else:
            self.send(f"<stream:features><mechanisms xmlns='{SASL}'><mechanism>SCRAM-SHA-1</mechanism>"
                      "<mechanism>PLAIN</mechanism></mechanisms></stream:features>")
        return True

    def authenticate(self, text):
        data = base64.b64decode(re.search(r">(.*?)<", text).group(1)).decode()
        if "'PLAIN'" in text:
            _, user, password = data.split("\0")
            self.finish(user, password == PASSWORD, "")
            return
        bare = data.split(",", 2)[2]
        user = re.match(r"n=([^,]*)", bare).group(1)
        nonce = bare.split("r=")[1] + "serverpart"
        first = f"r={nonce},s={base64.b64encode(SALT).decode()},i={ITERATIONS}"
        self.scram = (user, bare, first)
        self.send(f"<challenge xmlns='{SASL}'>{base64.b64encode(first.encode()).decode()}</challenge>")

    def finish_scram(self, text):
        last = base64.b64decode(re.search(r">(.*?)<", text).group(1)).decode()
        without_proof, proof = last.rsplit(",p=", 1)
        user, bare, first = self.scram

        def sign(key, message):
            return hmac.new(key, message, hashlib.sha1).digest()

        salted = self.server.salted
        signed = ",".join((bare, first, without_proof)).encode()
        stored = hashlib.sha1(sign(salted, b"Client Key")).digest()
        key = bytes(a ^ b for a, b in zip(sign(stored, signed), base64.b64decode(proof)))
        signature = base64.b64encode(sign(sign(salted, b"Server Key"), signed)).decode()
        if self.server.fault == "wrong signature":
            signature = base64.b64encode(bytes(20)).decode()
        self.finish(user, hashlib.sha1(key).digest() == stored, f"v={signature}")

    def finish(self, user, is_good, data):
        if is_good:
            self.user = user
            self.send(f"<success xmlns='{SASL}'>{base64.b64encode(data.encode()).decode()}</success>")
        else:
            self.send(f"<failure xmlns='{SASL}'><not-authorized/></failure>")

    def answer(self, text):
        stanza_id = re.search(r"id='([^']*)'", text).group(1)
        if "xmpp-bind" in text:
            self.server.sessions[self.user] = self
            jid = f"{self.user}@localhost/load"
            self.send(f"<iq type='result' id='{stanza_id}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                      f"<jid>{jid}</jid></bind></iq>")
        else:
            self.send(f"<iq type='result' id='{stanza_id}'/>")


class ErringServer:
    """Runs in a thread of its own; use as a context manager."""

    def __init__(self, fault=None):
        self.fault = fault
        self.salted = hashlib.pbkdf2_hmac("sha1", PASSWORD.encode(), SALT, ITERATIONS)
        self.sessions = {}
        self.count = 0
        self.faults = 0
        self.held = {}
        self.port = None
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.serve)

    def __enter__(self):
        self.thread.start()
        self.ready.wait(10)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def serve(self):
        async def start():
            server = await asyncio.start_server(lambda r, w: Session(self, r, w).run(), "127.0.0.1", 0, backlog=1000)
            self.port = server.sockets[0].getsockname()[1]
            return server

        server = self.loop.run_until_complete(start())
        self.ready.set()
        self.loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))

    def route(self, session, text):
        self.count += 1
        is_bad = self.count % EVERY == 0
        recipient = re.search(r"to='([^@]*)", text).group(1)
        text = re.sub(r"^<message", f"<message from='{session.user}@localhost/load'", text)
        if is_bad and self.fault == "vanishes":
            self.faults += 1
            for other in list(self.sessions.values()):
                other.writer.transport.abort()
            return False
        if is_bad and self.fault == "stream error":
            self.faults += 1
            session.send("<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
                         "</stream:stream>")
            return False
        if is_bad and self.fault == "bounces":
            self.faults += 1
            self.deliver(session.user, re.sub(r"type='chat'", "type='error'", text))
            return True
        if is_bad and self.fault in ("drops", "swaps"):
            self.faults += 1
            if self.fault == "swaps":
                self.held[recipient] = text
            return True
        if is_bad and self.fault == "alters":
            self.faults += 1
            text = text.replace("<body>", "<body>x")
        if is_bad and self.fault == "misroutes":
            self.faults += 1
            recipient = next(user for user in self.sessions if user not in (recipient, session.user))
        self.deliver(recipient, text)
        if is_bad and self.fault == "repeats":
            self.faults += 1
            self.deliver(recipient, text)
        if recipient in self.held:
            self.deliver(recipient, self.held.pop(recipient))
        return True

    def deliver(self, user, text):
        if user in self.sessions:
            self.sessions[user].send(text)


def load(port, *words, password=PASSWORD, mechanism="SCRAM-SHA-1"):
    """Runs rondel-load; returns exit code, result and what it said."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "result.json")
        done = subprocess.run(
            [LOAD, "chat", "--server", f"127.0.0.1:{port}", "--domain", "localhost", "--mechanism", mechanism,
             "--password", password, "--users", "10", "--warm-up", "0.5", "--patience", str(3 * PATIENCE), "--quiet",
             "--json", path, *words], capture_output=True, text=True, timeout=100 * PATIENCE, check=False)
        result = None
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                result = json.load(file)
        return done.returncode, result, done.stdout + done.stderr


KINDS = ("lost", "repeated", "reordered", "misrouted", "altered", "bounced")


def expect(what, is_true, *details):
    if not is_true:
        sys.exit("\n".join([f"FAILED: {what}"] + [str(detail) for detail in details]))
    print(f"ok: {what}", flush=True)


def check_fault(fault, wanted):
    """`wanted`: the kinds that count each error once."""
    with ErringServer(fault) as server:
        # An open loop: in a closed one a lost message slows its sender down.
        code, result, text = load(server.port, "--rate", "6000", "--pipeline", "4", "--duration", "6")
        counts = result["messages"]
        expect(f"{fault}: there were errors to find", fault is None or server.faults >= 2, server.count)
        for kind in KINDS:
            made = server.faults if kind in wanted else 0
            expect(f"{fault}: {made} {kind}", counts[kind] == made, counts, text)
        expect(f"{fault}: exit code", code == (1 if server.faults else 0), code, text)
        expect(f"{fault}: sent", counts["sent"] == server.count, counts, server.count)
        expect(f"{fault}: named", len({example["what"] for example in counts["examples"]}) == len(wanted), counts)


def main():
    check_fault(None, ())
    check_fault("drops", ("lost",))
    check_fault("repeats", ("repeated",))
    check_fault("swaps", ("reordered",))
    check_fault("alters", ("altered",))
    check_fault("misroutes", ("misrouted", "lost"))
    check_fault("bounces", ("bounced", "lost"))

    with ErringServer("drops") as server:
        code, result, text = load(server.port, "--window", "4", "--duration", "6")
        expect("a closed loop finds what is lost", result["messages"]["lost"] == server.faults >= 1 and code == 1,
               result["messages"], server.faults, text)

    with ErringServer() as server:
        for mechanism in ("SCRAM-SHA-1", "PLAIN"):
            code, result, text = load(server.port, mechanism=mechanism, password="wrong")
            expect(f"{mechanism}: a wrong password is named", code == 1 and "not-authorized" in text, code, text)
        code, result, text = load(server.port, mechanism="SCRAM-SHA-256")
        expect("a mechanism that is not offered is named", code == 1 and "SCRAM-SHA-1, PLAIN" in text, code, text)
        code, result, text = load(server.port, "--tls", "starttls")
        expect("a server without STARTTLS is named", code == 1 and "STARTTLS" in text, code, text)
    port = server.port
    code, result, text = load(port)
    expect("a server that is not there is named", code == 1 and "refused" in text, code, text)

    with ErringServer("wrong signature") as server:
        code, result, text = load(server.port)
        expect("a server that does not know the password is named", code == 1 and "signature" in text, code, text)
    with ErringServer("stream error at once") as server:
        code, result, text = load(server.port)
        expect("a stream error at login is named", code == 1 and "host-unknown: not here" in text, code, text)
    with ErringServer("stream error") as server:
        code, result, text = load(server.port, "--rate", "6000", "--duration", "4")
        whats = {problem["what"]: problem["count"] for problem in result["problems"]}
        expect("a stream error later is named", code == 1
               and whats.get("session: stream error: policy-violation") == result["sessions"]["ended"] == server.faults,
               result["problems"], result["sessions"], server.faults)
    with ErringServer("vanishes") as server:
        code, result, text = load(server.port, "--rate", "6000", "--duration", "4")
        expect("a server that vanishes is named", code == 1 and result["sessions"]["ended"] == 10
               and not result["ok"], code, result["sessions"], text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
