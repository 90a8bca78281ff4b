#!/usr/bin/python3
"""The example of docs/module-api.md, word for word: taken from the page, and loaded as the page says.

Usage: example.py extract docs/module-api.md INTO.cc    at build time
       example.py check docs/module-api.md AWAY-NOTE.so  ($RONDEL_BUILD_DIR and $RONDEL_MODULES_DIR name the build)
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(ROOT, "scenario"), os.path.join(ROOT, "clients")]

from runner.server import PATIENCE, Rondel  # noqa: E402
from tiny_client import TinyClient  # noqa: E402

NS_NOTE = "urn:example:away-note"


def blocks(page, kind):
    """All blocks of one kind, in the order of the page."""
    with open(page, encoding="utf-8") as file:
        all_blocks = re.findall(r"^```(\w*)\n(.*?)^```$", file.read(), re.M | re.S)
    found = [text for word, text in all_blocks if word == kind]
    assert found, f"{page} has no block of kind '{kind}'"
    return "\n".join(found)


def extract(page, target):
    text = blocks(page, "cpp")
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)


def run(folder, config, flag):
    path = os.path.join(folder, "rondel.toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(config)
    rondeld = os.path.join(os.environ["RONDEL_BUILD_DIR"], "bin", "rondeld")
    return subprocess.run([rondeld, "--config", path, flag], capture_output=True, text=True, timeout=60, check=False)


async def next_stanza(client):
    async def read():
        while not client.ready:
            await client.read_more()
        return client.ready.pop(0)
    return await asyncio.wait_for(read(), 10 * PATIENCE)


async def leave_a_note(port):
    """Romeo leaves a note and goes; Juliet writes, and is told."""
    romeo = TinyClient("localhost", "romeo", "secret")
    await romeo.connect(port)
    romeo.send(f"<iq type='set' id='set'><note xmlns='{NS_NOTE}'>Back on Monday.</note></iq>")
    assert (await next_stanza(romeo)).get("type") == "result"
    romeo.send(f"<iq type='set' id='long'><note xmlns='{NS_NOTE}'>{'x' * 1025}</note></iq>")
    assert (await next_stanza(romeo)).get("type") == "error"
    romeo.send(f"<iq type='get' id='get'><note xmlns='{NS_NOTE}'/></iq>")
    assert (await next_stanza(romeo)).find(f"{{{NS_NOTE}}}note").text == "Back on Monday."
    romeo.writer.close()
    juliet = TinyClient("localhost", "juliet", "secret")
    await juliet.connect(port)
    for ident in ("first", "second"):   # once per sender, within the time that is configured
        juliet.send(f"<message type='chat' to='romeo@localhost' id='{ident}'><body>Wherefore?</body></message>")
    juliet.send(f"<iq type='get' id='other' to='romeo@localhost'><note xmlns='{NS_NOTE}'/></iq>")
    heard = [await next_stanza(juliet), await next_stanza(juliet)]
    heard.sort(key=lambda stanza: stanza.tag)
    assert (heard[0].get("id"), heard[0].get("type")) == ("other", "error"), heard[0].attrib
    assert (heard[1].get("type"), heard[1].get("from")) == ("headline", "romeo@localhost"), heard[1].attrib
    assert heard[1].find("{jabber:client}body").text == "Back on Monday."
    juliet.writer.close()


def serve(folder, modules):
    """The page's module in a running server."""
    control = os.path.join(os.environ["RONDEL_MODULES_DIR"], "control.so")
    os.symlink(control, os.path.join(folder, "control.so"))
    with Rondel(modules=modules + ["control"], modules_dir=folder) as server:
        server.add_users([("romeo@localhost", "secret"), ("juliet@localhost", "secret")])
        asyncio.run(leave_a_note(server.ports["clients"]))


def check(page, module):
    toml, shown = blocks(page, "toml"), blocks(page, "")
    name = os.path.basename(module)[:-len(".so")]
    load = re.search(r"load = \[(.*)\]", toml).group(1)
    others = [other for other in re.findall(r'"([^"]+)"', load) if other != name]
    with tempfile.TemporaryDirectory(prefix="rondel-example-") as folder:
        os.symlink(os.path.abspath(module), os.path.join(folder, name + ".so"))
        for other in others:
            source = os.path.join(os.environ["RONDEL_MODULES_DIR"], other + ".so")
            if not os.path.exists(source):
                print(f"SKIPPED  this build has no module {other}")
                sys.exit(1 if os.environ.get("CI") else 77)
            os.symlink(source, os.path.join(folder, other + ".so"))
        config = toml.replace("[modules]\n", f'[modules]\ndirectory = "{folder}"\n') + (
            f'\n[server]\ndata_dir = "{folder}"\n[[host]]\nname = "localhost"\n[[interface]]\nname = "clients"\n'
            'listen = ["127.0.0.1:0"]\ntls = "off"\nhosts = ["localhost"]\nauth = ["internal"]\n')
        done = run(folder, config, "--check")
        assert done.returncode == 0, done.stderr
        done = run(folder, config, "--print-hooks")
        assert done.returncode == 0, done.stderr
        line = shown.splitlines()[1]
        point = done.stdout.split(shown.splitlines()[0] + "\n")[1]
        point = point[:re.search(r"^\S", point, re.M).start()]
        assert line in point.splitlines(), f"the page shows\n{shown}\nbut the server prints\n{done.stdout}"
        # A wrong value is found by the table of the page.
        done = run(folder, config.replace('repeat = "30m"', 'repeat = "soon"'), "--check")
        assert done.returncode == 78 and "repeat" in done.stderr, done.stderr
        # Without what it depends on it does not start.
        done = run(folder, config.replace('"offline", ', ""), "--check")
        assert done.returncode == 78 and 'needs module "offline"' in done.stderr, done.stderr
        serve(folder, others + [name])


if __name__ == "__main__":
    {"extract": extract, "check": check}[sys.argv[1]](*sys.argv[2:])
