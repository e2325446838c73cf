#!/usr/bin/env python3
"""Every public header compiles alone: headers_alone.py <include directory> <compiler> <flags>...

As the compiled flavour declares it; those that users name also with the definitions that follow them otherwise. Only
the syntax is checked.

With Clang, a header that includes one of PRECOMPILED gets that one precompiled. This hides nothing: a header's
#include lines come before its code (checked here) and do not come back to it (tools/check_layers.py), so its code
follows what it includes, and nothing else, in both cases. What is precompiled is checked by compiling it.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile


NAMED_BY_USERS = ("", "adapters", "connect", "embedded", "json", "middleware", "testing", "transport")  # folders of inngest/

# From below to above: what a header includes of them is precompiled, the last of them.
PRECOMPILED = ("inngest/json.hpp", "inngest/event.hpp", "inngest/function.hpp", "inngest/client.hpp",
               "inngest/embedded/engine.hpp")

DIRECTIVE = re.compile(r"\s*#\s*(\w+)\s*(.*)")
IF_HEADER_ONLY = "!defined(INNGEST_COMPILED)"


def is_named_by_users(name):
    folder = name.removeprefix("inngest/").rpartition("/")[0]
    return folder in NAMED_BY_USERS


def public_headers(include):
    names = sorted(path.relative_to(include).as_posix() for path in include.rglob("*.hpp"))
    return [name for name in names if "/detail/" not in name]


def includes(text, compiled):
    """The names that a header includes in any case."""
    conditions = []
    for line in text.splitlines():
        found = DIRECTIVE.match(line)
        if not found:
            continue
        word, rest = found.groups()
        if word.startswith("if"):
            conditions.append(rest if word == "if" else "?")
        elif word.startswith("el"):
            conditions[-1] = "?"
        elif word == "endif":
            conditions.pop()
        elif word == "include" and all(condition == IF_HEADER_ONLY and not compiled for condition in conditions):
            yield rest.strip('<>"')


def code_before_includes(text):
    """The number of a line of code with an #include line below, or 0. Headers have no comments but those of a line."""
    first = 0
    text = re.sub(r"\\\n", "", text)  # a long directive; numbers are off by its lines
    for number, line in enumerate(text.splitlines(), 1):
        found = DIRECTIVE.match(line)
        if found and found.group(1) == "include" and not found.group(2).endswith('.ipp>') and first:
            return first
        if not found and line.strip() and not line.lstrip().startswith("//"):
            first = first or number
    return 0


class flavour:
    """How headers are compiled: with definitions, or compiled without them."""

    def __init__(self, include, command, compiled, folder):
        self.include = include
        self.command = [*command, "-DINNGEST_COMPILED"] if compiled else command
        self.compiled = compiled
        self.folder = folder / ("compiled" if compiled else "headers")
        self.folder.mkdir()
        self.reached = {}
        self.precompiled = {}  # name: file

    def reach(self, name):
        """All that a header includes, and what that includes."""
        if name not in self.reached:
            self.reached[name] = set()
            path = self.include / name
            for other in includes(path.read_text(encoding="utf-8"), self.compiled) if path.exists() else ():
                self.reached[name] |= {other} | self.reach(other)
        return self.reached[name]

    def compile(self, name, *flags):
        below = [file for other, file in self.precompiled.items() if other in self.reach(name)]
        command = [*self.command, *(["-include-pch", below[-1]] if below else []), *flags, "-"]
        result = subprocess.run(command, input=f"#include <{name}>\n", capture_output=True, text=True, check=False)
        return "" if result.returncode == 0 else \
            f"{name} does not compile alone: {' '.join(command)}\n{result.stderr}"

    def precompile(self):
        for name in PRECOMPILED:
            file = str(self.folder / f"{name.replace('/', '_')}.pch")
            problem = self.compile(name, "-fpch-instantiate-templates", "-x", "c++-header", "-o", file)
            if problem:
                return problem
            self.precompiled[name] = file
        return ""

    def problem_of(self, name):
        return "" if name in self.precompiled else self.compile(name, "-fsyntax-only", "-x", "c++")


def is_clang(compiler):
    return "clang" in subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False).stdout


def problems_of(include, command, names, folder):
    """Everything that is wrong with headers."""
    for path in [*include.rglob("*.hpp"), *include.rglob("*.ipp")]:
        if line := code_before_includes(path.read_text(encoding="utf-8")):
            yield f"{path}:{line}: is followed by an #include line: includes come first\n"
    flavours = [flavour(include, command, compiled, folder) for compiled in (True, False)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        if is_clang(command[0]):
            yield from pool.map(flavour.precompile, flavours)
        jobs = [(one, name) for one in flavours for name in names if one.compiled or is_named_by_users(name)]
        yield from pool.map(lambda job: job[0].problem_of(job[1]), jobs)


def main():
    include, *command = sys.argv[1:]
    excluded = set(os.environ.get("EXCLUDED", "").split())
    names = [name for name in public_headers(pathlib.Path(include)) if name not in excluded]
    with tempfile.TemporaryDirectory() as folder:
        problems = [problem for problem in problems_of(pathlib.Path(include), command, names, pathlib.Path(folder))
                    if problem]
    print("".join(problems) or f"{len(names)} headers compile alone")
    return 1 if problems or not names else 0


if __name__ == "__main__":
    sys.exit(main())
