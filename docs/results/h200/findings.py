#!/usr/bin/env python3
"""findings.py RUN_DIR: the tables of README.md, from a run of mha_full with cudnn_sdpa as overlay.

A cell is one (mode, bias, head_dim, batch, heads, seqlen). A ratio is another provider's median over
block_ptr's; several are summed up by their geometric mean, with the least and the greatest behind it.
"one tile": of the nine asked for, the one that is best over all 45 cells of a row, the same for all of
them. "best tile": the fastest of nine in each cell, which by luck alone reads about a percent too fast.
"""

import collections
import itertools
import json
import math
import pathlib
import sys

FLASH = ("block_ptr", "ptr_block")
TILES = list(itertools.product((32, 64, 128), repeat=2))
HEAD_DIMS = (64, 128, 256)
PASSES = [(mode, bias) for mode in ("fwd", "fwd_bwd") for bias in ("none", "b1")]
NAMES = {("fwd", "none"): "forward", ("fwd", "b1"): "forward + bias", ("fwd_bwd", "none"): "forward and backward",
         ("fwd_bwd", "b1"): "forward and backward + bias"}


def mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def read(path):
    """{provider: {cell: {tile: median_ms}}}; who has no tiles has one, ()."""
    times = collections.defaultdict(lambda: collections.defaultdict(dict))
    for line in (pathlib.Path(path) / "results.jsonl").open():
        row = json.loads(line)
        cell = tuple(row[key] for key in ("mode", "bias", "head_dim", "batch", "heads", "seqlen_q"))
        tile = (row["block_q"], row["block_k"]) if row["provider"] in FLASH else ()
        if row["outcome"] == "ok":
            times[row["provider"]][cell][tile] = row["median_ms"]
    return times


def slowdown(cells, tile):
    """How much slower than each cell's best tile this one is; None: it fails somewhere."""
    if not all(tile in tiles for tiles in cells.values()):
        return None
    return mean([tiles[tile] / min(tiles.values()) for tiles in cells.values()])


def one_tile(cells):
    return min((tile for tile in TILES if slowdown(cells, tile)), key=lambda tile: slowdown(cells, tile))


def of_row(times, provider, row):
    return {cell: tiles for cell, tiles in times[provider].items() if cell[:3] == row}


def ratio_text(ratios):
    return f"{mean(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def main(path):
    times = read(path)
    print("| | head_dim | one tile | cudnn_sdpa | ptr_block, its one tile | unfused_sdpa | best tiles: cudnn_sdpa |")
    print("|---|---|---|---|---|---|---|")
    for mode, bias in PASSES:
        for head_dim in HEAD_DIMS:
            row = (mode, bias, head_dim)
            ours, theirs = of_row(times, "block_ptr", row), of_row(times, "ptr_block", row)
            tile, other = one_tile(ours), one_tile(theirs)
            texts = []
            for provider, its in (("cudnn_sdpa", ()), ("ptr_block", other), ("unfused_sdpa", ())):
                cells = of_row(times, provider, row)
                texts.append(ratio_text([tiles[its] / ours[cell][tile] for cell, tiles in cells.items()]))
            texts[1] += f", {other[0]}x{other[1]}"
            best = ratio_text([tiles[()] / min(ours[cell].values())
                               for cell, tiles in of_row(times, "cudnn_sdpa", row).items()])
            print(f"| {NAMES[mode, bias]} | {head_dim} | {tile[0]}x{tile[1]} | {' | '.join(texts)} | {best} |")

    print("\nFastest (best tiles), by seqlen:")
    for mode, bias in PASSES:
        for seqlen in (1024, 2048, 4096, 6144, 8192):
            wins = collections.Counter()
            for cell in times["block_ptr"]:
                if (cell[0], cell[1], cell[5]) == (mode, bias, seqlen):
                    wins[min((p for p in times if cell in times[p]), key=lambda p: min(times[p][cell].values()))] += 1
            print(f"  {NAMES[mode, bias]} {seqlen}: {dict(wins)}")
    print("cuDNN ahead of block_ptr's best tile:",
          [cell for cell, tiles in times["block_ptr"].items() if times["cudnn_sdpa"][cell][()] < min(tiles.values())])
    print("unfused ahead of cuDNN:", collections.Counter(
        cell[:3] for cell, tiles in times["unfused_sdpa"].items() if tiles[()] < times["cudnn_sdpa"][cell][()]))

    print("\nWhat a bias costs (best tiles, time with over time without):\n\n| | 64 | 128 | 256 |\n|---|---|---|---|")
    for mode, provider in itertools.product(("fwd", "fwd_bwd"), ("block_ptr", "ptr_block", "cudnn_sdpa", "unfused_sdpa")):
        costs = [mean([min(times[provider][(mode, "b1") + cell[2:]].values()) / min(tiles.values())
                       for cell, tiles in of_row(times, provider, (mode, "none", head_dim)).items()])
                 for head_dim in HEAD_DIMS]
        print(f"| {provider}, {NAMES[mode, 'none']} | " + " | ".join(f"{cost:.2f}" for cost in costs) + " |")

    print("\nTiles of block_ptr, time over the best tile's:\n\n| | head_dim | " + " | ".join(f"{q}x{k}" for q, k in TILES) +
          " |\n|" + "---|" * 11)
    for mode, head_dim in itertools.product(("fwd", "fwd_bwd"), HEAD_DIMS):
        cells = {cell: tiles for cell, tiles in times["block_ptr"].items() if (cell[0], cell[2]) == (mode, head_dim)}
        texts = [f"{slowdown(cells, tile):.2f}" if slowdown(cells, tile) else "fails" for tile in TILES]
        print(f"| {NAMES[mode, 'none']} | {head_dim} | " + " | ".join(texts) + " |")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
