#!/usr/bin/python3
"""The language of the scripts, tested without a server: templates that match and that do not, and reading files."""

import os
import re
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from runner import script, template  # noqa: E402
from runner.sasl import Scram, downgrade_hash, plain  # noqa: E402


def received(text):
    return ET.fromstring(f"<r xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>{text}</r>")[0]


def match(wanted, actual, **known):
    """What was captured, or None if it does not match."""
    matcher = template.Matcher(lambda name: known[name])
    try:
        matcher.match(template.parse(wanted)[0], received(actual))
    except template.Mismatch:
        return None
    return matcher.captured


class Templates(unittest.TestCase):
    MATCH = [
        ("<a x='1' y='2'/>", "<a y='2' x='1'/>"),
        ("<a/>", "<a xml:lang='en'/>"),
        ("<a ... x='1'/>", "<a y='2' x='1'/>"),
        ("<a x='{any}'/>", "<a x='1'/>"),
        ("<a x='{anything}'/>", "<a x=''/>"),
        ("<a x='pre-{number}'/>", "<a x='pre-12'/>"),
        ("<a x='{datetime}'/>", "<a x='2026-01-02T03:04:05.678Z'/>"),
        ("<a x='{none}' .../>", "<a y='1'/>"),
        ("<a x='{known}'/>", "<a x='value'/>"),
        ("<a>text</a>", "<a>text</a>"),
        ("<a><b/><c/></a>", "<a>\n <b/>\n <c/></a>"),
        ("<a>{any order}<b/><c/></a>", "<a><c/><b/></a>"),
        ("<a>...<b/>...</a>", "<a><x/><b/><y/></a>"),
        ("<a>...</a>", "<a/>"),
        ("<a>...</a>", "<a>text<b/></a>"),
        ("<a>{any order}...<b/></a>", "<a><b/><x/></a>"),
        ("<message type='error'><error type='cancel'><gone/></error></message>",
         "<message type='error'><body>echo</body><error type='cancel' by='x'>"
         "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
         "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>why</text></error></message>"),
    ]
    NO_MATCH = [
        ("<a x='1'/>", "<a x='2'/>"),
        ("<a x='1'/>", "<a/>"),
        ("<a/>", "<a x='1'/>"),
        ("<a ... x='1'/>", "<a y='1'/>"),
        ("<a x='{any}'/>", "<a x=''/>"),
        ("<a x='{number}'/>", "<a x='12x'/>"),
        ("<a x='{datetime}'/>", "<a x='yesterday'/>"),
        ("<a x='{none}' .../>", "<a x='1'/>"),
        ("<a x='{known}'/>", "<a x='other'/>"),
        ("<a x='v.lue'/>", "<a x='value'/>"),
        ("<a/>", "<a xmlns='urn:other'/>"),
        ("<a/>", "<a>text</a>"),
        ("<a>text</a>", "<a>text </a>"),
        ("<a/>", "<a><b/></a>"),
        ("<a><b/></a>", "<a/>"),
        ("<a><b/><c/></a>", "<a><c/><b/></a>"),
        ("<a><b/></a>", "<a><b/>tail</a>"),
        ("<a>{any order}<b/><c/></a>", "<a><b/><b/></a>"),
        ("<a>{any order}<b/></a>", "<a><b/><c/></a>"),
        ("<a>...<b/>...</a>", "<a><x/></a>"),
        ("<a>...<b/>...<c/>...</a>", "<a><c/><b/></a>"),
        ("<message type='error'><error type='cancel'><gone/></error></message>",
         "<message type='error'><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
         "</message>"),
        ("<message type='error'><error type='cancel'><gone/></error></message>",
         "<message type='error'><error type='wait'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
         "</message>"),
        ("<message type='chat'/>", "<message type='chat'><body/></message>"),
    ]

    def test_what_matches(self):
        for wanted, actual in self.MATCH:
            with self.subTest(wanted=wanted, actual=actual):
                self.assertIsNotNone(match(wanted, actual, known="value"))

    def test_what_does_not_match(self):
        for wanted, actual in self.NO_MATCH:
            with self.subTest(wanted=wanted, actual=actual):
                self.assertIsNone(match(wanted, actual, known="value"))

    def test_a_capture_is_kept_and_must_come_again(self):
        self.assertEqual(match("<a x='{new id}'/>", "<a x='7'/>"), {"id": "7"})
        self.assertEqual(match("<a x='{new id}' y='{id}'/>", "<a x='7' y='7'/>"), {"id": "7"})
        self.assertIsNone(match("<a x='{new id}' y='{id}'/>", "<a x='7' y='8'/>"))

    def test_a_name_that_nobody_knows_is_an_error_and_no_wildcard(self):
        with self.assertRaises(KeyError):
            match("<a x='{juilet}'/>", "<a x='1'/>", juliet="1")

    def test_all_of_several_stanzas_must_be_paired(self):
        wanted = template.parse("<a x='{any}'/><a x='1'/>")
        template.match_all(wanted, [received("<a x='1'/>"), received("<a x='2'/>")], str)
        with self.assertRaises(template.Mismatch):
            template.match_all(wanted, [received("<a x='3'/>"), received("<a x='2'/>")], str)

    def test_a_block_that_is_no_xml_is_an_error(self):
        with self.assertRaises(ValueError):
            template.parse("<a>")


class Files(unittest.TestCase):
    def read(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".scn", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            return script.read(file.name)

    def test_a_script_is_read(self):
        found = self.read("# words\nserver tls = required\nserver config:\n    a = 1\n    b = 2\n"
                          "client romeo is romeo@localhost/orchard with mechanism=PLAIN\n\n"
                          "Scenario: One\nSource: RFC 1\nromeo connects\nromeo sends:\n    <a>\n      <b/>\n    </a>\n")
        self.assertEqual(found.server, {"tls": "required", "config": "a = 1\nb = 2"})
        one = found.scenarios[0]
        self.assertEqual((one.name, one.source), ("One", "RFC 1"))
        self.assertEqual([step.text for step in one.steps], ["romeo connects", "romeo sends"])
        self.assertEqual(one.steps[1].block, "<a>\n  <b/>\n</a>")
        self.assertEqual((one.clients["romeo"].resource, one.clients["romeo"].options), ("orchard", {"mechanism": "PLAIN"}))

    def test_a_table_makes_a_scenario_of_each_row(self):
        found = self.read("Scenario: {kind} to {to}\nSource: X\nEach: kind | to\n    a | b\n    c | d\n"
                          "Deviates: other [c] why not\n{kind} steps\n")
        self.assertEqual([one.name for one in found.scenarios], ["a to b", "c to d"])
        self.assertEqual([one.deviates for one in found.scenarios], [{}, {"other": "why not"}])

    def test_what_is_wrong_says_where(self):
        for text in ("Scenario: no source\nx connects\n", "nonsense\nScenario: a\nSource: b\n", "",
                     "Scenario: a\nSource: b\nx sends:\n", "Scenario: a\nSource: b\n    stray\n",
                     "Scenario: a\nSource: b\nEach: x | y\n    1\nx\n"):
            with self.subTest(text=text), self.assertRaises(script.ScriptError):
                self.read(text)


class Sasl(unittest.TestCase):
    def test_scram_follows_the_example_of_rfc_5802(self):
        scram = Scram("SCRAM-SHA-1", "user", "pencil")
        scram.nonce = "fyko+d2lbbFgONRv9qkxdawL"
        scram.bare = "n=user,r=" + scram.nonce
        self.assertEqual(scram.first(), b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL")
        final = scram.final(b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096")
        self.assertEqual(final, b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")
        scram.verify(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")

    def test_plain_is_three_parts(self):
        self.assertEqual(plain("user", "pencil", "who"), b"who\0user\0pencil")

    def test_the_hash_of_what_was_announced_does_not_hang_on_its_order(self):
        self.assertEqual(downgrade_hash("sha1", ["B", "A"], ["y", "x"]), downgrade_hash("sha1", ["A", "B"], ["x", "y"]))
        self.assertNotEqual(downgrade_hash("sha1", ["A"], []), downgrade_hash("sha1", ["A", "B"], []))


class Scripts(unittest.TestCase):
    def test_every_script_of_this_folder_can_be_read_and_each_of_its_steps_is_known(self):
        from runner.execute import STEPS
        here = os.path.dirname(os.path.abspath(__file__))
        count = 0
        for folder, _, names in os.walk(here):
            for name in sorted(names):
                if name.endswith(".scn"):
                    for one in script.read(os.path.join(folder, name)).scenarios:
                        count += 1
                        for step in one.steps:
                            self.assertTrue(any(pattern.match(step.text) for pattern, _ in STEPS),
                                            f"{one.path}:{step.line}: {step.text}")
        self.assertGreater(count, 100)

    def test_every_scenario_that_a_page_names_is_there(self):
        here = os.path.dirname(os.path.abspath(__file__))
        docs = os.path.join(here, "..", "..", "docs")
        for page in ("rfc6120", "rfc6121"):
            with open(os.path.join(docs, page + ".md"), encoding="utf-8") as file:
                text = file.read()
            named = re.findall(r"`([\w./-]+\.scn)`((?:[^`|\n]*?“[^”]+”)+)", text)
            self.assertGreater(len(named), 20)
            for path, rest in named:
                path = os.path.join(here, "..", "..", path) if "/" in path else os.path.join(here, page, path)
                with open(path, encoding="utf-8") as file:
                    there = [line[len("Scenario: "):].strip() for line in file if line.startswith("Scenario: ")]
                for name in re.findall(r"“([^”]+)”", rest):
                    is_there = any(one.startswith(name[:-1]) if name.endswith("…") else one == name for one in there)
                    self.assertTrue(is_there, f"docs/{page}.md names “{name}” of {path}")


if __name__ == "__main__":
    unittest.main()
