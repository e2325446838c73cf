#!/usr/bin/env python3
"""Checks that code in the documentation is code that is compiled.

A fence after a line such as

    <!-- from: examples/quickstart.cpp -->
    <!-- from: examples/embedded.cpp#engine -->

holds that file, or what stands in it between two lines `// [engine]`, moved to the left margin. C++ that cannot be
compiled here says so:

    <!-- not compiled: Crow has no package -->

    check_readme.py            fails where a fence differs, and where one of C++ has neither line
    check_readme.py --write    updates the fences
"""

import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
FENCE = re.compile(r"(?P<head><!-- from: (?P<path>[^\s#]+)(?:#(?P<region>\S+))? -->\n+```\w*\n)"
                   r"(?P<code>.*?)(?P<tail>^```$)", re.DOTALL | re.MULTILINE)

CPP_FENCE = re.compile(r"^[ \t]*(?:```+|~~~+)[ \t]*(?:c\+\+|cc|cpp|cxx|h|hpp)(?![\w+]).*$", re.MULTILINE | re.IGNORECASE)
MARKER = re.compile(r"[ \t]*<!-- (from: \S+|not compiled: \S.*) -->")


def code_from(path, region):
    text = (ROOT / path).read_text(encoding="utf-8")
    if region is None:
        return text.strip("\n") + "\n"
    parts = re.split(rf"^[ \t]*// \[{re.escape(region)}\][ \t]*\n", text, flags=re.MULTILINE)
    if len(parts) != 3:
        raise ValueError(f"{path} has {len(parts) - 1} lines \"// [{region}]\" instead of two")
    return textwrap.dedent(parts[1]).strip("\n") + "\n"


def unmarked(text):
    """The lines on which a fence of C++ begins that does not say where its code is compiled, or why it is not."""
    for fence in CPP_FENCE.finditer(text):
        above = text[:fence.start()].rstrip().rpartition("\n")[2]
        if not MARKER.fullmatch(above):
            yield text.count("\n", 0, fence.start()) + 1


def main():
    write = "--write" in sys.argv[1:]
    problems = []
    fences = 0
    documents = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("examples/**/*.md"))]
    for document in documents:
        text = document.read_text(encoding="utf-8")

        def updated(fence):
            nonlocal fences
            fences += 1
            line = text.count("\n", 0, fence.start()) + 1
            place = f"{document.relative_to(ROOT)}:{line}"
            try:
                code = code_from(fence["path"], fence["region"])
            except (OSError, ValueError) as problem:
                problems.append(f"{place}: {problem}")
                return fence.group()
            if code != fence["code"] and not write:
                problems.append(f"{place}: differs from {fence['path']}: run tools/check_readme.py --write")
            return fence["head"] + code + fence["tail"]

        new = FENCE.sub(updated, text)
        for line in unmarked(new):
            problems.append(f"{document.relative_to(ROOT)}:{line}: C++ with neither a \"<!-- from: -->\" of a compiled "
                            "file nor a \"<!-- not compiled: why -->\"")
        if new.count("<!-- from:") != len(FENCE.findall(new)):
            problems.append(f"{document.relative_to(ROOT)}: a \"<!-- from: -->\" has no fence below it")
        if write and new != text:
            document.write_text(new, encoding="utf-8")
    print("\n".join(problems) if problems else f"{fences} fences are as the code is")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
