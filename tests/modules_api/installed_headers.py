#!/usr/bin/python3
"""installed_headers.py CMAKE BUILD COMPILER EXAMPLE.cc: a module built outside the tree, as docs/module-api.md says.

Installs into a temporary prefix, builds the page's example with what pkg-config says, and has the installed rondeld
load it. Built against headers of another version it is refused with a sentence that says so; against the right ones
again it loads.
"""

import os
import shutil
import subprocess
import sys
import tempfile

WAIT_S = 90 * float(os.environ.get("RONDEL_TEST_PATIENCE", "1"))


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False, **more)


def must(*command, **more):
    done = run(*command, **more)
    assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


class Outside:
    """An installation, and a module beside it."""

    def __init__(self, folder, cmake, build, compiler, example):
        self.folder, self.compiler, self.example = folder, compiler, example
        self.prefix = os.path.join(folder, "prefix")
        must(cmake, "--install", build, "--prefix", self.prefix)
        self.environment = {**os.environ, "PKG_CONFIG_PATH": os.path.join(self.prefix, "lib", "pkgconfig")}
        self.modules = self.told("--variable=modulesdir")
        self.headers = os.path.join(self.prefix, "include", "rondel")

    def told(self, *arguments):
        return must("pkg-config", *arguments, "rondel", env=self.environment).strip()

    def compile(self):
        must(self.compiler, *self.told("--cflags").split(), "-shared", "-o", os.path.join(self.modules, "away-note.so"),
             self.example)

    def check(self):
        config = os.path.join(self.folder, "rondel.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'[modules]\ndirectory = "{self.modules}"\n'
                       'load = ["store-sqlite", "auth-internal", "offline", "away-note"]\n'
                       f'[server]\ndata_dir = "{self.folder}"\n[[host]]\nname = "localhost"\n'
                       '[[interface]]\nname = "clients"\nlisten = ["127.0.0.1:0"]\ntls = "off"\n'
                       'hosts = ["localhost"]\nauth = ["internal"]\n')
        return run(os.path.join(self.prefix, "sbin", "rondeld"), "--check", "--config", config)

    def every_header_compiles(self):
        names = []
        for folder, _, files in os.walk(self.headers):
            names += [os.path.relpath(os.path.join(folder, name), self.headers) for name in files]
        assert len(names) > 50, names
        text = "".join(f'#include "{name}"\n' for name in sorted(names))
        must(self.compiler, *self.told("--cflags").split(), "-fsyntax-only", "-x", "c++", "-", input=text)

    def change_hash(self, old, new):
        path = os.path.join(self.headers, "modules", "api", "header_hash.h")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        assert text.count(old) == 1, f"{old} stands once in {text}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))

    def hash(self):
        with open(os.path.join(self.headers, "modules", "api", "header_hash.h"), encoding="utf-8") as file:
            return file.read().split('"')[1]


def main():
    if shutil.which("pkg-config") is None:
        print("SKIPPED  missing: apt-get install --no-install-recommends pkg-config")
        sys.exit(1 if os.environ.get("CI") else 77)
    with tempfile.TemporaryDirectory(prefix="rondel-outside-") as folder:
        outside = Outside(folder, *sys.argv[1:])
        outside.compile()
        done = outside.check()
        assert done.returncode == 0, f"built against what was installed: {done.stderr}"

        ours, theirs = outside.hash(), "0123456789abcdef"
        outside.change_hash(ours, theirs)
        outside.compile()
        done = outside.check()
        assert done.returncode == 78, f"built against other headers: {done.returncode} {done.stderr}"
        assert (f"away-note.so was built against other headers of Rondel (their hash is {theirs}, that of this "
                f"server's is {ours}): build it anew against the headers of this server") in done.stderr, done.stderr

        outside.change_hash(theirs, ours)
        outside.compile()
        done = outside.check()
        assert done.returncode == 0, f"built anew: {done.stderr}"
        outside.every_header_compiles()
    print("built outside, loaded, refused, built anew")


if __name__ == "__main__":
    main()
