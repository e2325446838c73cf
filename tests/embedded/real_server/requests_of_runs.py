"""Requests about runs, after an app has run: both servers must answer alike, apart from ids and times."""

import hashlib
import time


def sha1(text):
    return hashlib.sha1(text.encode()).hexdigest()


def function(url, name, trigger=None, **more):
    return {"id": f"shop-{name}", "name": f"F {name}", "triggers": [trigger or {"event": f"shop/{name}"}],
            "steps": {"step": {"id": "step", "name": "step", "retries": {"attempts": 0},
                               "runtime": {"type": "http", "url": f"{url}?fnId=shop-{name}&stepId=step"}}}, **more}


def ran(name, data, **more):
    return {"op": "StepRun", "id": sha1(name), "name": name, "displayName": name, "data": data,
            "timing": {"a": time.time_ns(), "b": 1000}, "userland": {"id": name}, **more}


def order(body):
    """Three steps; the second one tells its changed input."""
    steps = body["steps"]
    if sha1("first") not in steps:
        return 206, [ran("first", {"n": 1})]
    if sha1("nap") not in steps:
        return 206, [{"op": "Sleep", "id": sha1("nap"), "name": "1s", "displayName": "nap", "opts": {"duration": "1s"}}]
    second = steps.get(sha1("second"))
    if second is None or "input" in second:
        return 206, [ran("second", second and second["input"], opts={"type": "step.run", "input": [5]})]
    return 200, {"second": second["data"]}


def parent(body):
    step = body["steps"].get(sha1("child"))
    if step is None:
        return 206, [{"op": "InvokeFunction", "id": sha1("child"), "name": "child", "displayName": "child",
                      "opts": {"function_id": "shop-fails", "payload": {"data": {"x": 1}}, "timeout": "1m"}}]
    return 200, step


NO_RETRY = {"X-Inngest-No-Retry": "true"}
ANSWERS = {
    "shop-order": order,
    "shop-parent": parent,
    "shop-value": lambda _: (200, 7),
    "shop-nothing": lambda _: (200, None),
    "shop-text": lambda _: (200, "plain text"),
    "shop-no-content": lambda _: (204, None),
    "shop-fails": lambda _: (400, {"name": "RangeError", "message": "no", "stack": "at x"}, NO_RETRY),
    "shop-no-sdk": lambda _: (200, 7, {"X-Inngest-Sdk": None}),
    "shop-proxy": lambda _: (502, "<h1>Bad Gateway</h1>", {"X-Inngest-Sdk": None, "Content-Type": "text/html"}),
    "shop-words": lambda _: (500, "plain words"),
    "shop-year": lambda _: (206, [{"op": "Sleep", "id": sha1("nap"), "name": "nap", "opts": {"duration": "730d"}}]),
    "shop-waits": lambda _: (206, [{"op": "Sleep", "id": sha1("nap"), "name": "nap", "opts": {"duration": "1h"}}]),
}
EVENTS = [name.removeprefix("shop-") for name in ANSWERS]


def runs_of(server, ask, event):
    """The one run of the event, when it has ended or nothing more will happen."""
    for _ in range(150):
        data = ask("GET", f"{server.url}/v2/events/{event}/runs?includeOutput=true")[1].get("data", [])
        if data and "endedAt" in data[0]:
            break
        time.sleep(0.1)
    return data[0] if data else {}


def shape(answer):
    """What must be equal of an answer: the status, the error's code, or the names of members."""
    status, body = answer
    if isinstance(body, dict) and "errors" in body:
        return status, body["errors"][0]["code"]
    if isinstance(body, dict):
        data = body.get("data")
        first = data[0] if isinstance(data, list) and data else data
        return status, sorted(body), sorted(first) if isinstance(first, dict) else None
    return status, None


def lifecycle_data(server, slug):
    """The data of the lifecycle event about the function's run, without what differs each time."""
    for called, body in server.app.calls:
        data = body["event"]["data"]
        if called == "shop-finished" and data["function_id"] == slug:
            kept = {key: data.get(key) for key in ("error", "result", "_inngest", "function_id")}
            if isinstance(kept["error"], dict):
                kept["error"].pop("stack", None)
                if kept["error"]["name"] == "Server returned a fatal error" and isinstance(kept["result"], dict):
                    kept["result"] = "the error"
            return kept
    return None


def compare_runs(servers, ask):
    seen = []
    for server in servers:
        server.app.answers.update(ANSWERS)
        functions = [function(server.app.url, name) for name in EVENTS]
        functions.append(function(server.app.url, "finished", {"event": "inngest/function.finished"}))
        server.register(functions, "shop")
        events = {name: server.send(f"shop/{name}") for name in EVENTS}
        time.sleep(4)
        seen.append({name: runs_of(server, ask, events[name]) if name != "waits" else
                     ask("GET", f"{server.url}/v2/events/{events[name]}/runs")[1]["data"][0] for name in EVENTS})
    for name in EVENTS:
        runs = [each[name] for each in seen]
        yield f"the status of {name}", runs[0].get("status"), runs[1].get("status")
        if name not in ("year",):
            details = [ask("GET", f"{server.url}/v2/runs/{run['id']}?includeOutput=true")[1]["data"]
                       for server, run in zip(servers, runs)]
            outputs = [detail.get("output") for detail in details]
            for output in outputs:
                if isinstance(output, dict):
                    output.pop("stack", None)
            yield f"the output of {name}", *outputs
            yield f"the members of {name}", *[sorted(set(detail) - {"output"}) for detail in details]
        data = [lifecycle_data(server, f"shop-{name}") for server in servers]
        yield f"the lifecycle event of {name}", *data
    invoked = [next(body["event"]["data"]["_inngest"] for called, body in server.app.calls
                    if called == "shop-fails" and body["event"]["name"] == "inngest/function.invoked")
               for server in servers]
    traces = {"tc", "isr"}  # of a server's own traces
    yield "the members of an invoked event's _inngest", *[sorted(set(each) - traces) for each in invoked]
    yield "the name of an invoked event's step", *[(each["name"], each["fn_id"]) for each in invoked]
    yield from compare_routes(servers, ask, seen)


def compare_routes(servers, ask, seen):
    unknown = "01M89TPDS0F2HBQW0WB3ZVVKAZ"
    for path in ("/v2/runs?limit=2", "/v2/runs?limit=0", "/v2/runs?limit=101", "/v2/runs?limit=x", "/v2/runs?status=x",
                 "/v2/runs?status=completed&status=FAILED", "/v2/runs?cursor=x", "/v2/runs?from=x", "/v2/runs?order=up",
                 "/v2/runs?timeField=x", "/v2/runs?functionId=order", "/v2/runs?appId=shop&functionId=order",
                 "/v2/runs?appId=shop&functionId=shop-order", "/v2/runs?appId=none", "/v2/runs?isDeferred=true",
                 "/v2/runs?from=2026-01-01T00:00:00Z&until=2025-01-01T00:00:00Z",
                 "/v2/runs?from=2026-01-01T00:00:00Z&until=2100-01-01T00:00:00Z&limit=1",
                 "/v2/runs?order=asc&limit=1&timeField=startedAt", "/v2/apps/shop/functions/order/runs",
                 "/v2/apps/shop/functions/none/runs", "/v2/runs/x", f"/v2/runs/{unknown}", "/v2/runs/x/trace",
                 f"/v2/runs/{unknown}/trace", "/v2/events/x/runs", f"/v2/events/{unknown}/runs", "/v2/health"):
        yield "GET " + path, *[shape(ask("GET", server.url + path)) for server in servers]
    for path, run, body in (
            ("rerun", "order", {}), ("rerun", "order", {"fromStep": {"stepId": "none"}}),
            ("rerun", "order", {"fromStep": {"stepId": ""}}), ("rerun", "order", {"fromStep": {"stepId": "nap"}}),
            ("rerun", "order", {"fromStep": {"stepId": "second", "input": 5}}), ("rerun", "order", {"other": 1}),
            ("rerun", "order", {"from_step": {"step_id": "second"}}), ("rerun", None, {}), ("cancel", "order", {}),
            ("cancel", "waits", {}), ("cancel", None, {})):
        yield f"POST {path} of {run} with {body}", *[
            shape(ask("POST", f"{server.url}/v2/runs/{all_[run]['id'] if run else unknown}/{path}", body))
            for server, all_ in zip(servers, seen)]
    for name, body in (("value", {"data": {}}), ("shop-value", {"data": {}}), ("value", {}), ("none", {"data": {}}),
                       ("value", {"data": 5}), ("value", {"data": {}, "idempotencyKey": "k"}),
                       ("value", {"data": {}, "idempotencyKey": "k"})):
        yield f"POST invoke of {name} with {body}", *[
            shape(ask("POST", f"{server.url}/v2/apps/shop/functions/{name}/invoke", body)) for server in servers]
    yield from compare_reruns(servers, ask, seen)


def compare_reruns(servers, ask, seen):
    steps, outputs = [], []
    for server, all_ in zip(servers, seen):
        again = ask("POST", f"{server.url}/v2/runs/{all_['order']['id']}/rerun",
                    {"fromStep": {"stepId": "second", "input": [{"x": 1}]}})[1]["data"]["runId"]
        for _ in range(100):
            data = ask("GET", f"{server.url}/v2/runs/{again}?includeOutput=true")[1].get("data", {})
            if "endedAt" in data:
                break
            time.sleep(0.1)
        outputs.append(data.get("output"))
        steps.append([body["steps"] for _, body in server.app.calls if body["ctx"]["run_id"] == again])
    yield "the calls of a run that is repeated from a step", *steps
    yield "the output of a run that is repeated from a step", *outputs


REQUESTS = [compare_runs]
