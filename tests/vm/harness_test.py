#!/usr/bin/python3
"""Shows that run_in_kernel passes on exit codes, keeps its limits, says when it skips, and leaves nothing behind."""

import glob
import os
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
RUN = [sys.executable, os.path.join(HERE, "run_in_kernel")]
BOOT_S = 120   # a machine that is busy with other tests boots slowly


def run(*words, without=(), **environment):
    """What run_in_kernel prints, and its exit code."""
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", *without)}
    done = subprocess.run([*RUN, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          env={**kept, **environment}, timeout=BOOT_S)
    return done.stdout + done.stderr, done.returncode


def shell(script, *options, **environment):
    return run(*options, "--", "/bin/sh", "-c", script, **environment)


class WithoutAKernel(unittest.TestCase):
    """Only a back end is asked for that lacks its kernel, if not its program."""

    def refused(self, back_end, **environment):
        return run("--back-end", back_end, "--", "/bin/true", RONDEL_VM_KERNEL="/nonexistent", **environment)

    def test_the_skip_is_loud_and_names_what_is_missing(self):
        text, code = self.refused("tcg")
        self.assertEqual(code, 77, text)
        self.assertRegex(text, r"SKIPPED .*tcg: (missing: \S+|Debian has it for amd64 only)")

    def test_ci_does_not_skip(self):
        text, code = self.refused("tcg", CI="true")
        self.assertEqual(code, 1, text)
        self.assertIn("FAILED", text)

    def test_an_unknown_back_end_is_an_error(self):
        text, code = run("--", "/bin/true", RONDEL_VM_BACK_END="bochs")
        self.assertEqual(code, 2, text)
        self.assertIn("bochs", text)

    def test_systemd_is_not_for_every_back_end(self):
        text, code = run("--back-end", "tcg", "--systemd", "--", "/bin/true")
        self.assertEqual(code, 77, text)
        self.assertRegex(text, "SKIPPED .*tcg: it has no way to run systemd")
        self.assertEqual(run("--over", "/tmp", "--", "/bin/true")[1], 2)

    def test_a_command_is_needed(self):
        self.assertEqual(run()[1], 2)
        self.assertEqual(run("--", "/nonexistent/program")[1], 127)


class InAGuest(unittest.TestCase):
    """Each boots a guest, as long as one can be had."""

    @classmethod
    def setUpClass(cls):
        text, code = run("--check")
        print(text, end="", flush=True)
        if code == 77:
            if os.environ.get("CI"):
                raise AssertionError("there is no guest, and CI must not skip")
            sys.exit(77)
        assert code == 0, text
        cls.is_native = "uses native" in text

    def test_output_and_exit_code_come_through(self):
        text, code = shell("echo said; echo complained >&2; echo $RONDEL_WORD; printf unfinished; exit 3",
                           "--env", "RONDEL_WORD=it's \"quoted\"")
        self.assertEqual(code, 3, text)
        for line in ("said", "complained", "it's \"quoted\"", "unfinished"):
            self.assertIn("\n" + line + "\n", text)

    def test_systemd_is_process_1_over_files_that_can_be_written(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            os.makedirs(os.path.join(folder, "usr", "lib"))
            with open(os.path.join(folder, "usr", "lib", "rondel-guest-file"), "w", encoding="utf-8") as file:
                file.write("stands before the host's\n")
            text, code = shell("cat /proc/1/comm /usr/lib/rondel-guest-file; echo x >/usr/lib/rondel-guest-other && "
                               "systemctl is-active basic.target; exit 5", "--systemd", "--over", folder)
            if code == 77 and not os.environ.get("CI"):
                self.skipTest("no guest with systemd can be had here")
            self.assertEqual(code, 5, text)
            for line in ("systemd", "stands before the host's", "active"):
                self.assertIn("\n" + line + "\n", text)
            self.assertFalse(os.path.exists("/usr/lib/rondel-guest-other"))
            self.assertEqual(os.listdir(os.path.join(folder, "usr", "lib")), ["rondel-guest-file"])

    def test_a_signal_is_an_exit_code(self):
        text, code = shell("kill -SEGV $$")
        self.assertEqual(code, 128 + 11, text)

    def test_a_skip_in_the_guest_is_a_failure(self):
        text, code = shell("exit 77")
        self.assertEqual(code, 1, text)
        self.assertIn("skipped itself", text)

    def test_a_command_that_hangs_is_ended(self):
        text, code = shell("echo begun; sleep 100", "--limit", "2")
        self.assertEqual(code, 124, text)
        self.assertIn("begun", text)

    def test_nothing_is_left_behind(self):
        with tempfile.TemporaryDirectory() as folder:
            text, code = shell("sleep 4711 & exit 0", TMPDIR=folder)
            self.assertEqual(code, 0, text)
            self.assertEqual(os.listdir(folder), [])
        self.assertEqual(self.processes_with(folder), [])

    def test_nothing_is_left_behind_by_one_that_is_killed(self):
        with tempfile.TemporaryDirectory() as folder:
            environment = {name: value for name, value in os.environ.items() if name != "CI"}
            process = subprocess.Popen([*RUN, "--", "/bin/sh", "-c", "echo begun; sleep 100"], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, text=True, env={**environment, "TMPDIR": folder})
            while process.stdout.readline() not in ("begun\n", ""):
                pass
            if not self.is_native:
                self.assertNotEqual(self.processes_with(folder), [])
                process.kill()
            else:
                process.terminate()
            process.wait()
            process.stdout.close()
            deadline = time.monotonic() + 10
            while (os.listdir(folder) or self.processes_with(folder)) and time.monotonic() < deadline:
                time.sleep(0.05)
            self.assertEqual((os.listdir(folder), self.processes_with(folder)), ([], []))

    @staticmethod
    def processes_with(word):
        """The command lines in which `word` is, those of zombies excepted."""
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as file:
                    found += [words for words in [file.read()] if word.encode() in words]
            except OSError:
                pass   # ended meanwhile
        return found

    def test_a_kernel_that_has_tls_is_used_as_it_is(self):
        if self.is_native:
            self.skipTest("all tests show that")
        inner = "exec " + " ".join(RUN)
        text, code = shell(f"{inner} -- /bin/sh -c 'echo said; exit 3'")
        self.assertEqual(code, 3, text)
        self.assertRegex(text, r"native boots nothing\n+said\n")
        text, code = shell(f"{inner} --limit 1 -- /bin/sleep 50")
        self.assertEqual(code, 124, text)

    def test_the_guest_is_as_the_readme_says(self):
        if self.is_native:
            self.skipTest("there is no guest")
        text, code = shell("touch /here 2>/dev/null && exit 10; touch $TMPDIR/here || exit 11; "
                           "[ $(ulimit -n) -ge 65536 ] || exit 12; grep -q lo: /proc/net/dev || exit 13; "
                           "[ $(grep -c : /proc/net/dev) = 1 ] || grep -v lo: /proc/net/dev; "
                           "grep -q TlsTxSw /proc/net/tls_stat || exit 14; [ -w /dev/shm ] || exit 15")
        self.assertEqual(code, 0, text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
