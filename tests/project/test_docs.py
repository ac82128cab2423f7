"""The documentation: its names exist, public names have entries, and its code is tested."""

from __future__ import annotations

import ast
import functools
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

import reference
import sseparse
from corpora import eventsource

TESTS = Path(__file__).parents[1]
DOCS = TESTS.parent / "docs"
# By the path without its extension, as in :doc:.
PAGES = {
    page.relative_to(DOCS).with_suffix("").as_posix(): page.read_text(encoding="utf-8")
    for page in sorted(DOCS.rglob("*.rst"))
}
SOURCE = (TESTS.parent / "sseparse" / "_core" / "_machine.py").read_text(encoding="utf-8")
CORPUS = eventsource()


@functools.cache
def existing_tests() -> set[str]:
    names = set()
    for path in TESTS.rglob("test_*.py"):
        names.add(path.name)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                names.add(node.name)
    return names


def named_tests(text: str) -> set[str]:
    return set(re.findall(r"\btest_\w+(?:\.py)?", text))


# howto/pytest shows how to write tests.
@pytest.mark.parametrize("page", [page for page in PAGES if page != "howto/pytest"])
def test_named_tests_exist(page: str) -> None:
    assert named_tests(PAGES[page]) - existing_tests() == set()


def test_the_standard_and_the_invariants_name_tests() -> None:
    assert len(named_tests(PAGES["standard"])) > 30
    invariants = PAGES["design"].partition("The invariants")[2].partition("\nDecisions")[0]
    assert re.findall(r"^I\d", invariants, re.MULTILINE) == [f"I{n}" for n in range(1, 8)]
    docstring = ast.get_docstring(ast.parse(SOURCE))
    assert docstring is not None
    assert named_tests(docstring) <= named_tests(invariants)


def test_named_corpus_tags_exist() -> None:
    tags = {tag for stream in CORPUS for tag in stream["tags"]}
    named = [
        tag
        for part in re.findall(r"\*Corpus:\*([^.]+)\.", PAGES["standard"])
        for tag in re.findall(r"``([^`]+)``", part)
    ]
    assert len(named) > 30
    assert set(named) == tags


def test_public_names_are_documented() -> None:
    directives = re.findall(r"^\.\. (?:auto\w+|type):: (\w+)", PAGES["api"], re.MULTILINE)
    assert sorted(directives) == sorted(sseparse.__all__)


def test_there_is_a_promise_for_each_public_module() -> None:
    found = (TESTS.parent / "sseparse").iterdir()
    modules = {path.stem for path in found if path.suffix in ("", ".py") and path.stem[0] != "_"}
    listed = re.findall(r"^   \* - ``sseparse\.(\w+)``$", PAGES["stability"], re.MULTILINE)
    assert sorted(listed) == sorted(modules)


def test_code_is_tested() -> None:
    """Only doctests, recipes that a test runs, and commands that test_cli.py runs."""
    languages = re.findall(r"\.\. code-block:: *(\w*)", "".join(PAGES.values()))
    assert set(languages) == {"console", "text"}
    included = re.findall(
        r"\.\. literalinclude:: (?:\.\./)?recipes/(\w+)\.py\n", "".join(PAGES.values())
    )
    assert sorted(included) == sorted(path.stem for path in (DOCS / "recipes").glob("*.py"))
    files = ["project/test_recipes", "project/test_senders", "completions/test_answers"]
    files += ["recording/test_ranges", "recording/test_arrow", "scale/test_sail"]
    tests = "".join((TESTS / f"{file}.py").read_text(encoding="utf-8") for file in files)
    assert [recipe for recipe in included if f'"{recipe}"' not in tests] == []


def test_the_heat_map_is_drawn_from_the_report() -> None:
    draw = runpy.run_path(str(DOCS / "make_conformance.py"))["heat_map"]
    report = (DOCS / "conformance.txt").read_text(encoding="utf-8")
    drawn = (DOCS / "conformance.html").read_text(encoding="utf-8")
    assert draw(report) == drawn, "run: python docs/make_conformance.py --map"
    parsers = re.findall(r"^(.+?) {2,}.*\d+/\d+$", report.partition("\n\n\n")[0], re.MULTILINE)
    assert len(set(parsers)) > 10
    assert drawn.count("<tr>") == 1 + len(set(parsers))


@pytest.mark.parametrize(
    "word",
    [
        *("reconnect", "migrate", "FastAPI", "Starlette", "aiohttp", "proxy", "nginx", "async"),
        *("pytest", "JSON", "vendor", "security", "limits", "httpx-sse", "sseclient-py", "openai"),
    ],
)
def test_frequent_search_words_are_in_a_title(word: str) -> None:
    titles = [page.partition("\n===")[0].rpartition("\n")[2] for page in PAGES.values()]
    assert [title for title in titles if word.lower() in title.lower()] != []


def test_the_picture_is_what_its_script_draws() -> None:
    script = runpy.run_path(str(DOCS / "make_cuts.py"))
    assert script["picture"]() == (DOCS / "cuts.svg").read_text(encoding="utf-8")


class LosingIds(reference.Interpreter):
    """Firefox: the ID of a block without data is lost."""

    def dispatch(self) -> reference.Event | None:
        if self.data_buffer == "":
            self.last_event_id_buffer = self.last_event_id_string
        return super().dispatch()


def begins_with_line_end(stream: bytes) -> bool:
    return re.match(reference.BOM + rb"[\r\n]", stream) is not None


def as_chromium(stream: bytes) -> list[reference.Event]:
    if begins_with_line_end(stream):
        stream = b"the line end is part of the name" + stream[4:]
    return reference.interpret(stream).dispatched


def as_firefox(stream: bytes) -> list[reference.Event]:
    state = LosingIds()
    for line in re.split("\r\n|\n|\r", reference.utf8_decode(stream))[:-1]:
        state.process_line(line)
    return state.dispatched


def as_webkit(stream: bytes) -> list[reference.Event]:
    for mark, encoding in ((b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le")):
        if stream.startswith(mark):
            stream = stream[2:].decode(encoding, "replace").encode()
    return reference.interpret(stream).dispatched


def test_browsers() -> None:
    """The section on the browsers: its numbers, and the streams that its rules predict."""
    rules = {"chromium": as_chromium, "firefox": as_firefox, "webkit": as_webkit}
    differs: dict[str, set[int]] = {name: set() for name in rules}
    streams: dict[int, bytes] = {}
    for line in CORPUS:
        streams[line["id"]] = line["stream"].encode("latin-1")
        for name in line["deviating"]:
            differs[name].add(line["id"])

    with_nul = {number for number, stream in streams.items() if b"\0" in stream}
    with_bom = [number for number, stream in streams.items() if begins_with_line_end(stream)]
    with_utf16 = [n for n, stream in streams.items() if stream[:2] in (b"\xfe\xff", b"\xff\xfe")]
    for number, stream in streams.items():
        expected = reference.interpret(stream).dispatched
        for name, rule in rules.items():
            if name != "firefox" or number not in with_nul:
                assert (rule(stream) != expected) == (number in differs[name]), (name, number)

    text = PAGES["standard"].partition("\nWhere the browsers differ\n")[2].partition("\nWhere ")[0]
    in_table = dict(re.findall(r"\* - (\w+) [\w. ]+\n     - (\d+)\n", text))
    counts = {name: str(len(numbers)) for name, numbers in differs.items()}
    assert {name.lower().removesuffix("gtk"): n for name, n in in_table.items()} == counts

    prose = " ".join(text.split())
    anywhere = set().union(*differs.values())
    twice = sum(map(len, differs.values())) - len(anywhere)
    for claim in (
        f"holds {len(CORPUS):,} streams",
        f"On {len(CORPUS) - len(anywhere):,} streams all three agree",
        f"{['No', 'One', 'Two', 'Three', 'Four'][twice]} of these are counted twice",
        f"in {len(differs['chromium'])} of the {len(with_bom)} streams that begin like that",
        f"Of the {len(with_utf16)} streams that begin so, {len(differs['webkit'])} have events",
        f"in the {len(differs['firefox'] - with_nul)} streams without NUL",
        f"on {len(differs['firefox'] & with_nul)} of the {len(with_nul)} streams that hold NUL",
    ):
        assert claim in prose

    examples: dict[str, Any] = {
        "4755": ("chromium", rb"\xef\xbb\xbf\r[^\n]"),
        "893": ("webkit", rb"\xfe\xff"),
        "240": ("firefox", rb"id:1\n\ndata"),
        "168": ("firefox", rb"event:a\x00b"),
        "9291": ("firefox", rb"retry:700\nid:\x00"),
        "252": ("firefox", rb"id:1\x00\ndata:a"),
    }
    assert re.findall(r"\(stream (\d+)\)", prose) == list(examples)
    for example, (name, beginning) in examples.items():
        assert int(example) in differs[name]
        assert re.match(beginning, streams[int(example)])
