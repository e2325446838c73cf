#!/usr/bin/env python3
"""Tests of run_changed.py, with a ctest that only says what it was told."""

import json
import os
import pathlib
import stat
import subprocess
import tempfile
import unittest
import unittest.mock

import run_changed

FAKE_CTEST = """#!/usr/bin/env python3
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
tests = json.loads((here / "tests.json").read_text())
if "--show-only=json-v1" in sys.argv:
    print(json.dumps({"tests": tests}))
    sys.exit(0)
chosen = [int(number) for number in sys.argv[sys.argv.index("-I") + 1].split(",")[3:]]
names = [tests[number - 1]["name"] for number in chosen]
(here / "ran").write_text("\\n".join(names))
if (here / "while_running").exists():
    os.system((here / "while_running").read_text())
ends = json.loads((here / "ends.json").read_text())
cases = "".join(f'<testcase name="{name}" status="{ends.get(name, "run")}"/>' for name in names)
pathlib.Path(sys.argv[sys.argv.index("--output-junit") + 1]).write_text(f"<testsuite>{cases}</testsuite>")
sys.exit(8 if "fail" in ends.values() else 0)
"""


class RunChanged(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        base = pathlib.Path(self.folder.name)
        self.root, self.build, self.tools = base / "root", base / "build", base / "tools"
        for folder in (self.root, self.build / "tests", self.tools):
            folder.mkdir(parents=True)
        subprocess.run(["git", "init", "-q"], cwd=self.root, check=True)
        self.write(self.root / "read.txt", "one")
        self.write(self.root / ".gitignore", "ignored.txt")
        subprocess.run(["git", "add", "."], cwd=self.root, check=True)
        self.write(self.build / "CMakeCache.txt", "settings")
        self.write_program(self.build / "tests" / "unit", "program")
        self.write_program(self.tools / "ctest", FAKE_CTEST)
        self.packages = base / "packages"
        self.write(self.packages, "packages")
        self.replace(run_changed, "PACKAGES", self.packages)
        self.replace(run_changed, "OTHER_PACKAGES", (base / "other",))
        self.environment = {**os.environ, "PATH": f"{self.tools}:{os.environ['PATH']}"}
        self.replace(os, "environ", {**self.environment})
        self.tests = [self.described("unit"), self.described("other"), self.described("typescript", "engine")]
        self.end({})

    def replace(self, owner, name, value):
        self.addCleanup(setattr, owner, name, getattr(owner, name))
        setattr(owner, name, value)

    def described(self, name, label="unit", argument="x"):
        return {"name": name, "command": [name, argument], "properties": [{"name": "LABELS", "value": [label]}]}

    def write(self, path, text):
        path.write_text(text, encoding="utf-8")

    def write_program(self, path, text):
        self.write(path, text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def end(self, ends):
        self.write(self.tools / "ends.json", json.dumps(ends))

    def run_tests(self, **settings):
        """What ran."""
        self.write(self.tools / "tests.json", json.dumps(self.tests))
        (self.tools / "ran").unlink(missing_ok=True)
        self.code = run_changed.run_changed(self.root, self.build, {**self.environment, **settings})
        return (self.tools / "ran").read_text(encoding="utf-8").split()

    ALL = ["unit", "other", "typescript"]

    def test_what_passed_does_not_run_again_but_for_tests_with_other_inputs(self):
        self.assertEqual(self.run_tests(), self.ALL)
        self.assertEqual(self.run_tests(), ["typescript"])
        self.assertEqual(self.code, 0)
        self.assertEqual(self.run_tests(), ["typescript"])

    def test_fresh_runs_everything(self):
        self.run_tests()
        self.assertEqual(self.run_tests(FRESH="1"), self.ALL)
        self.assertEqual(self.run_tests(FRESH="0"), ["typescript"])

    def test_any_change_of_what_a_test_can_read_runs_everything(self):
        changes = {
            "a file": lambda: self.write(self.root / "read.txt", "two"),
            "a file that is executable now": lambda: (self.root / "read.txt").chmod(0o755),
            "a new file that git does not know": lambda: self.write(self.root / "new.txt", ""),
            "a name": lambda: (self.root / "new.txt").rename(self.root / "newer.txt"),
            "a link": lambda: (self.root / "link").symlink_to("read.txt"),
            "a deleted file": lambda: (self.root / "read.txt").unlink(),
            "a program": lambda: self.write(self.build / "tests" / "unit", "another program"),
            "a program that no test names": lambda: self.write_program(self.build / "tests" / "app", "app"),
            "settings of the build": lambda: self.write(self.build / "CMakeCache.txt", "other settings"),
            "a package": lambda: self.write(self.packages, "other packages"),
            "a tool": lambda: self.write_program(self.tools / "node", "node"),
        }
        self.run_tests()
        for what, change in changes.items():
            with self.subTest(what):
                self.assertEqual(self.run_tests(), ["typescript"])
                change()
                self.assertEqual(self.run_tests(), self.ALL)

    def test_the_environment_is_an_input(self):
        self.run_tests()
        self.assertEqual(self.run_tests(TZ="Asia/Kathmandu"), self.ALL)
        self.assertEqual(self.run_tests(TZ="Asia/Kathmandu", SHLVL="7"), ["typescript"])

    def test_a_file_that_git_ignores_is_no_input(self):
        self.run_tests()
        self.write(self.root / "ignored.txt", "")
        self.assertEqual(self.run_tests(), ["typescript"])

    def test_a_changed_command_or_setting_runs_its_test(self):
        self.run_tests()
        self.tests[0] = self.described("unit", argument="y")
        self.assertEqual(self.run_tests(), ["unit", "typescript"])
        self.tests[0]["properties"].append({"name": "ENVIRONMENT", "value": ["A=b"]})
        self.assertEqual(self.run_tests(), ["unit", "typescript"])

    def test_what_failed_or_was_skipped_runs_again(self):
        for end in ("fail", "notrun", "disabled"):
            with self.subTest(end):
                self.end({"unit": end})
                self.run_tests(FRESH="1")
                self.assertEqual(self.code, 8 if end == "fail" else 0)
                self.end({})
                self.assertEqual(self.run_tests(), ["unit", "typescript"])

    def test_a_change_while_the_tests_run_keeps_no_result(self):
        self.write(self.tools / "while_running", f"echo two > {self.root / 'read.txt'}")
        self.run_tests()
        (self.tools / "while_running").unlink()
        self.assertEqual(self.run_tests(), self.ALL)

    def test_without_git_or_packages_everything_runs(self):
        self.run_tests()
        self.packages.unlink()
        self.assertEqual(self.run_tests(), self.ALL)
        self.write(self.packages, "packages")
        which = run_changed.shutil.which
        with unittest.mock.patch.object(run_changed.shutil, "which",
                                        lambda name, **more: None if name == "git" else which(name, **more)):
            self.assertEqual(self.run_tests(), self.ALL)
        (self.root / ".git").rename(self.root / ".no")
        self.assertEqual(self.run_tests(), self.ALL)

    def test_a_broken_record_is_no_record(self):
        self.run_tests()
        self.write(self.build / "passed.json", "{")
        self.assertEqual(self.run_tests(), self.ALL)


if __name__ == "__main__":
    unittest.main()
