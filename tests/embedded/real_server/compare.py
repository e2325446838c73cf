#!/usr/bin/env python3
"""Compares the engine's server with the Inngest server that INNGEST_CLI names: the same requests, and the same app.

compare.py <engine's program>. Exits with 77 without INNGEST_CLI. Prints every difference; those that are meant are
listed in EXPECTED, with the reason, and docs/embedding.md tells users about them.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from app import App
from ports import free_port
from registrations import REGISTRATIONS, base
from requests_of_runs import REQUESTS

# The name of a check, and why the engine differs.
WRONG = "the app learns at once that an option is wrong; a server ignores it, or cannot start a run"
EXPECTED = {f"registering {name}": WRONG
            for name in ("a cancellation whose timeout is none", "a wrong key of a singleton",
                         "a wrong key of a throttle")}
EXPECTED.update({
    "the output of parent": "a server takes a result with a member \"error\" for an error",
    "the output of nothing": "a server does not tell null from no output",
    "the output of no-content": "a server does not tell null from no output",
    "the output of no-sdk": "a failed run shows its error, not the answer that was refused",
    "the output of words": "a failed run shows its error, not the answer that was refused",
    "the lifecycle event of year": "a server writes the error as text into the error",
})


def ask(method, url, body=None, headers=None):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text.decode(errors="replace")


class Server:
    """A running server, and an app of its own that is registered there."""

    def __init__(self, name, url, stack):
        self.name, self.url = name, url
        self.app = stack.enter_context(App())

    def wait(self):
        for _ in range(300):
            with contextlib.suppress(OSError):
                if ask("GET", self.url + "/health")[0] == 200:
                    return self
            time.sleep(0.1)
        raise SystemExit(f"{self.name} does not start")

    def register(self, functions, app="app"):
        return ask("POST", self.url + "/fn/register",
                   {"appName": app, "url": self.app.url, "sdk": "test:v1", "v": "0.1", "deployType": "ping",
                    "functions": functions})

    def send(self, name, data=None):
        return ask("POST", self.url + "/e/key", {"name": name, "data": data or {}})[1]["ids"][0]


def engine(program, stack):
    process = stack.enter_context(subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    stack.callback(process.kill)
    return Server("engine", process.stdout.readline().decode().strip(), stack).wait()


def real(program, stack):
    ports = [free_port() for _ in range(4)]
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    log = stack.enter_context(open(os.path.join(folder, "log"), "w", encoding="utf-8"))
    options = ["--port", "--connect-gateway-port", "--connect-gateway-grpc-port", "--connect-executor-grpc-port"]
    command = [program, "dev", "--no-discovery", "--no-poll"]
    for option, port in zip(options, ports):
        command += [option, str(port)]
    process = stack.enter_context(subprocess.Popen(command, cwd=folder, stdout=log, stderr=log))
    stack.callback(process.kill)
    return Server("server", f"http://127.0.0.1:{ports[0]}", stack).wait()


def compare_registrations(servers):
    for name, change in REGISTRATIONS.items():
        found = []
        for server in servers:
            function = base(server.app.url)
            function.update(change)
            for key in [key for key, value in function.items() if value == "absent"]:
                del function[key]
            found.append(server.register([function], "registers")[0])
        yield "registering " + name, found[0], found[1]


def main():
    if not os.environ.get("INNGEST_CLI"):
        print("skipped: INNGEST_CLI names no server")
        return 77
    different = 0
    with contextlib.ExitStack() as stack:
        servers = [engine(sys.argv[1], stack), real(os.environ["INNGEST_CLI"], stack)]
        checks = list(compare_registrations(servers))
        for request in REQUESTS:  # each returns its comparisons
            checks += request(servers, ask)
        for name, ours, theirs in checks:
            if ours == theirs:
                continue
            reason = EXPECTED.get(name)
            different += reason is None
            print(f"{'as meant' if reason else 'DIFFERENT'}: {name}\n  engine: {ours}\n  server: {theirs}"
                  + (f"\n  because {reason}" if reason else ""))
        print(f"{len(checks)} comparisons, {different} differences that are not meant")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
