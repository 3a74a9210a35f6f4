#!/usr/bin/env python3
"""check_layers.py FOLDER: does every #include in FOLDER keep to FOLDER/LAYERS?

LAYERS has a line per sub-folder, `name: folders it may include`, and may only name folders listed
above: so the includes form layers, and a circle cannot be written. Prints one line per offence,
`file:line: what -- what to do`, and exits with 1 if there is any.
"""

import pathlib
import re
import sys

SOURCES = {".h", ".hpp", ".c", ".cpp", ".cc", ".cu", ".cuh", ".inc"}
INCLUDE = re.compile(r'\s*#\s*include\s*"([^"]*)"')
LAYER = re.compile(r"([a-z0-9_]+):\s*([a-z0-9_ ]*)")


def read_layers(path):
    """Returns ({folder: folders it may include}, offences)."""
    allowed, offences = {}, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LAYER.fullmatch(line.strip())
        if match is None:
            offences.append(f'{path}:{number}: cannot read "{line}" -- write "folder: folders it may include"')
            continue
        name, below = match[1], match[2].split()
        if name in allowed:
            offences.append(f'{path}:{number}: "{name}" is listed twice -- delete one of the lines')
        for other in below:
            if other not in allowed:
                offences.append(f'{path}:{number}: "{name}" names "{other}", which is not listed above it'
                                " -- a folder may only name folders above its own line")
        allowed[name] = set(below)
    return allowed, offences


def offence_of(folder, target, allowed):
    """What is wrong with an include of `target` by a file in `folder`, or None."""
    first, slash, _ = target.partition("/")
    if not slash or first in (".", ".."):
        return f'"{target}" names no folder -- write it relative to the root: "{folder}/..."'
    if first not in allowed:
        return f'"{first}" is not in LAYERS -- add a line for it, or include what is listed'
    if first != folder and first not in allowed[folder]:
        may = ", ".join(sorted(allowed[folder])) or "nothing"
        return f"{folder} may not include {first} -- it may include: {may}"
    return None


def check_file(path, folder, allowed):
    offences = []
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        # "attnbench/..." is the provider ABI, which lies outside and below everything.
        if match is None or match[1].startswith("attnbench/"):
            continue
        offence = offence_of(folder, match[1], allowed)
        if offence is not None:
            offences.append(f"{path}:{number}: {offence}")
    return offences


def check(root):
    allowed, offences = read_layers(root / "LAYERS")
    for path in sorted(root.rglob("*")):
        if path.suffix not in SOURCES:
            continue
        folder = path.relative_to(root).parts[0]
        if folder not in allowed:
            offences.append(f"{path}:1: its folder is not in LAYERS -- add a line for it")
            continue
        offences += check_file(path, folder, allowed)
    return offences


def main():
    if len(sys.argv) != 2 or not (pathlib.Path(sys.argv[1]) / "LAYERS").is_file():
        print("usage: check_layers.py FOLDER (one that holds a file LAYERS)", file=sys.stderr)
        return 2
    offences = check(pathlib.Path(sys.argv[1]))
    print("\n".join(offences), end="\n" if offences else "")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
