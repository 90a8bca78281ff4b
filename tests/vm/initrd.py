"""An initrd of a program and all that it needs, for guests that do not see the host's files."""

import glob
import os
import re
import subprocess
import sys
import sysconfig

from guest import Unusable

BUSYBOX = "/busybox"   # it knows itself by this name only
LIBRARY = re.compile(r"(/\S+) \(0x[0-9a-f]+\)")
LEFT_OUT = {"test", "tests", "idlelib", "__pycache__", "ensurepip", "lib2to3", "CMakeFiles"}


class Stage:
    """A folder of symbolic links, laid out as the guest's root; cpio follows them."""

    def __init__(self, root):
        self.root = root
        self.seen = set()

    def add(self, path, name=None):
        """A file, with the libraries it needs, or a folder with all that is in it."""
        path = os.path.abspath(path)
        if path in self.seen:
            return
        self.seen.add(path)
        if os.path.isdir(path):
            for folder, folders, files in os.walk(path):
                folders[:] = [one for one in folders if one not in LEFT_OUT]
                for file in files:
                    self.add(os.path.join(folder, file))
            return
        if not os.path.isfile(path):
            return
        target = os.path.join(self.root, (name or path).lstrip("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.lexists(target):
            os.symlink(os.path.realpath(path), target)
        if is_elf(path):
            for library in libraries(path):
                self.add(library)

    def add_python(self, interpreter):
        """An interpreter with its library and, if it is the system's, the packages of the system."""
        self.add(interpreter)
        self.add(sysconfig.get_path("stdlib"))
        for package in glob.glob("/usr/lib/python3/dist-packages/*"):
            if os.path.basename(package) not in LEFT_OUT | {"setuptools", "pip", "pkg_resources"}:
                self.add(package)


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def libraries(path):
    """What the loader would map for `path`, the loader itself among it; none for a static program."""
    done = subprocess.run(["ldd", path], capture_output=True, text=True, timeout=60, check=False)
    return LIBRARY.findall(done.stdout)


def build(job, busybox, modules, init):
    """Writes the initrd of a job; returns its path. Errors: Unusable."""
    stage = Stage(os.path.join(job.scratch, "root"))
    for folder in ("proc", "sys", "dev", "run", "tmp", "etc"):
        os.makedirs(os.path.join(stage.root, folder))
    os.makedirs(os.path.join(stage.root, job.folder.lstrip("/")), exist_ok=True)
    stage.add(busybox, BUSYBOX)
    stage.add(init, "/init")
    for module in modules:
        stage.add(module)
    for tool in ("/bin/sh", "/usr/bin/env", "/bin/false", "/usr/bin/openssl", "/etc/ssl/openssl.cnf", "/usr/lib/ssl",
                 "/etc/passwd", "/etc/group", "/etc/nsswitch.conf"):
        stage.add(tool)
    for path in [*job.command, *job.brought]:
        if os.path.exists(path):
            stage.add(path)
    if uses_python(job.command):
        stage.add_python("/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable)
    image = os.path.join(job.scratch, "initrd")
    with open(image, "wb") as file:
        done = subprocess.run("find -L . -print0 | cpio --null --quiet -o -H newc -L", shell=True, cwd=stage.root,
                              stdout=file, stderr=subprocess.PIPE, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise Unusable(f"no initrd: cpio said {done.stderr.strip()}")
    return image


def uses_python(paths):
    for path in paths:
        if os.path.basename(path).startswith("python3"):
            return True
        if os.path.isfile(path):
            with open(path, "rb") as file:
                if b"python3" in file.readline(200):
                    return True
    return False
