#!/usr/bin/python3
"""The installed rondel.service under a living systemd: set up as docs/operations.md says; started, reloaded, killed,
hung and stopped; and what its hardening forbids is tried from inside.

For a guest whose process 1 is systemd: systemd_stage.py makes one.
"""

import asyncio
import grp
import os
import pwd
import re
import shutil
import signal
import stat
import time

from installed_service import (CONFIG, FOLDER, UNIT, WAIT_S, add_users, configure, cursor, drop_in, helper, journal,
                               log_in, need_systemd, print_journal, run, set_up, show, start, until)
from runner.stream import NS_STREAM
from tiny_client import Refused

MECHANISMS = 'mechanisms = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"]'


def passed(what):
    print("passed   " + what, flush=True)


def files():
    """sysusers.d, tmpfiles.d and modules-load.d are taken, and do what they say."""
    certificate, key = set_up()
    user = pwd.getpwnam("rondel")
    assert (user.pw_dir, user.pw_shell) == ("/var/lib/rondel", "/usr/sbin/nologin") and 0 < user.pw_uid < 1000, user
    assert grp.getgrnam("rondel").gr_gid == user.pw_gid
    for path, mode in ((FOLDER, 0o750), (CONFIG, 0o640), (key, 0o640)):
        found = os.stat(path)
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, user.pw_gid, mode), f"{path}: {found}"
    for command in (("systemd-sysusers", "/usr/lib/sysusers.d/rondel.conf"),
                    ("systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/rondel.conf")):
        said = run(*command)
        assert said == "", f"{command}: {said}"
    passed("sysusers.d and tmpfiles.d: the user, and who may read keys")

    # The boot has read it; nothing else in this guest loads modules.
    loaded = [str(entry.get("MESSAGE")) for entry in journal("--identifier=systemd-modules-load", unit=None)]
    assert "Inserted module 'tls'" in loaded and os.path.exists("/proc/net/tls_stat"), loaded
    run("systemctl", "restart", "systemd-modules-load")
    assert show("Result", unit="systemd-modules-load") == "success"
    passed("modules-load.d: the kernel has TLS")
    return certificate


def only_ready_counts():
    """A server that cannot say READY: the start is not over, and fails when its time is."""
    drop_in("[Service]\nTimeoutStartSec=15s\nRestart=no\nExecStart=\n"
            f"ExecStart=/usr/bin/env -u NOTIFY_SOCKET /usr/sbin/rondeld --config {CONFIG}\n")
    run("systemctl", "start", "--no-block", UNIT)
    until("the server listens", lambda: "server.ready" in messages())
    assert show("ActiveState") == "activating", "listening alone is no start"
    until("the start has failed", lambda: show("ActiveState") == "failed")
    assert show("Result") == "timeout", show("Result")
    drop_in()
    passed("Type=notify: without READY there is no start")


def messages():
    return "\n".join(entry.get("MESSAGE") or "" for entry in journal() if isinstance(entry.get("MESSAGE"), str))


def wrong_configuration():
    configure((MECHANISMS, 'mechanisms = ["SCRAM-SHA-3"]'))
    run("systemctl", "start", UNIT, code=1)
    time.sleep(3)   # longer than RestartSec
    shown = show("ActiveState", "Result", "NRestarts", "ExecMainStatus")
    assert shown == {"ActiveState": "failed", "Result": "exit-code", "NRestarts": "0", "ExecMainStatus": "78"}, shown
    said = [entry["MESSAGE"] for entry in journal() if "SCRAM-SHA-3" in str(entry.get("MESSAGE"))]
    assert said and re.search(r"rondel\.toml:\d+:\d+: ", said[-1]), said
    configure()
    passed("a wrong configuration: one try, no restart, and the journal has file:line:column")


def starts(certificate):
    pid = start()
    shown = show("ActiveState", "SubState", "Type", "Result", "NRestarts")
    assert shown == {"ActiveState": "active", "SubState": "running", "Type": "notify", "Result": "success",
                     "NRestarts": "0"}, shown
    assert run("systemctl", "is-active", UNIT).strip() == "active"
    # systemctl has waited for READY: everything can be used at once.
    add_users("romeo", "juliet")
    asyncio.run(chat(certificate))
    run("systemctl", "enable", UNIT)
    assert os.path.islink(f"/etc/systemd/system/multi-user.target.wants/{UNIT}")
    passed("started when READY; rondelctl and two clients over TLS")
    return pid


async def chat(certificate):
    romeo, juliet = await log_in("romeo", certificate), await log_in("juliet", certificate)
    romeo.send(f"<message to='{juliet.jid}' type='chat'><body>hello</body></message>")
    message = await asyncio.wait_for(juliet.expect("{jabber:client}message"), WAIT_S)
    assert message.find("{jabber:client}body").text == "hello"
    romeo.abandon()
    juliet.abandon()


def told(word, since):
    """Whether process 1 was told `word` by the server since a cursor."""
    return any(re.search(rf"Got notification message from PID \d+ \(.*{word}", str(entry.get("MESSAGE")))
               for entry in journal("_PID=1", unit=None, since=since))


async def cannot_use(mechanism, certificate):
    try:
        (await log_in("romeo", certificate, "other", mechanism)).abandon()
    except Refused as refused:
        assert "invalid-mechanism" in str(refused), refused
        return
    raise AssertionError(f"{mechanism} is still there")


async def reloads(certificate, pid):
    run("systemctl", "log-level", "debug")
    juliet = await log_in("juliet", certificate)
    await asyncio.wait_for(another(certificate, "SCRAM-SHA-1"), WAIT_S)
    since = cursor()
    configure((MECHANISMS, 'mechanisms = ["SCRAM-SHA-256"]'))
    run("systemctl", "reload", UNIT)
    until("RELOADING and READY", lambda: told("RELOADING=1", since) and told("READY=1", since))
    until("it is active", lambda: show("ActiveState") == "active")
    await cannot_use("SCRAM-SHA-1", certificate)
    await another(certificate, "SCRAM-SHA-256")
    passed("reload: RELOADING, READY, and the new configuration holds")

    since = cursor()
    configure((MECHANISMS, 'mechanisms = ["SCRAM-SHA-3"]'))
    run("systemctl", "reload", UNIT, code=None)
    until("RELOADING and READY", lambda: told("RELOADING=1", since) and told("READY=1", since))
    until("it is active", lambda: show("ActiveState") == "active")
    assert "SCRAM-SHA-3" in str([entry.get("MESSAGE") for entry in journal(since=since)])
    await another(certificate, "SCRAM-SHA-256")
    assert int(show("MainPID")) == pid and show("NRestarts") == "0"
    juliet.send(f"<message to='{juliet.jid}' type='chat'><body>still here</body></message>")
    await asyncio.wait_for(juliet.expect("{jabber:client}message"), WAIT_S)
    juliet.abandon()
    configure()
    run("systemctl", "reload", UNIT)
    run("systemctl", "log-level", "info")
    passed("a reload with a wrong configuration changes nothing, and ends no session")


async def another(certificate, mechanism):
    (await log_in("romeo", certificate, "other", mechanism)).abandon()


def hardened(pid):
    """What the kernel says of the running server."""
    user = pwd.getpwnam("rondel")
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    assert status["Uid"].split() == [str(user.pw_uid)] * 4 and status["Gid"].split() == [str(user.pw_gid)] * 4, status
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, f"{name}: {status[name]}"
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
    for kind in ("user", "mnt", "uts"):
        assert os.readlink(f"/proc/{pid}/ns/{kind}") != os.readlink(f"/proc/1/ns/{kind}"), f"its own {kind} namespace"
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as file:
        mounts = {line.split()[4]: line.split()[5].split(",") for line in file}
    assert "ro" in mounts["/"], f"its root is mounted {mounts['/']}"
    for folder in ("/var/lib/rondel", "/run/rondel", "/var/log/rondel"):
        assert "rw" in mounts[folder], f"{folder} is mounted {mounts[folder]}"
    with open(f"/proc/{pid}/limits", encoding="utf-8") as file:
        limits = file.read()
    assert re.search(r"^Max open files +1048576 ", limits, re.M) and re.search(r"^Max core file size +0 ", limits, re.M)
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
        assert file.read().strip() == f"0::/system.slice/{UNIT}"
    for folder in ("/var/lib/rondel", "/run/rondel", "/var/log/rondel"):
        found = os.stat(folder)
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (user.pw_uid, 0o750), f"{folder}: {found}"
    passed("user, no capability, system call filter, namespaces, limits, folders")


def tried_from_inside():
    """The same unit with sandbox_probe.py in place of the server."""
    here = os.path.dirname(os.path.abspath(__file__))
    shutil.copy(os.path.join(here, "sandbox_probe.py"), "/usr/lib/rondel/probe.py")
    with open(f"/usr/lib/systemd/system/{UNIT}", encoding="utf-8") as file:
        unit = file.read()
    unit = re.sub(r"^(ExecReload|WatchdogSec|Restart\w*|NotifyAccess)=.*\n", "", unit, flags=re.M)
    unit = re.sub(r"^Type=.*$", "Type=oneshot", unit, flags=re.M)
    unit = re.sub(r"^ExecStart=.*$", "ExecStart=/usr/bin/python3 -I -B /usr/lib/rondel/probe.py", unit, flags=re.M)
    with open("/etc/systemd/system/rondel-probe.service", "w", encoding="utf-8") as file:
        file.write(unit)
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "rondel-probe.service", code=None)
    said = [str(entry.get("MESSAGE")) for entry in journal("_COMM=python3", unit="rondel-probe.service")]
    shown = show("Result", "ExecMainStatus", unit="rondel-probe.service")
    wrong = [line for line in said if line.startswith("WRONG")]
    assert shown == {"Result": "success", "ExecMainStatus": "0"} and not wrong, "\n".join([str(shown), *said])
    count = len([line for line in said if line.startswith("as it should be")])
    assert count >= 20, "\n".join(said)
    passed(f"{count} things tried from inside the unit's sandbox")


def dies_and_comes_back(certificate):
    before = int(show("MainPID"))
    os.kill(before, signal.SIGKILL)
    until("it has been started again", lambda: show("NRestarts") == "1" and show("ActiveState") == "active")
    assert int(show("MainPID")) not in (0, before)
    asyncio.run(chat(certificate))
    passed("kill -9: started again, accounts are there")


def hangs_and_comes_back(certificate):
    drop_in("[Service]\nWatchdogSec=8s\n")
    run("systemctl", "restart", UNIT)
    pid = int(show("MainPID"))
    time.sleep(10)
    assert int(show("MainPID")) == pid and show("NRestarts") == "0", "the watchdog is answered"
    os.kill(pid, signal.SIGSTOP)
    until("it has been started again", lambda: show("NRestarts") == "1" and show("ActiveState") == "active")
    assert any("Watchdog timeout" in str(entry.get("MESSAGE")) for entry in journal())
    asyncio.run(chat(certificate))
    drop_in()
    run("systemctl", "restart", UNIT)
    passed("the watchdog is answered; a server that hangs is started again")


async def ended(client):
    came = []
    client.run(came.append)
    try:
        await asyncio.wait_for(asyncio.shield(client.reading), WAIT_S)
    except Refused:
        pass
    return [element for element in came if element.tag == f"{{{NS_STREAM}}}error"]


async def stops(certificate):
    since = cursor()
    pid = int(show("MainPID"))
    romeo = await log_in("romeo", certificate)
    reading = asyncio.ensure_future(ended(romeo))
    await asyncio.sleep(0)
    begun = time.monotonic()
    stopping = await asyncio.create_subprocess_exec("systemctl", "stop", UNIT)
    errors = await reading
    assert await asyncio.wait_for(stopping.wait(), WAIT_S) == 0
    assert errors and errors[0].find("{urn:ietf:params:xml:ns:xmpp-streams}system-shutdown") is not None, errors
    shown = show("ActiveState", "SubState", "Result", "ExecMainCode", "ExecMainStatus")
    assert shown == {"ActiveState": "inactive", "SubState": "dead", "Result": "success", "ExecMainCode": "1",
                     "ExecMainStatus": "0"}, shown   # 1: CLD_EXITED
    assert time.monotonic() - begun < 60, "long before TimeoutStopSec"
    said = [str(entry.get("MESSAGE")) for entry in journal(since=since)]
    assert not any("SIGKILL" in line or "timed out" in line for line in said), said
    assert not os.path.exists(f"/proc/{pid}") and not os.path.exists("/run/rondel/control.sock")
    assert os.path.exists("/var/lib/rondel/rondel.db")
    passed("stop: system-shutdown for who is there, exit code 0, no SIGKILL")


def main():
    need_systemd()

    def test():
        try:
            certificate = files()
            wrong_configuration()
            only_ready_counts()
            pid = starts(certificate)
            hardened(pid)
            asyncio.run(reloads(certificate, pid))
            tried_from_inside()
            dies_and_comes_back(certificate)
            hangs_and_comes_back(certificate)
            asyncio.run(stops(certificate))
            start()
            asyncio.run(chat(certificate))
            asyncio.run(stops(certificate))
        except BaseException:
            print_journal()
            raise

    helper.finish(test)


if __name__ == "__main__":
    main()
