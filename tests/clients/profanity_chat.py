#!/usr/bin/python3
"""Two profanity clients in tmux: connect with STARTTLS and with direct TLS, add each other, see each other come and
go, chat both ways, receive what waited. Each has a home folder of its own; the screens are read as a person would."""

import os
import re
import shutil
import subprocess
import tempfile
import time

import helper

WAIT_S = 20 * helper.PATIENCE
# No sound, no pop-ups, no questions; certificates are trusted by file.
PREFERENCES = """[connection]
autoping=0
[ui]
splash=false
inpblock=5
inpblock.dynamic=false
[notifications]
[logging]
"""


class Profanity:
    """One client in a tmux server of its own."""

    def __init__(self, name, trust, folder):
        self.name = name
        self.home = os.path.join(folder, name)
        self.socket = os.path.join(folder, name + ".tmux")
        config = os.path.join(self.home, ".config", "profanity")
        os.makedirs(config)
        with open(os.path.join(config, "profrc"), "w", encoding="utf-8") as file:
            file.write(PREFERENCES)
        environment = dict(os.environ, HOME=self.home, TERM="screen-256color", LANG="C.UTF-8", LC_ALL="C.UTF-8",
                           SSL_CERT_FILE=trust, XDG_CONFIG_HOME=os.path.join(self.home, ".config"),
                           XDG_DATA_HOME=os.path.join(self.home, ".local", "share"))
        for variable in ("TMUX", "DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
            environment.pop(variable, None)
        subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", "new-session", "-d", "-x", "160", "-y", "48",
                        "profanity", "--log", "DEBUG"], env=environment, check=True, timeout=30)

    def tmux(self, *words):
        return subprocess.run(["tmux", "-S", self.socket, *words], capture_output=True, text=True, timeout=30,
                              check=False).stdout

    def types(self, text):
        self.tmux("send-keys", "-l", text)
        self.tmux("send-keys", "Enter")

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def shows(self, pattern, answers=()):
        """Waits until the screen matches; `answers` are pairs of a pattern and what to type when it shows."""
        deadline = time.monotonic() + WAIT_S
        pending = list(answers)
        while True:
            screen = self.screen()
            if re.search(pattern, screen):
                return screen
            for pair in list(pending):
                if re.search(pair[0], screen):
                    pending.remove(pair)
                    self.types(pair[1])
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name} never saw /{pattern}/; its screen:\n{screen}\n{self.log()}")
            time.sleep(0.1)

    def log(self):
        for folder, _, names in os.walk(self.home):
            for name in names:
                if name.startswith("profanity") and name.endswith(".log"):
                    with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                        return "".join(file.readlines()[-40:])
        return ""

    def connects(self, jid, port, tls):
        # "force" demands STARTTLS, "legacy" begins with TLS.
        self.types(f"/connect {jid} server 127.0.0.1 port {port} tls {tls}")
        self.shows("[Ee]nter password")
        self.types(helper.PASSWORDS[jid])
        # The certificate is self-signed and for this run only: a person would compare it and allow it once.
        self.shows(r"logged in successfully", answers=[(r"/tls allow", "/tls allow")])

    def ends(self):
        self.types("/quit")
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and subprocess.run(
                ["tmux", "-S", self.socket, "has-session"], capture_output=True, check=False).returncode == 0:
            time.sleep(0.1)
        self.tmux("kill-server")


def story(server, mode, folder, first):
    port, tls = server.ports[mode], {"starttls": "force", "direct": "legacy"}[mode]
    people = []

    def person(name):
        people.append(Profanity(name, server.trust, folder))
        return people[-1]

    try:
        romeo, juliet = person("romeo"), person("juliet")
        romeo.connects(helper.ROMEO, port, tls)
        juliet.connects(helper.JULIET, port, tls)
        if first:
            for asker, other, jid, other_jid in ((romeo, juliet, helper.ROMEO, helper.JULIET),
                                                 (juliet, romeo, helper.JULIET, helper.ROMEO)):
                asker.types(f"/sub request {other_jid}")
                other.shows(f"eceived authorization request from {jid}")
                other.types(f"/sub allow {jid}")
                asker.shows(f"ubscription received from {other_jid}")
        romeo.types("/win 1")
        romeo.types("/who online")
        romeo.shows(r"juliet@localhost.*is online|juliet.*online")
        romeo.types(f"/msg {helper.JULIET} But soft, what light")
        juliet.types(f"/msg {helper.ROMEO}")
        juliet.shows(r"But soft, what light")
        juliet.types("Wherefore art thou?")
        romeo.shows(r"Wherefore art thou\?")
        juliet.ends()
        people.remove(juliet)
        romeo.types("/win 1")
        romeo.shows(r"juliet@localhost.*is offline|juliet.*offline")
        romeo.types(f"/msg {helper.JULIET} Art thou gone so?")
        romeo.shows(r"Art thou gone so\?")
        later = Profanity("juliet-later", server.trust, folder)
        people.append(later)
        later.connects(helper.JULIET, port, tls)
        later.shows(r"romeo@localhost")
        later.types(f"/msg {helper.ROMEO}")
        later.shows(r"Art thou gone so\?")
    finally:
        for one in people:
            one.ends()
    print(f"passed   profanity: {mode}", flush=True)


def main():
    options = helper.parser(__doc__).parse_args()
    for program in ("profanity", "tmux"):
        if not shutil.which(program):
            helper.skip(f"{program} is missing (apt-get install profanity tmux)")

    def test():
        with helper.served(options) as server:
            for mode in ("starttls", "direct"):
                with tempfile.TemporaryDirectory(prefix="rondel-prof-") as folder:
                    story(server, mode, folder, first=mode == "starttls")

    helper.finish(test)


if __name__ == "__main__":
    main()
