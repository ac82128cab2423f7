"""The whole conformance report, for people and for programs."""

from __future__ import annotations

import json
import platform

import sseparse
from sseparse._conformance import _cases, _judge, _report

LONG = "a sentence of several words " * 6
FAILURE = _judge.Failure(5, "mixed:1", r"b'\x1b" + "x" * 90 + "'", "[]", "\x1b[31m")
OTHER = _judge.Failure(7, "mixed:2", "b''", "expected", "got")


def test_the_report() -> None:
    names = [family.name for family in _cases.FAMILIES]
    results = {name: _judge.Result(3, 3) for name in names}
    results["mixed"] = _judge.Result(1, 3, "", (FAILURE, OTHER))
    results["limits"] = _judge.Result(0, 0, "no limit")
    report = _judge.Report("one 1.0, pure", results, LONG.strip())
    title = f"sseparse conformance {sseparse.__version__}, Python {platform.python_version()}"
    table = [
        title,
        "",
        "         BOM  line ends  UTF-8  fields  ids  retry  dispatch  mixed  promptness",
        "one 1.0  3/3        3/3    3/3     3/3  3/3    3/3       3/3    1/3         3/3",
        "",
        "           limits  growth    all",
        "one 1.0  no limit     3/3  28/30",
        "not run: absent: why",
        "",
        "one 1.0, pure",
        "  a sentence of several words a sentence of several words a sentence of several",
        "  words a sentence of several words a sentence of several words a sentence of",
        "  several words",
        "  mixed: 1/3",
    ]
    first = [
        rf"    smallest  b'\x1b{'x' * 60}",
        f"              {'x' * 30}'  (mixed:1)",
        "    expected  []",
        r"    got       \x1b[31m",
    ]
    lines = _report.as_text([report], {"absent": "why"}).splitlines()
    place = lines.index("The standard (WHATWG HTML):")
    assert lines[: place - 1] == [*table, *first]
    assert lines[place - 1] == ""
    assert lines[place + 1 : place + 4] == [
        "  BOM, 9.2.6: The UTF-8 decode algorithm strips one leading UTF-8 Byte Order",
        "    Mark (BOM), if any.",
        "  line ends, 9.2.5: end-of-line = ( cr lf / cr / lf )",
    ]
    words = " ".join(" ".join(lines[place + 1 :]).split())
    sentences = [f"{each.name}, {each.section}: {each.sentence}" for each in _cases.FAMILIES]
    assert words == " ".join(sentences)
    lines = _report.as_text([report], {}, all_of="mixed").splitlines()
    assert "not run: absent: why" not in lines
    start = lines.index("  mixed: 1/3")
    assert lines[start + 1 : start + 8] == [
        first[0].replace("smallest", "stream  "),
        *first[1:],
        "    stream    b''  (mixed:2)",
        "    expected  expected",
        "    got       got",
    ]


def test_a_report_without_failures() -> None:
    results = {family.name: _judge.Result(3, 3) for family in _cases.FAMILIES}
    lines = _report.as_text([_judge.Report("one", results)], {}).splitlines()
    assert lines[lines.index("one     3/3     3/3  33/33") + 1 :][:2] == [
        "",
        "The standard (WHATWG HTML):",
    ]


def test_the_report_as_json() -> None:
    results = {
        "BOM": _judge.Result(3, 3),
        "mixed": _judge.Result(1, 3, "", (FAILURE, OTHER)),
        "limits": _judge.Result(0, 0, "no limit"),
    }
    text = _report.as_json([_judge.Report("one", results, "note")], {"absent": "why"}, "mixed")
    assert text.startswith('{\n  "sseparse": ')
    assert text.endswith("}\n")
    failures = [failure._asdict() for failure in (FAILURE, OTHER)]
    families = {
        "BOM": {"passed": 3, "total": 3, "not judged": None, "smallest failing": None},
        "mixed": {
            "passed": 1,
            "total": 3,
            "not judged": None,
            "smallest failing": failures[0],
            "failing": failures,
        },
        "limits": {"passed": 0, "total": 0, "not judged": "no limit", "smallest failing": None},
    }
    assert json.loads(text) == {
        "sseparse": sseparse.__version__,
        "python": platform.python_version(),
        "families": [family._asdict() for family in _cases.FAMILIES],
        "parsers": [{"parser": "one", "note": "note", "families": families}],
        "not run": {"absent": "why"},
    }
