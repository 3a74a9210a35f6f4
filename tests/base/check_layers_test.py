"""scripts/check_layers.py on small trees made for the purpose."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check_layers.py"


def check(layers, files):
    """Returns (exit status, output) for a tree of these files."""
    with tempfile.TemporaryDirectory() as root:
        for name, text in {"LAYERS": layers, **files}.items():
            path = pathlib.Path(root) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        done = subprocess.run([sys.executable, SCRIPT, root], capture_output=True, text=True)
        return done.returncode, done.stdout


class CheckLayers(unittest.TestCase):
    def test_downward_and_own_includes_pass(self):
        status, output = check("# comment\nbase:\nmodel: base\n", {
            "base/a.h": "#pragma once\n",
            "model/b.h": '#include "base/a.h"\n#include "attnbench/provider.h"\n#include <vector>\n',
            "model/b.cpp": '#include "model/b.h"\n// #include "cli/x.h"\n'})
        self.assertEqual((status, output), (0, ""))

    def test_an_upward_include_fails_with_file_line_and_rule(self):
        status, output = check("base:\nmodel: base\n",
                               {"base/a.cpp": '#include <vector>\n  # include "model/b.h"\n'})
        self.assertEqual(status, 1)
        self.assertRegex(output, r"base/a\.cpp:2: base may not include model -- it may include: nothing")

    def test_a_folder_below_that_is_not_named_fails(self):
        status, output = check("base:\nmodel: base\ncli: model\n",
                               {"cli/a.cpp": '#include "base/a.h"\n'})
        self.assertEqual(status, 1)
        self.assertIn("cli may not include base -- it may include: model", output)

    def test_a_circle_cannot_be_written(self):
        status, output = check("base: model\nmodel: base\n", {"base/a.h": ""})
        self.assertEqual(status, 1)
        self.assertRegex(output, r'LAYERS:1: "base" names "model", which is not listed above it')

    def test_a_folder_that_names_itself_or_stands_twice_fails(self):
        self.assertIn("LAYERS:1:", check("base: base\n", {})[1])
        status, output = check("base:\nmodel: base\nbase: model\n", {})
        self.assertEqual(status, 1)
        self.assertIn('LAYERS:3: "base" is listed twice', output)

    def test_a_folder_missing_from_layers_fails(self):
        status, output = check("base:\n", {"extra/a.cpp": "", "base/b.cpp": '#include "extra/a.h"\n'})
        self.assertEqual(status, 1)
        self.assertIn("extra/a.cpp:1: its folder is not in LAYERS", output)
        self.assertIn('base/b.cpp:1: "extra" is not in LAYERS', output)

    def test_includes_that_hide_their_folder_fail(self):
        status, output = check("base:\n", {"base/a.cpp": '#include "b.h"\n#include "../base/b.h"\n'})
        self.assertEqual(status, 1)
        self.assertIn('a.cpp:1: "b.h" names no folder', output)
        self.assertIn("a.cpp:2:", output)

    def test_a_line_that_cannot_be_read_fails(self):
        status, output = check("base\n", {})
        self.assertEqual(status, 1)
        self.assertIn('LAYERS:1: cannot read "base"', output)


if __name__ == "__main__":
    unittest.main()
