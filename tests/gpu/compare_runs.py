#!/usr/bin/env python3
"""compare_runs.py RUN_A RUN_B [--against PROVIDER]: do two runs of one sweep say the same?

Differences of medians, B against A, over rows above 50 us (the worst: above 100 us), and of each
provider's ratio to PROVIDER in the same case. Clocks of the first and the last tenth of the rows
show whether a run was colder when it began.
"""

import argparse
import json
import pathlib
import statistics


def rows_of(run):
    rows = {}
    for line in (pathlib.Path(run) / "results.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["outcome"] == "ok":
            rows[row["trial_id"]] = row
    return rows


def percent(a, b):
    return 100.0 * (b / a - 1.0)


def clock_of(row):
    seen = [state["sm_clock_mhz"] for state in row["state"] if "sm_clock_mhz" in state]
    return statistics.median(seen) if seen else 0.0


def case_of(row):
    return tuple(str(row[key]) for key in ("mode", "dtype", "batch", "heads", "kv_heads", "seqlen_q",
                                           "seqlen_kv", "head_dim", "causal", "bias"))


def show(name, differences):
    if differences:
        median = statistics.median(abs(value) for value, _ in differences)
        worst = max(differences, key=lambda pair: abs(pair[0]))
        print(f"{name:28} {len(differences):4} rows, median {median:5.2f} %, "
              f"worst {worst[0]:+6.2f} % ({worst[1]})")


def show_clocks(name, rows):
    ordered = sorted(rows.values(), key=lambda row: row["started_utc"])
    tenth = max(1, len(ordered) // 10)
    first, last = ([clock_of(row) for row in part] for part in (ordered[:tenth], ordered[-tenth:]))
    print(f"{name}: {len(ordered)} rows ok, SM clock {statistics.median(map(clock_of, ordered)):.0f} MHz, "
          f"first tenth {statistics.median(first):.0f}, last tenth {statistics.median(last):.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("a")
    parser.add_argument("b")
    parser.add_argument("--against", default="cudnn_sdpa")
    args = parser.parse_args()
    a, b = rows_of(args.a), rows_of(args.b)
    show_clocks("A", a)
    show_clocks("B", b)
    both = [(a[key], b[key]) for key in a if key in b]

    def name(row):
        return f'{row["provider"]} {" ".join(case_of(row))}'

    for provider in sorted({row["provider"] for row, _ in both}):
        mine = [(x, y) for x, y in both if x["provider"] == provider]
        show(f"{provider} above 50 us", [(percent(x["median_ms"], y["median_ms"]), name(x))
                                         for x, y in mine if x["median_ms"] > 0.05])
        show(f"{provider} above 100 us", [(percent(x["median_ms"], y["median_ms"]), name(x))
                                          for x, y in mine if x["median_ms"] > 0.1])
    base = {case_of(x): (x, y) for x, y in both if x["provider"] == args.against}
    ratios = []
    for x, y in both:
        if x["provider"] != args.against and case_of(x) in base:
            base_a, base_b = base[case_of(x)]
            ratios.append((percent(x["median_ms"] / base_a["median_ms"],
                                   y["median_ms"] / base_b["median_ms"]), name(x)))
    show(f"ratios to {args.against}", ratios)


if __name__ == "__main__":
    main()
