#!/usr/bin/env python3
"""Drives the real inngest-engine against a real engine and against its file.

    cli_test.py <inngest-engine> <operating_service> <folder> [unittest arguments]
"""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import fcntl
import time
import unicodedata
import unittest

PROGRAM, SERVICE, FOLDER = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
KEY = "signkey-prod-" + "5a" * 32
HOSTILE = "\x1b[31mred\x1b]0;title\x07 \x9b2J \u202edrow\u2066 \x00\x08\x7f \u200bnew\nline 日本語 👩‍💻"
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
COLOUR = re.compile(r"\x1b\[(3[1-6]|0)m")
DEADLINE = 60


class Service:
    """The shop of examples/operating on a file."""

    def __init__(self, file, *arguments, key=KEY):
        environment = {**os.environ, "INNGEST_SIGNING_KEY": key}
        self.log = open(str(file) + ".log", "ab")
        self.process = subprocess.Popen([SERVICE, "--file", file, "--port", "0", *arguments], env=environment,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("service: "):
            raise RuntimeError(f"the service did not start: {line!r}")
        self.url = line.split()[1]

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(DEADLINE)
        self.process.stdout.close()
        self.log.close()


def environment_of(key, **more):
    out = {name: value for name, value in os.environ.items() if not name.startswith("INNGEST_") and name != "COLUMNS"}
    if key:
        out["INNGEST_SIGNING_KEY"] = key
    return {**out, **more}


def call(*arguments, key=KEY, input=None, **more):
    return subprocess.run([PROGRAM, *map(str, arguments)], input=input, capture_output=True, text=True,
                          timeout=DEADLINE, env=environment_of(key, **more))


def call_in_terminal(*arguments, columns=80, answer="", key=KEY, **more):
    """The exit code and what a terminal of that width gets."""
    child, terminal = pty.fork()
    if child == 0:
        try:  # here, before the program can ask for it
            fcntl.ioctl(sys.stdout.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.execve(PROGRAM, [str(PROGRAM), *map(str, arguments)], environment_of(key, **more))
        finally:
            os._exit(127)
    if answer:
        os.write(terminal, answer.encode())
    out = b""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux's way to say that the child has closed it
            break
        if not piece:
            break
        out += piece
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), out.decode("utf-8", "replace").replace("\r\n", "\n")


def width_of(line):
    def width(character):
        if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
            return 0
        return 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return sum(map(width, line))


def eventually(what, condition):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {DEADLINE} seconds")


def order(number, customer="beta", country="DE"):
    return {"name": "shop/order.placed",
            "data": {"order": f"o-{number}", "customer": customer, "country": country, "cents": 1000}}


class Terminal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = FOLDER / cls.__name__
        shutil.rmtree(cls.folder, ignore_errors=True)
        cls.folder.mkdir(parents=True)
        cls.file = cls.folder / "shop.db"
        cls.service = Service(cls.file)

    @classmethod
    def tearDownClass(cls):
        cls.service.stop()

    def ask(self, *arguments, expected=0, **more):
        done = call("--url", self.service.url, *arguments, **more)
        self.assertEqual(done.returncode, expected, done.stdout + done.stderr)
        self.assertNotIn(KEY[13:], done.stdout + done.stderr)
        return done.stdout if expected == 0 else done.stdout + done.stderr

    def ask_json(self, *arguments, **more):
        return json.loads(self.ask("--json", *arguments, **more))

    def send(self, *events):
        lines = "\n".join(json.dumps(event) for event in events)
        return self.ask_json("events", "send", "--from-file", "-", input=lines)["ids"]

    def runs(self, *arguments):
        return self.ask_json("runs", "list", *arguments)["runs"]

    def failed_run(self, country=""):
        """A run of charge that failed, of an event sent now."""
        event = self.send(order("failing", "acme", country))[0]

        def failed():
            return [run for run in self.runs("--failed") if run["event_id"] == event]
        return eventually("the run fails", failed)[0]

    def await_lines(self, run):
        """Waits for the last log line of a run that failed: lines are stored up to a second after what they tell."""
        eventually("its lines are stored", lambda: any(f"run {run} of" in line["text"] and " failed: " in line["text"]
                                                       for line in self.ask_json("runs", "logs", run)["logs"]))


class WithEngine(Terminal):
    def test_a_list_of_runs_is_a_table_or_the_api_s_json(self):
        failed = self.failed_run()
        shown = self.ask("runs", "list", "--failed")
        self.assertEqual(shown.split()[:3], ["ID", "STATUS", "FUNCTION"])
        line = next(line for line in shown.splitlines() if line.startswith(failed["id"]))
        self.assertIn("failed", line)
        self.assertIn("shop-charge", line)
        self.assertEqual([run["id"] for run in self.runs("--failed", "--limit", "1")], [failed["id"]])

    def test_pages_are_read_until_the_limit(self):
        self.send(*(order(f"page-{number}") for number in range(60)))
        eventually("all runs end", lambda: len(self.runs("--function", "shop-pack", "--status", "completed",
                                                         "--limit", "1000")) >= 60)
        all_runs = [run["id"] for run in self.runs("--limit", "1000")]
        self.assertGreaterEqual(len(all_runs), 300)
        self.assertEqual(len(all_runs), len(set(all_runs)))
        self.assertEqual(all_runs, sorted(all_runs, reverse=True))
        self.assertIn("--limit shows more", self.ask("runs", "list", "--limit", "10"))

    def test_a_run_is_shown_with_its_steps_error_and_event(self):
        failed = self.failed_run()
        self.await_lines(failed["id"])
        shown = self.ask("runs", "show", failed["id"])
        for text in ("status:       failed", "reserve-goods", "compute-tax", "there is no tax rate for the country",
                     '"customer": "acme"', "attempt 2 failed permanently"):
            self.assertIn(text, shown)
        self.assertIn("attempt 2 failed permanently", self.ask("runs", "logs", failed["id"]))

    def test_a_run_is_repeated(self):
        failed = self.failed_run()
        again = self.ask_json("rerun", failed["id"])["run_id"]
        found = eventually("the run ends", lambda: (lambda run: run["ended_at"] and run)(
            self.ask_json("runs", "show", again)))
        self.assertEqual(found["original_run_id"], failed["id"])

    def test_events_are_sent_from_lines_an_array_and_options(self):
        self.assertEqual(len(self.send(order(1), order(2))), 2)
        file = self.folder / "events.json"
        file.write_text(json.dumps([order(3), order(4)]))
        self.assertEqual(self.ask("events", "send", "--from-file", file), "Sent 2 events.\n")
        self.assertIn("Sent event ", self.ask("events", "send", "shop/other", "--data", '{"a": 1}'))
        (self.folder / "data.json").write_text('{"b": 2}')
        self.ask("events", "send", "shop/other", "--data", f"@{self.folder / 'data.json'}")
        self.assertIn('{"b":2}', self.ask("events", "list", "--limit", "100"))  # the orders' runs send others

    def test_wrong_events_are_named(self):
        problem = self.ask("events", "send", "--from-file", "-", input='{"name":"a"}\n\nnonsense\n', expected=2)
        self.assertIn("line 3", problem)
        self.assertIn("--data is not JSON: at byte", self.ask("events", "send", "a", "--data", "{", expected=2))
        self.ask("events", "send", "", "--data", "{}", expected=2)
        self.ask("events", "send", expected=2)

    def test_health_and_metrics(self):
        self.assertIn("ok", self.ask("health"))
        self.assertEqual(self.ask_json("health")["status"], "ok")
        self.failed_run()
        samples = self.ask_json("metrics", "runs_ended")["samples"]
        failed = [each for each in samples if each["labels"] == {"app": "shop", "function": "charge", "outcome": "failed"}]
        self.assertGreaterEqual(float(failed[0]["value"]), 1)
        self.assertIn("# TYPE inngest_engine_runs", self.ask("metrics", "--raw"))
        self.assertIn("no such metric", self.ask("metrics", "nonsense"))

    def test_functions_are_listed(self):
        shown = self.ask("functions")
        for text in ("shop-charge", "shop/order.placed", "shop-report", "cron 0 6 * * *"):
            self.assertIn(text, shown)

    def test_what_is_not_there_is_a_problem(self):
        self.assertIn('there is no run "nope"', self.ask("runs", "show", "nope", expected=1))
        self.assertIn("there is no run", self.ask("rerun", "01M8BSK2M8TSHF3BFP72YD5RSM", expected=1))

    def test_wrong_usage_says_what_is_right(self):
        for arguments, text in ((("runs", "list", "--since", "soon"), "--since: \"soon\" is not a time"),
                                (("runs", "list", "--status", "odd"), "--status"),
                                (("runs", "list", "--nonsense"), "--nonsense"),
                                (("runs",), "list"),
                                (("nonsense",), "\"nonsense\" is not a command"),
                                (("runs", "nonsense"), "\"nonsense\" is not a command"),
                                (("runs", "list", "nonsense"), "nonsense"),
                                (("rerun", "x", "--result", "1"), "--from"),
                                (("runs", "list", "--function", ""), "--function"),
                                (("runs", "list", "--repeated", "--not-repeated"), "--not-repeated"),
                                (("bulk", "cancel", "--failed", "--function", "", "--yes"), "--function"),
                                (("bulk", "remove", "--all", "--failed", "--yes"), "--all contradicts"),
                                (("bulk", "remove", "--yes"), "--all")):
            done = call("--url", self.service.url, *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(text, done.stderr)
            self.assertEqual(done.stdout, "")

    def test_help_of_every_command(self):
        text = call("--help").stdout
        commands = re.findall(r"^  (\w+) ", text[text.lower().index("subcommands:"):], re.MULTILINE)
        self.assertGreater(len(commands), 15)
        for command in commands:
            done = call(command, "--help")
            self.assertEqual(done.returncode, 0, command)
            self.assertIn("[OPTIONS]", done.stdout)


class PutRight(Terminal):
    def ended(self, run_id):
        return eventually("the run ends", lambda: (lambda run: run["ended_at"] and run)(
            self.ask_json("runs", "show", run_id)))

    def test_a_bulk_command_counts_and_asks_first(self):
        failed = self.failed_run()
        wanted = ("bulk", "rerun", "--event-id", failed["event_id"], "--failed")
        self.assertEqual(self.ask(*wanted, "--dry-run"), "1 run matches.\n")
        self.assertEqual(self.ask_json(*wanted, "--dry-run"), {"count": 1})
        self.assertIn("add --yes", self.ask(*wanted, expected=2, input=""))
        code, shown = call_in_terminal("--url", self.service.url, *wanted, answer="n\n")
        self.assertEqual(code, 1)
        self.assertIn("rerun 1 run? [y/N]", shown)
        self.assertIn("Nothing was done", shown)
        self.assertEqual(len(self.runs("--event-id", failed["event_id"])), 1)
        code, shown = call_in_terminal("--url", self.service.url, *wanted, answer="y\n")
        self.assertEqual(code, 0, shown)
        self.assertIn("1 of 1 run done", shown)
        self.assertEqual(len(self.runs("--event-id", failed["event_id"])), 2)
        self.assertIn("completed", self.ask("bulk", "list"))

    def test_a_bulk_command_does_what_it_says(self):
        failed = self.failed_run()
        filter = ("--event-id", failed["event_id"], "--failed", "--yes")
        done = self.ask_json("bulk", "rerun", *filter, "--from-failed-step", "--per-second", "1000")
        self.assertEqual((done["state"], done["total"], done["done"], done["failed"]), ("completed", 1, 1, 0))
        self.assertEqual(self.ask_json("bulk", "show", done["id"])["done"], 1)
        anew = ("--event-id", failed["event_id"], "--failed", "--not-repeated")
        eventually("the repetition fails", lambda: self.runs("--event-id", failed["event_id"])[0]["ended_at"])
        self.assertEqual([run["id"] for run in self.runs(*anew)], [self.runs("--event-id", failed["event_id"])[0]["id"]])
        self.assertEqual([run["id"] for run in self.runs("--event-id", failed["event_id"], "--repeated")], [failed["id"]])
        self.assertEqual(self.ask_json("bulk", "rerun", *anew, "--dry-run"), {"count": 1})
        again = self.runs("--event-id", failed["event_id"])[0]
        steps = self.ended(again["id"])["steps"]
        self.assertEqual([(step["name"], step.get("is_kept", False)) for step in steps],
                         [("reserve-goods", True), ("compute-tax", False)])
        removed = self.ask_json("bulk", "remove", *filter)
        self.assertEqual(removed["done"], 2)
        self.assertEqual(self.runs("--event-id", failed["event_id"]), [])
        begun = self.ask_json("bulk", "cancel", "--all", "--yes", "--no-wait")
        self.assertIn(begun.get("state"), ("running", "completed"))
        self.ask("bulk", "show", "nope", expected=1)
        self.assertEqual(self.ask("bulk", "rerun", "--function", "no-such", "--yes"), "0 runs match.\n")

    def test_a_run_is_repeated_from_a_step_with_another_result(self):
        failed = self.failed_run()
        again = self.ask_json("rerun", failed["id"], "--from", "compute-tax", "--result", '{"cents": 5, "tax": 2}')
        run = self.ended(again["run_id"])
        self.assertEqual(run["status"], "completed")
        self.assertEqual([step["detail"] for step in run["steps"] if step["name"] == "charge-card"], ["7"])
        self.assertIn(again["run_id"], self.ask("runs", "show", failed["id"]))
        self.assertIn("--result", self.ask("rerun", failed["id"], "--from", "a", "--result", "{", expected=2))
        self.ask("rerun", failed["id"], "--from", "no-such-step", expected=2)

    def test_a_paused_function_loses_nothing(self):
        self.assertIn("Paused: function shop-charge", self.ask("pause", "shop-charge"))
        event = self.send(order("paused"))[0]
        found = eventually("it is paused", lambda: self.runs("--event-id", event, "--status", "paused"))[0]
        self.assertIn("shop-charge", self.ask("pauses"))
        self.assertIn("Resumed: function shop-charge", self.ask("resume", "shop-charge"))
        self.assertEqual(self.ended(found["id"])["status"], "completed")
        self.assertIn("Nothing is paused", self.ask("pauses"))
        self.ask("pause", expected=2)
        self.ask("pause", "shop-charge", "--app", "shop", expected=2)

    def test_a_run_is_cancelled(self):
        self.ask("pause", "--app", "shop")
        event = self.send(order("cancelled"))[0]
        run = eventually("it is paused", lambda: self.runs("--event-id", event))[0]
        self.assertIn("is cancelled", self.ask("cancel", run["id"]))
        self.assertEqual(self.ended(run["id"])["status"], "cancelled")
        self.assertIn("has ended", self.ask("cancel", run["id"], expected=1))
        self.ask("resume", "--app", "shop")

    def test_a_command_goes_on_after_an_id_that_is_refused(self):
        ended = self.failed_run()["id"]
        self.ask("pause", "--app", "shop")
        event = self.send(order("several"))[0]
        run = eventually("it is paused", lambda: self.runs("--event-id", event))[0]
        shown = self.ask("cancel", "no-such", run["id"], ended, expected=1)
        for part in ("there is no run", "is cancelled", "has ended"):
            self.assertIn(part, shown)
        self.assertEqual(self.ended(run["id"])["status"], "cancelled")
        done = call("--url", self.service.url, "--json", "events", "resend", "nope", event)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no event", done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual(len(told["ids"]), 1)
        self.assertEqual([refused["id"] for refused in told["refused"]], ["nope"])
        self.assertIn("there is no event", told["refused"][0]["error"])
        self.ask("resume", "--app", "shop")

    def test_schedules_are_listed_run_made_up_for_and_paused(self):
        self.assertIn("0 6 * * *", self.ask("schedules"))
        self.assertIn("runs now: run 01", self.ask("schedules", "run", "shop-report", "0 6 * * *"))
        shown = self.ask("schedules", "backfill", "shop-report", "0 6 * * *", "--since", "2026-01-01",
                         "--until", "2026-01-03")
        self.assertIn("The span has 2 times: 2 runs began", shown)
        self.ask("pause", "shop-report", "--cron", "0 6 * * *")
        self.assertIn("paused", self.ask("schedules"))
        self.ask("resume", "shop-report", "--cron", "0 6 * * *")
        self.ask("schedules", "run", "shop-report", "1 2 3 4 5", expected=1)

    def test_a_function_is_run_by_hand_and_an_event_sent_again(self):
        run = self.ask_json("invoke", "shop-report")["run_id"]
        self.assertEqual(self.ended(run)["status"], "completed")
        event = self.send(order("again"))[0]
        again = self.ask_json("events", "resend", event)["ids"][0]
        self.assertNotEqual(event, again)
        eventually("it runs", lambda: self.runs("--event-id", again, "--status", "completed"))
        self.ask("events", "resend", "nope", expected=1)
        self.ask("invoke", "no-such", expected=1)
        self.assertIn("shop", self.ask("apps"))
        self.assertIn("hour", self.ask("functions", "stats", "shop-charge"))

    def test_who_did_what_is_told(self):
        failed = self.failed_run()
        self.ask("rerun", failed["id"])
        entry = next(entry for entry in self.ask_json("audit")["entries"] if entry["target"] == failed["id"])
        self.assertEqual(entry["actor"], "key")
        self.assertIn(failed["id"], self.ask("audit"))

    def test_an_engine_is_drained_checked_and_copied(self):
        self.assertIn("undamaged", self.ask("check"))
        self.assertIn("All records can be read", self.ask("unreadable"))
        self.assertIn("begins no new runs", self.ask("drain"))
        self.assertIn("begins runs again", self.ask("drain", "--end"))
        self.assertIn("backup_folder", self.ask("backup", "copy.db", expected=1))
        self.assertIn("without a folder", self.ask("backup", "/tmp/copy.db", expected=2))


class Unreachable(Terminal):
    def test_no_engine(self):
        done = call("--url", "http://127.0.0.1:1", "runs", "list")
        self.assertEqual(done.returncode, 3)
        self.assertIn("does not answer", done.stderr)

    def test_without_the_key_or_with_another_one(self):
        for key in (None, "signkey-prod-" + "00" * 32):
            done = call("--url", self.service.url, "runs", "list", key=key)
            self.assertEqual(done.returncode, 3)
            self.assertIn("INNGEST_SIGNING_KEY", done.stderr)
            self.assertNotIn("0000", done.stderr)

    def test_the_key_comes_from_a_file(self):
        file = self.folder / "key"
        file.write_text(KEY + "\n")
        self.assertEqual(call("--url", self.service.url, "--key-file", file, "functions", key=None).returncode, 0)
        file.write_text("")
        self.assertEqual(call("--url", self.service.url, "--key-file", file, "functions", key=None).returncode, 2)
        self.assertEqual(call("--key-file", self.folder / "none", "functions", key=None).returncode, 2)

    def test_another_program_at_the_address(self):
        done = call("--url", self.service.url + "/elsewhere", "functions")
        self.assertNotEqual(done.returncode, 0)


class Hostile(Terminal):
    """Texts of others must not reach a terminal as commands."""

    def test_nothing_that_a_terminal_obeys_is_printed(self):
        event = {**order("hostile", HOSTILE, HOSTILE)}
        sent = self.send(event, {"name": "a/\u202ered\u200b", "data": {HOSTILE.replace("\x00", ""): HOSTILE}})
        run = eventually("it fails", lambda: [run["id"] for run in self.runs("--failed") if run["event_id"] == sent[0]])[0]
        for arguments in (("runs", "list"), ("runs", "show", run), ("runs", "logs", run), ("events", "list"),
                          ("metrics",), ("functions",)):
            for source in (("--url", self.service.url), ("--file", self.file)):
                if source[0] == "--file" and arguments[0] in ("metrics", "functions"):
                    continue
                for output in ((), ("--json",)):
                    done = call(*source, *output, *arguments)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertIsNone(UNSAFE.search(done.stdout), (arguments, output))
                _, shown = call_in_terminal(*source, *arguments)
                self.assertIsNone(UNSAFE.search(COLOUR.sub("", shown)), arguments)
        shown = self.ask("runs", "show", run)
        self.assertIn("\\x1b[31mred", shown)
        self.assertIn("日本語", shown)
        self.assertEqual(self.ask_json("runs", "show", run)["events"][0]["data"]["customer"], HOSTILE)

    def test_errors_are_printable_too(self):
        done = call("--url", self.service.url, "runs", "show", "a\x1b[31m\u202e")
        self.assertEqual(done.returncode, 1)
        self.assertIsNone(UNSAFE.search(done.stderr))
        done = call("--url", self.service.url, "runs", "list", "--since", "\x1b[31m")
        self.assertEqual(done.returncode, 2)
        self.assertIsNone(UNSAFE.search(done.stderr))

    def test_a_table_fits_its_terminal(self):
        self.send(order("wide", "日本語" * 30, "\u0301e" * 90))
        eventually("it fails", lambda: self.runs("--failed"))
        run = self.runs("--failed")[0]["id"]
        for columns in (20, 40, 60, 80, 200):
            for arguments in (("runs", "list"), ("events", "list"), ("functions",), ("metrics", "runs_ended"), ("health",)):
                code, shown = call_in_terminal("--url", self.service.url, *arguments, columns=columns)
                self.assertEqual(code, 0, shown)
                lines = [line for line in COLOUR.sub("", shown).splitlines() if "--limit" not in line]
                self.assertGreater(len(lines), 1)
                for line in lines:
                    self.assertLessEqual(width_of(line), columns, line)
        _, narrow = call_in_terminal("--url", self.service.url, "runs", "list", columns=60)
        self.assertIn(run, narrow)  # ids are never shortened while others can be

    def test_colours_only_in_terminals(self):
        eventually("a run fails", lambda: self.failed_run())
        self.assertNotIn("\x1b", self.ask("runs", "list"))
        self.assertIn("\x1b[31mfailed", call_in_terminal("--url", self.service.url, "runs", "list")[1])
        self.assertNotIn("\x1b", call_in_terminal("--url", self.service.url, "runs", "list", NO_COLOR="1")[1])


class FromFile(Terminal):
    def from_file(self, *arguments, expected=0, file=None):
        done = call("--file", file or self.file, *arguments, key=None)
        self.assertEqual(done.returncode, expected, done.stdout + done.stderr)
        return done.stdout if expected == 0 else done.stderr

    def test_a_file_answers_like_its_engine_also_after_a_crash(self):
        failed = self.failed_run()
        eventually("all runs end", lambda: all(run["ended_at"] for run in self.runs("--limit", "1000")))
        beside = json.loads(self.from_file("--json", "runs", "list", "--limit", "1000"))
        self.assertEqual(beside["runs"], self.runs("--limit", "1000"))
        self.await_lines(failed["id"])
        self.assertEqual(json.loads(self.from_file("--json", "runs", "show", failed["id"])),
                         self.ask_json("runs", "show", failed["id"]))
        self.service.stop(signal.SIGKILL)
        try:
            self.assertEqual(json.loads(self.from_file("--json", "runs", "list", "--limit", "1000")), beside)
            self.assertIn("undamaged", self.from_file("check"))
        finally:
            type(self).service = Service(self.file)  # nothing that was read keeps the engine from its file
        self.assertEqual(self.runs("--limit", "1000"), beside["runs"])

    def test_a_file_tells_what_open_runs_do(self):
        self.service.stop()
        try:
            with sqlite3.connect(self.file) as file:
                file.execute("UPDATE runs SET status = 1, ended_at = NULL WHERE id = "
                             "(SELECT id FROM runs ORDER BY id DESC LIMIT 1)")
                run = file.execute("SELECT id FROM runs ORDER BY id DESC LIMIT 1").fetchone()[0]
                due = int(time.time() * 1000) + 3_600_000
                file.execute("INSERT INTO jobs (id, what, run_id, step, step_name, attempt, due, begun, text) "
                             "VALUES (999999, 1, ?, x'0000000000000000000000000000000000000000', 'nap', 0, ?, 0, '')",
                             (run, due))
            found = json.loads(self.from_file("--json", "runs", "show", run))
            self.assertEqual(found["status"], "sleeping")
            self.assertTrue(found["until"])
            self.assertIn(run, self.from_file("runs", "list", "--status", "sleeping"))
            self.assertNotIn(run, self.from_file("runs", "list", "--status", "running", "--status", "completed"))
            self.assertEqual(self.from_file("runs", "count", "--status", "sleeping"), "1 run\n")
            with sqlite3.connect(self.file) as file:
                file.execute("DELETE FROM jobs WHERE id = 999999")
                file.execute("UPDATE runs SET status = 2, ended_at = queued_at WHERE id = ?", (run,))
        finally:
            type(self).service = Service(self.file)

    def test_a_file_is_only_read(self):
        failed = self.failed_run()
        for arguments in (("rerun", failed["id"]), ("cancel", failed["id"]), ("events", "send", "a"), ("drain",),
                          ("bulk", "rerun", "--failed", "--yes"), ("pause", "shop-charge"), ("health",), ("metrics",)):
            self.assertIn("needs a running engine", self.from_file(*arguments, expected=2))
        self.service.stop()
        try:
            before = self.file.read_bytes()
            for arguments in (("runs", "list"), ("runs", "show", failed["id"]), ("events", "list"), ("check",)):
                self.from_file(*arguments)
            self.assertEqual(self.file.read_bytes(), before)
        finally:
            type(self).service = Service(self.file)

    def test_a_backup_is_a_store(self):
        failed = self.failed_run()
        copy = self.folder / "copy.db"
        copy.unlink(missing_ok=True)
        self.from_file("backup", copy)
        self.assertIn(failed["id"], self.from_file("runs", "list", "--failed", file=copy))
        self.assertIn("already exists", self.from_file("backup", copy, expected=1))

    def test_files_that_are_no_store_of_this_version(self):
        self.assertIn("does not exist", self.from_file("runs", "list", file=self.folder / "none.db", expected=3))
        other = self.folder / "other.db"
        with sqlite3.connect(other) as file:
            file.execute("CREATE TABLE IF NOT EXISTS t (a)")
        self.assertIn("is not an engine's store", self.from_file("runs", "list", file=other, expected=3))
        text = self.folder / "text.db"
        text.write_text("not a database at all" * 100)
        self.from_file("runs", "list", file=text, expected=3)
        old = self.folder / "old.db"
        old.unlink(missing_ok=True)
        self.from_file("backup", old)
        with sqlite3.connect(old) as file:
            file.execute("PRAGMA user_version = 4")
        self.assertIn("has version 4", self.from_file("runs", "list", file=old, expected=3))
        self.assertIn("has version 4", self.from_file("check", file=old, expected=1))

    def test_damage_is_found(self):
        copy = self.folder / "damaged.db"
        copy.unlink(missing_ok=True)
        self.failed_run()
        self.from_file("backup", copy)
        with sqlite3.connect(copy) as file:
            file.execute("UPDATE runs SET status = 77")
        done = call("--file", copy, "check", key=None)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("runs where", done.stdout)


class Serving(unittest.TestCase):
    def test_a_served_engine_ends_in_order_and_alone_has_its_file(self):
        FOLDER.mkdir(parents=True, exist_ok=True)
        file = FOLDER / "served.db"
        for part in ("", "-wal", "-shm"):
            pathlib.Path(str(file) + part).unlink(missing_ok=True)
        served = subprocess.Popen([PROGRAM, "--file", file, "serve", "--port", "0"], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, env=environment_of(None))
        try:
            url = re.search(r"http://\S+?(?=;)", served.stdout.readline()).group()
            self.assertEqual(call("--url", url, "health", key=None).returncode, 0)
            self.assertEqual(call("--url", url, "events", "send", "a/b", key=None).returncode, 0)
            self.assertIn("a/b", call("--url", url, "events", "list", key=None).stdout)
            second = call("--file", file, "serve", "--port", "0", key=None)
            self.assertEqual(second.returncode, 1)
            self.assertIn(f"pid {served.pid}", second.stderr)
            port = url.rsplit(":", 1)[1]
            self.assertEqual(call("serve", "--port", port, key=None).returncode, 1)
        finally:
            served.terminate()
            served.communicate(timeout=DEADLINE)
        self.assertEqual(served.returncode, 0)
        self.assertIn("a/b", call("--file", file, "events", "list", key=None).stdout)


class Completion(unittest.TestCase):
    def complete(self, line):
        script = call("completion", "bash", key=None).stdout
        words = line.split(" ")
        program = (f"{script}\nCOMP_WORDS=({' '.join(words[:-1])} '{words[-1]}'); COMP_CWORD={len(words) - 1}\n"
                   "_inngest_engine; printf '%s\\n' \"${COMPREPLY[@]}\"")
        return subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True).stdout.split()

    def test_bash_completes_commands_and_options(self):
        self.assertIn("runs", self.complete("inngest-engine r"))
        self.assertEqual(self.complete("inngest-engine runs li"), ["list"])
        self.assertIn("--since", self.complete("inngest-engine --json runs list --si"))
        self.assertIn("--from-failed-step", self.complete("inngest-engine bulk rerun --failed --from"))

    def test_other_shells_accept_their_scripts(self):
        for shell, arguments in (("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["--no-execute"])):
            script = call("completion", shell, key=None)
            self.assertEqual(script.returncode, 0)
            self.assertIn("runs", script.stdout)
            if shutil.which(shell):
                subprocess.run([shell, *arguments], input=script.stdout, text=True, check=True)
        self.assertEqual(call("completion", "csh", key=None).returncode, 2)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
