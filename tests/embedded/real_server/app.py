"""An app that answers as a test says, with an SDK's headers."""

import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class App:
    """`answers` maps a function's slug to what answers its calls: a function of the call's body that returns a status,
    a body and, if it wants to, headers."""

    def __init__(self):
        self.answers, self.calls = {}, []
        app = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                app.calls.append((query["fnId"][0], body))
                status, text, *more = app.answers.get(query["fnId"][0], lambda _: (200, None))(body)
                data = text.encode() if isinstance(text, str) else b"" if text is None else json.dumps(text).encode()
                headers = {"X-Inngest-Sdk": "test:v1", "X-Inngest-Req-Version": "2",
                           "Content-Type": "application/json", "Content-Length": str(len(data)),
                           **(more[0] if more else {})}
                self.send_response(status)
                for name, value in headers.items():
                    if value is not None:
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/inngest"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
