#!/usr/bin/env python3
"""Runs a share of a Catch2 program's tests in one process: run_shard.py <program> <number> <count> [test specs]...

Shares are numbered from 1. A process for each test would spend most of its time with starting. Works with Catch2 2
and 3, whose own sharding came later. Prints the tests that took longest, for tests/slowest.py to collect.
"""

import re
import subprocess
import sys
import tempfile

DURATION = re.compile(r"^\s*(\d+\.\d+) s: (.*)$")
SHOWN = 5  # of the slowest tests


def names_of(program, specs):
    """The names of the program's tests, in its order."""
    for words in (["--list-test-names-only"], ["--list-tests", "--verbosity", "quiet"]):
        listed = subprocess.run([program, *specs, *words], capture_output=True, text=True, check=False)
        names = [line for line in listed.stdout.splitlines() if line.strip()]
        if names:
            return names
    return []


def as_filter(name):
    """The name as a test spec, in which these characters have a meaning."""
    return re.sub(r"([\\,\[\]])", r"\\\1", name)


def main():
    program, number, count, *specs = sys.argv[1:]
    names = names_of(program, specs)
    share = names[int(number) - 1::int(count)]
    if not share:
        print(f"{program} has no tests for share {number} of {count} ({len(names)} tests in all)")
        return 1
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as chosen:
        chosen.write("".join(f"{as_filter(name)}\n" for name in share))
        chosen.flush()
        running = subprocess.Popen([program, "-f", chosen.name, "--durations", "yes"], stdout=subprocess.PIPE,
                                   text=True, errors="replace")
        durations = {}  # a test case with generators ends several times
        for line in running.stdout:
            found = DURATION.match(line)
            if found:
                name = found.group(2)
                durations[name] = durations.get(name, 0.0) + float(found.group(1))
            elif not line.startswith("Filters: "):  # all names of the share
                sys.stdout.write(line)
        code = running.wait()
    for name, seconds in sorted(durations.items(), key=lambda item: item[1], reverse=True)[:SHOWN]:
        print(f"slow test: {seconds:.1f} s {name}")
    if code < 0:
        print(f"{program} was ended by signal {-code}")
    ended = len(durations)
    print(f"{ended} of {len(share)} test cases ended")
    return 0 if code == 0 and ended >= len(share) else 1


if __name__ == "__main__":
    sys.exit(main())
