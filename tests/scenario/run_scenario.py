#!/usr/bin/python3
"""Runs protocol scripts (*.scn) against rondeld; README.md teaches their language.

    run_scenario.py [--rondeld PATH] [--modules-dir DIR] [-j N] [-k WORD] [--server prosody] FILE_OR_FOLDER...

Scripts with the same server settings share one server; every scenario has accounts of its own there.
Exit code: 0 all passed, 1 something failed, 2 a script or the command line is wrong.
"""

import argparse
import concurrent.futures
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from runner import script as scripts  # noqa: E402
from runner.execute import Execution, StepFailed  # noqa: E402
from runner.server import Prosody, Rondel, ServerError  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description="Runs XMPP protocol scripts against a server.")
    parser.add_argument("paths", nargs="+", help="script files, or folders that are searched for *.scn")
    parser.add_argument("--rondeld", help="the server; else $RONDELD, else $RONDEL_BUILD_DIR/bin/rondeld")
    parser.add_argument("--rondelctl", help="the control program; else beside the server")
    parser.add_argument("--modules-dir", help="the folder of the modules; else ../modules from the server")
    parser.add_argument("--server", choices=("rondel", "prosody"), default="rondel")
    parser.add_argument("-j", "--jobs", type=int, default=8, help="scenarios at a time on one server")
    parser.add_argument("-k", "--only", help="only scenarios whose name or file has this word")
    parser.add_argument("-v", "--verbose", action="store_true", help="also print what passed")
    parser.add_argument("-t", "--trace", action="store_true", help="print every byte of failed scenarios")
    parser.add_argument("--keep", action="store_true", help="keep the servers' folders")
    parser.add_argument("--list", action="store_true", help="only list the scenarios")
    return parser.parse_args()


def find(paths):
    for path in paths:
        if os.path.isdir(path):
            for folder, folders, names in os.walk(path):
                folders.sort()
                yield from (os.path.join(folder, name) for name in sorted(names) if name.endswith(".scn"))
        else:
            yield path


def load(options):
    """Scenarios by what server they need."""
    groups, number = {}, 0
    for path in find(options.paths):
        script = scripts.read(path)
        if script.server.get("only", options.server) != options.server:
            continue
        wanted = [s for s in script.scenarios if not options.only or options.only in s.name or options.only in path]
        if wanted:
            key = json.dumps(script.server, sort_keys=True)
            groups.setdefault(key, []).extend((number + i, s) for i, s in enumerate(wanted))
            number += len(wanted)
    return groups


def make_server(settings, options):
    interfaces = {"clients": settings.get("tls", "off")}
    for name, mode in (part.split(":") for part in settings.get("interfaces", "").split() if part):
        interfaces[name] = mode
    common = {"hosts": settings.get("hosts", "localhost").replace(",", " ").split(), "interfaces": interfaces,
              "extra": settings.get("config", ""), "interface_extra": settings.get("interface options", ""),
              "host_extra": settings.get("host options", ""), "threads": int(settings.get("threads", "2")),
              "keep": options.keep}
    if options.server == "prosody":
        return Prosody(**common)
    return Rondel(rondeld=options.rondeld, rondelctl=options.rondelctl, modules_dir=options.modules_dir, **common)


def run_one(execution, options):
    """(outcome, text); the outcome is passed, failed or deviates."""
    why = execution.scenario.deviates.get(options.server)
    try:
        execution.run()
    except StepFailed as failure:
        return ("deviates", why) if why else ("failed", str(failure))
    return ("failed", f"passes, but is marked as a deviation: {why}") if why else ("passed", "")


def run_group(settings, numbered, options, report):
    with make_server(settings, options) as server:
        executions = [Execution(scenario, server, number) for number, scenario in numbered]
        server.add_users([account for execution in executions for account in execution.accounts()])
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            runs = {pool.submit(run_one, execution, options): execution for execution in executions}
            for done in concurrent.futures.as_completed(runs):
                report(runs[done], *done.result())


class Report:
    """Prints outcomes as they come and counts them."""

    def __init__(self, options):
        self.options = options
        self.counts = {"passed": 0, "failed": 0, "deviates": 0}
        self.failed = []

    def __call__(self, execution, outcome, text):
        self.counts[outcome] += 1
        scenario = execution.scenario
        if outcome == "failed":
            self.failed.append(f"{scenario.path}:{scenario.line}: {scenario.name}")
            print(f"FAILED  {scenario.name}  [{scenario.source}]\n  {text}", flush=True)
            if self.options.trace:
                print("".join(f"    {who} {line}\n" for who, line in execution.trace), flush=True)
        elif outcome == "deviates" or self.options.verbose:
            print(f"{outcome:8}{scenario.name}  [{scenario.source}]" + (f": {text}" if text else ""), flush=True)

    def finish(self, started):
        counts = ", ".join(f"{count} {name}" for name, count in self.counts.items() if count)
        print(f"{counts or 'nothing ran'} in {time.monotonic() - started:.1f} s")


def main():
    options = arguments()
    started = time.monotonic()
    report = Report(options)
    try:
        groups = load(options)
        if options.list:
            for numbered in groups.values():
                for _, scenario in numbered:
                    print(f"{scenario.path}:{scenario.line}: {scenario.name}  [{scenario.source}]")
            return 0
        broken = False
        for key, numbered in groups.items():
            try:
                run_group(json.loads(key), numbered, options, report)
            except ServerError as error:
                broken = True
                print(f"FAILED  the server for {numbered[0][1].path} and others\n  {error}", flush=True)
    except scripts.ScriptError as error:
        print(error, file=sys.stderr)
        return 2
    report.finish(started)
    return 1 if broken or report.failed or not any(report.counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
