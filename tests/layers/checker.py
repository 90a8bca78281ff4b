"""Holds the sources to the table of rooms (ARCHITECTURE.md, "Rooms") and to a few rules that a compiler does not know.

Standard library only. `check(root)` returns problems as sentences that begin with `path:line:`.
"""

import os
import re

# A row: what a room may include besides itself. The order is the order of the layers.
ROOMS = {
    "base": (),
    "ring": ("base",),
    "log": ("base",),
    "log/writer": ("base", "ring", "log"),
    "config": ("base",),
    "xml": ("base",),
    "hooks": ("base",),
    "tls": ("base", "log", "config"),
    "xmpp": ("base", "xml"),
    "store": ("base", "xmpp"),
    "modules/api": ("base", "log", "config", "xml", "hooks", "xmpp", "store"),
    "modules/loader": ("base", "config", "modules/api"),
    "server": ("base", "ring", "log", "log/writer", "config", "xml", "hooks", "tls", "xmpp", "store", "modules/api",
               "modules/loader"),
}
MODULE_MAY = ("modules/api", "base", "log", "config", "xml", "hooks", "xmpp", "store")
MODULE_MAY_MORE = {"layer-tls": ("tls",)}
MAY_ALL = ("tests", "perf")
NEVER_LOG = ("ring", "xml", "hooks", "xmpp")

# Libraries behind our classes, and the rooms whose .cc files may include them; no header may.
LIBRARIES = {
    "liburing": ("liburing.h", "liburing/"),
    "OpenSSL": ("openssl/",),
    "libxml2": ("libxml/",),
    "SQLite": ("sqlite3.h",),
    "toml++": ("toml++/",),
    "CLI11": ("CLI/",),
    "JSON": ("nlohmann/",),
    "libidn": ("stringprep.h", "idna.h", "punycode.h"),
    "libidn2": ("idn2.h",),
}
LIBRARIES_OF_ROOMS = {
    "ring": ("liburing",),
    "config": ("toml++", "CLI11"),
    "xml": ("libxml2",),
    "tls": ("OpenSSL",),
    "xmpp": ("libidn", "libidn2", "OpenSSL"),
    "modules/*": tuple(LIBRARIES),   # each its own
}

HEADER_LINES_MAX = 200
SOURCE_LINES_MAX = 500

# (rule, path): why it stands. An exception that nothing needs any more is a problem itself.
EXCEPTIONS = {
    ("size", "modules/api/registrar.h"): "everything that a module may register, on one page for its author",
    ("size", "server/shard.h"): "the one face that a shard shows to modules, connections and the server",
    ("library", "modules/control/commands.h"): "no room can include a module's header; JSON is what its functions speak",
    ("library", "modules/control/rondelctl_client.h"): "part of a program, which no room can include; JSON is what it speaks",
}

# Names that must not stand in code (comments and texts do not count): pattern, where, and what to use instead.
PRODUCT = tuple(ROOMS) + ("modules/*",)
ON_SHARDS = ("server/shard", "server/connection", "server/stream", "server/router", "server/mailbox",
             "server/user_entry", "server/delivery", "server/sasl_negotiation", "server/raw_endpoint")
SECRETS = ("tls/", "xmpp/sasl/", "modules/auth-internal/", "modules/account/", "server/sasl_negotiation")
BANNED = (
    (re.compile(r"\b(?:s?rand|random|drand48)\s*\("), None, "base/random.h"),
    (re.compile(r"\b(?:mt19937|minstd_rand|default_random_engine)"), None, "base/random.h"),
    (re.compile(r"\bmemcmp\s*\("), SECRETS, "the constant-time comparison of base/encoding.h"),
    (re.compile(r"\bstd::(?:recursive_|shared_|timed_)?mutex\b|\bstd::condition_variable"), ON_SHARDS,
     "a message to the other shard: nothing locks on a shard"),
    (re.compile(r"\b(?:strcpy|strcat|sprintf|vsprintf|gets)\s*\("), None, "fmt, or std::string"),
    (re.compile(r"\busing\s+namespace\s+std\b"), None, "the names"),
)

LEFTOVER = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")
MACHINE_PATH = re.compile(r"(?<![\w.$}/-])/(?:wor" r"k|roo" r"t)/\w")
SOURCE_ENDINGS = (".h", ".cc")
TEXT_ENDINGS = SOURCE_ENDINGS + (".py", ".mjs", ".js", ".cmake", ".txt", ".sh", ".md", ".toml", ".scn", ".service",
                                 ".conf", ".json")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def files_below(root):
    """Paths relative to `root`, but for what is built, downloaded or hidden (and `.ci`, which is looked at)."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders
                            if name not in ("node_modules", "__pycache__", "run") and not name.startswith("build")
                            and (not name.startswith(".") or name == ".ci"))
        for name in sorted(names):
            yield os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")


def room_of(path):
    """The row that a path belongs to: a room, `modules/NAME`, `tests`, `perf`; None if there is none."""
    parts = path.split("/")
    if parts[0] in MAY_ALL:
        return parts[0]
    if parts[0] == "modules":
        return "/".join(parts[:2]) if len(parts) > 2 else None
    if "/".join(parts[:2]) in ROOMS and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0] if parts[0] in ROOMS and len(parts) > 1 else None


def may_include(room):
    if room in ROOMS:
        return ROOMS[room]
    return MODULE_MAY + MODULE_MAY_MORE.get(room.split("/")[1], ())


def library_of(include):
    for library, prefixes in LIBRARIES.items():
        if any(include.startswith(prefix) for prefix in prefixes):
            return library
    return None


def without_comments_and_texts(text):
    """The same lines, with comments, string and character literals blanked."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found.group(0)), text)


class Checker:
    """One pass over a tree. Owner: check()."""

    def __init__(self, root, exceptions):
        self.root = root
        self.exceptions = exceptions
        self.used = set()
        self.problems = []

    def report(self, rule, path, line, text):
        if (rule, path) in self.exceptions:
            self.used.add((rule, path))
        else:
            self.problems.append(f"{path}:{line}: {text}")

    def check_file(self, path):
        if not (path.endswith(TEXT_ENDINGS) or path.startswith(("scripts/", ".ci/"))):
            return
        try:
            with open(os.path.join(self.root, path), encoding="utf-8") as file:
                text = file.read()
        except UnicodeDecodeError:
            return   # samples of broken input
        if not path.startswith("tests/layers/"):   # which has the words to look for
            self.check_leftovers(path, text)
        if path.endswith(SOURCE_ENDINGS):
            self.check_source(path, text)

    def check_leftovers(self, path, text):
        for number, line in enumerate(text.splitlines(), 1):
            if LEFTOVER.search(line):
                self.report("leftover", path, number, "a note to finish something; finish it, or file an issue")
            if MACHINE_PATH.search(line):
                self.report("machine", path, number, "a path of somebody's machine")

    def check_source(self, path, text):
        room = room_of(path)
        if room is None:
            self.report("room", path, 1, "this folder has no row in the table of rooms")
            return
        limit = HEADER_LINES_MAX if path.endswith(".h") else SOURCE_LINES_MAX
        lines = text.count("\n")
        if lines > limit:
            self.report("size", path, lines, f"{lines} lines, {limit} are allowed: it is two things")
        if path.endswith(".h") and "#pragma once" not in text:
            self.report("guard", path, 1, "a header needs #pragma once")
        for number, line in enumerate(text.splitlines(), 1):
            found = INCLUDE.match(line)
            if found:
                self.check_include(path, room, number, found.group(1), found.group(2))
        if room not in MAY_ALL:
            self.check_names(path, text)

    def check_include(self, path, room, number, quoted, angled):
        include = quoted or angled
        target = room_of(include)
        if quoted and target is None:
            self.report("path", path, number, f'"{quoted}": ours are included by the path from the root, '
                                              "libraries in angle brackets")
            return
        if room in MAY_ALL:
            return
        if target is None:
            self.check_library(path, room, number, angled)
        elif room in NEVER_LOG and target.startswith("log"):
            self.report("layer", path, number, f'{room} never logs: "{include}"')
        elif target != room and target not in may_include(room):
            self.report("layer", path, number, f'{room} may not include {target}: "{include}"')

    def check_library(self, path, room, number, include):
        library = library_of(include)
        if library is None:
            return
        if path.endswith(".h"):
            self.report("library", path, number, f"<{include}>: {library} may stand in .cc files only")
        row = room if room in ROOMS else "modules/*"
        if library not in LIBRARIES_OF_ROOMS.get(row, ()):
            self.report("library", path, number, f"<{include}>: {library} is no library of {room}")

    def check_names(self, path, text):
        code = without_comments_and_texts(text).splitlines()
        for pattern, where, instead in BANNED:
            if where is not None and not path.startswith(where):
                continue
            for number, line in enumerate(code, 1):
                found = pattern.search(line)
                if found:
                    self.report("name", path, number, f"`{found.group(0).strip()}` is banned here; use {instead}")


def check(root, exceptions=None):
    """All problems of the tree below `root`, in the order of its paths."""
    checker = Checker(root, EXCEPTIONS if exceptions is None else exceptions)
    for path in files_below(root):
        checker.check_file(path)
    for rule, path in sorted(set(checker.exceptions) - checker.used):
        if os.path.exists(os.path.join(root, path)):
            checker.problems.append(f"{path}:1: needs its exception ({rule}) no more; remove it from checker.py")
        else:
            checker.problems.append(f"{path}:1: has an exception ({rule}) and does not exist")
    return checker.problems
