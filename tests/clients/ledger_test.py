#!/usr/bin/python3
"""The judge of chat_200.py, tested without a server: it must see what is lost, repeated and reordered."""

import unittest
import xml.etree.ElementTree as ET

import chat_200


def message(sender, number, more=""):
    return ET.fromstring(f"<message xmlns='jabber:client' from='{sender}@localhost/r0'{more}>"
                         f"<body>{number} 0.0</body></message>")


class LedgerTest(unittest.TestCase):
    def judge(self, sent, numbers):
        ledger = chat_200.Ledger()
        ledger.sent[("a", "b")] = sent
        for number in numbers:
            ledger.takes("b", message("a", number))
        return ledger.lost(), ledger.repeated, ledger.reordered

    def test_what_comes_once_and_in_order_is_well(self):
        self.assertEqual(self.judge(3, [1, 2, 3]), (0, 0, 0))

    def test_what_does_not_come_is_lost(self):
        self.assertEqual(self.judge(3, [1, 3]), (1, 0, 0))
        self.assertEqual(self.judge(3, [1, 2]), (1, 0, 0))
        self.assertEqual(self.judge(3, []), (3, 0, 0))

    def test_what_comes_twice_is_repeated(self):
        self.assertEqual(self.judge(3, [1, 2, 2, 3]), (0, 1, 0))
        self.assertEqual(self.judge(3, [1, 2, 3, 1]), (0, 1, 0))

    def test_what_comes_after_a_later_one_is_reordered(self):
        self.assertEqual(self.judge(3, [1, 3, 2]), (0, 0, 1))

    def test_pairs_are_counted_apart(self):
        ledger = chat_200.Ledger()
        ledger.sent.update({("a", "b"): 1, ("c", "b"): 1, ("b", "a"): 1})
        ledger.takes("b", message("c", 1))
        ledger.takes("b", message("a", 1))
        self.assertEqual((ledger.lost(), ledger.repeated, ledger.reordered), (1, 0, 0))

    def test_an_error_is_counted_and_is_no_message(self):
        ledger = chat_200.Ledger()
        ledger.takes("b", message("a", 1, " type='error'"))
        self.assertEqual((ledger.errors, ledger.seen), (1, {}))


if __name__ == "__main__":
    unittest.main()
