#!/usr/bin/env python3
"""Writes single_include/inngest/inngest.hpp: the whole library in one header.

What goes into it is derived from the headers' own #include lines: each of ours is put where it is included first,
and left out where it is included again. Includes of other headers stay where they are, once. The definitions in
impl/*.ipp are always in it: it is for programs that are not compiled with INNGEST_COMPILED.

    amalgamate.py            writes the file
    amalgamate.py --check    fails if the file is not what would be written
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADERS = ROOT / "include"
TARGET = ROOT / "single_include" / "inngest" / "inngest.hpp"

# The umbrella, and what an app includes beside it. Adapters follow the umbrella's switch for their framework; what
# takes long to compile or needs a further package is there on demand. These come last: what they share with the
# rest must not be put where it can be switched off.
WHOLE = """\
#include <inngest/config.hpp>
#ifndef INNGEST_NO_HTTPLIB
#include <inngest/transport/detail/httplib_flags.hpp>
#endif
#include <inngest/http/streaming.hpp>
#include <inngest/inngest.hpp>
#include <inngest/realtime.hpp>
#include <inngest/embedded.hpp>
#include <inngest/doctor.hpp>
#include <inngest/endpoint.hpp>
#include <inngest/log/sinks.hpp>
#include <inngest/middleware/metrics.hpp>
#include <inngest/middleware/otlp.hpp>
#include <inngest/middleware/run_traces.hpp>
#include <inngest/middleware/tracing.hpp>
#include <inngest/outbox.hpp>
#include <inngest/runs.hpp>
#include <inngest/embedded/detail/redirect.hpp>
#if !defined(INNGEST_NO_HTTPLIB) || defined(INNGEST_WITH_HTTP_SERVER)
#include <inngest/platform/detail/socket.hpp>
#endif
#ifndef INNGEST_NO_HTTPLIB
#include <inngest/adapters/detail/path_text.hpp>
#include <inngest/transport/detail/httplib_server.hpp>
#include <inngest/transport/detail/httplib_tasks.hpp>
#include <inngest/adapters/httplib.hpp>
#endif
#ifdef INNGEST_WITH_CGI
#include <inngest/adapters/cgi.hpp>
#endif
#ifdef INNGEST_WITH_LAMBDA
#include <inngest/adapters/detail/lambda_members.hpp>
#include <inngest/adapters/detail/lambda_runtime.hpp>
#include <inngest/adapters/lambda_events.hpp>
#include <inngest/adapters/lambda.hpp>
#endif
#ifdef INNGEST_WITH_AGGREGATES
#include <inngest/json/aggregates.hpp>
#endif
#ifdef INNGEST_WITH_AI
#include <inngest/ai/gateway.hpp>
#include <inngest/ai/detail/answers.hpp>
#include <inngest/ai/detail/requests.hpp>
#include <inngest/ai/chat.hpp>
#include <inngest/ai/anthropic.hpp>
#include <inngest/ai/azure_openai.hpp>
#include <inngest/ai/deepseek.hpp>
#include <inngest/ai/gemini.hpp>
#include <inngest/ai/grok.hpp>
#include <inngest/ai/openai.hpp>
#include <inngest/ai/openai_compatible.hpp>
#include <inngest/ai/openai_responses.hpp>
#include <inngest/ai.hpp>
#endif
#ifdef INNGEST_WITH_SPDLOG
#include <inngest/log/spdlog.hpp>
#endif
#ifdef INNGEST_WITH_ENCRYPTION
#include <inngest/middleware/encryption.hpp>
#endif
#ifdef INNGEST_WITH_HTTP_SERVER
#include <inngest/embedded/detail/changing_routes.hpp>
#include <inngest/embedded/detail/request_body.hpp>
#include <inngest/embedded/detail/rerun_api.hpp>
#include <inngest/embedded/detail/bulk_api.hpp>
#include <inngest/embedded/detail/apps_api.hpp>
#include <inngest/embedded/detail/find_api.hpp>
#include <inngest/embedded/detail/page_run.hpp>
#include <inngest/embedded/detail/page_api.hpp>
#include <inngest/embedded/detail/page.hpp>
#include <inngest/embedded/detail/http_parser.hpp>
#include <inngest/embedded/detail/open_answer.hpp>
#include <inngest/embedded/detail/http_listener.hpp>
#include <inngest/embedded/detail/server_realtime.hpp>
#include <inngest/embedded/detail/live_changes.hpp>
#include <inngest/embedded/detail/server_access.hpp>
#include <inngest/embedded/http_server_options.hpp>
#include <inngest/embedded/detail/server_gateway.hpp>
#include <inngest/embedded/detail/control_api.hpp>
#include <inngest/embedded/detail/operating_api.hpp>
#include <inngest/embedded/detail/http_server_body.hpp>
#include <inngest/embedded/http_server.hpp>
#endif
#ifdef INNGEST_WITH_TESTING
#include <inngest/testing/recorded_run.hpp>
#include <inngest/testing/mocks.hpp>
#include <inngest/testing/simulation.hpp>
#include <inngest/testing/test_run.hpp>
#include <inngest/testing.hpp>
#ifdef INNGEST_WITH_CATCH2
#include <inngest/testing/catch2.hpp>
#endif
#endif
#ifdef INNGEST_WITH_SQLITE
#include <inngest/embedded/detail/file_lock.hpp>
#include <inngest/embedded/detail/sqlite.hpp>
#include <inngest/embedded/detail/sqlite_search.hpp>
#include <inngest/embedded/detail/sqlite_records.hpp>
#include <inngest/embedded/detail/sqlite_loader.hpp>
#include <inngest/embedded/detail/sqlite_reader.hpp>
#include <inngest/embedded/detail/sqlite_schema.hpp>
#include <inngest/embedded/detail/sqlite_writer.hpp>
#include <inngest/embedded/detail/sqlite_unreadable.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#endif
#if defined(INNGEST_WITH_SQLITE) || defined(INNGEST_WITH_POSTGRESQL) || defined(INNGEST_WITH_PQXX)
#include <inngest/sql_outbox/sql.hpp>
#include <inngest/sql_outbox/detail/postgresql_values.hpp>
#include <inngest/sql_outbox.hpp>
#include <inngest/sql_outbox/transaction.hpp>
#include <inngest/sql_outbox/relay.hpp>
#endif
#ifdef INNGEST_WITH_SQLITE
#include <inngest/sql_outbox/sqlite.hpp>
#endif
#ifdef INNGEST_WITH_POSTGRESQL
#include <inngest/sql_outbox/postgresql.hpp>
#endif
#ifdef INNGEST_WITH_PQXX
#include <inngest/sql_outbox/pqxx.hpp>
#endif
"""

BANNER = """\
// inngest-cpp {version}: the whole library in one header.
//
// Generated by tools/amalgamate.py, do not edit: change the headers in include/ and run it again.
//
{licence}

#pragma once

#if defined(INNGEST_COMPILED)
#error "inngest: the single header has all definitions itself: don't define INNGEST_COMPILED, or include the headers"
#endif

"""

OWN = re.compile(r"\s*#\s*include\s*<(inngest/[^>]+)>")
FOREIGN = re.compile(r'\s*#\s*include\s*([<"][^>"]+[>"])')
OPENING = re.compile(r"\s*#\s*if")
CLOSING = re.compile(r"\s*#\s*endif")
DEFINITIONS = re.compile(r"^#if !defined\(INNGEST_COMPILED\)\n(#include <inngest/[^>]+\.ipp>\n)#endif\n", re.MULTILINE)
DROPPED = re.compile(r"\s*#\s*pragma\s+once|\s*//\s*IWYU pragma")


class Amalgamation:
    def __init__(self):
        self.lines = []
        self.own = {}  # header -> whether it stands within a condition
        self.foreign = set()  # those outside of all conditions

    def add(self, name, text, conditional=False):
        """Appends the text of a header, with what it includes."""
        depth = 0
        for number, line in enumerate(text.splitlines(), 1):
            depth += bool(OPENING.match(line)) - bool(CLOSING.match(line))
            within = conditional or depth > 0
            if DROPPED.match(line):
                continue
            if own := OWN.match(line):
                self.include(own.group(1), within, f"{name}:{number}", nested=conditional)
            elif foreign := FOREIGN.match(line):
                if foreign.group(1) not in self.foreign:
                    self.lines.append(line)
                if not within:
                    self.foreign.add(foreign.group(1))
            else:
                self.lines.append(line)

    def include(self, header, conditional, place, nested):
        if header in self.own:
            if self.own[header] and not conditional:
                raise SystemExit(f"{place}: {header} is included here always, but before this under a condition")
            return
        if nested and not header.endswith(".ipp"):  # those are included by their own header only
            # Its text would be there only under the condition, and missing for whoever includes it later.
            raise SystemExit(f"{place}: {header} must be included before the condition under which this stands")
        self.own[header] = conditional
        self.lines += ["", f"// {header}", ""]
        text = (HEADERS / header).read_text(encoding="utf-8")
        self.add(f"include/{header}", DEFINITIONS.sub(r"\1", text), conditional)


def squeeze(lines):
    """No more than one empty line in a row."""
    out = []
    for line in lines:
        if line.strip() or (out and out[-1].strip()):
            out.append(line.rstrip())
    return "\n".join(out).strip("\n") + "\n"


def amalgamate():
    version = re.search(r'INNGEST_VERSION "([^"]+)"', (HEADERS / "inngest/version.hpp").read_text()).group(1)
    licence = [f"// {line}".rstrip() for line in (ROOT / "LICENSE").read_text(encoding="utf-8").splitlines()]
    whole = Amalgamation()
    whole.add("tools/amalgamate.py", WHOLE)
    return BANNER.format(version=version, licence="\n".join(licence)) + squeeze(whole.lines)


def main():
    text = amalgamate()
    if "--check" in sys.argv[1:]:
        if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
            raise SystemExit(f"{TARGET.relative_to(ROOT)} is not up to date: run tools/amalgamate.py")
        return
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {text.count(chr(10))} lines")


if __name__ == "__main__":
    main()
