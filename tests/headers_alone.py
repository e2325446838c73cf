#!/usr/bin/env python3
"""Every public header compiles alone: headers_alone.py <include directory> <compiler> <flags>...

In both flavours: as the compiled one declares it, and with the definitions that follow it otherwise. Only the syntax
is looked at, which takes a tenth of the time of code.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys


def public_headers(include):
    names = sorted(path.relative_to(include).as_posix() for path in include.rglob("*.hpp"))
    return [name for name in names if "/detail/" not in name]


def problem_of(name, command):
    result = subprocess.run([*command, "-fsyntax-only", "-x", "c++", "-"], input=f"#include <{name}>\n",
                            capture_output=True, text=True, check=False)
    return "" if result.returncode == 0 else f"{name} does not compile alone: {' '.join(command)}\n{result.stderr}"


def main():
    include, *command = sys.argv[1:]
    excluded = set(os.environ.get("EXCLUDED", "").split())
    names = [name for name in public_headers(pathlib.Path(include)) if name not in excluded]
    jobs = [(name, [*command, *flavour]) for name in names for flavour in ([], ["-DINNGEST_COMPILED"])]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [problem for problem in pool.map(lambda job: problem_of(*job), jobs) if problem]
    print("".join(problems) or f"{len(names)} headers compile alone, in both flavours")
    return 1 if problems or not names else 0


if __name__ == "__main__":
    sys.exit(main())
