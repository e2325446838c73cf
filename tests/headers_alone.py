#!/usr/bin/env python3
"""Every public header compiles alone: headers_alone.py <include directory> <compiler> <flags>...

As the compiled flavour declares it; those that users name also with the definitions that follow them otherwise, which
takes four times as long. Only the syntax is checked.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys


NAMED_BY_USERS = ("", "adapters", "embedded", "middleware", "testing", "transport")  # folders of inngest/


def is_named_by_users(name):
    folder = name.removeprefix("inngest/").rpartition("/")[0]
    return folder in NAMED_BY_USERS


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
    jobs = [(name, [*command, "-DINNGEST_COMPILED"]) for name in names]
    jobs += [(name, command) for name in names if is_named_by_users(name)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [problem for problem in pool.map(lambda job: problem_of(*job), jobs) if problem]
    print("".join(problems) or f"{len(names)} headers compile alone")
    return 1 if problems or not names else 0


if __name__ == "__main__":
    sys.exit(main())
