#!/usr/bin/env python3
"""Shows the engine's web page from the files in page/, with the data of a running engine: edit, save, reload.

    serve_page.py [ENGINE] [--port PORT]    ENGINE is http://127.0.0.1:8288 unless given, PORT 8289

The files are read for each request; every other request goes to the engine.
"""

import argparse
import http.client
import http.server
import urllib.parse

from embed_page import POLICY, joined, read

FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/script.js": ("script.js", "text/javascript; charset=utf-8"),
}

# As strict as the policy of the embedded page, for files of their own.
FILES_POLICY = POLICY.format(style="'self'", script="'self'")

# Headers about one connection: the two connections here have their own.
OF_A_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length", "accept-encoding", "te", "upgrade"}


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        # Like the engine, so that no web page elsewhere reaches it through here.
        if self.headers.get("Host") not in self.own_hosts():
            return self.send_error(421)
        path = self.path.partition("?")[0]
        if self.command == "GET" and path in FILES:
            return self.answer_with_file(*FILES[path])
        if self.command == "GET" and path == "/api/live":
            return self.pass_stream_on()
        try:
            response, body = self.ask_engine()
        except (OSError, http.client.HTTPException) as error:
            return self.send_error(502, f"No answer from the engine at {self.server.engine}: {error}")
        headers = [item for item in response.getheaders() if item[0].lower() not in OF_A_CONNECTION]
        return self.reply(response.status, headers, body)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def own_hosts(self):
        return [f"{host}:{self.server.server_port}" for host in ("127.0.0.1", "localhost")]

    def answer_with_file(self, name, media_type):
        body = (read(name) if name == "index.html" else joined(name)).encode("utf-8")
        self.reply(200, [("Content-Type", media_type), ("Content-Security-Policy", FILES_POLICY),
                         ("Cache-Control", "no-store")], body)

    def ask_engine(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        engine = http.client.HTTPConnection(self.server.engine, timeout=30)
        try:
            engine.request(self.command, self.path, body or None, self.headers_for_engine())
            response = engine.getresponse()
            return response, response.read()
        finally:
            engine.close()

    def pass_stream_on(self):
        """Passes server-sent events on as they come, until one side goes."""
        engine = http.client.HTTPConnection(self.server.engine, timeout=60)
        try:
            engine.request("GET", self.path, None, self.headers_for_engine())
            response = engine.getresponse()
            self.send_response(response.status)
            self.send_header("Content-Type", response.getheader("Content-Type") or "text/plain")
            self.end_headers()
            while line := response.readline():
                self.wfile.write(line)
        except (OSError, http.client.HTTPException):
            pass  # the browser tries again
        finally:
            engine.close()
            self.close_connection = True

    def headers_for_engine(self):
        """The request's headers, as if it had been sent to the engine. Foreign origins stay: the engine rejects them."""
        here, there = f"http://{self.headers['Host']}", f"http://{self.server.engine}"
        headers = {name.lower(): value for name, value in self.headers.items()}
        headers = {name: value for name, value in headers.items() if name not in OF_A_CONNECTION}
        headers["host"] = self.server.engine
        for name in ("origin", "referer"):
            if (headers.get(name, "") + "/").startswith(here + "/"):
                headers[name] = there + headers[name].removeprefix(here)
        return headers

    def reply(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass  # The page asks for the engine's state each second.


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", nargs="?", default="http://127.0.0.1:8288")
    parser.add_argument("--port", type=int, default=8289)
    given = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    server.engine = urllib.parse.urlsplit(given.engine).netloc
    if not server.engine:
        parser.error(f"the engine's address must start with http://: {given.engine}")
    print(f"http://127.0.0.1:{server.server_port} shows page/ with the data of {given.engine}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
