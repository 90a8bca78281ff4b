#!/usr/bin/python3
"""header_hash_test.py CMAKE SOURCE GENERATED: the hash in a build's signature changes with every header that a module
can see, and with nothing else.

GENERATED is the header of the build that runs this test.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

CMAKE, SOURCE, GENERATED = sys.argv[1:4]
sys.path.insert(0, os.path.join(SOURCE, "tests", "layers"))
sys.dont_write_bytecode = True

import checker  # noqa: E402

IS_SEEN = ("modules/api/module.h", "modules/api/registrar.h", "base/result.h", "xml/element.h", "xmpp/sasl/scram_key.h",
           "store/user_store.h", "tls/channel.h")
IS_NOT_SEEN = ("server/shard.h", "ring/kernel_ring.h", "log/writer/log_writer.h", "modules/loader/loader.h",
               "modules/roster/roster_module.h", "base/encoding.cc", "modules/api/iq.cc", "base/README.md")


class HeaderHash(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="rondel-hash-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.tree = os.path.join(self.folder, "tree")
        self.header = os.path.join(self.folder, "header_hash.h")
        rooms = ("base", "ring", "log", "config", "xml", "hooks", "tls", "xmpp", "store", "modules", "server", "cmake")
        for room in rooms:
            shutil.copytree(os.path.join(SOURCE, room), os.path.join(self.tree, room))

    def hash(self):
        subprocess.run([CMAKE, f"-DROOT={self.tree}", f"-DHEADER={self.header}",
                        "-P", os.path.join(self.tree, "cmake", "HeaderHash.cmake")], check=True, timeout=60)
        return self.read(self.header)

    @staticmethod
    def read(path):
        with open(path, encoding="utf-8") as file:
            return re.search(r'^#define RONDEL_HEADER_HASH "([0-9a-f]{16})"$', file.read(), re.M).group(1)

    def change(self, path):
        path = os.path.join(self.tree, path)
        self.assertTrue(os.path.isfile(path), f"{path} is there to be changed")
        with open(path, "a", encoding="utf-8") as file:
            file.write("\n// another line\n")

    def test_is_that_of_the_sources_that_were_built(self):
        self.assertEqual(self.hash(), self.read(GENERATED))

    def test_changes_with_a_header_that_a_module_can_see(self):
        hashes = [self.hash()]
        for path in IS_SEEN:
            self.change(path)
            hashes.append(self.hash())
        self.assertEqual(len(set(hashes)), len(hashes), dict(zip(("nothing", *IS_SEEN), hashes)))

    def test_changes_with_a_header_that_comes_goes_or_is_renamed(self):
        before = self.hash()
        more = os.path.join(self.tree, "base", "more.h")
        shutil.copy(os.path.join(self.tree, "base", "result.h"), more)
        come = self.hash()
        os.rename(more, os.path.join(self.tree, "base", "other.h"))
        renamed = self.hash()
        os.remove(os.path.join(self.tree, "base", "other.h"))
        self.assertEqual(len({before, come, renamed}), 3)
        self.assertEqual(self.hash(), before)

    def test_stays_and_is_not_written_again_with_what_no_module_can_see(self):
        before = self.hash()
        os.utime(self.header, (1, 1))
        for path in IS_NOT_SEEN:
            self.change(path)
            self.assertEqual(self.hash(), before, path)
        self.assertEqual(os.stat(self.header).st_mtime, 1)

    def test_covers_the_rooms_that_the_layers_let_a_module_include(self):
        with open(os.path.join(SOURCE, "cmake", "HeaderHash.cmake"), encoding="utf-8") as file:
            rooms = re.search(r"set\(RONDEL_MODULE_ROOMS ([^)]+)\)", file.read()).group(1).split()
        more = [room for rooms in checker.MODULE_MAY_MORE.values() for room in rooms]
        self.assertEqual(sorted(rooms), sorted({*checker.MODULE_MAY, *more}))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
