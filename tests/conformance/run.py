#!/usr/bin/env python3
"""Runs apps of this library and of the TypeScript SDK on an Inngest server, and prints a table.

    run.py [--server real|engine] [--work DIRECTORY] [--program NAME=FILE]... [CASE...]

`real` is the server whose executable INNGEST_CLI names; `engine` is the embedded engine's HTTP server, which stands in
for it as far as it can. The programs are looked for below build/tests, where the tests' build puts them. Without CASE
all cases run; a case that cannot run is listed as skipped, never as passed. Exits 1 if a case failed, and 77 if none
ran.
"""

import argparse
import hashlib
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).parent
SUPPORT = HERE.resolve().parent / "support"
sys.path.insert(0, str(SUPPORT))
from ports import free_port, free_ports  # noqa: E402

BUILT = HERE.parent.parent / "build/tests"
PROGRAMS = {"conformance_app": BUILT / "tests/inngest_conformance_app",
            "conformance_probe": BUILT / "tests/inngest_conformance_probe",
            "studio_server": BUILT / "examples/studio_server",
            "studio_producer": BUILT / "examples/studio_producer",
            "dev_server": BUILT / "examples/dev_server",
            "studio_worker": BUILT / "tests/inngest_studio_worker",
            "realtime_check": BUILT / "tests/inngest_realtime_check",
            "endpoint_app": BUILT / "tests/inngest_endpoint_app"}
KEYS = ["00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"]
EVENT_KEY = "conformance"
PATIENCE = 60  # seconds for what should take one


class Failed(Exception):
    """The case did not get what it wanted."""


class Skipped(Exception):
    """The case cannot run here."""


def eventually(what, look, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise Failed(f"after {seconds} s: no {what}")


class Program:
    """A process and the lines it prints."""

    def __init__(self, command, env=None, cwd=None):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("INNGEST_")}
        self.lines, self.seen = queue.Queue(), []
        self.process = subprocess.Popen([str(word) for word in command], env={**inherited, **(env or {})}, cwd=cwd,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, start_new_session=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip())

    def said(self, text):
        while not self.lines.empty():
            self.seen.append(self.lines.get())
        return any(text in line for line in self.seen)

    def wait_for(self, text, seconds=PATIENCE):
        def look():
            if self.said(text):
                return True
            if self.process.poll() is not None:
                time.sleep(0.2)
                if not self.said(text):
                    raise Failed(f"{self.process.args[0]} ended: {self.tail()}")
            return False
        try:
            eventually(f'"{text}"', look, seconds)
        except Failed as problem:
            raise Failed(f"{problem}; {self.tail()}") from None

    def tail(self):
        self.said("")
        return " | ".join(self.seen[-5:])

    def kill(self):
        """Ends the process at once, as a crash does."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Server:
    """The server under test. `keys`: none, or the signing key."""

    def __init__(self, setup, directory, key=None):
        self.setup, self.directory, self.key = setup, directory, key
        self.port, self.gateway_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.program = None

    def start(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        self.program = Program(*self._command(), cwd=self.directory)
        eventually("answer of the server", self._answers)

    def _command(self):
        if self.setup.server == "engine":
            env = {"INNGEST_SIGNING_KEY": self.key, "INNGEST_EVENT_KEY": EVENT_KEY} if self.key else {}
            return [self.setup.program("dev_server"), self.port, self.directory / "engine.db"], env
        ports = ["--port", self.port, "--connect-gateway-port", self.gateway_port, "--connect-gateway-grpc-port",
                 free_port(), "--connect-executor-grpc-port", free_port(), "--retry-interval", 1]
        if self.key:
            return [self.setup.cli, "start", "--no-ui", "--signing-key", self.key, "--event-key", EVENT_KEY,
                    "--sqlite-dir", self.directory, *ports], {}
        return [self.setup.cli, "dev", "--no-discovery", "--no-poll", *ports], {}

    def _answers(self):
        if self.program.process.poll() is not None:
            raise Failed(f"the server ended: {self.program.tail()}")
        try:
            urllib.request.urlopen(self.url + "/health", timeout=2).close()
            return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def stop(self, crash=False):
        if self.program is None:
            return
        if not crash and self.program.process.poll() is None:
            self.program.process.terminate()
            try:
                self.program.process.wait(20)
            except subprocess.TimeoutExpired:
                pass
        self.program.kill()
        self.program = None

    def env(self, **more):
        """The environment of an app of this server."""
        if not self.key:
            return {"INNGEST_DEV": self.url, **more}
        return {"INNGEST_DEV": "0", "INNGEST_BASE_URL": self.url, "INNGEST_SIGNING_KEY": self.key,
                "INNGEST_EVENT_KEY": EVENT_KEY, **more}

    def send(self, name, data):
        body = json.dumps({"name": name, "data": data}).encode()
        request = urllib.request.Request(f"{self.url}/e/{EVENT_KEY}", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["ids"][0]

    def get(self, path):
        headers = {"Authorization": "Bearer " + hashlib.sha256(bytes.fromhex(self.key)).hexdigest()} if self.key else {}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, headers=headers), timeout=30) as answer:
            return json.load(answer)

    def runs_of(self, event):
        try:
            return self.get(f"/v2/events/{event}/runs?includeOutput=true").get("data", [])
        except urllib.error.HTTPError as problem:
            if problem.code == 404:  # not known yet
                return []
            raise

    def output_of(self, event, seconds=PATIENCE):
        """The output of the event's only run, when it has completed."""
        def ended():
            runs = self.runs_of(event)
            return runs if runs and all(run.get("endedAt") or run["status"] in ("FAILED", "CANCELLED") for run in runs) else None
        try:
            runs = eventually("end of the run", ended, seconds)
        except Failed as problem:
            raise Failed(f"{problem}: {json.dumps(self.runs_of(event))[:300]}") from None
        if len(runs) != 1 or runs[0]["status"] != "COMPLETED":
            raise Failed(f"runs of the event: {json.dumps(runs)[:400]}")
        output = runs[0].get("output")
        return output["data"] if isinstance(output, dict) and set(output) == {"data"} else output


    def await_step(self, event, step, seconds):
        """Waits until the event's run has come to a step. Only the engine shows this: with the real server it waits for so
        many seconds."""
        if self.setup.server != "engine":
            time.sleep(seconds)
            return

        def has_come():
            return any(each["name"] == step for run in self.get(f"/v1/events/{event}/runs")["data"]
                       for each in self.get(f"/api/runs/{run['run_id']}")["steps"])
        eventually(f"step {step}", has_come)


def expect(wanted, found, what):
    if wanted != found:
        raise Failed(f"{what}: expected {json.dumps(wanted)}, found {json.dumps(found)}")


class Setup:
    def __init__(self, options):
        self.programs = {**PROGRAMS, **dict(given.split("=", 1) for given in options.program)}
        self.server = options.server
        self.work = pathlib.Path(options.work or tempfile.mkdtemp()).resolve()
        self.running = []
        cli = shutil.which(os.environ.get("INNGEST_CLI") or "inngest")
        self.cli = pathlib.Path(cli).resolve() if cli else None

    def program(self, name):
        file = pathlib.Path(self.programs[name]).resolve()
        if not file.exists():
            raise Skipped(f"{name} was not built")
        return str(file)

    def start(self, command, env=None, cwd=None):
        self.running.append(Program(command, env, cwd))
        return self.running[-1]

    def start_server(self, name, key=None):
        server = Server(self, self.work / f"{self.server}-{name}-{os.getpid()}", key)
        self.running.append(server)
        server.start()
        return server

    def stop_all(self):
        while self.running:
            started = self.running.pop()
            started.kill() if isinstance(started, Program) else started.stop(crash=True)

    def typescript(self):
        """The folder with the TypeScript app and its SDK."""
        for tool in ("node", "npm"):
            if not shutil.which(tool):
                raise Skipped(f"there is no {tool}")
        folder = self.work / "typescript"
        shutil.copytree(HERE / "typescript", folder, dirs_exist_ok=True)
        install = f'source "{SUPPORT}/npm_install.sh" && npm_install "{folder}"'
        if subprocess.run(["bash", "-c", install], capture_output=True, text=True).returncode != 0:
            raise Skipped("npm cannot get the SDK")
        return folder


# ---- the cases ----------------------------------------------------------------------------------------------------------


def official_runner(setup):
    """Inngest's own runner"""
    if setup.server == "engine":
        raise Skipped("it is part of the real server, and reads that server's own state")
    cases = ["serve-introspection", "basic-invoke", "steps-serial", "retry-basic", "cancel-basic", "wait-for-event-basic"]
    server = setup.start_server("runner")
    port = free_port()
    # The runner always signs its sync; all of them use the same key, so that signatures are really checked.
    keys = {"INNGEST_SIGNING_KEY": KEYS[0], "INNGEST_EVENT_KEY": EVENT_KEY}
    setup.start([setup.program("conformance_app"), port], keys).wait_for("listening")
    report = setup.work / "report.json"
    subprocess.run([str(setup.cli), "alpha", "conformance", "run", "--transport", "serve", "--sdk-url",
                    f"http://127.0.0.1:{port}/api/inngest", "--dev-url", server.url, "--event-key", EVENT_KEY, "--signing-key",
                    KEYS[0], *[f"--case={name}" for name in cases], "--report-out", str(report)],
                   env={**os.environ, **keys}, cwd=setup.work, capture_output=True, text=True, timeout=400)
    text = report.read_text()  # the runner succeeds whatever it found
    passed = text.count('"status": "passed"')
    reasons = [case.get("reason", "") for case in json.loads(text)["cases"] if case["status"] != "passed"]
    if reasons and any("unexpected executor context" in reason and '"generation_id"' in reason for reason in reasons):
        raise Skipped(f"this runner refuses the calls of its own server, which have a generation_id: {passed} of {len(cases)} passed")
    if passed != len(cases):
        raise Failed(f"{passed} of {len(cases)} passed: {text[:600]}")
    return f"{passed} of {len(cases)} cases"


STUDIO_EVENTS = ["brand-ingestion", "vision-sync", "brand-sync", "studio-workflow", "fashion-item", "archive-vision",
                 "cleanup-vision"]


def send_studio_events(setup, server, port):
    events = {}
    for name in STUDIO_EVENTS:
        done = subprocess.run([setup.program("studio_producer"), name], capture_output=True, text=True,
                              env={**os.environ, **server.env(PORT=str(port))}, timeout=60)
        if done.returncode != 0:
            raise Failed(f"studio_producer {name}: {done.stdout} {done.stderr}")
        events[name] = done.stdout.split(": event ")[1].split()[0]
    return events


def expect_studio_completed(server, events):
    for name, event in events.items():
        def completed(event=event):
            runs = server.runs_of(event)
            return runs and all(run["status"] == "COMPLETED" and run.get("endedAt") for run in runs)
        try:
            eventually(f"completed run of {name}", completed, 120)
        except Failed as problem:
            raise Failed(f"{problem}: {json.dumps(server.runs_of(event))[:400]}") from None


def studio(setup):
    """The studio over serve"""
    server = setup.start_server("studio")
    port = free_ports(2)  # the second one is for the assets
    app = setup.start([setup.program("studio_server"), "--data", setup.work / f"studio-{setup.server}-{os.getpid()}"],
                      server.env(PORT=str(port)))
    app.wait_for(": registered")
    events = send_studio_events(setup, server, port)
    expect_studio_completed(server, events)
    return f"{len(events)} functions COMPLETED"


def studio_over_connect(setup):
    """The studio over Connect"""
    server = setup.start_server("connect")
    port = free_ports(2)  # the second one is for the assets
    worker = setup.start([setup.program("studio_worker"), setup.work / f"worker-{setup.server}-{os.getpid()}"],
                         server.env(PORT=str(port)))
    worker.wait_for("worker: active")
    events = send_studio_events(setup, server, port)
    expect_studio_completed(server, events)
    listed = server.get("/v0/connect/envs/dev/conns")
    if '"studio"' not in json.dumps(listed):
        raise Failed(f"the worker is not listed: {json.dumps(listed)[:400]}")
    return f"{len(events)} functions COMPLETED, the worker is listed"


def realtime(setup):
    """Realtime: publish, subscribe, tokens, streams"""
    server = setup.start_server("realtime")
    done = subprocess.run([setup.program("realtime_check"), server.url], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise Failed(f"{done.stdout[-500:]} {done.stderr[-300:]}")
    return "every check of realtime_check"


def endpoints(setup):
    """Durable endpoints, unsigned and signed"""
    if setup.server == "engine":
        raise Skipped("the unit tests run them on the engine")
    ports = {"APP_PORT": str(free_port()), "SERVER_PORT": str(free_ports(4))}
    done = subprocess.run([str(HERE / "endpoints.sh"), setup.program("endpoint_app")], capture_output=True, text=True,
                          timeout=400, env={**os.environ, "INNGEST_CLI": str(setup.cli), **ports})
    if done.returncode != 0 or "skipped" in done.stdout:
        raise Failed(f"{done.stdout[-500:]} {done.stderr[-300:]}")
    return "every check of endpoints.sh"


def key_rotation(setup):
    """A signed server, its key replaced"""
    old, new = KEYS
    server = setup.start_server("signed", old)
    port = free_port()
    app = setup.start([setup.program("conformance_probe"), "serve", port],
                      server.env(INNGEST_SIGNING_KEY=new, INNGEST_SIGNING_KEY_FALLBACK=old))
    app.wait_for("registered")
    expect(3, server.output_of(server.send("probe/sum.wanted", {"a": 1, "b": 2})), "with the old key")
    unsigned = urllib.request.Request(f"http://127.0.0.1:{port}/api/inngest?fnId=probe-sum&stepId=step", b"{}",
                                      {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(unsigned, timeout=10)
        raise Failed("an unsigned call was answered")
    except urllib.error.HTTPError as problem:
        expect(401, problem.code, "status of an unsigned call")
    server.stop()
    server.key = new
    server.start()
    app.kill()
    app = setup.start([setup.program("conformance_probe"), "serve", port],
                      server.env(INNGEST_SIGNING_KEY_FALLBACK=old))
    app.wait_for("registered")
    expect(7, server.output_of(server.send("probe/sum.wanted", {"a": 3, "b": 4})), "with the new key")
    return "old key, new key, unsigned call refused"


def send_and_wait(setup):
    """runs::send_and_wait"""
    server = setup.start_server("waits")
    setup.start([setup.program("conformance_probe"), "serve", free_port()], server.env()).wait_for("registered")
    for number in range(10):
        done = subprocess.run([setup.program("conformance_probe"), "send-and-wait", str(number), "5"],
                              env={**os.environ, **server.env()}, capture_output=True, text=True, timeout=PATIENCE)
        expect(f"{number + 5}\n", done.stdout, f"output of send-and-wait ({done.stderr.strip()})")
    return "10 of 10 results"


def swap(setup, order):
    folder = setup.typescript()
    server = setup.start_server("swap-" + order[0])
    port = free_port()
    ident = "-".join(order)

    def start(sdk):
        command = {"cpp": [setup.program("conformance_probe"), "serve", port], "ts": ["node", "probe.mjs", port]}[sdk]
        app = setup.start(command, server.env(), folder)
        app.wait_for("registered")
        return app

    app = start(order[0])
    event = server.send("probe/journey.wanted", {"id": ident})
    app.wait_for(f"ran {ident} first")
    server.await_step(event, "nap", 1)  # the sleep of eight seconds has begun
    app.kill()
    app = start(order[1])
    for step in ("left", "right"):
        app.wait_for(f"ran {ident} {step}")
    server.await_step(event, "go", 2)  # the wait for the event has begun
    app.kill()
    app = start(order[2])
    server.send("probe/go", {"id": "another", "n": 1})
    server.send("probe/go", {"id": ident, "n": 7})
    expect({"first": order[0], "left": order[1], "right": order[1], "n": 7, "last": order[2]}, server.output_of(event),
           "who ran which step")
    return "one run, two changes"


def swap_from_typescript(setup):
    """A run swapped: TypeScript, C++, TypeScript"""
    return swap(setup, ["ts", "cpp", "ts"])


def swap_from_cpp(setup):
    """A run swapped: C++, TypeScript, C++"""
    return swap(setup, ["cpp", "ts", "cpp"])


CASES = [official_runner, studio, studio_over_connect, key_rotation, send_and_wait, realtime, endpoints,
         swap_from_typescript, swap_from_cpp]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--server", choices=["real", "engine"], default="real")
    parser.add_argument("--work")
    parser.add_argument("cases", nargs="*", metavar="CASE")
    options = parser.parse_args()
    names = {case.__name__: case for case in CASES}
    unknown = [name for name in options.cases if name not in names]
    if unknown:
        parser.error(f"unknown case {unknown[0]}; the cases are {', '.join(names)}")
    setup = Setup(options)
    setup.work.mkdir(parents=True, exist_ok=True)
    if setup.server == "real" and setup.cli is None:
        print("skipped: no inngest command line (set INNGEST_CLI to one)")
        return 77

    rows, results = [], []
    for case in [names[name] for name in options.cases] or CASES:
        try:
            result, note = "passed", case(setup)
        except Skipped as reason:
            result, note = "skipped", str(reason)
        except Exception as problem:  # whatever it was, the other cases run
            result, note = "FAILED", f"{type(problem).__name__}: {problem}" if not isinstance(problem, Failed) else str(problem)
        finally:
            setup.stop_all()
        results.append(result)
        rows.append(f"| {case.__doc__} | {result} | {note} |")
        print(rows[-1], flush=True)
    print(f"\n{results.count('passed')} passed, {results.count('FAILED')} failed, {results.count('skipped')} skipped, on "
          + ("the embedded engine" if setup.server == "engine" else "the real server"))
    return 1 if "FAILED" in results else 0 if "passed" in results else 77


if __name__ == "__main__":
    sys.exit(main())
