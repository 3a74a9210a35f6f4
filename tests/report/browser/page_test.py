#!/usr/bin/env python3
"""index.html in a real browser.  page_test.py ATTNBENCH MAKE_RUN FOLDER [PICTURES]

Makes synthetic runs in FOLDER, lets `attnbench report` write their pages, opens them in a headless
Chromium and judges what a reader would see. With PICTURES, a folder, it leaves screenshots there.
Exits with 77 where there is no Chromium: ctest takes that for "skipped".
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

from browser import Browser, find_browser

ATTNBENCH, MAKE_RUN, FOLDER = map(os.path.abspath, sys.argv[1:4])
PICTURES = sys.argv[4] if len(sys.argv) > 4 else None
MOST_BYTES, MOST_MS = 10e6, 2000


def made_run(kind):
    """The directory of a synthetic run with its report; gnuplot's part is left out."""
    run = pathlib.Path(FOLDER) / kind
    shutil.rmtree(run, ignore_errors=True)
    subprocess.run([MAKE_RUN, kind, str(run)], check=True)
    return written(run)


def written(run):
    subprocess.run([ATTNBENCH, "report", str(run)], check=True, env={"PATH": "/nowhere", "HOME": FOLDER},
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return run


def records_of(run):
    with open(run / "results.jsonl", encoding="utf-8") as lines:
        return {record["trial_id"]: record for record in map(json.loads, lines)}


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser(find_browser())
        cls.addClassCleanup(cls.browser.close)

    def open(self, run, width=1280, height=900, **screen):
        self.browser.screen(width, height, **screen)
        return self.browser.open(run / "report" / "index.html")

    def ask(self, expression):
        return self.browser.evaluate(expression)

    def choose(self, name, value):
        self.ask("""(() => { const label = [...document.querySelectorAll('#choices fieldset')]
            .find((set) => set.querySelector('legend').textContent === %s);
            [...label.querySelectorAll('label')].find((one) => one.textContent === %s)
            .querySelector('input').click(); })()""" % (json.dumps(name), json.dumps(value)))

    def picture(self, name):
        if PICTURES:
            os.makedirs(PICTURES, exist_ok=True)
            self.browser.picture(os.path.join(PICTURES, name + ".png"))

    def shown_numbers(self):
        """Trial id to (value, text) of the numbers below the plot; a failure has no value."""
        cells = self.ask("""[...document.querySelectorAll('#plot-numbers button[data-trial]')].map((button) =>
            [button.dataset.trial, button.parentNode.dataset.value ?? null, button.textContent])""")
        return {trial: (None if value is None else float(value), text) for trial, value, text in cells}

    def tearDown(self):
        self.assertEqual(self.browser.console, [], "the console is to stay clean")
        outside = [url for url in self.browser.requests if not url.startswith(("file://", "about:"))]
        self.assertEqual(outside, [], "nothing is to be asked of a network")


class GridTest(PageTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_directory = made_run("grid")
        cls.records = records_of(cls.run_directory)

    def test_14580_points_open_in_under_2_seconds_from_a_page_under_10_mb(self):
        page = self.run_directory / "report" / "index.html"
        self.assertLess(page.stat().st_size, MOST_BYTES)
        best = self.open(self.run_directory)
        for _ in range(9):  # a busy machine gets more tries: one quiet moment is enough
            if best < MOST_MS / 2:
                break
            best = min(best, self.open(self.run_directory))
        points = self.ask("page.overview.plots.flatMap((plot) => plot.points.flat()).length") \
            if self.ask("typeof page") == "object" else None
        print("%.1f MB, ready after %.0f ms" % (page.stat().st_size / 1e6, best))
        self.assertLess(best, MOST_MS)
        self.assertEqual(points, 14580)

    def test_it_says_what_ran_and_that_this_run_is_synthetic(self):
        self.open(self.run_directory)
        header = self.ask("document.getElementById('glance').innerText")
        for word in ("mha_full", "SYNTHETIC", "a synthetic GPU", "block_ptr", "0.synthetic", "SM clock",
                     "Power", "10,260 trials", "resource exhausted", "sw power cap"):
            self.assertIn(word, header)
        self.picture("grid-light")

    def test_selectors_redraw_the_plot_and_its_numbers_are_those_of_the_records(self):
        self.open(self.run_directory)
        seen = set()
        for mode in ("fwd", "bwd"):
            self.choose("mode", mode)
            for head_dim in ("64", "256"):
                self.choose("head_dim", head_dim)
                for unit, key, factor in (("ms", "median_ms", 1), ("TFLOP/s", "tflops", 1),
                                          ("% of peak", "peak_fraction", 100)):
                    self.choose("unit", unit)
                    seen.add(self.ask("document.querySelector('#plot-area .stroke').getAttribute('d')"))
                    self.check_numbers(mode, head_dim, key, factor)
        self.assertEqual(len(seen), 12)

    def check_numbers(self, mode, head_dim, key, factor):
        shown = self.shown_numbers()
        self.assertEqual(len(shown), 15)
        for trial, (value, text) in shown.items():
            record = self.records[trial]
            self.assertEqual(str(record["head_dim"]), head_dim)
            self.assertEqual(record["mode"], {"bwd": "fwd_bwd"}.get(mode, mode))
            if record["outcome"] == "ok":
                self.assertEqual(value, factor * record[key])
                self.assertAlmostEqual(float(text), value, delta=abs(value) * 1e-3)
            else:
                self.assertIsNone(value)
                self.assertEqual(text.replace(" ", "_"), record["outcome"])

    def test_a_failure_is_a_mark_with_its_reason_and_never_a_time(self):
        self.open(self.run_directory)
        self.ask("choose({3: 2, 5: 2, 6: 2})")  # head_dim 256, blocks of 128 x 128
        marks = self.ask("[...document.querySelectorAll('#plot-area .failure')].map((mark) => mark.dataset.trial)")
        self.assertEqual({self.records[trial]["outcome"] for trial in marks}, {"resource_exhausted"})
        self.assertEqual(len(marks), 10)
        timed = self.ask("[...document.querySelectorAll('#plot-area .point')].map((mark) => mark.dataset.trial)")
        self.assertTrue(timed)
        self.assertEqual({self.records[trial]["outcome"] for trial in timed}, {"ok"})
        self.browser.hover("#plot-area .failure")
        tip = self.ask("document.getElementById('tip').hidden ? '' : document.getElementById('tip').innerText")
        self.assertIn("of shared memory, device offers 232448 B", tip)
        for number in ("100.0", "300.0"):
            self.assertNotIn(number, self.ask("document.getElementById('plot').innerText"))
        self.picture("grid-failures")

    def test_the_heat_map_shows_winners_crossover_and_what_is_too_close(self):
        self.open(self.run_directory)
        cells = self.ask("""[...document.querySelectorAll('#fastest-area tbody tr')].map((row) =>
            [...row.querySelectorAll('td')].map((cell) => cell.dataset.winner))""")
        self.assertEqual((len(cells), len(cells[0])), (3, 5))
        cell = self.ask("Object.fromEntries(axes().map((axis, i) => [axis.name, axis.labels[chosen.cell[i]]]))")
        for row, head_dim in zip(cells, (64, 128, 256)):
            for winner, seqlen in zip(row, (1024, 2048, 4096, 6144, 8192)):
                self.assertEqual(winner, self.fastest(cell, head_dim, seqlen))
        self.assertGreater(self.ask("document.querySelectorAll('.cross-right, .cross-below').length"), 0)

    def fastest(self, cell, head_dim, seqlen):
        labels = {"block_ptr": "Triton-BlockPtr", "ptr_block": "Triton-PtrBlock", "unfused_sdpa": "Jax"}
        best = {}
        for record in self.records.values():
            same = (record["head_dim"] == head_dim and record["seqlen_q"] == seqlen and record["outcome"] == "ok" and
                    str(record["batch"]) == cell["batch"] and str(record["heads"]) == cell["heads"] and
                    (record["mode"] == "fwd_bwd") == (cell["mode"] == "bwd") and
                    (record["bias"] != "none") == (cell["bias"] == "True"))
            before = best.get(record["provider"])
            if same and (before is None or record["median_ms"] < before["median_ms"]):
                best[record["provider"]] = record
        ranked = sorted(best.values(), key=lambda record: record["median_ms"])
        if len(ranked) < 2:
            return "only" if ranked else "none"
        is_clear = ranked[0]["ci_high_ms"] < min(record["ci_low_ms"] for record in ranked[1:])
        return labels[ranked[0]["provider"]] if is_clear else "ambiguous"

    def test_block_sizes_have_a_heat_map_for_each_provider_that_has_them(self):
        self.open(self.run_directory)
        captions = self.ask("[...document.querySelectorAll('#options-area caption')].map((one) => one.textContent)")
        self.assertEqual(captions, ["Triton-BlockPtr", "Triton-PtrBlock"])
        self.assertEqual(self.ask("document.querySelectorAll('#options-area td').length"), 18)
        before = self.ask("location.hash")
        self.ask("[...document.querySelectorAll('#options-area td:not(.chosen):not(.failed) button')].pop().click()")
        self.assertNotEqual(self.ask("location.hash"), before)

    def test_the_table_sorts_filters_and_pages(self):
        self.open(self.run_directory)
        self.ask("document.querySelector('#trials button[data-name=median_ms]').click()")
        first = self.ask("document.querySelector('#trials tbody button').dataset.trial")
        fastest = min((r for r in self.records.values() if r["outcome"] == "ok"), key=lambda r: r["median_ms"])
        self.assertEqual(self.records[first]["median_ms"], fastest["median_ms"])
        self.ask("""(() => { const list = document.getElementById('outcome');
            list.value = [...list.options].findIndex((one) => one.text === 'out of memory');
            list.dispatchEvent(new Event('change')); })()""")
        self.ask("""(() => { const input = document.getElementById('filter');
            input.value = 'head_dim=128 -fwd_bwd 8192'; input.dispatchEvent(new Event('input')); })()""")
        matching = [r for r in self.records.values() if r["outcome"] == "out_of_memory" and
                    r["head_dim"] == 128 and r["mode"] == "fwd" and r["seqlen_q"] == 8192]
        self.assertTrue(matching)
        rows = self.ask("[...document.querySelectorAll('#trials tbody button')].map((one) => one.dataset.trial)")
        self.assertEqual(set(rows), {record["trial_id"] for record in matching})
        self.assertIn(matching[0]["message"], self.ask("document.querySelector('#trials tbody').innerText"))

    def test_a_trial_opens_by_keyboard_with_64_samples_its_clock_and_its_power(self):
        self.open(self.run_directory)
        self.ask("document.querySelector('#plot-area .point').focus()")
        trial = self.ask("document.activeElement.dataset.trial")
        self.browser.press("Enter", "\r")
        self.ask("new Promise((done) => { const look = () => document.getElementById('trial').open ? done() : setTimeout(look, 20); look(); })")
        shown = self.ask("page.samples[column('trial_id').indexOf(%s)].ms" % json.dumps(trial))
        samples = self.records[trial]["samples_ms"]
        self.assertEqual(len(shown), 64)
        step = (max(samples) - min(samples)) / 65535
        for i, sample in enumerate(shown):
            self.assertAlmostEqual(sample, samples[i * len(samples) // 64], delta=step)
        text = self.ask("document.getElementById('trial').textContent")
        for word in ("SM clock", "power", "64 of 80 samples", "attnbench repro " + trial):
            self.assertIn(word, text)
        self.picture("trial")
        self.browser.press("Escape")
        self.assertFalse(self.ask("document.getElementById('trial').open"))

    def test_nothing_is_wider_than_the_screen_on_a_phone_in_the_dark(self):
        self.open(self.run_directory, 390, 844, is_phone=True, theme="dark")
        self.assertLessEqual(self.ask("document.documentElement.scrollWidth"), 390)
        self.assertNotEqual(self.ask("getComputedStyle(document.body).backgroundColor"), "rgb(246, 247, 249)")
        self.picture("phone-dark")
        self.open(self.run_directory, theme="dark")
        self.picture("grid-dark")

    def test_on_paper_it_is_black_on_white_without_controls(self):
        self.open(self.run_directory, 794, 1123, theme="dark", media="print")
        self.assertEqual(self.ask("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)")
        self.assertEqual(self.ask("getComputedStyle(document.getElementById('trials-tools')).display"), "none")
        self.picture("print")


class EmptyTest(PageTest):
    def test_a_run_that_has_just_begun_opens_and_says_that_nothing_has_been_measured(self):
        run = pathlib.Path(FOLDER) / "empty"
        shutil.rmtree(run, ignore_errors=True)
        run.mkdir(parents=True)
        shutil.copy(made_run("hostile") / "run.json", run)
        (run / "results.jsonl").touch()
        written(run)
        self.open(run)
        text = self.ask("document.body.innerText")
        for words in ("0 trials: 4 not run", "nothing was measured here", "not run yet"):
            self.assertIn(words, text)


class HostileTest(PageTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_directory = made_run("hostile")

    def test_hostile_names_do_nothing_but_stand_there(self):
        self.open(self.run_directory)
        self.assertEqual(self.ask("document.querySelectorAll('script').length"), 5)
        self.assertEqual(self.ask("document.querySelectorAll('img, iframe').length"), 0)
        text = self.ask("document.body.textContent")
        self.assertIn("<script>alert(1)</script>", text)
        self.assertIn("</script><script>alert(2)</script>", text)
        self.ask("document.querySelector('#plot-area .failure').dispatchEvent(new MouseEvent('click'))")
        self.ask("new Promise((done) => setTimeout(done, 300))")
        self.assertIn("onerror=alert(1)", self.ask("document.getElementById('trial').textContent"))
        self.assertEqual(self.ask("document.querySelectorAll('img').length"), 0)
        self.picture("hostile")

    def test_a_script_that_somebody_smuggled_in_is_refused(self):
        self.open(self.run_directory)
        self.ask("""(() => { const script = document.createElement('script');
            script.textContent = 'window.pwned = 1'; document.body.append(script); })()""")
        self.assertIsNone(self.ask("window.pwned ?? null"))
        self.assertTrue(any("Content Security Policy" in line for line in self.browser.console))
        self.browser.console.clear()


if __name__ == "__main__":
    if find_browser() is None:
        print("skipped: no Chromium on PATH -- `scripts/bootstrap --check` installs it")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
