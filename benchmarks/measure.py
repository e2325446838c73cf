#!/usr/bin/env python3
"""Measures the servers of run.sh with wrk and prints tables: measure.py <program> <typescript folder> <work folder>.

With "-" instead of the TypeScript folder that SDK is left out, and only workloads with a goal are measured.

Each server runs on one core, wrk on another. CPU per request is what the server's process used by its own account.
Servers take turns within a workload, and each figure is the best of the rounds: what other programs took is noise.
"""

import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import time
import urllib.request

PROGRAM, TYPESCRIPT, WORK = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
HERE = pathlib.Path(__file__).parent
QUICK = TYPESCRIPT == "-"
SECONDS = int(os.environ.get("SECONDS_EACH", "1" if QUICK else "4"))
ROUNDS = int(os.environ.get("ROUNDS", "6" if QUICK else "3"))
CONNECTIONS = int(os.environ.get("CONNECTIONS", "32"))
KEY = "12345678123456781234567812345678"
TICKS = os.sysconf("SC_CLK_TCK")

# name, function, request, signed, expected status
WORKLOADS = [
    ("no steps", "none", "none", False, 200),
    ("one fresh step", "loop", "one", False, 206),
    ("replay 10", "loop", "replay-10", False, 200),
    ("replay 100", "loop", "replay-100", False, 200),
    ("replay 100, signed", "loop", "replay-100", True, 200),
    ("replay 1,000", "loop", "replay-1000", False, 200),
    ("4 MB state", "loop", "state-4mb", False, 200),
    ("plan 100", "plan", "plan-100", False, 206),
]

# workload, server, CPU for a call at most as a multiple of cpp-httplib's with a constant answer
GOALS = [
    ("no steps", "beast", 0.7),
    ("replay 1,000", "beast", 1.4),
    ("4 MB state", "beast", 0.4),
    ("no steps", "httplib", 1.3),
]
TITLES = {"beast": "ours on Beast", "httplib": "ours on cpp-httplib", "constant": "cpp-httplib's constant",
          "typescript": "TypeScript"}


class Server:
    def __init__(self, command, port, signed):
        env = {**os.environ, "NODE_ENV": "production"}
        env.pop("INNGEST_DEV", None)
        env.update({"INNGEST_SIGNING_KEY": KEY, "INNGEST_EVENT_KEY": "k"} if signed else {"INNGEST_DEV": "1"})
        self.port = port
        self.process = subprocess.Popen(["taskset", "-c", "0", *command], env=env, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/none", timeout=1)
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise SystemExit(f"no server came up: {command}")

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, key):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{key}:\s+(\d+)", text).group(1)) / 1024

    def stop(self):
        self.process.kill()
        self.process.wait()


def url(port, function):
    return f"http://127.0.0.1:{port}/api/inngest?fnId=bench-{function}&stepId=step"


def signature(body, signed):
    if not signed:
        return ""
    return subprocess.run([PROGRAM, "sign", KEY, str(body)], check=True, capture_output=True, text=True).stdout.strip()


def ask(port, function, body, sign):
    headers = {"Content-Type": "application/json", **({"X-Inngest-Signature": sign} if sign else {})}
    request = urllib.request.Request(url(port, function), body.read_bytes(), headers)
    with urllib.request.urlopen(request) as answer:
        return answer.status, answer.read()


def meaning(status, text):
    """What an answer says, whichever SDK gave it."""
    value = json.loads(text)
    if status != 206:
        return status, value
    return status, [(op["op"], op["id"], op.get("data")) for op in value]


def drive(server, function, body, sign, seconds):
    """Requests a second, and milliseconds of CPU for each."""
    env = {**os.environ, "BODY": str(body), "SIGNATURE": sign}
    before = server.cpu()
    out = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "60s", "-s",
                          str(HERE / "post.lua"), url(server.port, function)], env=env, capture_output=True, text=True,
                         check=True).stdout
    used = server.cpu() - before
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if wrong:
        raise SystemExit(f"{function}: {wrong.group(0)}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    return rate, 1000 * used / max(requests, 1)


def start(signed):
    servers = {"beast": Server([PROGRAM, "beast", "3901"], 3901, signed),
               "httplib": Server([PROGRAM, "ours", "3902"], 3902, signed)}
    if not QUICK:
        servers["typescript"] = Server(["node", f"{TYPESCRIPT}/server.mjs", "3903"], 3903, signed)
    return servers


def measure_servers(servers, name, function, request, signed, status):
    """The rates and CPU of each server in all rounds, and the memory of ours; adds the server with the constant."""
    body = WORK / f"{request}.json"
    sign = signature(body, signed)
    answers = {each: ask(server.port, function, body, sign) for each, server in servers.items()}
    for each, answer in answers.items():
        if answer[0] != status or meaning(*answer) != meaning(*answers["beast"]):
            raise SystemExit(f"{name}: the servers' answers differ: {TITLES[each]}")
    constant_text = WORK / "constant.json"
    constant_text.write_bytes(answers["beast"][1])
    servers["constant"] = Server([PROGRAM, "constant", "3904", str(constant_text)], 3904, signed)
    figures = {each: [] for each in servers}
    for _ in range(ROUNDS):
        for each, server in servers.items():
            slow = each == "typescript" and request in ("replay-1000", "state-4mb")  # a request takes its time
            figures[each].append(drive(server, function, body, sign, 4 * SECONDS if slow else SECONDS))
    memory = {}
    if request == "state-4mb" and not QUICK:
        time.sleep(5)
        memory = {each: (servers[each].memory("VmHWM"), servers[each].memory("VmRSS")) for each in ("beast", "httplib")}
    return figures, memory


def measure(name, function, request, signed, status):
    """The best rate and CPU of each server, and the memory of ours with large bodies."""
    servers = start(signed)
    try:
        figures, memory = measure_servers(servers, name, function, request, signed, status)
    finally:
        for server in servers.values():
            server.stop()
    best = {each: (max(rate for rate, _ in rounds), min(cpu for _, cpu in rounds)) for each, rounds in figures.items()}
    return best, memory


def number(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.3f}"


def print_head():
    model = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    node = ""
    if not QUICK:
        node = ", node " + subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    print(f"{time.strftime('%Y-%m-%d')}, {model}, one core for the server, {CONNECTIONS} connections, "
          f"best of {ROUNDS} rounds of {SECONDS} s{node}\n")
    shown = [each for each in TITLES if each != "typescript" or not QUICK]
    cells = [f"{TITLES[each]}: requests/s | CPU ms" for each in shown]
    print(f"| workload | {' | '.join(cells)} |\n|---|{'---|' * (2 * len(shown))}")
    return shown


def print_ratios(all_best):
    print("\n| CPU as a multiple of cpp-httplib's constant answer | ratio | goal | |\n|---|---|---|---|")
    for workload, best in all_best.items():
        for server in ("beast", "httplib"):
            ratio = best[server][1] / best["constant"][1]
            goal = next((most for name, of, most in GOALS if (name, of) == (workload, server)), None)
            verdict = "" if goal is None else "reached" if ratio <= goal else "not reached"
            if goal is not None or not QUICK:
                print(f"| {workload}, {TITLES[server]} | {ratio:.2f} | {'' if goal is None else goal} | {verdict} |")


def main():
    shown = print_head()
    with_goal = {name for name, _, _ in GOALS}
    all_best, memories = {}, {}
    for workload in WORKLOADS:
        if QUICK and workload[0] not in with_goal:
            continue
        best, memory = measure(*workload)
        all_best[workload[0]] = best
        memories.update(memory)
        cells = [number(value) for each in shown for value in best[each]]
        print(f"| {workload[0]} | {' | '.join(cells)} |", flush=True)
    print_ratios(all_best)
    for each, (most, later) in memories.items():
        print(f"\nMemory of {TITLES[each]} with 4 MB bodies: at most {most:.0f} MB, {later:.0f} MB five seconds later.")


if __name__ == "__main__":
    main()
