#!/usr/bin/python3
"""The systemd unit is understood whole, and as closed as we say: an exposure of 1.5 at most."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
EXPOSURE_MAX = 1.5
UNIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rondel.service")


def analyze(*words):
    done = subprocess.run(["systemd-analyze", "--no-pager", *words], capture_output=True, text=True, timeout=50,
                          check=False, env=dict(os.environ, LC_ALL="C.UTF-8", SYSTEMD_COLORS="0"))
    return done.returncode, done.stdout + done.stderr


def main():
    if not shutil.which("systemd-analyze"):
        if os.environ.get("CI"):
            sys.exit("FAILED  systemd-analyze is missing (apt-get install systemd), and CI must not skip")
        print("SKIPPED  systemd-analyze is missing (apt-get install systemd)")
        sys.exit(SKIPPED)

    # verify looks for the program, which is not installed here.
    with open(UNIT, encoding="utf-8") as file:
        text = file.read()
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "rondel.service")
        with open(copy, "w", encoding="utf-8") as file:
            file.write(text.replace("/usr/sbin/rondeld", shutil.which("true")))
        _, said = analyze("verify", "--man=no", copy)
        complaints = [line for line in said.splitlines() if "rondel.service" in line]
        if complaints:
            sys.exit("FAILED  systemd-analyze verify:\n" + "\n".join(complaints))

    code, said = analyze("security", "--offline=true", f"--threshold={round(EXPOSURE_MAX * 10)}", UNIT)
    found = re.search(r"Overall exposure level for rondel\.service: ([0-9.]+)", said)
    if not found:
        sys.exit(f"FAILED  systemd-analyze security says no level:\n{said}")
    if code != 0 or float(found.group(1)) > EXPOSURE_MAX:
        sys.exit(f"FAILED  the exposure is {found.group(1)}, at most {EXPOSURE_MAX} is allowed:\n{said}")
    print(f"the unit is understood; its exposure is {found.group(1)}")


if __name__ == "__main__":
    main()
