#!/usr/bin/python3
"""The checker catches what it is there to catch, and nothing else: violations planted in a temporary tree."""

import os
import tempfile
import unittest

import checker

HEADER = "#pragma once\n"


class Planted(unittest.TestCase):
    """Each test plants files and looks at the problems that come of them."""

    def problems(self, files, exceptions=None):
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as file:
                    file.write(text)
            return checker.check(root, exceptions or {})

    def assert_caught(self, path, text, words, line=1):
        found = self.problems({path: text})
        self.assertEqual(len(found), 1, f"{path} with {text!r}: {found}")
        self.assertTrue(found[0].startswith(f"{path}:{line}:"), found[0])
        self.assertIn(words, found[0])

    def assert_fine(self, path, text):
        self.assertEqual(self.problems({path: text}), [])

    def test_a_room_includes_what_its_row_names(self):
        for room, includes in (("ring", ["base/result.h"]), ("log/writer", ["ring/ring.h", "log/hub.h"]),
                               ("tls", ["log/log.h", "config/snapshot.h"]), ("xmpp", ["xml/element.h"]),
                               ("modules/api", ["store/storage.h", "hooks/verdict.h"]),
                               ("modules/loader", ["modules/api/module.h"]),
                               ("modules/ping", ["modules/api/module.h", "xmpp/stanza.h", "modules/ping/more.h"]),
                               ("modules/layer-tls", ["tls/channel.h"]),
                               ("server", ["modules/loader/loader.h", "log/writer/log_writer.h", "ring/ring.h"]),
                               ("tests/ring", ["server/shard.h", "tests/support/sim_ring.h"])):
            for include in includes:
                with self.subTest(room=room, include=include):
                    self.assert_fine(f"{room}/a.cc", f'#include "{include}"\n')

    def test_an_upward_or_sideward_include_is_caught(self):
        for room, include in (("base", "ring/ring.h"), ("ring", "config/value.h"), ("config", "log/log.h"),
                              ("hooks", "xmpp/stanza.h"), ("tls", "ring/ring.h"), ("xmpp", "hooks/verdict.h"),
                              ("store", "xml/element.h"), ("log", "ring/ring.h"), ("log", "log/writer/output.h"),
                              ("modules/api", "tls/channel.h"), ("modules/api", "server/shard.h"),
                              ("modules/api", "modules/loader/loader.h"), ("modules/loader", "server/core.h"),
                              ("modules/ping", "server/shard.h"), ("modules/ping", "modules/roster/module.h"),
                              ("modules/ping", "tls/channel.h"), ("modules/ping", "modules/loader/loader.h"),
                              ("server", "modules/ping/module.h"), ("server", "tests/support/sim_ring.h"),
                              ("server", "perf/load/main.h")):
            with self.subTest(room=room, include=include):
                self.assert_caught(f"{room}/a.cc", f'// first\n#include "{include}"\n', f'"{include}"', line=2)
        self.assert_caught("base/a.cc", "#  include <ring/ring.h>\n", "may not include ring")

    def test_rooms_that_never_log_do_not_see_the_log(self):
        for room in ("ring", "xml", "hooks", "xmpp"):
            with self.subTest(room=room):
                self.assert_caught(f"{room}/a.cc", '#include "log/log.h"\n', "never logs")

    def test_a_library_stands_in_source_files_of_its_room(self):
        for room, include in (("ring", "liburing.h"), ("tls", "openssl/ssl.h"), ("xml", "libxml/parser.h"),
                              ("config", "toml++/toml.h"), ("config", "CLI/CLI.hpp"), ("xmpp", "stringprep.h"),
                              ("xmpp", "idn2.h"), ("modules/a", "sqlite3.h"), ("modules/a", "nlohmann/json.hpp")):
            with self.subTest(include=include):
                self.assert_fine(f"{room}/a.cc", f"#include <{include}>\n")
                self.assert_caught(f"{room}/a.h", f"{HEADER}#include <{include}>\n", ".cc files only", line=2)
        self.assert_caught("server/a.cc", "#include <openssl/ssl.h>\n", "no library of server")
        self.assert_caught("store/a.cc", "#include <sqlite3.h>\n", "no library of store")
        self.assert_fine("base/a.h", HEADER + "#include <fmt/core.h>\n#include <sys/socket.h>\n#include <vector>\n")

    def test_a_path_that_does_not_start_at_the_root_is_caught(self):
        self.assert_caught("ring/a.cc", '#include "ring.h"\n', "path from the root")
        self.assert_caught("ring/a.cc", '#include "../base/result.h"\n', "path from the root")
        self.assert_caught("tests/ring/a.cc", '#include "world.h"\n', "path from the root")

    def test_a_folder_without_a_row_is_caught(self):
        self.assert_caught("util/a.cc", "int a;\n", "no row")
        self.assert_caught("modules/a.cc", "int a;\n", "no row")

    def test_a_header_without_a_guard_is_caught(self):
        self.assert_caught("base/a.h", "int a;\n", "#pragma once")

    def test_sizes_are_bounded_to_the_line(self):
        self.assert_fine("base/a.h", HEADER + "\n" * 199)
        self.assert_caught("base/a.h", HEADER + "\n" * 200, "201 lines", line=201)
        self.assert_fine("tests/base/a.cc", "\n" * 500)
        self.assert_caught("tests/base/a.cc", "\n" * 501, "501 lines", line=501)

    def test_leftovers_are_caught_in_every_kind_of_file(self):
        for word in ("TO" "DO", "FIX" "ME", "XX" "X"):
            for path in ("base/a.cc", "scripts/a", ".ci/run", "docs/a.md", "tests/a.py", "cmake/a.cmake"):
                with self.subTest(word=word, path=path):
                    self.assert_caught(path, f"fine\nx {word}: later\n", "finish", line=2)
        self.assert_fine("scripts/a", "mktemp -d /tmp/a.XX" "XXXX\n")
        self.assert_fine("base/a.cc", "int to" "do_count;\n")

    def test_a_path_of_a_machine_is_caught(self):
        self.assert_caught("docs/a.md", "see /wor" "k/main\n", "machine")
        self.assert_caught("scripts/a", "cd /roo" "t/x\n", "machine")
        self.assert_fine("scripts/a", 'cd "$here/wor' 'k/x"\nls build/roo' 't/x\n')

    def test_banned_names_are_caught_in_code_only(self):
        for path, code in (("server/a.cc", "int a = rand();"), ("base/a.cc", "std::mt19937 engine;"),
                           ("xmpp/sasl/a.cc", "if (memcmp(a, b, 3)) {}"), ("server/shard_accept.cc", "std::mutex m;"),
                           ("server/shard.cc", "std::condition_variable c;"), ("ring/a.cc", "sprintf(a, b);"),
                           ("modules/ping/a.cc", "using namespace std;")):
            with self.subTest(path=path):
                self.assert_caught(path, f"int b;\n{code}\n", "banned", line=2)
                self.assert_fine(path, f'// {code}\n/* {code} */\nauto text = "{code}";\n')
        self.assert_fine("tests/base/a.cc", "std::mt19937 engine(7);\n")   # seeded, to be repeated
        self.assert_fine("base/a.cc", "int a = memcmp(b, c, 3);\n")
        self.assert_fine("log/a.cc", "std::mutex m;\nint a = operand(3);\n")

    def test_blanking_keeps_lines_and_digit_separators(self):
        text = "int a = 1'000'000; /* x\n y */ f(rand); // \"\nchar c = '\"'; g(\"//\");\n"
        blanked = checker.without_comments_and_texts(text)
        self.assertEqual(blanked.count("\n"), text.count("\n"))
        for kept in ("1'000'000;", "f(rand);", "g("):
            self.assertIn(kept, blanked)

    def test_an_exception_holds_while_it_is_needed(self):
        exceptions = {("size", "base/a.h"): "a reason"}
        long, short = HEADER + "\n" * 300, HEADER
        self.assertEqual(self.problems({"base/a.h": long}, exceptions), [])
        self.assertIn("no more", self.problems({"base/a.h": short}, exceptions)[0])
        self.assertIn("does not exist", self.problems({"base/b.h": short}, exceptions)[0])

    def test_what_is_built_or_downloaded_is_not_looked_at(self):
        for folder in ("build/debug", "build-other", "run", ".git", "tests/clients/node_modules"):
            with self.subTest(folder=folder):
                self.assert_fine(f"{folder}/util/a.cc", "x TO" "DO\n")


if __name__ == "__main__":
    unittest.main()
