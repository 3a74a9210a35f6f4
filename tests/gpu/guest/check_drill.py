#!/usr/bin/env python3
"""check_drill.py RUN: are the records of the fault drill what each broken rule must come to?"""

import json
import pathlib
import sys

EXPECTED = {
    "none": ("ok",),
    "greedy": ("out_of_memory",),
    "leaks": ("ok",),
    "oversteps": ("contract_violation",),
    "scribbles": ("contract_violation", "wrong_result"),
    "waits": ("ok",),  # adaptive measuring cannot tell; do_bench_cudagraph can
    "strays": ("wrong_result",),
    "nowhere": ("execution_failed",),
    "endless": ("timed_out",),
}


def main():
    path = pathlib.Path(sys.argv[1]) / "results.jsonl"
    records = {}
    for line in path.read_text().splitlines():
        record = json.loads(line)
        records[record["vice"]] = record
    wrong = 0
    for vice, outcomes in EXPECTED.items():
        record = records.get(vice, {"outcome": "no record", "detail": "", "message": ""})
        is_right = record["outcome"] in outcomes
        if vice == "leaks":
            is_right = is_right and any("more memory" in warning for warning in record["warnings"])
        wrong += not is_right
        print(f'{"as expected" if is_right else "WRONG":12} {vice:10} {record["outcome"]:18} '
              f'{record.get("detail", "")} -- {record.get("message", "")}')
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
