"""A minimal XMPP client for asyncio: logs in, sends text, hands out stanzas. For load, where comfort costs too much."""

import asyncio
import os
import sys
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenario"))

from runner import sasl  # noqa: E402
from runner.stream import NS_BIND, NS_CLIENT, NS_STREAM, NS_TLS  # noqa: E402


class Refused(Exception):
    """The server said no, or the connection ended."""


class TinyClient:
    """One connection. `on_stanza(element)` is called for every stanza once `run()` has been called."""

    def __init__(self, host, user, password, resource="load", mechanism="SCRAM-SHA-1"):
        self.host, self.user, self.password = host, user, password
        self.resource, self.mechanism = resource, mechanism
        self.bare = f"{user}@{host}"
        self.jid = self.bare
        self.reader = self.writer = self.parser = self.root = None
        self.features = None     # of the newest stream
        self.ready = []
        self.depth = 0
        self.on_stanza = None
        self.answers = {}
        self.reading = None
        self.has_ended = False   # </stream:stream> came

    async def connect(self, port, tls="off", context=None, address="127.0.0.1", source=None):
        """`tls` is off, starttls or direct; `source` is the address that this client comes from, else any."""
        more = {} if source is None else {"local_addr": (source, 0)}
        if tls == "direct":
            self.reader, self.writer = await asyncio.open_connection(address, port, ssl=context,
                                                                     server_hostname=self.host, **more)
        else:
            self.reader, self.writer = await asyncio.open_connection(address, port, **more)
        await self.open_stream()
        if tls == "starttls":
            self.send(f"<starttls xmlns='{NS_TLS}'/>")
            await self.expect(f"{{{NS_TLS}}}proceed")
            await self.writer.start_tls(context, server_hostname=self.host)
            await self.open_stream()
        await self.authenticate()
        await self.open_stream()
        self.send(f"<iq type='set' id='bind'><bind xmlns='{NS_BIND}'><resource>{self.resource}</resource></bind></iq>")
        answer = await self.expect(f"{{{NS_CLIENT}}}iq")
        jid = answer.find(f".//{{{NS_BIND}}}jid")
        if jid is None:
            raise Refused("binding: " + ET.tostring(answer, "unicode"))
        self.jid = jid.text

    async def authenticate(self):
        start = f"<auth xmlns='{sasl.NS_SASL}' mechanism='{self.mechanism}'>"
        if self.mechanism == "PLAIN":
            self.send(start + sasl.encode(sasl.plain(self.user, self.password)) + "</auth>")
            await self.expect(f"{{{sasl.NS_SASL}}}success")
            return
        scram = sasl.Scram(self.mechanism, self.user, self.password)
        self.send(start + sasl.encode(scram.first()) + "</auth>")
        challenge = await self.expect(f"{{{sasl.NS_SASL}}}challenge")
        final = scram.final(sasl.base64.b64decode(challenge.text))
        self.send(f"<response xmlns='{sasl.NS_SASL}'>{sasl.encode(final)}</response>")
        success = await self.expect(f"{{{sasl.NS_SASL}}}success")
        scram.verify(sasl.base64.b64decode(success.text))

    async def open_stream(self):
        self.parser = ET.XMLPullParser(events=("start", "end"))
        self.depth, self.ready = 0, []
        self.send(f"<?xml version='1.0'?><stream:stream to='{self.host}' version='1.0' xmlns='{NS_CLIENT}' "
                  f"xmlns:stream='{NS_STREAM}'>")
        self.features = await self.expect(f"{{{NS_STREAM}}}features")

    def send(self, text):
        self.writer.write(text.encode("utf-8"))

    async def expect(self, tag):
        while not self.ready:
            await self.read_more()
        element = self.ready.pop(0)
        if element.tag != tag:
            raise Refused(f"{self.bare}: expected {tag}, received {ET.tostring(element, 'unicode')}")
        return element

    async def read_more(self):
        data = await self.reader.read(65536)
        if not data:
            raise Refused(f"{self.bare}: the server closed the connection")
        self.parser.feed(data)
        for kind, element in self.parser.read_events():
            if kind == "start":
                self.depth += 1
                if self.depth == 1:
                    self.root = element
                continue
            self.depth -= 1
            if self.depth == 1:
                self.root.remove(element)
                self.ready.append(element)
            elif self.depth == 0:
                self.has_ended = True

    def run(self, on_stanza):
        """From now on stanzas go to `on_stanza`, and answers to who `asks`."""
        self.on_stanza = on_stanza
        self.reading = asyncio.ensure_future(self.read_on())

    async def read_on(self):
        try:
            while not self.has_ended:
                while self.ready:
                    self.dispatch(self.ready.pop(0))
                await self.read_more()
            while self.ready:
                self.dispatch(self.ready.pop(0))
        except (Refused, OSError) as error:
            for waiting in self.answers.values():
                if not waiting.done():
                    waiting.set_exception(Refused(str(error)))
            self.answers.clear()
            if not self.has_ended:
                raise Refused(f"{self.bare}: {error}") from error

    def dispatch(self, element):
        waiting = self.answers.pop(element.get("id"), None) if element.tag == f"{{{NS_CLIENT}}}iq" else None
        if waiting is not None and element.get("type") in ("result", "error"):
            if not waiting.done():
                waiting.set_result(element)
            return
        self.on_stanza(element)

    async def asks(self, name, text, wait_s):
        """Sends the IQ `text` whose id is `name`; returns its answer."""
        waiting = asyncio.get_running_loop().create_future()
        self.answers[name] = waiting
        self.send(text)
        return await asyncio.wait_for(waiting, wait_s)

    async def close(self, wait_s):
        """Closes the stream and reads what the server still sends before its own end."""
        self.send("</stream:stream>")
        await asyncio.wait_for(asyncio.shield(self.reading), wait_s)
        self.writer.close()

    def abandon(self):
        if self.reading is not None:
            self.reading.cancel()
        if self.writer is not None:
            self.writer.transport.abort()
