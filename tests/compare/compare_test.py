#!/usr/bin/python3
"""What perf/compare and perf/micro make of figures, without a server: judgement, keys, tables, the page."""

import hashlib
import hmac
import json
import os
import sys
import tempfile
import unittest
from base64 import b64decode, b64encode
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import SimpleNamespace
from unittest import mock

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "perf", "compare"))

from contest import accounts, report, rows, servers  # noqa: E402
from contest.rows import Figure, Sample  # noqa: E402


def script(path):
    loader = SourceFileLoader(os.path.basename(path), os.path.join(ROOT, path))
    module = module_from_spec(spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def figures(**medians):
    return {name.replace("_", "-"): Figure([Sample(value)]) for name, value in medians.items()}


class Judgement(unittest.TestCase):
    def test_a_limit_is_met_at_the_limit_and_missed_above_it(self):
        for mine, is_reached in ((14.9, True), (15.0, True), (15.1, False)):
            verdict = rows.judge_rule(rows.relay_rule(1.5), figures(rondel=mine, relay=10.0))
            self.assertEqual(verdict.reached, is_reached, mine)
            self.assertAlmostEqual(verdict.ratio, mine / 10)

    def test_the_better_peer_is_the_one_with_the_lower_figure(self):
        found = figures(rondel=9.0, prosody=200.0, ejabberd=100.0)
        self.assertEqual(rows.better_peer(found), ("ejabberd", 100.0))
        self.assertIs(rows.judge_rule(rows.peer_rule(10), found).reached, True)
        self.assertIs(rows.judge_rule(rows.peer_rule(12), found).reached, False)

    def test_what_was_not_measured_is_neither_reached_nor_missed(self):
        for found in (figures(rondel=9.0), figures(relay=9.0), {}):
            self.assertIsNone(rows.judge_rule(rows.relay_rule(1.5), found).reached)
            self.assertIsNone(rows.judge_rule(rows.peer_rule(10), found).reached)

    def test_every_row_can_be_judged_with_no_figures_at_all(self):
        for row in rows.all_rows():
            self.assertTrue(row.judge({}), row.name)
            self.assertTrue(all(verdict.reached is None for verdict in row.judge({})), row.name)

    def test_growth_is_compared_with_the_growth_of_the_relay(self):
        growth = next(row for row in rows.all_rows() if row.name == "growth")
        self.assertIs(growth.judge(figures(rondel=1.64, relay=1.5))[0].reached, True)
        self.assertIs(growth.judge(figures(rondel=1.66, relay=1.5))[0].reached, False)

    def test_two_shards_need_more_than_one(self):
        shards = next(row for row in rows.all_rows() if row.name == "shards")
        self.assertIs(shards.judge(figures(rondel=100.0, rondel_2=180.0))[0].reached, True)
        self.assertIs(shards.judge(figures(rondel=100.0, rondel_2=179.0))[0].reached, False)

    def test_latency_says_what_part_of_it_is_the_generators_and_what_was_left_out(self):
        latency = next(row for row in rows.all_rows() if row.name == "latency")
        found = {"rondel": Figure([Sample(0.5, {"generator_late_p99_us": late, "left_out": 0.125, "all_p99_us": 7000})
                                   for late in (20, 24, 900)]),
                 "ejabberd": Figure([Sample(5.0, {"generator_late_p99_us": None})])}
        verdict = latency.judge(found)[0]
        self.assertIs(verdict.reached, True)
        self.assertIn("(left out near stalls of a core: rondel 12 %; with these: rondel 7.000 ms; "
                      "of it how late the generator itself was: rondel 0.024 ms)", verdict.text)

    def test_latency_is_at_half_of_the_best_of_several_rates_of_the_better_peer(self):
        latency = next(row for row in rows.all_rows() if row.name == "latency")
        contest = mock.MagicMock(names=["rondel", "prosody", "ejabberd"], is_quick=False)
        rates = iter([4000, 5000, 3000, 9000, 14000, 12000])
        contest.generator.run.side_effect = lambda *unused, **options: {"work": {"rate": next(rates)}}
        latency.prepare(contest)
        self.assertEqual(latency.rate, 7000)
        latency.prepare(contest)   # Asks nobody again.
        self.assertEqual(latency.rate, 7000)

    def test_latency_is_of_what_was_due_while_no_core_stood_still(self):
        latency = next(row for row in rows.all_rows() if row.name == "latency")
        latency.rate = 1000
        result = {"ok": True, "latency_us": {"p99": 9000.0}, "generator": {"late_us": None}, "undisturbed": None}
        contest = mock.Mock()
        contest.generator.run.return_value = result
        contest.machine.watched_cpus.return_value, contest.machine.server_cpus.return_value = [0, 1], [0]
        self.assertEqual(latency.measure(contest, None).value, 9.0)
        result["undisturbed"] = {"left_out_share": 0.25, "latency_us": {"p99": 200.0}}
        sample = latency.measure(contest, None)
        self.assertEqual((sample.value, sample.notes["all_p99_us"], sample.notes["left_out"]), (0.2, 9000.0, 0.25))
        result["undisturbed"] = {"left_out_share": 1.0, "latency_us": None}
        self.assertIsNone(latency.measure(contest, None).value)

    def test_what_changes_much_has_more_rounds_and_the_quick_form_one(self):
        found = {row.name: (row.rounds(3), row.rounds(1)) for row in rows.all_rows()}
        self.assertEqual(found["latency"], (5, 1))
        self.assertEqual(found["chat-100"], (3, 1))
        self.assertEqual(found["growth"], (5, 1))
        self.assertEqual(found["shards"], (5, 1))

    def test_medians_leave_out_rounds_that_failed(self):
        figure = Figure([Sample(3.0), Sample(None, problems=["gone"]), Sample(5.0), Sample(10.0)])
        self.assertEqual((figure.median, figure.spread), (5.0, (3.0, 10.0)))
        self.assertIsNone(Figure([Sample(None)]).median)

    def test_a_run_that_went_wrong_says_so_even_without_words_of_its_own(self):
        self.assertEqual(rows.problems_of({"ok": True, "problems": []}), [])
        self.assertIn("lost 3", rows.problems_of({"ok": False, "problems": [], "messages": {"lost": 3}})[0])
        self.assertIn("2 times", rows.problems_of({"ok": False, "problems": [{"what": "gone", "count": 2}]})[0])


class Accounts(unittest.TestCase):
    CROWD = accounts.Crowd(3, 2)

    def test_keys_are_those_of_the_rfc(self):
        """RFC 7677 §3."""
        stored, server = accounts.scram_sha_256("pencil", b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
        nonce = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
        message = f"n=user,r=rOprNGfwEbeRWgbNEkqO,{nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,{nonce}".encode()
        proof = b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
        client = bytes(a ^ b for a, b in zip(proof, hmac.new(stored, message, "sha256").digest()))
        self.assertEqual(hashlib.sha256(client).digest(), stored)
        self.assertEqual(b64encode(hmac.new(server, message, "sha256").digest()),
                         b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")

    def test_every_subscription_is_mutual(self):
        pairs = set(self.CROWD.rosters())
        self.assertEqual(len(pairs), 4)
        self.assertTrue(all((b, a) in pairs for a, b in pairs))

    def test_prosody_gets_a_file_for_each_account_and_roster(self):
        with tempfile.TemporaryDirectory() as folder:
            accounts.fill_prosody(folder, self.CROWD)
            host = os.path.join(folder, "example%2eorg")
            self.assertEqual(sorted(os.listdir(os.path.join(host, "accounts"))),
                             ["b0.dat", "b1.dat", "b2.dat", "u0.dat", "u1.dat", "u2.dat"])
            with open(os.path.join(host, "roster", "b0.dat"), encoding="utf-8") as file:
                self.assertIn('["b2@example.org"] = { ["subscription"] = "both"', file.read())

    def test_ejabberd_gets_a_term_for_each_account_and_item(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "terms")
            accounts.write_ejabberd_terms(path, self.CROWD)
            with open(path, encoding="utf-8") as file:
                lines = file.read().splitlines()
        self.assertEqual(sum(line.startswith("{passwd,") for line in lines), 6)
        self.assertEqual(sum(line.startswith("{roster,") for line in lines), 4)
        self.assertTrue(all(line.endswith("}.") for line in lines))


class Reports(unittest.TestCase):
    def setUp(self):
        machine = SimpleNamespace(description=lambda: "2 cores <of> something", server_cpus=lambda: [0],
                                  generator_cpus=lambda: [1])
        self.contest = SimpleNamespace(machine=machine, versions={"rondel": "1", "prosody": "2"},
                                       absent={"ejabberd": "not installed & gone"}, names=["rondel", "prosody"])
        self.rows = rows.all_rows()
        self.results = {row.name: {"rondel": Figure([Sample(1.0), Sample(3.0, problems=["<lost> 1"])]),
                                   "prosody": Figure([Sample(50.0)]), "relay": Figure([Sample(None)])} for row in self.rows}

    def test_the_table_has_every_row_with_medians_spreads_ratios_and_verdicts(self):
        table = report.markdown(self.contest, self.rows, self.results, 2)
        for row in self.rows:
            self.assertIn(f"| {row.title} |", table)
        self.assertIn("2.00 (1.00–3.00)", table)
        self.assertIn("25.0 × less", table)
        self.assertIn("Rounds: 2, 4 of latency, 4 of growth, 4 of shards.", table)
        self.assertIn("ejabberd did not take part: not installed & gone", table)
        self.assertIn("<lost> 1", table)

    def test_the_page_has_every_row_escapes_what_others_wrote_and_needs_nothing_else(self):
        page = report.page(self.contest, self.rows, self.results, 2)
        for row in self.rows:
            self.assertIn(f'<section id="{row.name}">', page)
        self.assertIn("2 cores &lt;of&gt; something", page)
        self.assertNotIn("<lost>", page)
        for foreign in ("<script", "src=", "http://", "https://", "@import"):
            self.assertNotIn(foreign, page)

    def test_the_figures_are_json(self):
        read = json.loads(report.as_json(self.contest, self.rows, self.results, 2))
        self.assertEqual(read["rows"][0]["figures"]["rondel"]["values"], [1.0, 3.0])

    def test_numbers_have_three_digits_that_count(self):
        for value, text in ((0.04567, "0.0457"), (9.295, "9.29"), (83.4, "83.4"), (1765.2, "1,765"), (0, "0"), (None, "–")):
            self.assertEqual(report.number(value), text)


class Templates(unittest.TestCase):
    def test_every_configuration_can_be_filled_in(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = (os.path.join(folder, name) for name in ("crt", "key"))
            for path in (certificate, key):
                with open(path, "w", encoding="utf-8") as file:
                    file.write("PEM")
            for made in (servers.Rondel(certificate, key, folder), servers.Prosody(certificate, key),
                         servers.Ejabberd(certificate, key)):
                try:
                    made.plain_port, made.tls_port = 11111, 22222
                    made.write_config()
                    text = ""
                    for name in os.listdir(made.folder):
                        path = os.path.join(made.folder, name)
                        if name.endswith((".toml", ".lua", ".yml")):
                            with open(path, encoding="utf-8") as file:
                                text += file.read()
                    self.assertIn("11111", text, made.name)
                    self.assertIn("22222", text, made.name)
                    self.assertNotIn("$", text, made.name)
                finally:
                    made.close()
                self.assertFalse(os.path.exists(made.folder))


class Baseline(unittest.TestCase):
    def test_growth_beyond_the_tolerance_is_worse_and_gains_are_named(self):
        judge = script("perf/micro/compare_with_baseline").judge
        stored = {"a": 1000.0, "b": 1000.0, "c": 1000.0, "small": 10.0, "old": 1.0}
        counted = {"a": 1031.0, "b": 1033.0, "c": 900.0, "small": 12.2, "new": 1.0}
        worse, better, others = judge(stored, counted, 3.0)
        self.assertEqual([line.split(":")[0] for line in worse], ["b"])
        self.assertEqual([line.split(":")[0] for line in better], ["c"])
        self.assertEqual(others, ["new", "old"])


if __name__ == "__main__":
    unittest.main()
