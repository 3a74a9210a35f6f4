#!/usr/bin/env python3
"""check_sinners.py ATTNBENCH PROVIDERS: does `attnbench validate` find what each GPU sinner does?

Checks that look at the GPU's free memory have it to themselves; the others run side by side.
"""

import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

# Of the checks below, all that must not pass.
EXPECTED = {
    "none": {},
    "makes_context_early": {"gpu-no-context": "warn"},
    "strays": {"gpu-stream": "fail", "gpu-allocation": "warn"},  # it waits for the other stream
    "waits": {"gpu-returns": "warn", "gpu-allocation": "warn"},
    "uses_default_stream": {"gpu-default-stream": "warn"},
    "allocates_late": {"gpu-allocation": "warn"},
    "replays_nothing": {"gpu-graph": "fail"},
    "loses_context": {"gpu-context": "fail"},
    "keeps_memory": {"gpu-leak": "fail", "life-many-plans": "warn"},
    "oversizes": {"gpu-shared-memory": "fail"},
    "misnames_shortage": {"err-oom": "warn"},
}
QUIET = "^gpu-(no-context|stream|returns|default-stream|graph|context|shared-memory)$"
OF_MEMORY = "^(gpu-allocation|gpu-leak|life-many-plans|err-oom)$"


def validate(attnbench, providers, sin, checks):
    with tempfile.TemporaryDirectory() as folder:
        answer = pathlib.Path(folder) / "answer.json"
        ended = subprocess.run(
            [attnbench, "validate", f"gpu_sinner_{sin}", "--provider-dir", providers, "--filter",
             checks, "--json", answer], capture_output=True, text=True, check=False)
        if not answer.exists():
            return {"validate": ("error", ended.stderr.strip())}
        found = json.loads(answer.read_text())[0]["checks"]
    # What is sound must pass; a sinner's plan need not be fit for everything.
    harmless = ("pass",) if sin == "none" else ("pass", "skip")
    return {check["id"]: (check["result"], check["why"]) for check in found
            if check["result"] not in harmless}


def main():
    attnbench, providers = sys.argv[1:3]
    devices = subprocess.run([attnbench, "list", "devices"], capture_output=True, text=True,
                             check=True).stdout
    if "cuda:0" not in devices:
        print("SKIPPED: no GPU here")
        return 77
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        quiet = list(pool.map(lambda sin: validate(attnbench, providers, sin, QUIET), EXPECTED))
    wrong = 0
    for (sin, expected), found in zip(EXPECTED.items(), quiet):
        found.update(validate(attnbench, providers, sin, OF_MEMORY))
        is_right = {check: result for check, (result, _) in found.items()} == expected
        wrong += not is_right
        print(f'{"as expected" if is_right else "WRONG":12} {sin}', flush=True)
        for check, (result, why) in found.items():
            print(f"             {check} {result}: {why}")
        for check in expected.keys() - found.keys():
            print(f"             {check} was not found")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
