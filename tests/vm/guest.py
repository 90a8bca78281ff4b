"""What runs inside a guest kernel: its init script, its modules, and the lines by which it reports to the outside."""

import dataclasses
import lzma
import os
import secrets
import shlex

# Kernel TLS asks for its ciphers by name, and nothing in the guest could load them then. What is built in is absent
# from the tree and left out.
MODULES = ["tls", "gcm", "ghash-generic", "ctr", "ccm", "seqiv", "chacha20poly1305", "chacha_generic",
           "poly1305_generic"]
OPEN_FILES_MAX = 65536
CARRIED_NAMES = ("PATH", "LANG", "LC_ALL", "CI", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS")
CARRIED_PREFIXES = ("RONDEL", "GTEST_", "PYTHON")


class Unusable(Exception):
    """A back end cannot be used here; the text says why, and what is missing."""


@dataclasses.dataclass
class Job:
    """A command and what it needs. Units: seconds, MiB."""

    command: list
    environment: dict
    folder: str            # the working folder
    limit: float
    memory: int
    brought: list          # paths that a guest without the host's file system needs besides the program
    scratch: str           # a folder of the host for this run
    systemd: bool = False  # systemd is the guest's process 1, and its files are a copy that can be written
    over: list = dataclasses.field(default_factory=list)   # folders whose files stand before the host's
    nonce: str = dataclasses.field(default_factory=lambda: secrets.token_hex(8))

    @property
    def up_line(self):
        """Printed once, when the guest has kernel TLS and is about to run the command."""
        return f"rondel-guest {self.nonce} up"

    @property
    def no_tls_line(self):
        return f"rondel-guest {self.nonce} no-tls"

    @property
    def exit_prefix(self):
        """Before the exit code of the command, on a line of its own."""
        return f"rondel-guest {self.nonce} exit "


def carried_environment(extra):
    """What a command in a guest sees of this process's environment; `extra` holds texts NAME=VALUE."""
    result = {name: value for name, value in os.environ.items()
              if name in CARRIED_NAMES or name.startswith(CARRIED_PREFIXES)}
    result.update(item.split("=", 1) for item in extra)
    result.update({"TMPDIR": "/run", "HOME": "/run"})
    return result


def module_files(tree, scratch, more=()):
    """The files of MODULES, of `more`, and of what they need, in the order of insertion. Errors: Unusable."""
    needs, paths = {}, {}
    try:
        with open(os.path.join(tree, "modules.dep"), encoding="utf-8") as listing:
            for line in listing:
                path, _, depends = line.partition(":")
                needs[path] = depends.split()
                paths[os.path.basename(path).split(".ko")[0].replace("-", "_")] = path
    except OSError as error:
        raise Unusable(f"no list of kernel modules: {error}") from None
    ordered = []

    def insert(path):
        for need in needs[path]:
            insert(need)
        if path not in ordered:
            ordered.append(path)

    for name in [*MODULES, *more]:
        path = paths.get(name.replace("-", "_"))
        if path is not None:
            insert(path)
        elif name == "tls":
            raise Unusable(f"{tree} has no module tls")
    return [plain_module(os.path.join(tree, path), scratch) for path in ordered]


def plain_module(path, scratch):
    """`path`, unpacked if need be: insmod takes plain files."""
    if not path.endswith(".xz"):
        return path
    plain = os.path.join(scratch, os.path.basename(path)[:-len(".xz")])
    with lzma.open(path) as packed, open(plain, "wb") as file:
        file.write(packed.read())
    return plain


def write_init(job, busybox, modules):
    """Writes the init script of the guest; returns its path.

    Limits: the guest powers off by itself a little after the job's limit, whatever becomes of the outside.
    """
    environment = " ".join(shlex.quote(f"{name}={value}") for name, value in sorted(job.environment.items()))
    quoted = shlex.join(job.command)
    lines = [
        f"#!{busybox} sh",
        f"b={shlex.quote(busybox)}",
        "$b mount -t proc proc /proc",
        "$b mount -t sysfs sysfs /sys",
        "$b mount -t tmpfs -o mode=1777 tmpfs /run",
        "[ -c /dev/null ] || $b mount -t devtmpfs devtmpfs /dev",
        "$b mkdir -p /dev/shm /dev/pts",
        "$b mount -t tmpfs -o mode=1777 tmpfs /dev/shm",
        "$b mount -t devpts devpts /dev/pts",
        "$b ln -s /proc/self/fd /dev/fd",
        "echo /bin/false >/proc/sys/kernel/modprobe",
        "$b ip link set lo up",
        *[f"$b insmod {shlex.quote(module)} || echo 'insmod failed:' {shlex.quote(module)}" for module in modules],
        f"( $b sleep {job.limit + 15:.0f}; $b poweroff -f ) </dev/null >/dev/null 2>&1 &",
        f"ulimit -n {OPEN_FILES_MAX}",
        "if [ -r /proc/net/tls_stat ]; then",
        f"  cd {shlex.quote(job.folder)}",
        f"  echo; echo {shlex.quote(job.up_line)}",
        f"  $b env -i {environment} {quoted} </dev/null 2>&1",
        f"  code=$?; echo; echo {shlex.quote(job.exit_prefix)}$code",
        "else",
        f"  echo; echo {shlex.quote(job.no_tls_line)}",
        "fi",
        "$b poweroff -f",
    ]
    path = os.path.join(job.scratch, "init")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    os.chmod(path, 0o755)
    return path
