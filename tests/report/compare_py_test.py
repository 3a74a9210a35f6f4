#!/usr/bin/env python3
"""Google Benchmark's own compare.py on our export.  compare_py_test.py ATTNBENCH MAKE_RUN FOLDER

A synthetic run against itself made 2 % slower: compare.py must say +0.0200 for every repetition,
run its U test, and meet no failed trial. Exits with 77 where compare.py or SciPy is missing.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

PYTHON, COMPARE = "/usr/bin/python3", "/usr/share/benchmark/compare.py"  # Debian's, as its SciPy is
ATTNBENCH, MAKE_RUN, FOLDER = map(os.path.abspath, sys.argv[1:4])


def slower(run, factor):
    """The run with every sample multiplied."""
    file = run / "results.jsonl"
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for record in records:
        if record["samples_ms"]:
            record["samples_ms"] = [factor * sample for sample in record["samples_ms"]]
    file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def export(run, name):
    file = pathlib.Path(FOLDER) / name
    subprocess.run([ATTNBENCH, "report", str(run), "--google-benchmark", str(file)], check=True,
                   stdout=subprocess.DEVNULL)
    return str(file)


def main():
    has_scipy = os.path.exists(PYTHON) and subprocess.run(
        [PYTHON, "-c", "import scipy.stats"], capture_output=True, check=False).returncode == 0
    if not has_scipy or not os.path.exists(COMPARE):
        print("skipped: no compare.py or no SciPy -- `scripts/bootstrap --check` installs both")
        return 77
    run = pathlib.Path(FOLDER) / "run"
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    subprocess.run([MAKE_RUN, "hostile", str(run)], check=True)
    before = export(run, "before.json")
    slower(run, 1.02)
    after = export(run, "after.json")
    told = subprocess.run([PYTHON, COMPARE, "--no-color", "benchmarks", before, after],
                          capture_output=True, text=True, check=False)
    print(told.stdout, told.stderr)
    rows = re.findall(r"^cpu_reference/\S+/cpu +([+-][0-9.]+) +([+-][0-9.]+) +[0-9]", told.stdout, re.MULTILINE)
    assert told.returncode == 0, "compare.py did not end well"
    assert rows == [("+0.0200", "+0.0200")] * 6, "two trials of three samples, each 2 % slower"
    assert len(re.findall(r"_pvalue +\d", told.stdout)) == 2, "a U test for each trial"
    assert "cpu_flash" not in told.stdout, "a trial that failed has no time to compare"
    return 0


if __name__ == "__main__":
    sys.exit(main())
