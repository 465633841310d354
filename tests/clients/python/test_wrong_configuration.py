"""`bellrock check` names every mistake of a file at once, each with its line and what to write instead."""

import pathlib
import re
import subprocess

from harness.server import binary

WRONG = pathlib.Path(__file__).resolve().parents[1] / "data" / "wrong.yaml"


def test_every_marked_line_is_named_and_no_other():
    wanted = {}
    for number, line in enumerate(WRONG.read_text().splitlines(), 1):
        if match := re.search(r"# ! (.+)$", line):
            wanted[number] = match[1]
    done = subprocess.run([binary(), "check", str(WRONG)], capture_output=True, text=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    found = {int(line): text for line, text in re.findall(rf"^{re.escape(str(WRONG))}:(\d+):\d+: error: (.+)$", said, re.MULTILINE)}
    assert done.returncode != 0
    assert found.keys() == wanted.keys(), f"not named: {wanted.keys() - found.keys()}; not marked: {[found[n] for n in found.keys() - wanted.keys()]}"
    for number, text in wanted.items():
        assert text in found[number], f"line {number}: {found[number]}"
    assert len(wanted) > 50
