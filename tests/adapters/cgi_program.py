#!/usr/bin/env python3
"""Starts a CGI program as web servers do: cgi_program.py <the program of examples/servers/cgi.cpp>

By hand, and below the web servers that are there: python3's (up to 3.14), lighttpd.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from ports import free_port  # noqa: E402

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
QUERY = "fnId=shop-confirm-order&stepId=step"
CALL = json.dumps({"event": {"name": "shop/order.placed", "data": {"id": "17", "customer": "Zoë"}},
                   "steps": {}, "ctx": {"run_id": "r", "attempt": 0}}).encode()


def start(variables):
    environment = {"INNGEST_DEV": "1", "GATEWAY_INTERFACE": "CGI/1.1", "SCRIPT_NAME": "/cgi-bin/app", **variables}
    return subprocess.Popen([PROGRAM], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def answer(body=b"", **variables):
    """The status line, the fields and the body that the program writes."""
    program = start(variables)
    out, errors = program.communicate(body, timeout=60)
    assert program.returncode == 0, (program.returncode, errors)
    head, body = out.split(b"\r\n\r\n", 1)
    status, *fields = head.decode().split("\r\n")
    return status, dict(field.split(": ", 1) for field in fields), body


def by_hand():
    status, fields, body = answer(CALL, REQUEST_METHOD="POST", QUERY_STRING=QUERY, CONTENT_LENGTH=str(len(CALL)))
    assert status.startswith("Status: 206"), status
    assert fields["x-inngest-framework"] == "cgi"
    assert int(fields["content-length"]) == len(body)
    assert json.loads(body)[0]["op"] == "Sleep", body

    status, _, body = answer(REQUEST_METHOD="GET")
    assert status.startswith("Status: 200") and json.loads(body)["function_count"] == 1
    status, _, body = answer(REQUEST_METHOD="HEAD")
    assert status.startswith("Status: 200") and body == b""
    status, _, _ = answer(REQUEST_METHOD="POST", CONTENT_LENGTH=str(1 << 40))
    assert status.startswith("Status: 413"), status
    status, _, _ = answer(CALL[:20], REQUEST_METHOD="POST", QUERY_STRING=QUERY, CONTENT_LENGTH=str(len(CALL)))
    assert status.startswith("Status: 400"), status

    large = CALL[:-1] + b" " * (4 << 20) + b"}"
    status, _, _ = answer(large, REQUEST_METHOD="POST", QUERY_STRING=QUERY, CONTENT_LENGTH=str(len(large)))
    assert status.startswith("Status: 206"), status


def without_reader():
    """A web server that closes the pipe does not kill the program by a signal."""
    program = start({"REQUEST_METHOD": "GET"})
    program.stdout.close()
    program.stdin.close()
    assert program.wait(60) == 0, program.returncode
    program.stderr.close()


def without_web_server():
    program = subprocess.run([PROGRAM], env={"INNGEST_DEV": "1"}, stdin=subprocess.DEVNULL, capture_output=True,
                             timeout=60, check=False)
    assert program.returncode != 0
    assert b"a web server has to start this program" in program.stderr, program.stderr


def ask(url, body=None):
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def below(name, command, port):
    """Calls the program through a web server."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env={**os.environ, "INNGEST_DEV": "1"})
    try:
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert time.monotonic() < until and server.poll() is None, f"{name} does not start"
                time.sleep(0.05)
        url = f"http://127.0.0.1:{port}/cgi-bin/app"
        _, body = ask(url)
        assert json.loads(body)["function_count"] == 1, body
        _, body = ask(f"{url}?{QUERY}", CALL)
        assert json.loads(body)[0]["op"] == "Sleep", body
        print(f"{name}: passed")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


LIGHTTPD = """\
server.document-root = "{root}"
server.bind = "127.0.0.1"
server.port = {port}
server.modules = ("mod_cgi", "mod_setenv")
setenv.add-environment = ("INNGEST_DEV" => "1")
$HTTP["url"] =~ "^/cgi-bin/" {{ cgi.assign = ("" => "") }}
"""


def below_web_servers():
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        root.chmod(0o755)  # python3 runs programs as nobody when it runs as root
        (root / "cgi-bin").mkdir()
        shutil.copy(PROGRAM, root / "cgi-bin" / "app")
        port = free_port()
        if sys.version_info < (3, 15):
            below("python3 -m http.server --cgi",
                  [sys.executable, "-W", "ignore", "-m", "http.server", "--cgi", "--bind", "127.0.0.1", "--directory",
                   directory, str(port)], port)
        lighttpd = shutil.which("lighttpd") or shutil.which("lighttpd", path="/usr/sbin")
        if lighttpd:
            port = free_port()
            (root / "lighttpd.conf").write_text(LIGHTTPD.format(root=directory, port=port))
            below("lighttpd", [lighttpd, "-D", "-f", str(root / "lighttpd.conf")], port)


by_hand()
without_reader()
without_web_server()
below_web_servers()
print("passed")
