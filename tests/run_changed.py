#!/usr/bin/env python3
"""Runs the tests of a build directory, but not again those that have passed with the same inputs: run_changed.py <build>

A test is named by a hash of everything that it can read: all files of the repository that git does not ignore, all
programs that were built, the settings of the build and of the test, the environment, installed packages and tools. This
is more than most tests read, so that a change runs all of them; what passed before another test failed is not run
again. Tests with packages from npm depend on other things too, so these always run.

  FRESH=1   run everything

What passed is kept in <build>/passed.json. Exits as ctest does. `ctest` itself knows nothing of this and runs all.
"""

import datetime
import hashlib
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
ALWAYS = {"engine"}  # labels
IGNORED_ENVIRONMENT = {"PWD", "OLDPWD", "SHLVL", "_", "FRESH"}
TOOLS = ("c++", "g++", "clang++", "cmake", "ninja", "meson", "pkg-config", "node", "npm", "chromium", "python3")
PACKAGES = pathlib.Path("/var/lib/dpkg/status")
OTHER_PACKAGES = (pathlib.Path("/usr/local/include"), pathlib.Path("/usr/local/lib"))  # installed by hand


class cannot_tell(Exception):
    """The inputs are not known, so that nothing can be called unchanged."""


def hash_of(*parts):
    """A hash of texts and bytes, with their borders."""
    whole = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogateescape")
        whole.update(b"%d:" % len(data))
        whole.update(data)
    return whole.hexdigest()


def hash_of_file(path):
    if path.is_symlink():
        return hash_of("link", os.readlink(path))
    if not path.is_file():
        return "none"  # deleted, or another repository
    return hash_of("program" if os.access(path, os.X_OK) else "file", path.read_bytes())


def repository_files(root):
    if not shutil.which("git"):
        raise cannot_tell("there is no git, which would tell which files are the repository's")
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root,
                            capture_output=True, check=False)
    if listed.returncode != 0:
        raise cannot_tell("this is no git repository")
    return sorted(set(os.fsdecode(name) for name in listed.stdout.split(b"\0") if name))


def programs(build):
    """What was built to be run."""
    found = (path for folder in (build, build / "tests", build / "examples") if folder.exists()
             for path in folder.iterdir())
    return sorted(path for path in found if path.is_file() and os.access(path, os.X_OK))


def stamps(folder):
    """Names, sizes and times of all files below a folder."""
    for path, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            status = os.lstat(os.path.join(path, name))
            yield f"{path}/{name} {status.st_size} {status.st_mtime_ns}"


def tools(environment):
    for name in sorted({*TOOLS, environment.get("CXX", "c++").split(" ")[0]}):
        found = shutil.which(name, path=environment.get("PATH"))
        if found:
            real = os.path.realpath(found)
            status = os.stat(real)
            yield f"{name} {real} {status.st_size} {status.st_mtime_ns}"


def hash_of_machine(environment):
    """Of everything but the repository and its build."""
    if not PACKAGES.exists():
        raise cannot_tell(f"there is no {PACKAGES}, which would tell which packages are installed")
    settings = sorted(f"{name}={value}" for name, value in environment.items() if name not in IGNORED_ENVIRONMENT)
    return hash_of(PACKAGES.read_bytes(), " ".join(platform.uname()), *settings, *tools(environment),
                   *(stamp for folder in OTHER_PACKAGES for stamp in stamps(folder)))


def hash_of_inputs(root, build, environment):
    """Of what all tests have in common."""
    parts = [hash_of_machine(environment), hash_of_file(build / "CMakeCache.txt")]
    for name in repository_files(root):
        parts += [name, hash_of_file(root / name)]
    for path in programs(build):
        parts += [path.relative_to(build), hash_of_file(path)]
    return hash_of(*parts)


def known_tests(build):
    """(name, description, labels) of each test, in the order of ctest."""
    shown = subprocess.run(["ctest", "--test-dir", str(build), "--show-only=json-v1"], capture_output=True, text=True,
                           check=True)
    for test in json.loads(shown.stdout)["tests"]:
        properties = {entry["name"]: entry["value"] for entry in test.get("properties", [])}
        description = json.dumps([test.get("command"), test.get("config"), properties], sort_keys=True)
        yield test["name"], description, set(properties.get("LABELS", []))


def read_passed(file):
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def passed_in(results):
    """The names of the tests that passed. Skipped ones have not."""
    if not results.exists():
        return set()
    cases = xml.etree.ElementTree.parse(results).getroot().iter("testcase")
    return {case.get("name") for case in cases
            if case.get("status") == "run" and case.find("failure") is None and case.find("skipped") is None}


def run(build, numbers, results, environment):
    """Runs the tests with these numbers, counted from 1, as ctest does."""
    results.unlink(missing_ok=True)
    chosen = "0,0,0," + ",".join(map(str, numbers))
    command = ["ctest", "--test-dir", str(build), "--output-on-failure", "--output-junit", str(results), "-I", chosen]
    return subprocess.run(command, env=environment, check=False).returncode


def run_changed(root, build, environment):
    record = build / "passed.json"
    results = build / "results.xml"
    passed = read_passed(record)
    tests = list(known_tests(build))
    try:
        inputs = hash_of_inputs(root, build, environment)
    except cannot_tell as reason:
        print(f"everything is run: {reason}")
        passed, inputs = {}, None
    if environment.get("FRESH", "0") not in ("", "0"):
        passed = {}

    keys = {name: hash_of(inputs, name, description) for name, description, _ in tests}
    unchanged = {name for name in keys if passed.get(name, {}).get("inputs") == keys[name]}
    kept = {name: passed[name] for name, _, labels in tests if name in unchanged and not labels & ALWAYS}
    for name, entry in kept.items():
        print(f"unchanged since it passed at {entry['at']}: {name}", flush=True)
    numbers = [number for number, (name, _, _) in enumerate(tests, 1) if name not in kept]

    code = run(build, numbers, results, environment) if numbers else 0
    if inputs and hash_of_inputs(root, build, environment) != inputs:
        print("a file changed while the tests ran, so that their results are not kept")
    elif inputs:
        now = datetime.datetime.now().astimezone().isoformat(" ", "seconds")
        kept.update({name: {"inputs": keys[name], "at": now} for name in passed_in(results)})
        record.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    return code


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    return run_changed(ROOT, pathlib.Path(sys.argv[1]).resolve(), dict(os.environ))


if __name__ == "__main__":
    sys.exit(main())
