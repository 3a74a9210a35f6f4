#!/usr/bin/env python3
"""ratios.py RUN_DIR...: how much faster than cuDNN the flash providers are, cell by cell, in runs of table.toml.

A figure is cudnn_sdpa's time over ours, round by round, and the median of that: where one of them was done
earlier, the later rounds of the other are of another pace of the GPU. Of trials that took no turns it is the ratio
of medians, marked "alone". `tuned` against autotune's engine, where that is faster. MUST and AIM were set before
the kernels were written, for an H100.
"""

import collections
import json
import pathlib
import statistics
import sys

PASSES = {"forward": ("fwd", "none", "none"), "forward + bias": ("fwd", "b1", "none"),
          "backward": ("bwd", "none", "none"), "backward + bias": ("bwd", "b1", "none"),
          "causal forward": ("fwd", "none", "top_left"), "causal backward": ("bwd", "none", "top_left")}
HEAD_DIMS = (64, 128, 256)
TARGETS = {  # (must, aim) at each head_dim
    ("block_ptr", "forward"): ((1.08, 1.25), (1.05, 1.20), (1.03, 1.15)),
    ("block_ptr", "forward + bias"): ((1.6, 1.9), (1.6, 1.9), (2.2, 2.6)),
    ("block_ptr", "backward"): ((1.08, 1.20), (1.08, 1.20), (1.20, 1.40)),
    ("block_ptr", "backward + bias"): ((1.6, 1.85), (1.65, 1.9), (1.85, 2.1)),
    ("block_ptr", "causal forward"): ((0.95, 1.15), (0.95, 1.10), (0.95, 1.10)),
    ("block_ptr", "causal backward"): ((0.90, 1.10), (0.90, 1.10), (1.0, 1.25)),
    ("ptr_block", "forward"): ((1.02, 1.15), (1.00, 1.13), (0.98, 1.08)),
    ("ptr_block", "forward + bias"): ((1.45, 1.65), (1.45, 1.65), (2.0, 2.4)),
    ("ptr_block", "backward"): ((0.90, 1.10), (0.90, 1.10), (1.00, 1.25)),
    ("ptr_block", "backward + bias"): ((1.40, 1.65), (1.40, 1.70), (1.60, 1.90)),
}


def read(runs):
    """{(provider, mode, bias, causal, head_dim, seqlen): rows}; the tuned cuDNN is a provider of its own."""
    rows = {}
    for run in runs:
        for line in (pathlib.Path(run) / "results.jsonl").read_text().splitlines():
            row = json.loads(line) | {"run": run}
            provider = row["provider"] + (" tuned" if row.get("autotune") else "")
            if row["outcome"] == "ok":
                rows[provider, row["mode"], row["bias"], row["causal"], row["head_dim"], row["seqlen_q"]] = row
            else:
                print(f"{provider}: {row['outcome']}: {row['message']}")
    return rows


def rounds_of(row):
    """{round: median ms}."""
    samples = collections.defaultdict(list)
    for number, sample in zip(row["sample_rounds"], row["samples_ms"]):
        samples[number].append(sample)
    return {number: statistics.median(of_round) for number, of_round in samples.items()}


def took_turns(theirs, ours):
    return theirs["run"] == ours["run"] and theirs["interleaved"] and ours["interleaved"]


def ratio_of(theirs, ours):
    if not took_turns(theirs, ours):
        return theirs["median_ms"] / ours["median_ms"]
    theirs, ours = rounds_of(theirs), rounds_of(ours)
    return statistics.median(theirs[number] / ours[number] for number in theirs.keys() & ours.keys())


def figure(rows, provider, cell, must, aim):
    ours, cudnn = rows.get((provider, *cell)), rows.get(("cudnn_sdpa", *cell))
    if not ours or not cudnn:
        return "-"
    ratio = ratio_of(cudnn, ours)
    word = " (missed)" if ratio < must else " (aim)" if ratio >= aim else ""
    word += "" if took_turns(cudnn, ours) else " (alone)"
    text = f"{ratio:.3f}{word}: {ours['tflops']:.0f} against {cudnn['tflops']:.0f}"
    tuned = rows.get(("cudnn_sdpa tuned", *cell))
    if tuned and ratio_of(tuned, ours) < ratio:
        text += f", tuned {tuned['tflops']:.0f}: {ratio_of(tuned, ours):.3f}"
    return text


def main():
    rows = read(sys.argv[1:])
    if not rows:
        sys.exit(__doc__)
    lengths = sorted({key[-1] for key in rows}, reverse=True)
    for provider in ("block_ptr", "ptr_block"):
        print(f"| {provider} | head_dim | " + " | ".join(f"{length} rows" for length in lengths) + " | must / aim |")
        print("|---|---" + "|---" * len(lengths) + "|---|")
        for name, passed in PASSES.items():
            for at, head_dim in enumerate(HEAD_DIMS):
                must, aim = TARGETS.get((provider, name), ((0, 99),) * 3)[at]
                figures = [figure(rows, provider, (*passed, head_dim, length), must, aim) for length in lengths]
                target = f"{must:.2f} / {aim:.2f}" if must else "-"
                print(f"| {name} | {head_dim} | " + " | ".join(figures) + f" | {target} |")
        print()


if __name__ == "__main__":
    main()
