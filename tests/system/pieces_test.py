#!/usr/bin/env python3
"""pieces_test.py SCRIPT ATTNBENCH: a sweep in pieces, stopped before it began, gone on with, is the whole sweep."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

SWEEP = ["quick", "-a", "seqlen=64", "--providers", "cpu_reference", "--filter", "bias=none"]


def main(script, program):
    environment = {name: text for name, text in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    with tempfile.TemporaryDirectory() as scratch:
        def pieces(*options, by="mode=fwd,bwd", sweep=SWEEP):
            command = [script, "--by", by, "--out", f"{scratch}/out", "--attnbench", program, *options, *sweep]
            return subprocess.run(command, env=environment, capture_output=True, text=True)

        early = pieces("--seconds", "0")
        assert early.returncode == 1 and "2 of 2 pieces are left" in early.stdout, early
        whole = pieces()
        assert whole.returncode == 0, whole
        out = pathlib.Path(scratch) / "out"
        assert {path.name for path in (out / "pieces").iterdir() if path.is_dir()} == {"mode=bwd", "mode=fwd"}
        run = json.loads((out / "all/run.json").read_text())
        records = [json.loads(line) for line in (out / "all/results.jsonl").read_text().splitlines()]
        assert len(records) == run["plan"]["trials"] and len(run["pieces"]) == 2, run["plan"]
        assert {record["mode"] for record in records} == {"fwd", "bwd"}
        assert all(record["outcome"] == "ok" for record in records)
        again = pieces()
        assert again.returncode == 0 and "merged before" in again.stdout, again
        wrong = pieces(by="mode=sideways")
        assert wrong.returncode == 2 and ".log" in wrong.stderr, wrong
        assert pieces(by="mode").returncode != 0
    print("ok")


if __name__ == "__main__":
    main(*sys.argv[1:])
