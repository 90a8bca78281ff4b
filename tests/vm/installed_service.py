"""An installed rondel.service under the systemd that runs here: what an operator does, and clients. For a guest that
`run_in_kernel --systemd` has made; it changes /etc and starts services."""

import asyncio
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "clients"))
sys.dont_write_bytecode = True

import helper  # noqa: E402
from runner.server import client_context, make_certificate  # noqa: E402
from tiny_client import TinyClient  # noqa: E402

UNIT = "rondel.service"
FOLDER = "/etc/rondel"
CONFIG = f"{FOLDER}/rondel.toml"
DROP_INS = f"/etc/systemd/system/{UNIT}.d"
PORT = 5223
WAIT_S = 15 * helper.PATIENCE


def need_systemd():
    """Ends the program where systemd is not process 1 of a guest: it would change this machine."""
    with open("/proc/1/comm", encoding="ascii") as file:
        if file.read().strip() != "systemd" or not os.path.exists("/etc/systemd/system/rondel-guest.service"):
            helper.skip("for a guest of run_in_kernel --systemd")


def run(*words, code=0, stdin=None):
    """What a program says; it must end with `code` unless that is None."""
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert code is None or done.returncode == code, \
        f"{' '.join(words)} ended with {done.returncode}, not {code}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def show(*names, unit=UNIT):
    """Properties of the unit."""
    text = run("systemctl", "show", unit, *(f"--property={name}" for name in names))
    found = dict(line.split("=", 1) for line in text.splitlines())
    return found[names[0]] if len(names) == 1 else found


def until(what, is_so, limit=WAIT_S):
    deadline = time.monotonic() + limit
    while not is_so():
        assert time.monotonic() < deadline, f"never: {what}\n{run('systemctl', 'status', UNIT, code=None)}"
        time.sleep(0.2)


def set_up():
    """What docs/operations.md tells an operator to do once, as far as `systemctl enable`."""
    run("systemd-sysusers")
    run("systemd-tmpfiles", "--create", "--prefix", FOLDER)
    run("systemctl", "daemon-reload")
    certificate, key = make_certificate(FOLDER, ["example.org"])
    run("systemd-tmpfiles", "--create", "--prefix", FOLDER)
    run("/usr/sbin/rondeld", "--check", "--config", CONFIG)
    return certificate, key


def configure(*changes):
    """The installed configuration with texts replaced: pairs of old and new."""
    if not os.path.exists(CONFIG + ".installed"):
        os.link(CONFIG, CONFIG + ".installed")
    with open(CONFIG + ".installed", encoding="utf-8") as file:
        text = file.read()
    for old, new in changes:
        assert text.count(old) == 1, f"{old} stands once in the example"
        text = text.replace(old, new)
    with open(CONFIG + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.chown(CONFIG + ".new", 0, os.stat(FOLDER).st_gid)
    os.chmod(CONFIG + ".new", 0o640)
    os.rename(CONFIG + ".new", CONFIG)


def drop_in(text=None):
    """Adds to the unit; without a text, takes that away."""
    path = os.path.join(DROP_INS, "test.conf")
    os.makedirs(DROP_INS, exist_ok=True)
    if text is None:
        os.remove(path)
    else:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    run("systemctl", "daemon-reload")


def start():
    run("systemctl", "reset-failed", UNIT, code=None)
    run("systemctl", "start", UNIT)
    return int(show("MainPID"))


def add_users(*users):
    for user in users:
        run("rondelctl", "user", "add", f"{user}@example.org", "--password-stdin", stdin="secret\n")


async def log_in(user, certificate, resource="load", mechanism="SCRAM-SHA-256"):
    client = TinyClient("example.org", user, "secret", resource=resource, mechanism=mechanism)
    await asyncio.wait_for(client.connect(PORT, "direct", client_context(certificate)), WAIT_S)
    return client


def journal(*words, unit=UNIT, since=None):
    """Entries of the journal, oldest first, with all fields; `since` a cursor, without the entry that it names."""
    run("journalctl", "--sync")
    if since is not None:
        # Not --after-cursor: with matches that passes over the first entry that does.
        words = ("--cursor", since, *words)
    text = run("journalctl", "--output=json", "--no-pager", "--all", *(("--unit", unit) if unit else ()), *words)
    entries = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [entry for entry in entries if entry["__CURSOR"] != since]


def cursor():
    """Where the journal stands now."""
    return journal("--lines=1", unit=None)[-1]["__CURSOR"]


def print_journal():
    """For who reads why a test failed: the last lines of the unit, and of the system."""
    for what in (("_SYSTEMD_UNIT=" + UNIT, "+", "UNIT=" + UNIT), ("_UID=0",)):
        print(run("journalctl", "--no-pager", "--lines=40", *what, code=None), flush=True)
