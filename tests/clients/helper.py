#!/usr/bin/python3

import argparse
import contextlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenario"))

from runner.server import PATIENCE, Prosody, Rondel, ServerError  # noqa: E402,F401

SKIPPED = 77
ROMEO, JULIET = "romeo@localhost", "juliet@localhost"
PASSWORDS = {ROMEO: "wherefore-art-thou", JULIET: "by-any-other-name"}


def parser(text):
    """A command line with the options that every client test has."""
    result = argparse.ArgumentParser(description=text)
    result.add_argument("--server", choices=("rondel", "prosody"), default="rondel")
    result.add_argument("--rondeld", help="the server; else $RONDELD, else $RONDEL_BUILD_DIR/bin/rondeld")
    result.add_argument("--rondelctl", help="the control program; else beside the server")
    result.add_argument("--modules-dir", help="the folder of the modules; else ../modules from the server")
    result.add_argument("--keep", action="store_true", help="keep the server's folder")
    return result


def make_server(options, **more):
    if options.server == "prosody":
        return Prosody(keep=options.keep, **more)
    return Rondel(rondeld=options.rondeld, rondelctl=options.rondelctl, modules_dir=options.modules_dir,
                  keep=options.keep, **more)


@contextlib.contextmanager
def served(options, accounts=None):
    """A server with STARTTLS required on `ports["starttls"]`, TLS from the first byte on `ports["direct"]`, and
    romeo and juliet, whom `rondelctl user add` has made. `trust` is the certificate to trust."""
    with make_server(options, interfaces={"starttls": "required", "direct": "direct"}) as server:
        for jid, password in (accounts or PASSWORDS).items():
            server.add_user(jid, password)
        server.trust = server.certificates["localhost"][0]
        yield server


def skip(why):
    """Ends the test as skipped, loudly; in CI that is a failure, for there nothing may be left out."""
    if os.environ.get("CI"):
        print(f"FAILED  {why} (and CI must not skip)", flush=True)
        sys.exit(1)
    print(f"SKIPPED  {why}", flush=True)
    sys.exit(SKIPPED)


def finish(test):
    """Runs `test()`; 0 if it returns, 1 with the reason if it fails."""
    try:
        test()
    except (AssertionError, ServerError, TimeoutError) as error:
        print(f"FAILED  {type(error).__name__}: {error}", flush=True)
        sys.exit(1)
    print("passed", flush=True)
