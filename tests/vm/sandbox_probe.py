"""What a process of rondel.service may and may not do, tried by one that has the place of the server. Standard library
only; a line for each, and exit code 1 if one is not as it should be."""

import ctypes
import errno
import mmap
import os
import socket
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
IO_URING_SETUP, IO_URING_PARAMS_BYTES = 425, 120
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
wrong = 0


def says(what, is_right, found):
    global wrong
    wrong += not is_right
    print(f"{'as it should be' if is_right else 'WRONG'}: {what} ({found})", flush=True)


def attempt(action):
    """The name of the error, or "done"."""
    try:
        result = action()
        return "done" if result is None or result >= 0 else errno.errorcode[ctypes.get_errno()]
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def write(path):
    def action():
        with open(path, "w", encoding="ascii") as file:
            file.write("x")
        os.unlink(path)
    return action


def may(what, action):
    found = attempt(action)
    says(f"may {what}", found == "done", found)


def may_not(what, action, *errors):
    found = attempt(action)
    says(f"may not {what}", found in errors, found)


def files():
    for folder in ("/var/lib/rondel", "/run/rondel", "/var/log/rondel", "/tmp", "/var/tmp"):
        may(f"write into {folder}", write(f"{folder}/probe"))
    for folder in ("/etc", "/etc/rondel", "/usr/lib/rondel", "/var", "/var/lib", "/", "/opt", "/run", "/boot"):
        may_not(f"write into {folder}", write(f"{folder}/probe"), "EROFS", "EACCES")
    for path in ("/etc/shadow", "/root/.profile", "/home/somebody"):
        may_not(f"read {path}", lambda path=path: os.close(os.open(path, os.O_RDONLY)), "EACCES", "ENOENT")
    may("read its configuration", lambda: os.close(os.open("/etc/rondel/rondel.toml", os.O_RDONLY)))
    may_not("change kernel variables", write("/proc/sys/kernel/hostname"), "EACCES", "EROFS", "ENOENT")
    may_not("change cgroups", lambda: os.mkdir("/sys/fs/cgroup/probe"), "EROFS", "EACCES")
    may_not("see other processes", lambda: os.close(os.open("/proc/1/cmdline", os.O_RDONLY)), "ENOENT", "EACCES")
    for device in ("kmsg", "mem", "console", "tty0"):
        may_not(f"open /dev/{device}", lambda device=device: os.close(os.open(f"/dev/{device}", os.O_WRONLY)),
                "ENOENT", "EACCES", "EPERM")
    may_not("make a file set-user-id", lambda: os.chmod("/var/lib/rondel", 0o4750), "EPERM")


def calls():
    ring = (ctypes.c_char * IO_URING_PARAMS_BYTES)()
    may("make a ring", lambda: LIBC.syscall(IO_URING_SETUP, 4, ring))
    may("bind threads to cores", lambda: os.sched_setaffinity(0, os.sched_getaffinity(0)))
    may("make threads batch threads", lambda: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)))
    may_not("make threads real-time threads", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)), "EPERM")
    for name, family, kind in (("netlink", socket.AF_NETLINK, socket.SOCK_RAW),
                               ("packet", socket.AF_PACKET, socket.SOCK_RAW),
                               ("vsock", socket.AF_VSOCK, socket.SOCK_STREAM)):
        may_not(f"make a {name} socket", lambda family=family, kind=kind: socket.socket(family, kind).close(),
                "EAFNOSUPPORT")
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        may(f"make a {family.name} socket", lambda family=family: socket.socket(family).close())
    may_not("map memory that is written and run", lambda: mmap.mmap(
        -1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close(), "EPERM", "EACCES")
    may_not("make a user namespace", lambda: LIBC.unshare(CLONE_NEWUSER), "EPERM")
    may_not("make a network namespace", lambda: LIBC.unshare(CLONE_NEWNET), "EPERM")
    may_not("mount", lambda: LIBC.mount(b"none", b"/tmp", b"tmpfs", 0, None), "EPERM")
    may_not("reboot", lambda: LIBC.reboot(0), "EPERM")
    may_not("load a kernel module", lambda: LIBC.syscall(313, -1, b"", 0), "EPERM")
    may_not("set the clock", lambda: LIBC.settimeofday(ctypes.create_string_buffer(16), None), "EPERM")
    may_not("become root", lambda: os.setuid(0), "EPERM", "EINVAL")
    may_not("raise its priority", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)), "EPERM")


def main():
    if os.getuid() == 0:
        sys.exit("this tries what only a sandbox should bear; it is for a unit with a user of its own")
    files()
    calls()
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
