#!/usr/bin/python3
"""docs/configuration.md is what this build says of itself, with every module that it has.

Usage: configuration_reference.py docs/configuration.md [--write]   ($RONDEL_BUILD_DIR and $RONDEL_MODULES_DIR name the build)
"""

import difflib
import os
import subprocess
import sys
import tempfile


def reference(rondeld, modules_dir):
    """The page of this build."""
    names = sorted(name[:-3] for name in os.listdir(modules_dir) if name.endswith(".so"))
    assert names, f"there is no module in {modules_dir}"
    load = ", ".join(f'"{name}"' for name in names)
    with tempfile.TemporaryDirectory(prefix="rondel-reference-") as folder:
        config = os.path.join(folder, "rondel.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'[server]\ndata_dir = "{folder}"\ncontrol_socket = "{folder}/control.sock"\n'
                       f'[modules]\ndirectory = "{modules_dir}"\nload = [{load}]\n'
                       '[[host]]\nname = "localhost"\n'
                       '[[interface]]\nname = "clients"\nlisten = ["127.0.0.1:0"]\ntls = "off"\n'
                       'hosts = ["localhost"]\nauth = ["internal"]\n')
        done = subprocess.run([rondeld, "--config", config, "--print-config-reference"], capture_output=True, text=True,
                              timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def main():
    page = sys.argv[1]
    rondeld = os.path.join(os.environ["RONDEL_BUILD_DIR"], "bin", "rondeld")
    wanted = reference(rondeld, os.environ["RONDEL_MODULES_DIR"])
    if "--write" in sys.argv:
        with open(page, "w", encoding="utf-8") as file:
            file.write(wanted)
        return
    with open(page, encoding="utf-8") as file:
        found = file.read()
    if found != wanted:
        sys.stdout.writelines(difflib.unified_diff(found.splitlines(True), wanted.splitlines(True), page, "this build"))
        sys.exit(f"\n{page} is not what this build says. To write it anew, with all modules built:\n"
                 f"  RONDEL_BUILD_DIR={os.environ['RONDEL_BUILD_DIR']} RONDEL_MODULES_DIR={os.environ['RONDEL_MODULES_DIR']}"
                 f" \\\n  tests/server/configuration_reference.py docs/configuration.md --write")


if __name__ == "__main__":
    main()
