#!/usr/bin/env python3
"""Checks that the headers only declare: a function that is no template is defined in impl/*.ipp.

A body of a few lines may stay in a header, and so do templates, constexpr functions and functions whose result type
is deduced: a compiler has to see those. Everything else would be compiled again by every file of every user.
"""

import fnmatch
import pathlib
import re
import sys

from check_layers import HEADERS, ROOT, code_of

LINES = 3  # of a body that may stay

# What is compiled only by those who include it, and by no library.
HEADER_ONLY = ["adapters/*", "connect.hpp", "connect/*", "embedded/connect_gateway.hpp",
               "embedded/detail/gateway_*.hpp", "embedded/detail/worker_*.hpp", "log/spdlog.hpp", "middleware/encryption.hpp",
               "sql_outbox/sqlite.hpp", "sql_outbox/postgresql.hpp", "sql_outbox/pqxx.hpp",
               "sql_outbox/detail/postgresql_values.hpp",
               "testing/catch2.hpp"]

COMPILED_ANYWHERE = re.compile(r"\b(template|constexpr|consteval|friend|requires|auto|concept)\b")
SCOPE = re.compile(r"\b(class|struct|union|namespace|extern)\b")
MACRO_CALL = re.compile(r"\bINNGEST_\w+\([^()]*\)")  # needs no semicolon
MACRO_LINE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)


def without_parentheses(text):
    """What stands outside of (), so that arguments do not look like words of the declaration."""
    depth, out = 0, []
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth == 0 and character != ")":
            out.append(character)
    return "".join(out)


def kind_of(declaration, is_in_template):
    """'scope', 'template scope', 'body', or 'other' for what a `{` after the declaration begins."""
    plain = without_parentheses(declaration)
    is_template = is_in_template or plain.lstrip().startswith("template") and "template <>" not in plain
    if SCOPE.search(plain) and "(" not in declaration.split("{")[0].split("=")[0]:
        return "template scope" if is_template else "scope"
    is_function = "(" in declaration and "=" not in re.sub(r"operator\W+", "", plain).replace("==", "")
    if not is_function:
        return "other"
    takes_auto = re.search(r"\bauto\b", declaration) and "->" not in plain
    if is_template or takes_auto or COMPILED_ANYWHERE.search(plain.replace("auto", "") if "->" in plain else plain):
        return "other"
    last = declaration.rstrip()[-1:]
    has_initializers = re.search(r"\)\s*(noexcept)?\s*:(?!:)", declaration)
    if has_initializers and (last.isalnum() or last in "_>"):
        return "initializer"
    return "body"


def end_of(code, begin):
    depth = 0
    for position in range(begin, len(code)):
        depth += (code[position] == "{") - (code[position] == "}")
        if depth == 0:
            return position
    return len(code)


def bodies(code):
    """Yields (line, lines, declaration) for each body of a function that is no template."""
    scopes = []  # whether they are templates
    begin = position = 0  # of a declaration
    while position < len(code):
        character = code[position]
        if character in ";}" :
            if character == "}" and scopes:
                scopes.pop()
            begin = position + 1
        elif character == ":" and re.search(r"\b(public|private|protected)\s*$", code[begin:position]):
            begin = position + 1
        elif character == "{":
            declaration = code[begin:position]
            kind = kind_of(declaration, bool(scopes) and scopes[-1])
            if kind.endswith("scope"):
                scopes.append(kind == "template scope")
                begin = position + 1
            else:
                end = end_of(code, position)
                if kind == "body":
                    yield code.count("\n", 0, position) + 1, code.count("\n", position, end) - 1, declaration
                position = end
                if kind != "initializer":
                    begin = position + 1
        position += 1


def blank(found):
    return re.sub(r"[^\n]", " ", found.group())


def problems_of(path):
    code = MACRO_CALL.sub(blank, MACRO_LINE.sub(blank, code_of(path.read_text(encoding="utf-8"))))
    for line, lines, declaration in bodies(code):
        if lines > LINES:
            yield f"{path.relative_to(ROOT)}:{line}: {' '.join(declaration.split())[-60:]}: {lines} lines"


def main():
    problems = []
    headers = sorted(HEADERS.rglob("*.hpp"))
    for path in headers:
        name = path.relative_to(HEADERS).as_posix()
        if not any(fnmatch.fnmatch(name, pattern) for pattern in HEADER_ONLY):
            problems += problems_of(path)
    if problems:
        print("\n".join(problems))
        print(f"\n{len(problems)} bodies belong into an impl/*.ipp file: a header keeps {LINES} lines at most")
    else:
        print(f"{len(headers)} headers only declare what is no template")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
