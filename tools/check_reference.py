#!/usr/bin/env python3
"""Checks that doxygen builds the reference of the public headers without warnings: every public name is documented.

Exits with 77 where there is no doxygen.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    if not shutil.which("doxygen"):
        print("skipped: there is no doxygen")
        return 77
    with tempfile.TemporaryDirectory() as output:
        options = (ROOT / "docs" / "Doxyfile").read_text(encoding="utf-8") + f"\nOUTPUT_DIRECTORY = {output}\n"
        done = subprocess.run(["doxygen", "-"], cwd=ROOT, input=options, capture_output=True, text=True, check=False)
        pages = len(list(pathlib.Path(output).rglob("*.html")))
    if done.returncode != 0 or done.stderr or pages < 100:
        print(done.stderr)
        print(f"doxygen exited with {done.returncode}, and wrote {pages} pages")
        return 1
    print(f"{pages} pages without a warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
