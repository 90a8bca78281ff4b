"""A guest whose process 1 is systemd: its files are a writable copy, in memory, of the host's; nothing of the host's is
enabled in it."""

import os
import shlex

from guest import OPEN_FILES_MAX, Unusable, module_files

PROGRAM = "/lib/systemd/systemd"
# What the host has enabled, mounted and named is no business of the guest's; passwords are nobody's.
CLEARED = "etc/systemd/system/* etc/fstab etc/crypttab .dockerenv etc/hostname etc/tmpfiles.d/* etc/sysusers.d/* " \
          "etc/modules-load.d/* etc/sysctl.d/* etc/shadow etc/gshadow etc/shadow- etc/gshadow- etc/.pwd.lock var/log/*"
TARGET = """[Unit]
Description=A test and what it needs
Requires=basic.target
Wants=rondel-guest.service
After=basic.target
AllowIsolate=yes
"""
SERVICE = """[Unit]
Description=The command of run_in_kernel
After=basic.target

[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart={busybox} sh {script}
"""
# Terminals and kernel modules that the guest has not got would be waited for, or fail.
MASKED = ("getty.target", "systemd-binfmt.service", "systemd-udev-settle.service", "systemd-firstboot.service",
          "systemd-networkd-wait-online.service")


def write_init(job, busybox, tree):
    """Writes the first program of the guest, which makes the root and becomes systemd; returns its path.

    Errors: Unusable.
    """
    if not os.access(PROGRAM, os.X_OK):
        raise Unusable("missing: apt-get install --no-install-recommends systemd")
    script = write_command(job, busybox)
    units = write_units(job, busybox, script)
    # The module tls is left to modules-load.d.
    modules = [path for path in module_files(tree, job.scratch, more=["overlay"])
               if os.path.basename(path) not in ("tls.ko", "tls.ko.xz")]
    # Each is mounted for itself: layers of one overlay must not contain each other.
    over = [(f"/run/over{number}", folder) for number, folder in enumerate(job.over)]
    lower = ":".join([*(place for place, _ in over), "/"])
    lines = [
        f"#!{busybox} sh",
        f"b={shlex.quote(busybox)}",
        "$b mount -t proc proc /proc",
        "echo /bin/false >/proc/sys/kernel/modprobe",
        *[f"$b insmod {shlex.quote(module)} || echo 'insmod failed:' {shlex.quote(module)}" for module in modules],
        "$b mount -t tmpfs -o mode=0755 tmpfs /run",
        "$b mkdir -p /run/upper /run/work /run/root",
        *[f"$b mkdir {place}; $b mount -t hostfs -o {shlex.quote(folder)} none {place}" for place, folder in over],
        f"$b mount -t overlay -o lowerdir={lower},upperdir=/run/upper,workdir=/run/work guest /run/root",
        "cd /run/root || $b poweroff -f",
        # Who is not root installs into folders of their own; in the guest they are root's.
        *[f"(cd {place}; $b find . -type d) | while read -r folder; do $b chown 0:0 \"$folder\"; done"
          for place, _ in over],
        f"$b rm -rf {CLEARED}",
        "echo 'root:*:19000::::::' >etc/shadow; echo 'root:*::' >etc/gshadow; $b chmod 0640 etc/shadow etc/gshadow",
        # Of the host's people only the system's own, so that sysusers has something to do.
        "for f in passwd group; do $b grep -v '^rondel:' etc/$f >run/$f; $b cat run/$f >etc/$f; $b rm run/$f; done",
        ": >etc/machine-id; echo guest >etc/hostname; : >etc/fstab",
        "$b mkdir -p etc/systemd/system old",
        f"$b cp {shlex.quote(units)}/* etc/systemd/system/",
        "$b mkdir -p etc/tmpfiles.d; $b ln -s /dev/null etc/tmpfiles.d/tmp.conf   # it would empty /tmp",
        *[f"$b ln -s /dev/null etc/systemd/system/{name}" for name in MASKED],
        f"[ -e usr/lib/modules/{os.path.basename(tree)} ] || {{ $b mkdir -p usr/lib/modules;"
        f" $b ln -s {shlex.quote(tree)} usr/lib/modules/{os.path.basename(tree)}; }}",
        "$b umount /proc",
        "$b pivot_root . old",
        "cd /",
        "$b umount -l /old",
        "$b rmdir /old",
        f"exec {PROGRAM} --unit=rondel-guest.target --show-status=0 --log-target=journal"
        " --default-standard-output=journal </dev/null >/dev/console 2>&1",
    ]
    path = os.path.join(job.scratch, "init")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    os.chmod(path, 0o755)
    return path


def write_command(job, busybox):
    """What the guest's own unit runs: the job's command, with the console for its words."""
    environment = " ".join(shlex.quote(f"{name}={value}")
                           for name, value in sorted({**job.environment, "TMPDIR": "/tmp", "HOME": "/root"}.items()))
    lines = [
        "exec </dev/null >/dev/console 2>&1",
        f"b={shlex.quote(busybox)}",
        f"( $b sleep {job.limit + 15:.0f}; $b poweroff -f ) &",
        f"ulimit -n {OPEN_FILES_MAX}",
        "$b ip link set lo up",
        f"cd {shlex.quote(job.folder)}",
        f"echo; echo {shlex.quote(job.up_line)}",
        f"$b env -i {environment} {shlex.join(job.command)}",
        f"code=$?; echo; echo {shlex.quote(job.exit_prefix)}$code",
        "$b poweroff -f",
    ]
    path = os.path.join(job.scratch, "command")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def write_units(job, busybox, script):
    folder = os.path.join(job.scratch, "units")
    os.mkdir(folder)
    for name, text in (("rondel-guest.target", TARGET),
                       ("rondel-guest.service", SERVICE.format(busybox=busybox, script=script))):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    return folder
