"""The ways to a kernel with TLS, best first: this one, User-Mode Linux, a machine under KVM, an emulated machine."""

import glob
import os
import platform
import shutil
import socket
import subprocess

import initrd
import systemd_guest
from console import Console
from guest import Unusable, module_files, write_init

TCP_ULP = 31
QEMU_BOOT_S = {"kvm": 10, "tcg": 120}   # a nested host may accept a KVM machine and then never run it
UML_BOOT_S = 60
KERNEL_PACKAGE = "linux-image-cloud-amd64"


def has_kernel_tls():
    """Whether this kernel takes the upper-layer protocol `tls` on an established connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as client:
            try:
                client.setsockopt(socket.IPPROTO_TCP, TCP_ULP, b"tls")
                return True
            except OSError:
                return False


def found(program, package, missing):
    """The path of a program; without it the package is noted in `missing`."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/bin:/bin:/usr/sbin:/sbin")
    if path is None:
        missing.append(package)
    return path


def refuse_if(missing):
    if missing:
        raise Unusable("missing: apt-get install --no-install-recommends " + " ".join(missing))


def need_amd64():
    if platform.machine() != "x86_64":
        raise Unusable(f"Debian has it for amd64 only, and this is {platform.machine()}")


class Native:
    """This kernel, if it has TLS or gets it by a modprobe."""

    name = "native"
    has_systemd = False

    def prepare(self):
        """Errors: Unusable, as for all back ends."""
        if has_kernel_tls():
            return
        modprobe = found("modprobe", "kmod", [])
        if modprobe:
            subprocess.run([modprobe, "-q", "tls"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20,
                           check=False)
        if not has_kernel_tls():
            raise Unusable("this kernel has no TLS, and `modprobe tls` as this user does not change that")

    def run(self, job, log):
        log("boots nothing")
        environment = {**os.environ, **job.environment, "TMPDIR": job.scratch, "HOME": job.scratch}
        process = subprocess.Popen(job.command, stdin=subprocess.DEVNULL, cwd=job.folder, start_new_session=True,
                                   env=environment)
        return wait_group(process, job.limit)


def wait_group(process, limit):
    """The exit code as a shell has it, 124 after `limit` seconds; nothing of its process group is left."""
    try:
        code = process.wait(timeout=limit)
        return code if code >= 0 else 128 - code
    except subprocess.TimeoutExpired:
        return 124
    finally:
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            pass
        process.wait()


class UserModeLinux:
    """Debian's 6.1 as an ordinary process; its root is the host's file system, read-only."""

    name = "uml"
    has_systemd = True

    def prepare(self):
        need_amd64()
        missing = []
        self.program = found("linux.uml", "user-mode-linux", missing)
        self.busybox = found("busybox", "busybox-static", missing)
        refuse_if(missing)
        done = subprocess.run([self.program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=20, check=False)
        release = done.stdout.split()[-1] if done.stdout.split() else "unknown"
        self.tree = os.path.join("/usr/lib/uml/modules", release)
        if not os.path.isdir(self.tree):
            raise Unusable(f"{self.program} is {release}, and there is no {self.tree}")

    def run(self, job, log):
        if job.systemd:
            init = systemd_guest.write_init(job, self.busybox, self.tree)
        else:
            init = write_init(job, self.busybox, module_files(self.tree, job.scratch))
        command = [self.program, f"mem={job.memory}M", "rootfstype=hostfs", "rootflags=/", "ro", f"init={init}",
                   f"uml_dir={job.scratch}", "con=null", "con0=null,fd:1", "ssl=null", "quiet"]
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": job.scratch,
                       "TMPDIR": memory_folder(job)}
        if has_amx():
            environment["LD_PRELOAD"] = whole_xstate(job)
        return Console(job, command, environment, UML_BOOT_S, log).run()


def has_amx():
    """Whether a process has more state than User-Mode Linux of 6.1 knows; whole_xstate.cc says what follows."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return any(line.startswith("flags") and " amx_tile" in line for line in file)


def whole_xstate(job):
    """The library that makes up for it, built in the job's folder. Errors: Unusable."""
    library = os.path.join(job.scratch, "whole_xstate.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "whole_xstate.cc")
    missing = []
    compiler = found("g++", "g++", missing)
    refuse_if(missing)
    done = subprocess.run([compiler, "-std=c++20", "-O1", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, source],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise Unusable(f"{source} does not compile: {done.stderr.strip()[-300:]}")
    return library


def memory_folder(job):
    """Where the memory of a User-Mode Linux is mapped: a tmpfs that can hold it and execute it, else the disk."""
    try:
        free = os.statvfs("/dev/shm")
    except OSError:
        return job.scratch
    is_fit = free.f_bavail * free.f_frsize > (job.memory << 20) and not free.f_flag & os.ST_NOEXEC
    return "/dev/shm" if is_fit and os.access("/dev/shm", os.W_OK) else job.scratch


class Qemu:
    """Debian's cloud kernel 6.1 in a machine of qemu, with an initrd that holds the program and what it needs."""

    has_systemd = False

    def __init__(self, accelerator):
        self.name = self.accelerator = accelerator

    def prepare(self):
        need_amd64()
        if self.accelerator == "kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
            raise Unusable("/dev/kvm is not there or not for this user")
        missing = []
        self.program = found("qemu-system-x86_64", "qemu-system-x86", missing)
        self.busybox = found("busybox", "busybox-static", missing)
        found("cpio", "cpio", missing)
        refuse_if(missing)
        self.kernel, self.tree = unpacked_kernel()

    def run(self, job, log):
        modules = module_files(self.tree, job.scratch)
        image = initrd.build(job, self.busybox, modules, write_init(job, initrd.BUSYBOX, modules))
        processor = "host" if self.accelerator == "kvm" else "max"
        accelerator = "kvm" if self.accelerator == "kvm" else "tcg,thread=multi"
        command = [self.program, "-accel", accelerator, "-cpu", processor, "-machine", "q35", "-m", str(job.memory),
                   "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot",
                   "-kernel", self.kernel, "-initrd", image,
                   "-append", "console=ttyS0 quiet panic=-1 reboot=t"]
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": job.scratch, "TMPDIR": job.scratch}
        return Console(job, command, environment, QEMU_BOOT_S[self.accelerator], log).run()


def kernel_folder():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("RONDEL_VM_KERNEL") or os.path.join(cache, "rondel", "vm-kernel")


def unpacked_kernel():
    """The kernel and the module tree below kernel_folder(). Errors: Unusable."""
    folder = kernel_folder()
    for kernel in sorted(glob.glob(os.path.join(folder, "boot", "vmlinuz-*")), reverse=True):
        tree = os.path.join(folder, "lib", "modules", kernel.split("vmlinuz-", 1)[1])
        if os.path.exists(os.path.join(tree, "modules.dep")):
            return kernel, tree
    raise Unusable(f"missing: {KERNEL_PACKAGE}, unpacked in {folder} (tests/vm/run_in_kernel --fetch-kernel does that)")


def fetch_kernel():
    """Downloads the cloud kernel's package by apt and unpacks it below kernel_folder(); installs nothing."""
    missing = []
    depmod = found("depmod", "kmod", missing)
    found("apt-get", "apt", missing)
    found("dpkg-deb", "dpkg", missing)
    refuse_if(missing)
    folder = kernel_folder()
    os.makedirs(folder, exist_ok=True)
    depends = subprocess.run(["apt-cache", "depends", KERNEL_PACKAGE], capture_output=True, text=True, check=False)
    package = next((line.split()[-1] for line in depends.stdout.splitlines() if "Depends:" in line), None)
    if package is None:
        raise Unusable(f"apt knows no {KERNEL_PACKAGE}")
    subprocess.run(["apt-get", "-q", "download", package], cwd=folder, check=True, timeout=600)
    for file in glob.glob(os.path.join(folder, f"{package}_*.deb")):
        subprocess.run(["dpkg-deb", "-x", file, folder], check=True, timeout=120)
        os.remove(file)
    release = package.split("linux-image-", 1)[1]
    subprocess.run([depmod, "-b", folder, release], check=True, timeout=120)
    return folder


def all_back_ends():
    return [Native(), UserModeLinux(), Qemu("kvm"), Qemu("tcg")]
