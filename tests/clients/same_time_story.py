#!/usr/bin/python3
"""Whether a name has an account can't be told from how long a refusal takes: names with and without one, and disabled ones,
in turn, against the running server; PLAIN, both steps of SCRAM, and the authorization identity of EXTERNAL. The quicker
tries are compared, which a busy machine has not disturbed; what differs is measured again, for chance does not come twice."""

import random
import time

import helper
from certificate_login import HOST, Login, address
from client_authority import ClientAuthority
from runner import sasl

NAMES = 40            # of each class: what one of them leaves in a cache must not count
ROUNDS_MIN = 100      # also on a slow machine
ROUNDS_MAX = 300
BUDGET_S = 6          # of a mechanism; more rounds are not begun afterwards
MEASURES = 3          # at most: a difference counts if all of them find one
# Not to ask SQLite for names without account makes the first step of SCRAM 1.7 times as quick.
RATIO_MAX = 1.4
CLASSES = ("known", "unknown", "disabled")
TRIES_OF_A_STREAM = 4   # one less than the server allows


def name_of(kind, number):
    """All of one length."""
    return f"{kind[0]}{number:03}-juliet"


class Prober:
    """A stream on which tries are made, and a new one whenever the server would close it."""

    def __init__(self, server, certificate=None):
        self.server, self.certificate = server, certificate
        self.login, self.left = None, 0

    def stream(self):
        if self.left == 0:
            self.close()
            self.login, self.left = Login(self.server, "direct", self.certificate), TRIES_OF_A_STREAM
        self.left -= 1
        return self.login.stream

    def close(self):
        if self.login is not None:
            self.login.stream.drop()
            self.login = None


def timed(stream, text):
    """How long the answer to an element takes, and what it is: the data of a challenge, or a condition."""
    began = time.perf_counter()
    stream.send(text)
    try:
        answer = stream.sasl_reply()
    except sasl.SaslFailure as failure:
        answer = ("failure", failure.condition)
    return time.perf_counter() - began, answer


def start(mechanism, data):
    return f"<auth xmlns='{sasl.NS_SASL}' mechanism='{mechanism}'>{sasl.encode(data)}</auth>"


def try_plain(prober, name):
    seconds, answer = timed(prober.stream(), start("PLAIN", sasl.plain(name, "wrong")))
    return {"PLAIN": seconds}, answer


def try_scram(mechanism):
    def one(prober, name):
        stream = prober.stream()
        scram = sasl.Scram(mechanism, name, "wrong")
        first_s, (kind, challenge) = timed(stream, start(mechanism, scram.first()))
        assert kind == "challenge", f"{mechanism} of {name}: {kind}"
        final = sasl.encode(scram.final(challenge))
        second_s, answer = timed(stream, f"<response xmlns='{sasl.NS_SASL}'>{final}</response>")
        shape = (len(scram.attributes["s"]), scram.attributes["i"], len(challenge))
        return {f"{mechanism}, first step": first_s, f"{mechanism}, second step": second_s}, (*answer, *shape)
    return one


def try_external(prober, name):
    seconds, answer = timed(prober.stream(), start("EXTERNAL", f"{name}@{HOST}".encode()))
    return {"EXTERNAL, another's authzid": seconds}, answer


def measure(prober, attempt):
    """What was measured, by step and class of names; every answer must be the same."""
    seconds, answers = {}, {}
    deadline = time.monotonic() + BUDGET_S * helper.PATIENCE
    for number in range(ROUNDS_MAX):
        if number >= ROUNDS_MIN and time.monotonic() > deadline:
            break
        for kind in random.sample(CLASSES, len(CLASSES)):
            name = name_of(kind, random.randrange(NAMES))
            steps, answer = attempt(prober, name)
            answers.setdefault(answer, set()).add(kind)
            for step, taken in steps.items():
                seconds.setdefault(step, {}).setdefault(kind, []).append(taken)
    prober.close()
    assert len(answers) == 1, f"answers tell accounts apart: {answers}"
    return seconds


def quick(taken):
    """The lower quartile."""
    return sorted(taken)[len(taken) // 4]


def difference(seconds):
    """What tells accounts apart, in words; empty if nothing."""
    for step, by_kind in seconds.items():
        typical = {kind: quick(taken) for kind, taken in by_kind.items()}
        text = f"{step}: " + ", ".join(f"{kind} {typical[kind] * 1e6:.0f} µs" for kind in CLASSES)
        text += f" in {len(by_kind['known'])} rounds"
        if any(not 1 / RATIO_MAX < typical["unknown"] / typical[kind] < RATIO_MAX for kind in ("known", "disabled")):
            return text
        print(f"passed   {text}", flush=True)
    return ""


def judge(prober, attempt):
    found = []
    for _ in range(MEASURES):
        text = difference(measure(prober, attempt))
        if not text:
            return
        found.append(text)
    raise AssertionError(f"the time tells accounts apart, each time: {'; '.join(found)}")


def main():
    options = helper.parser(__doc__).parse_args()
    if options.server != "rondel":
        helper.skip("the certificates are set up for rondel")

    def test():
        server = helper.make_server(options, interfaces={"direct": "direct"})
        authority = ClientAuthority(server.folder, "ours")
        romeo = authority.issue("romeo", address(helper.ROMEO))
        server.interface_extra = (f'auth = ["external", "internal"]\nclient_ca = "{authority.certificate}"\n'
                                  "authentication_tries_max = 5")
        with server:
            server.trust = server.certificates[HOST][0]
            server.add_users([(f"{name_of(kind, number)}@{HOST}", f"password {number}")
                              for kind in ("known", "disabled") for number in range(NAMES)] + [(helper.ROMEO, "x")])
            for number in range(NAMES):
                server.control("user", "disable", f"{name_of('disabled', number)}@{HOST}")
            judge(Prober(server), try_plain)
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-1"):
                judge(Prober(server), try_scram(mechanism))
            judge(Prober(server, romeo), try_external)

    helper.finish(test)


if __name__ == "__main__":
    main()
