#!/usr/bin/env python3
"""Runs the example with a collector that checks its spans: their ids, parents, times and statuses."""

import http.server
import json
import os
import subprocess
import sys
import threading

spans = []
services = set()


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        good = self.path == "/v1/traces" and self.headers["content-type"] == "application/json"
        for resource in body["resourceSpans"]:
            services.update(a["value"]["stringValue"] for a in resource["resource"]["attributes"])
            for scope in resource["scopeSpans"]:
                spans.extend(scope["spans"])
        self.send_response(200 if good else 404)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def check(holds, what):
    if not holds:
        sys.exit(f"{what}; the spans were: {json.dumps(spans, indent=1)}")


def is_hex(text, digits):
    return len(text) == digits and set(text) <= set("0123456789abcdef") and set(text) != {"0"}


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = dict(os.environ, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{server.server_port}")
    done = subprocess.run([sys.argv[1]], env=environment, timeout=120, stdout=subprocess.PIPE, text=True)
    server.shutdown()
    check(done.returncode == 0, f"the example ended with {done.returncode}")
    check(services == {"photo-studio"}, f"the services are {services}")

    by_id = {span["spanId"]: span for span in spans}
    check(len(by_id) == len(spans), "two spans have one id")
    for span in spans:
        check(is_hex(span["traceId"], 32) and is_hex(span["spanId"], 16), "an id is malformed")
        check(int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]), "a span ends before it starts")
        parent = by_id.get(span.get("parentSpanId"))
        check(parent is None or parent["traceId"] == span["traceId"], "a parent is in another trace")
        check(parent is None or int(parent["startTimeUnixNano"]) <= int(span["startTimeUnixNano"]),
              "a span starts before its parent")

    def path(span):
        parent = by_id.get(span.get("parentSpanId"))
        return (path(parent) + " > " if parent else "") + span["name"]

    paths = [path(span) for span in spans]
    inside = "inngest.request > inngest.run > inngest.step > prepare"
    check(paths.count(inside + " > decode") == 2, "decode is not inside of prepare, twice")
    check(paths.count(inside + " > GET /thumbnail") == 1, "GET /thumbnail is not inside of prepare, once")
    check(paths.count("inngest.request > inngest.run > inngest.step") == 3, "three steps ran")

    failed = [span for span in spans if span["name"] == "decode" and span["status"]["code"] == 2]
    check(len(failed) == 1 and failed[0]["status"]["message"] == "not an image", "one decode failed")
    attributes = {a["key"]: a["value"]["stringValue"] for a in failed[0]["attributes"]}
    check(attributes["photo.path"] == "cat.raw", "the failed span has its attribute")
    check(attributes["inngest.step.id"] == "thumbnail", "the failed span names its step")
    asked = next(span for span in spans if span["name"] == "GET /thumbnail")
    check(f"00-{asked['traceId']}-{asked['spanId']}-01" in done.stdout, "the request carried the trace on")
    print(f"{len(spans)} spans in {len({span['traceId'] for span in spans})} traces")


main()
