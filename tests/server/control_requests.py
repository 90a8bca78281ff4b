#!/usr/bin/python3
"""The control socket of a running rondeld, spoken to without rondelctl.

Usage: control_requests.py   ($RONDEL_BUILD_DIR and $RONDEL_MODULES_DIR name the build)
"""

import json
import os
import socket
import sys
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(ROOT, "scenario"), os.path.join(ROOT, "clients")]

from runner.server import PATIENCE, Rondel  # noqa: E402

WAIT_S = 20 * PATIENCE
ROMEO = "romeo@localhost"


class Operator:
    """A connection to the control socket."""

    def __init__(self, server):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(WAIT_S)
        self.socket.connect(server.socket_path)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def say(self, *requests):
        self.socket.sendall(b"".join(request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n"
                                     for request in requests))

    def hear(self):
        """The next answer; None at the end of the connection."""
        line = self.file.readline()
        return json.loads(line) if line else None


def answers_come_in_the_order_of_the_requests(server):
    with Operator(server) as operator:
        operator.say({"command": "user.add", "jid": ROMEO, "password": "one"},
                     {"command": "user.passwd", "jid": ROMEO, "password": "two"},
                     {"command": "user.delete", "jid": ROMEO},
                     {"command": "user.delete", "jid": ROMEO},
                     {"command": "modules"})
        found = [operator.hear() for _ in range(5)]
    assert [answer["ok"] for answer in found] == [True, True, True, False, True], found
    assert "there is no account" in found[3]["error"], found
    assert found[4]["modules"], found


def a_request_may_come_in_pieces(server):
    with Operator(server) as operator:
        for byte in json.dumps({"command": "modules"}).encode() + b"\n":
            operator.say(bytes([byte]))
        assert operator.hear()["ok"]


def what_is_no_request_is_refused_and_the_next_one_answered(server):
    nonsense = [b"\n", b"\0\n", b"[]\n", b"7\n", b"{\"command\": 7}\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n"]
    with Operator(server) as operator:
        operator.say(*nonsense, {"command": "modules"})
        for _ in nonsense:
            answer = operator.hear()
            assert not answer["ok"] and answer["error"], answer
        assert operator.hear()["ok"]


def a_request_without_end_ends_the_connection(server):
    with Operator(server) as operator:
        try:
            for _ in range(64):
                operator.say(b"x" * 65536)
        except OSError:
            pass   # It has closed already.
        try:
            answer = operator.hear()
            assert answer is None or not answer["ok"], answer
            assert operator.hear() is None
        except OSError:
            pass


def who_goes_away_in_the_middle_harms_nobody(server):
    for _ in range(20):
        with Operator(server) as operator:
            operator.say({"command": "user.add", "jid": ROMEO, "password": "one"}, {"command": "status"})
    with Operator(server) as operator:
        operator.say({"command": "status"})
        assert operator.hear()["ok"]


def status_counts_the_connections_of_clients_and_no_operator(server):
    def connections(operator):
        operator.say({"command": "status"})
        return operator.hear()["total"]["connections"]

    def until(wanted, operator):
        deadline = time.monotonic() + WAIT_S
        while connections(operator) != wanted:
            assert time.monotonic() < deadline, f"{connections(operator)} connections, not {wanted}"
            time.sleep(0.01)

    with Operator(server) as operator:
        for _ in range(3):
            others = [Operator(server) for _ in range(5)]
            clients = [socket.create_connection(("127.0.0.1", server.ports["clients"])) for _ in range(7)]
            until(7, operator)
            for client in clients[:4]:
                client.close()
            for other in others:
                other.__exit__()
            until(3, operator)
            for client in clients[4:]:
                client.close()
            until(0, operator)


TESTS = [answers_come_in_the_order_of_the_requests, a_request_may_come_in_pieces,
         what_is_no_request_is_refused_and_the_next_one_answered, a_request_without_end_ends_the_connection,
         who_goes_away_in_the_middle_harms_nobody,
         status_counts_the_connections_of_clients_and_no_operator]


def main():
    with Rondel(interfaces={"clients": "off"}, modules=["store-sqlite", "auth-internal", "control"]) as server:
        for test in TESTS:
            test(server)
            print("passed", test.__name__, flush=True)


if __name__ == "__main__":
    main()
