#!/usr/bin/python3
"""systemd_stage.py CMAKE BUILD STORY: installs the build as a package would, into a folder whose files stand before the
host's in a guest that has systemd as process 1, and runs STORY there. Ends as run_in_kernel does.
"""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT_S = 400


def main():
    cmake, build, story = sys.argv[1:]
    folder = tempfile.mkdtemp(prefix="rondel-stage-")
    os.chmod(folder, 0o755)   # it becomes the root's
    try:
        subprocess.run([cmake, "--install", build, "--prefix", "/usr"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "DESTDIR": folder})
        code = subprocess.run([sys.executable, os.path.join(HERE, "run_in_kernel"), "--systemd", "--over", folder,
                               "--limit", str(LIMIT_S), "--memory", "2048", "--env", "RONDEL_TEST_PATIENCE=4", "--",
                               sys.executable, os.path.join(HERE, story)], check=False).returncode
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
