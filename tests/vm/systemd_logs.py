#!/usr/bin/python3
"""Where rondel.service's lines go under a living systemd: from stderr and as fields to the real journald, and to the
real rsyslogd, as docs/operations.md says; each of them is started anew in between.

For a guest whose process 1 is systemd: systemd_stage.py makes one.
"""

import asyncio
import os
import re
import shutil

from installed_service import (PORT, UNIT, WAIT_S, add_users, configure, cursor, helper, journal, log_in,
                               need_systemd, print_journal, run, set_up, show, until)
from runner.server import client_context
from tiny_client import Refused, TinyClient

SYSLOG = "/var/log/rondel-test"
RSYSLOG = """template(name="fields" type="string"
  string="%syslogfacility-text%|%syslogseverity-text%|%programname%|%procid%|%msg%\\n")
if $programname == "rondeld" then action(type="omfile" file="{file}" template="fields")
"""
OWN_UNIT, OWN_CONFIG = "own-rsyslog.service", "/etc/own-rsyslog.conf"
DEV_LOG = "/run/systemd/journal/dev-log"
MANY = 8
SYSLOG_FOLDER = "/etc/rsyslog.d"


def passed(what):
    print("passed   " + what, flush=True)


def serve(destination):
    """A server that logs everything there; its process, and where the journal stood before."""
    configure(('destination = "stderr"', f'destination = "{destination}"'), ('level = "info"', 'level = "debug"'))
    since = cursor()
    run("systemctl", "restart", UNIT)
    return int(show("MainPID")), since


async def logs_in(certificate, *resources):
    """A login for each: each gives a line `c2s.bound` with its resource."""
    for resource in resources:
        (await log_in("romeo", certificate, resource)).abandon()


async def fails_to_log_in(certificate):
    client = TinyClient("example.org", "nobody", "wrong")
    try:
        await asyncio.wait_for(client.connect(PORT, "direct", client_context(certificate)), WAIT_S)
    except Refused:
        return
    raise AssertionError("nobody could log in")


def entries(since, transport, pid):
    """The server's own lines; systemd says things of the unit too."""
    return [entry for entry in journal(f"_PID={pid}", unit=None, since=since)
            if entry["_TRANSPORT"] == transport]


def numbered(name):
    return [f"{name}{number}" for number in range(MANY)]


def from_stderr(certificate):
    pid, since = serve("stderr")
    asyncio.run(logs_in(certificate, "first"))
    asyncio.run(fails_to_log_in(certificate))

    def lines():
        return {entry["MESSAGE"]: entry for entry in entries(since, "stdout", pid)}
    expected = {r"auth\.failure: condition=not-authorized .* remote=(127\.0\.0\.1|::1)": "6",
                r"c2s\.bound: .* jid=romeo@example\.org/first ": "6", r"tls\.warning: ": "3", r"layer\.up: ": "7"}
    for pattern, priority in expected.items():
        # An interface's name stands before the event.
        search = re.compile(r"^(\[[\w-]+\] )?" + pattern)
        until(f"a line {pattern}", lambda search=search: any(search.search(line) for line in lines()))
        entry = next(entry for line, entry in lines().items() if search.search(line))
        assert entry["PRIORITY"] == priority, f"{pattern} has priority {entry['PRIORITY']}, not {priority}"
        assert (entry["_SYSTEMD_UNIT"], entry["SYSLOG_IDENTIFIER"]) == (UNIT, "rondeld"), entry
    odd = [line for line in lines() if line.startswith("<")]
    assert not odd, f"prefixes that the journal did not take: {odd}"
    errors = [entry for entry in journal("--priority=err", since=since) if entry["_TRANSPORT"] == "stdout"]
    assert errors and all("tls.warning" in entry["MESSAGE"] for entry in errors), errors
    passed("stderr: the journal knows the priorities")

    run("systemctl", "restart", "systemd-journald")
    asyncio.run(logs_in(certificate, *numbered("stderr")))
    until("all lines are there", lambda: all(
        any(f"/{name} " in line and "c2s.bound" in line for line in lines()) for name in numbered("stderr")))
    passed(f"stderr: {MANY} lines after a restart of journald")


def as_fields(certificate):
    pid, since = serve("journal")
    asyncio.run(logs_in(certificate, "second"))
    asyncio.run(fails_to_log_in(certificate))

    def of(event):
        return [entry for entry in entries(since, "journal", pid) if entry.get("XMPP_EVENT") == event]
    for event in ("auth.failure", "c2s.bound", "tls.warning", "server.ready", "layer.up"):
        until(f"an entry {event}", lambda event=event: of(event))
    common = {"SYSLOG_IDENTIFIER": "rondeld", "_SYSTEMD_UNIT": UNIT, "_TRANSPORT": "journal", "_PID": str(pid)}
    failure, bound, warning, ready, layer = (of(event)[0] for event in (
        "auth.failure", "c2s.bound", "tls.warning", "server.ready", "layer.up"))
    for entry, fields in (
            (failure, {"PRIORITY": "6", "XMPP_INTERFACE": "clients-direct"}),
            (bound, {"PRIORITY": "6", "XMPP_INTERFACE": "clients-direct", "XMPP_JID": "romeo@example.org/second"}),
            (warning, {"PRIORITY": "3"}), (ready, {"PRIORITY": "6"}), (layer, {"PRIORITY": "7"})):
        found = {name: entry.get(name) for name in {**common, **fields}}
        assert found == {**common, **fields}, f"{found}, not {fields}"
    for entry in (failure, bound):
        assert entry["XMPP_REMOTE_IP"] in ("127.0.0.1", "::1"), entry
        assert re.fullmatch(r"\d+-\d+-\d+", entry["XMPP_CONN"]), entry
    assert failure["MESSAGE"].startswith("condition=not-authorized host=example.org"), failure["MESSAGE"]
    assert "mechanism=SCRAM-SHA-256" in bound["MESSAGE"] and "14 modules" in ready["MESSAGE"]
    found = journal("XMPP_JID=romeo@example.org/second", unit=None, since=since)
    assert found and all(entry["XMPP_JID"] == "romeo@example.org/second" for entry in found)
    assert not entries(since, "stdout", pid), "nothing besides goes to stderr"
    passed("journal: fields as documented, and the journal finds by them")

    def all_are_there(names):
        return {f"romeo@example.org/{name}" for name in names} <= {entry["XMPP_JID"] for entry in of("c2s.bound")}
    run("systemctl", "restart", "systemd-journald")
    asyncio.run(logs_in(certificate, *numbered("journal")))
    until("all entries are there", lambda: all_are_there(numbered("journal")))
    run("systemctl", "kill", "--signal=KILL", "systemd-journald")
    until("journald is back", lambda: show("ActiveState", unit="systemd-journald") == "active")
    asyncio.run(logs_in(certificate, *numbered("killed")))
    until("all entries are there", lambda: all_are_there(numbered("killed")))
    passed(f"journal: {MANY} entries after a restart of journald, and after kill -9 of it")


def lines_of_syslog():
    if not os.path.exists(SYSLOG):
        return []
    with open(SYSLOG, encoding="utf-8") as file:
        return [line.rstrip("\n").split("|", 4) for line in file if line.endswith("\n")]


def to_syslog(certificate, name):
    """What rsyslogd has written of a server, by its fields."""
    pid, since = serve("syslog")
    asyncio.run(logs_in(certificate, name))
    asyncio.run(fails_to_log_in(certificate))
    for pattern, severity in ((r"auth\.failure: condition=not-authorized ", "info"),
                              (rf"c2s\.bound: .* jid=romeo@example\.org/{name} ", "info"),
                              (r"tls\.warning: ", "err"), (r"layer\.up: ", "debug")):
        def found(search=re.compile(pattern)):
            return [line for line in lines_of_syslog() if line[3] == str(pid) and search.search(line[4])]
        until(f"a line {pattern} in {SYSLOG}", found)
        assert found()[0][:4] == ["daemon", severity, "rondeld", str(pid)], found()[0]
    assert not entries(since, "stdout", pid), "nothing besides goes to stderr"


def all_logged(names):
    bound = [line[4] for line in lines_of_syslog() if "c2s.bound" in line[4]]
    return all(len([line for line in bound if f"jid=romeo@example.org/{name} " in line]) == 1 for name in names)


def behind_the_journal(certificate):
    """As Debian has it: /dev/log is journald's, and journald forwards."""
    to_syslog(certificate, "third")
    passed("syslog: facility daemon, severity, identifier and process id in rsyslogd's file")
    run("systemctl", "restart", "rsyslog")
    asyncio.run(logs_in(certificate, *numbered("rsyslog")))
    until("all lines are there", lambda: all_logged(numbered("rsyslog")))
    run("systemctl", "restart", "systemd-journald")
    asyncio.run(logs_in(certificate, *numbered("forwarded")))
    until("all lines are there", lambda: all_logged(numbered("forwarded")))
    passed(f"syslog: {MANY} lines after a restart of rsyslogd, and of journald before it")


def without_the_journal(certificate):
    """/dev/log is rsyslogd's own, as on machines without journald: it goes and comes with rsyslogd."""
    run("systemctl", "stop", "rsyslog.service", "syslog.socket", UNIT)
    run("systemctl", "stop", "systemd-journald-dev-log.socket")
    if os.path.lexists(DEV_LOG):
        os.unlink(DEV_LOG)
    with open(OWN_CONFIG, "w", encoding="ascii") as file:
        file.write('module(load="imuxsock" SysSock.Use="off")\n'
                   f'input(type="imuxsock" Socket="{DEV_LOG}")\n' + RSYSLOG.format(file=SYSLOG))
    with open(f"/etc/systemd/system/{OWN_UNIT}", "w", encoding="ascii") as file:
        file.write("[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=notify\nRestart=on-failure\n"
                   f"ExecStart=/usr/sbin/rsyslogd -n -iNONE -f {OWN_CONFIG}\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", OWN_UNIT)
    until("rsyslogd has made its socket", lambda: os.path.exists(DEV_LOG))
    to_syslog(certificate, "fourth")
    for how, name in ((("restart",), "alone"), (("kill", "--signal=KILL"), "slain")):
        before = show("MainPID", unit=OWN_UNIT)
        run("systemctl", *how, OWN_UNIT)
        until("rsyslogd is back", lambda before=before: show("ActiveState", unit=OWN_UNIT) == "active"
              and show("MainPID", unit=OWN_UNIT) != before)
        asyncio.run(logs_in(certificate, *numbered(name)))
        until("all lines are there", lambda name=name: all_logged(numbered(name)))
    # While nobody listens the server goes on, and so do its lines afterwards.
    run("systemctl", "stop", OWN_UNIT)
    asyncio.run(logs_in(certificate, "unheard"))
    run("systemctl", "start", OWN_UNIT)
    until("the server has found it", lambda: any("log.recovered" in line[4] for line in lines_of_syslog()))
    asyncio.run(logs_in(certificate, *numbered("heard")))
    until("all lines are there", lambda: all_logged(numbered("heard")))
    passed(f"syslog without journald: {MANY} lines after a restart, kill -9, and an absence of rsyslogd")


def main():
    need_systemd()
    if shutil.which("rsyslogd") is None:
        helper.skip("missing: apt-get install --no-install-recommends rsyslog")

    def test():
        try:
            certificate, _ = set_up()
            # The limits of journald are for lines of others; this test makes a good many.
            os.makedirs("/etc/systemd/journald.conf.d", exist_ok=True)
            with open("/etc/systemd/journald.conf.d/test.conf", "w", encoding="ascii") as file:
                file.write("[Journal]\nRateLimitBurst=0\nForwardToSyslog=yes\n")
            run("systemctl", "restart", "systemd-journald")
            os.makedirs(SYSLOG_FOLDER, exist_ok=True)
            with open(f"{SYSLOG_FOLDER}/rondel-test.conf", "w", encoding="ascii") as file:
                file.write(RSYSLOG.format(file=SYSLOG))
            run("systemctl", "enable", "--now", "rsyslog")
            run("systemctl", "start", UNIT)
            add_users("romeo")
            from_stderr(certificate)
            as_fields(certificate)
            behind_the_journal(certificate)
            without_the_journal(certificate)
            run("systemctl", "stop", UNIT)
            assert show("Result") == "success"
        except BaseException:
            print_journal()
            print("syslog:\n" + "\n".join("|".join(line) for line in lines_of_syslog()[-30:]), flush=True)
            raise

    helper.finish(test)


if __name__ == "__main__":
    main()
