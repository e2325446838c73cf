#!/usr/bin/env python3
"""Checks the headers: their #include lines point downwards only, and each package is named where it belongs.

The layers are the map of the library, from what needs nothing to what needs everything. A header may include its own
layer and those below, and no header may come back to itself. impl/x.ipp, the definitions of what x.hpp declares,
counts as a part of x.hpp, which includes it at its end.
"""

import fnmatch
import functools
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADERS = ROOT / "include" / "inngest"

LAYERS = [
    ["version.hpp", "config.hpp", "fwd.hpp", "stop_token.hpp", "executor.hpp", "dependencies.hpp", "limits.hpp",
     "protocol/step_kinds.hpp", "options/detail/option_limits.hpp", "time/timestamp.hpp", "time/detail/http_date.hpp",
     "time/detail/rfc3339.hpp", "time/detail/saturated.hpp", "time/detail/server_duration.hpp", "platform/detail/*",
     "detail/ascii.hpp", "detail/base64.hpp", "detail/checked_math.hpp", "detail/copyable.hpp", "detail/enumeration.hpp", "detail/fixed_string.hpp", "detail/function_ref.hpp",
     "detail/hex.hpp", "detail/log_limiter.hpp", "detail/reserved_events.hpp", "detail/sha1.hpp",
     "detail/slug.hpp", "detail/spare_texts.hpp", "detail/type_name.hpp",
     "json/detail/for_each_macro.hpp", "json/detail/parse_real.hpp"],
    ["error.hpp"],
    ["json.hpp", "json/*", "detail/utf8.hpp", "detail/crypto.hpp", "detail/keys.hpp", "detail/ulid.hpp",
     "detail/result_traits.hpp", "time/*", "log.hpp", "log/*", "http.hpp", "http/*", "thread_pool.hpp", "expression.hpp", "expression/*",
     "step/detail/step_body.hpp", "fetch.hpp"],
    ["step_id.hpp", "event.hpp", "members.hpp", "topic.hpp", "middleware.hpp", "trigger.hpp", "options.hpp", "settings.hpp",
     "options/detail/check_options.hpp"],
    ["protocol/*", "connect/detail/messages.hpp", "connect/detail/message_layouts.hpp", "connect/detail/codec.hpp"],
    ["execution/*"],
    ["function.hpp", "step.hpp", "step/*", "experiment.hpp", "group.hpp", "context.hpp"],
    ["client.hpp"],
    ["serve.hpp", "serving/*", "endpoint.hpp", "endpoint_options.hpp"],
    ["realtime.hpp", "realtime/*"],
    ["middleware/*", "ai.hpp", "ai/*", "runs.hpp", "runs/*", "doctor.hpp", "outbox.hpp", "outbox/*",
     "sql_outbox.hpp", "sql_outbox/*"],
    ["connect.hpp", "connect/detail/*", "connect/worker*.hpp", "connect/websocket.hpp", "connect/beast_websocket.hpp"],
    ["embedded/bulk.hpp", "embedded/bulk_operation.hpp", "embedded/run.hpp", "embedded/store.hpp",
     "embedded/timeline.hpp", "embedded/metrics.hpp", "embedded/health.hpp", "embedded/retention.hpp",
     "embedded/app_info.hpp", "embedded/function_stats.hpp", "embedded/audit.hpp", "embedded/pause.hpp",
     "embedded/query.hpp", "embedded/detail/run_match.hpp"],
    ["embedded/detail/realtime_tokens.hpp", "embedded/detail/realtime_hub.hpp", "embedded/detail/run_notes.hpp",
     "embedded/detail/app_answer.hpp", "embedded/detail/bulk_text.hpp", "embedded/detail/cancellation_api.hpp",
     "embedded/detail/event_sessions.hpp", "embedded/detail/function_definition.hpp",
     "embedded/detail/incoming_event.hpp", "embedded/detail/outgoing_request.hpp",
     "embedded/detail/received_json.hpp", "embedded/detail/request_body.hpp", "embedded/detail/registered_names.hpp",
     "embedded/detail/reported_operation.hpp", "embedded/detail/retry.hpp",
     "embedded/detail/run_errors.hpp", "embedded/detail/set_aside.hpp"],
    ["embedded/detail/scheduling/*"],
    ["adapters/*", "transport/*", "connect/httplib_websocket.hpp", "embedded.hpp", "embedded/*", "testing.hpp", "testing/*"],
    ["inngest.hpp"],
]

# (what may not be included, who may not, but for these)
FORBIDDEN = [
    (["adapters/*", "transport/*"], ["*"], ["inngest.hpp", "adapters/*", "transport/*", "connect/httplib_websocket.hpp",
                                             "embedded/detail/http_server_body.hpp"]),
    (["embedded.hpp", "embedded/*"], ["*"], ["embedded.hpp", "embedded/*", "testing.hpp", "testing/*"]),
]

# Each package, and the only headers that name it.
PACKAGES = [
    (r"nlohmann/", ["json.hpp", "json/detail/*"]),
    (r"boost/pfr", ["json/aggregates.hpp"]),
    (r"^simdjson\.h$", ["json/detail/simdjson.hpp"]),
    (r"httplib\.h$", ["adapters/httplib.hpp", "connect/httplib_websocket.hpp", "transport/impl/httplib.ipp", "transport/detail/httplib_*.hpp"]),
    (r"boost/(?!pfr)", ["adapters/beast.hpp", "adapters/detail/beast_*.hpp", "connect/beast_websocket.hpp", "embedded/detail/gateway_body.hpp",
                          "embedded/detail/gateway_socket.hpp"]),
    (r"protozero/", ["connect/detail/codec.hpp"]),
    (r"restinio/", ["adapters/restinio.hpp"]),
    (r"Poco/", ["adapters/poco.hpp"]),
    (r"civetweb\.h$", ["adapters/civetweb.hpp"]),
    (r"microhttpd\.h$", ["adapters/microhttpd.hpp"]),
    (r"pistache/", ["adapters/pistache.hpp"]),
    (r"Qt[A-Z]\w*/", ["adapters/qt.hpp"]),
    (r"drogon/", ["adapters/drogon.hpp"]),
    (r"openssl/", ["detail/impl/crypto.ipp"]),
    (r"sodium", ["middleware/encryption.hpp"]),
    (r"re2/", ["expression/detail/impl/pattern.ipp"]),
    (r"sqlite3", ["embedded/detail/impl/sqlite.ipp", "sql_outbox/sqlite.hpp"]),
    (r"libpq-fe", ["sql_outbox/postgresql.hpp"]),
    (r"pqxx/", ["sql_outbox/pqxx.hpp"]),
    (r"spdlog/", ["log/spdlog.hpp"]),
]

# The end of a header with definitions of its own.
INCLUDE_IPP = """
#if !defined(INNGEST_COMPILED)
#include <inngest/{}>
#endif
"""

# Headers that are cheap to compile because they include nothing else.
CHEAP = {"fwd.hpp": ["inngest/config.hpp", "inngest/detail/fixed_string.hpp"],
         "detail/fixed_string.hpp": ["cstddef", "inngest/config.hpp"],
         "config.hpp": ["inngest_config.hpp", "inngest/version.hpp"]}

# Macros of others that a header has to define.
FOREIGN_MACROS = {"platform/detail/windows.hpp": ["NOMINMAX"],
                  "json/detail/simdjson.hpp": ["SIMDJSON_IMPLEMENTATION_ICELAKE", "SIMDJSON_IMPLEMENTATION_HASWELL",
                                               "SIMDJSON_IMPLEMENTATION_WESTMERE"]}

INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')
DEFINE = re.compile(r"\s*#\s*define\s+(\w+)")
USING_NAMESPACE = re.compile(r"\s*using\s+namespace\b")
NAMESPACE = re.compile(r"\s*(inline\s+)?namespace\b[^=;]*\{")
EXTERN_C = re.compile(r'\s*extern\s+"C"\s*\{')


def matches(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def header_of(name):
    """The header that a file belongs to: detail/crypto.hpp for detail/impl/crypto.ipp. Without a header of its name,
    that of the beginning of its name: detail/engine_body.hpp for detail/impl/engine_body_calls.ipp."""
    header = re.sub(r"(^|/)impl/(\w+)\.ipp$", r"\1\2.hpp", name)
    while header != name and not (HEADERS / header).exists() and "_" in header.rpartition("/")[2]:
        header = header.rpartition("_")[0] + ".hpp"
    return header


def layer_of(name):
    name = header_of(name)
    for level, patterns in enumerate(LAYERS):
        if matches(name, patterns):
            return level
    return None


def code_of(text):
    """The text with comments, strings and characters blanked, and its lines kept."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
    # A quote within a number separates digits.
    text = re.sub(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])", "_", text)
    return token.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def check_includes(name, number, included):
    if included.startswith("inngest/"):
        other = included.removeprefix("inngest/")
        if not (HEADERS / other).exists():
            yield number, f"there is no {other}"
            return
        mine, its = layer_of(name), layer_of(other)
        if mine is not None and its is not None and its > mine:
            yield number, f"{other} is in a layer above this one"
        for targets, users, exceptions in FORBIDDEN:
            if matches(other, targets) and matches(name, users) and not matches(header_of(name), exceptions):
                yield number, f"{other} may be included only by {', '.join(exceptions)}"
    if included not in CHEAP.get(name, [included]):
        yield number, f"is to stay cheap to compile: it may include only {', '.join(CHEAP[name])}"
    for pattern, homes in PACKAGES:
        if re.match(pattern, included) and not matches(name, homes):
            yield number, f"<{included}> is named only in {', '.join(homes)}"


def check_ipp(name, text):
    """Yields (line, rule) for each violation of what a file of definitions must be."""
    header = header_of(name)
    if header == name or not (HEADERS / header).exists():
        yield 1, "belongs to no header: impl/x.ipp defines what x.hpp declares"
        return
    if f"#include <inngest/{header}>" not in text:
        yield 1, f"does not include {header}"
    end = (HEADERS / header).read_text(encoding="utf-8").rpartition("\n#if !defined(INNGEST_COMPILED)\n")[2]
    includes = end.removesuffix("#endif\n").splitlines()
    if f"#include <inngest/{name}>" not in includes or not all(line.startswith("#include <") for line in includes):
        yield 1, f"{header} must end with:{INCLUDE_IPP.format(name)}"


CONDITION = re.compile(r"\s*#\s*if")
END_OF_CONDITION = re.compile(r"\s*#\s*endif")


@functools.lru_cache(maxsize=None)
def knows_abi(name):
    """Whether INNGEST_ABI is defined where the file first needs it, whatever else is defined. It would be no error
    if it were not, but the name of a namespace."""
    if name == "config.hpp":
        return True
    conditions = 0
    for line in (HEADERS / name).read_text(encoding="utf-8").splitlines():
        conditions += bool(CONDITION.match(line)) - bool(END_OF_CONDITION.match(line))
        found = INCLUDE.match(line)
        if found and conditions == 0 and found.group(1).startswith("inngest/"):
            if knows_abi(found.group(1).removeprefix("inngest/")):
                return True
        if "inline INNGEST_ABI" in line:
            return False
    return False


def check_header(name, text):
    """Yields (line, rule) for each violation."""
    if layer_of(name) is None:
        yield 1, "is in no layer: give it one in tools/check_layers.py"
    if not re.search(r"^#pragma once$", text, re.MULTILINE):
        yield 1, "has no #pragma once"
    nested = []  # for each open brace, whether it is a namespace's
    code = code_of(text).splitlines()
    for number, line in enumerate(text.splitlines(), 1):
        if found := INCLUDE.match(line):
            yield from check_includes(name, number, found.group(1))
        found = DEFINE.match(code[number - 1])
        if found and not found.group(1).startswith("INNGEST_") and found.group(1) not in FOREIGN_MACROS.get(name, []):
            yield number, f"the macro {found.group(1)} does not start with INNGEST_"
        if USING_NAMESPACE.match(code[number - 1]) and all(nested):
            yield number, "using namespace at namespace scope"
        is_namespace = bool(NAMESPACE.match(code[number - 1]) or EXTERN_C.match(line))
        for character in code[number - 1]:
            if character == "{":
                nested.append(is_namespace)
                is_namespace = False
            elif character == "}" and nested:
                nested.pop()


def cycles(graph):
    """Yields each cycle of includes that is found, as the names along it."""
    done = set()

    def visit(name, path):
        if name in path:
            yield path[path.index(name):] + [name]
        elif name not in done:
            for other in graph.get(name, []):
                yield from visit(other, path + [name])
            done.add(name)

    for name in graph:
        yield from visit(name, [])


def main():
    problems = []
    graph = {}
    headers = sorted([*HEADERS.rglob("*.hpp"), *HEADERS.rglob("*.ipp")])
    for path in headers:
        name = path.relative_to(HEADERS).as_posix()
        text = path.read_text(encoding="utf-8")
        included = re.findall(r"^\s*#\s*include\s*<inngest/([^>]+)>", text, re.MULTILINE)
        header = header_of(name)
        graph.setdefault(header, []).extend(other for other in map(header_of, included) if other != header)
        found = [*check_header(name, text), *(check_ipp(name, text) if path.suffix == ".ipp" else [])]
        problems += [f"{path.relative_to(ROOT)}:{number}: {rule}" for number, rule in found]
    problems += [f"include/inngest/{cycle[0]}:1: includes itself: {' -> '.join(cycle)}" for cycle in cycles(graph)]
    if not problems:  # it follows includes, which must exist and not go round
        problems += [f"{path.relative_to(ROOT)}:1: includes <inngest/config.hpp> too late, or not always"
                     for path in headers if "INNGEST_ABI" in path.read_text(encoding="utf-8")
                     and not knows_abi(path.relative_to(HEADERS).as_posix())]
    print("\n".join(problems) if problems else f"{len(graph)} headers: every arrow points downwards")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
