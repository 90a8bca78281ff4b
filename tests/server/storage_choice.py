#!/usr/bin/python3
"""What the start and --check say of a storage that is named for what it does not hold.

Usage: storage_choice.py   ($RONDEL_BUILD_DIR and $RONDEL_MODULES_DIR name the build)
"""

import os
import subprocess
import sys
import tempfile

EXIT_CONFIGURATION = 78
DIRECTORY = ('[module.store-ldap]\nservers = ["ldap://127.0.0.1:9"]\ntls = "off"\n'
             'base = "ou=people,dc=example,dc=org"\n')


def write_config(folder, load, host, auth, more):
    path = os.path.join(folder, "rondel.toml")
    quoted = ", ".join(f'"{name}"' for name in load)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'[server]\ndata_dir = "{folder}/data"\ncontrol_socket = "{folder}/control.sock"\n'
                   f'[modules]\ndirectory = "{os.environ["RONDEL_MODULES_DIR"]}"\nload = [{quoted}]\n'
                   f'[[interface]]\nname = "clients"\nlisten = ["127.0.0.1:0"]\ntls = "off"\nhosts = ["localhost"]\n'
                   f'auth = ["{auth}"]\n{more}[[host]]\nname = "localhost"\n{host}')
    return path


def run(path, *words):
    rondeld = os.path.join(os.environ["RONDEL_BUILD_DIR"], "bin", "rondeld")
    return subprocess.run([rondeld, "--config", path, *words], capture_output=True, text=True, timeout=60, check=False)


def main():
    both = ["store-ldap", "store-sqlite", "auth-internal"]
    with tempfile.TemporaryDirectory(prefix="rondel-choice-") as folder:
        for what, load, host, auth, more, wanted in (
                ("rosters in a directory", both, '[host.storage]\nrosters = "store-ldap"\n', "internal", DIRECTORY,
                 'rosters of "localhost" names "store-ldap", which holds of this host only users; name one that holds '
                 'rosters, or leave the line out: store-sqlite'),
                ("users nowhere in the directory", both, '[host.storage]\nusers = "store-ldap"\n', "internal", "",
                 'names "store-ldap", which holds nothing of this host as it is set up'),
                ("a module that is no storage", both, '[host.storage]\nvalues = "auth-internal"\n', "internal", DIRECTORY,
                 "which is no storage"),
                ("no storage at all", ["auth-internal"], "", "internal", "", 'nobody holds the users of "localhost"'),
                ("users in a directory", both, '[host.storage]\nusers = "store-ldap"\n', "internal", DIRECTORY, None),
                ("guests without a storage", ["auth-anonymous"], "", "anonymous", "", None)):
            path = write_config(folder, load, host, auth, more)
            checked = run(path, "--check")
            if wanted is None:
                assert checked.returncode == 0, f"{what}: {checked.returncode} {checked.stderr}"
                continue
            for done in (checked, run(path)):
                assert done.returncode == EXIT_CONFIGURATION, f"{what}: {done.returncode} {done.stderr}"
                assert wanted in done.stderr, f"{what}: {done.stderr}"
                assert f"{path}:" in done.stderr, f"{what}, without a place: {done.stderr}"
            assert not os.path.exists(os.path.join(folder, "data")), f"{what}: a storage was opened"


if __name__ == "__main__":
    sys.exit(main())
