#!/usr/bin/env python3
"""Prints what took longest in a build directory: slowest.py <build directory>

Ten builds of the last run of ninja, ten tests of the last run of ctest, and ten test cases of those that
tests/run_shard.py reported. Seconds are wall-clock time, with everything else that ran beside.
"""

import pathlib
import re
import sys

SHOWN = 10
LEAST = 0.5  # seconds that are worth a line

TEST = re.compile(r"^\d+/\d+ Testing: (.*)$")
TEST_TIME = re.compile(r"^Test time = *([\d.]+) sec$")
TEST_CASE = re.compile(r"^slow test: ([\d.]+) s (.*)$")


def lines_of(path):
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []


def builds(path):
    """(seconds, output) of the last run of ninja. Its log has milliseconds since the start of a run, in the order in
    which builds ended, so a smaller end than the line before begins another run."""
    last_run, last_end = {}, 0
    for line in lines_of(path):
        fields = line.split("\t")
        if len(fields) != 5:
            continue
        begin, end, output = int(fields[0]), int(fields[1]), fields[3]
        if end < last_end:
            last_run = {}
        last_end = end
        last_run.setdefault((begin, end), output)  # a command with several outputs has a line for each
    return [((end - begin) / 1000, output) for (begin, end), output in last_run.items()]


def tests(path):
    """(seconds, name) of tests, and the same of test cases."""
    found, cases, name = [], [], ""
    for line in lines_of(path):
        if match := TEST.match(line):
            name = match.group(1)
        elif match := TEST_TIME.match(line):
            found.append((float(match.group(1)), name))
        elif match := TEST_CASE.match(line):
            cases.append((float(match.group(1)), match.group(2)))
    return found, cases


def show(title, durations):
    slow = [entry for entry in sorted(durations, reverse=True) if entry[0] >= LEAST][:SHOWN]
    if not slow:
        return
    print(f"== {title}")
    for seconds, name in slow:
        print(f"{seconds:8.1f} s  {name}")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1])
    built = builds(build / ".ninja_log")
    show(f"slowest of {len(built)} builds", built)
    ctest, cases = tests(build / "Testing" / "Temporary" / "LastTest.log")
    show(f"slowest of {len(ctest)} tests", ctest)
    show("slowest test cases", cases)


if __name__ == "__main__":
    main()
