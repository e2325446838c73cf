#!/usr/bin/env python3
"""Workers with a real Inngest server: real_gateway.py <real_gateway_app> <directory>.

INNGEST_CLI names the server's program; without it, the test is skipped. Prints a line for each thing that works.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from ports import free_port  # noqa: E402

if not os.environ.get("INNGEST_CLI"):
    print("skipped: INNGEST_CLI names no server")
    sys.exit(77)
CLI = os.environ["INNGEST_CLI"]
APP = sys.argv[1]
DIRECTORY = pathlib.Path(sys.argv[2])
DIRECTORY.mkdir(parents=True, exist_ok=True)
processes = []


def get(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def eventually(what, condition, seconds=60):
    end = time.monotonic() + seconds
    problem = None
    while time.monotonic() < end:
        try:
            result = condition()
            if result:
                return result
        except OSError as failed:
            problem = failed
        time.sleep(0.2)
    raise SystemExit(f"FAILED: {what} ({problem})\n" + "\n".join(
        f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in DIRECTORY.glob("*.log")))


def start(name, command, **options):
    log = DIRECTORY / f"{name}.log"
    process = subprocess.Popen(command, stdout=log.open("w"), stderr=subprocess.STDOUT, cwd=DIRECTORY, **options)
    process.log = log
    processes.append(process)
    return process


def start_server():
    process = start("server", [CLI, "dev", "--no-discovery", "--no-poll", "--port", str(PORTS[0]),
                               "--connect-gateway-port", str(PORTS[1]), "--connect-gateway-grpc-port", str(PORTS[2]),
                               "--connect-executor-grpc-port", str(PORTS[3])])
    eventually("the server starts", lambda: get("/v0/connect/envs/dev/conns") is not None)
    return process


def start_worker(name):
    process = start(name, [APP, URL, name])
    eventually(f"the worker {name} connects", lambda: "state: active" in process.log.read_text())
    return process


def send(name, data=None):
    return get("/e/test", {"name": name, "data": data or {}})["ids"][0]


def run_of(event):
    runs = get(f"/v1/events/{event}/runs")["data"]
    if not runs:
        return None
    query = f'{{ run(runID: "{runs[0]["run_id"]}") {{ status output }} }}'
    return get("/v0/gql", {"query": query})["data"]["run"]


def finished(event, status="COMPLETED", seconds=60):
    """The output of the run that the event has started, when it has ended."""
    def look():
        run = run_of(event)
        # The output is there a little later than the status.
        return run if run and run["status"] in ("COMPLETED", "FAILED", "CANCELLED") and run["output"] else None
    run = eventually(f"the run of event {event} ends", look, seconds)
    if run["status"] != status:
        raise SystemExit(f"FAILED: the run has the status {run['status']}, not {status}: {run}")
    output = json.loads(run["output"])
    if isinstance(output, list) and output and output[0].get("op") == "RunComplete":
        return output[0]["data"]
    return output["data"] if isinstance(output, dict) and set(output) == {"data"} else output


def is_completed(event):
    runs = get(f"/v1/events/{event}/runs")["data"]
    return bool(runs) and runs[0]["status"] == "Completed"


def check(what, is_true, value=None):
    if not is_true:
        raise SystemExit(f"FAILED: {what}: {value}")
    print(f"ok: {what}", flush=True)


def main():
    server = start_server()
    first = start_worker("first")
    listed = eventually("the worker is listed", lambda: get("/v0/connect/envs/dev/conns")["data"])
    check("the worker is listed", len(listed) == 1 and "first" in json.dumps(listed))

    output = finished(send("test/steps"))
    check("steps and a sleep", output == 3, output)
    check("parallel steps", finished(send("test/parallel")) == 3)
    check("a retry after the delay that the step asked for", finished(send("test/retry")) == 1)
    check("a failure that is not retried", "never" in json.dumps(finished(send("test/fails"), "FAILED")))
    check("an invoked function", finished(send("test/invokes")) == 30)
    check("state that is larger than a request", finished(send("test/large")) == 6_000_000)
    events = [send("test/parallel") for _ in range(50)]
    eventually("fifty runs at once", lambda: all(is_completed(event) for event in events))
    check("fifty runs at once", True)

    event = send("test/slow")
    eventually("the slow step begins", lambda: "slow has begun" in first.log.read_text())
    first.send_signal(signal.SIGTERM)
    check("a worker that is stopped finishes its call", finished(event) == "first")
    check("it ends in order", first.wait(timeout=60) == 0 and "drained: yes" in first.log.read_text())

    second = start_worker("second")
    event = send("test/slow")
    eventually("the slow step begins", lambda: "slow has begun" in second.log.read_text())
    second.kill()
    third = start_worker("third")
    began = time.monotonic()
    check("kill -9 of a worker: another one runs the step again", finished(event, seconds=400) == "third")
    print(f"    after {time.monotonic() - began:.0f} s", flush=True)

    server.kill()
    server.wait()
    eventually("the worker notices", lambda: "state: reconnecting" in third.log.read_text())
    third.log.write_text("")
    server = start_server()
    eventually("the worker connects again", lambda: "state: active" in third.log.read_text(), 120)
    check("a server that was killed and started again", finished(send("test/steps")) == 3)
    third.send_signal(signal.SIGTERM)
    check("the last worker ends in order", third.wait(timeout=60) == 0)


PORTS = [free_port() for _ in range(4)]
URL = f"http://127.0.0.1:{PORTS[0]}"
try:
    main()
finally:
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()
