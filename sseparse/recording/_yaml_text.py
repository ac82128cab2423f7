r"""The text of a YAML file as libyaml gets it: without headers that nobody may ask for.

In a recording of small answers, most of what libyaml reports is headers, and the objects that
report a name or a value take three times as long as libyaml itself. So one regular expression finds
a whole block of headers, and libyaml gets blanks in its place. Nothing else changes, because:

1. A read ends behind each key that a block of headers may follow, and libyaml asks for no more than
   it needs to report that key. So if a key ends where the read ended, it is that key, and no text
   that only looks like one. If libyaml needed more, nothing is skipped.
2. The expression allows nothing but names and texts that end where the block ends, and nothing that
   libyaml would refuse. Any other block is read by libyaml.
3. There are as many blanks and line ends as the block has, so that the places of faults are right.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["Text"]

# What follows the key of a block. libyaml looks at so much of it to know that it is a key.
_AFTER_KEY = ":\n  "
_KEY = re.compile(f" headers?{_AFTER_KEY}")
_READ_SIZE = 1 << 16  # characters
_MAX_BLOCK = 1 << 13  # characters; bounds the time for a block that is another


def _block() -> re.Pattern[str]:
    """Return the pattern of a block of headers with its key, from the start of the key's line.

    It is a mapping of names, each with a text or a list of texts, or a list of mappings to texts.
    All is ASCII.
    """
    # Neither a colon nor a number sign has its meaning.
    rest = r"[ -\"$-9;-~]*(?:(?::(?![ \n])|(?<! )#)[ -\"$-9;-~]*)*"

    def text(indent: str) -> str:
        """Return the pattern of a text: plain, on one or more lines, or in quotes."""
        plain = rf"[\w/(.+=~^;<$]{rest}(?:\n{indent} +[!\"$-9;-~]{rest})*"
        return rf"""(?:{plain}|'[ -&(-~]*(?:(?:''|\n )[ -&(-~]*)*'|"[ !#-\[\]-~]*")\n"""

    item = f"- {text('(?P=item)')}"
    items = rf"\n(?P<item>(?P=name) *){item}(?:(?P=item){item})*"
    name = r"\w[\w-]{,99}:"
    names = rf"(?=(?P<name>(?P=key) +))(?:(?P=name){name}(?: {text('(?P=name)')}|{items}))+"
    line = f"  {name} {text('(?P=dash)  ')}"
    pairs = rf"(?P<dash>(?P=key) *)-{line[1:]}(?:(?P=dash){line}|(?P=dash)-{line[1:]})*"
    # The line behind the block is no part of the value: it is not indented as far, has no item of a
    # list in the column of the key, is not blank and no comment.
    behind = r"(?!(?P=key)[ -])(?= *[\w'\"-])"
    return re.compile(rf"(?P<key> +)headers?:\n(?P<block>{names}|{pairs}){behind}", re.ASCII)


_BLOCK = _block()


class Text:
    """A text to read in pieces, of which blocks of headers can be skipped."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0  # what is before it has been read, or skipped
        self._blank = ""  # in the place of what was skipped; by skip, until the next read

    def read(self, _: int) -> str:
        """Return the next piece; "" at the end. The size does not matter to PyYAML."""
        key = _KEY.search(self._text, self._at, self._at + _READ_SIZE)
        end = key.end() if key else self._at + _READ_SIZE
        piece = self._blank + self._text[self._at : end]
        self._at, self._blank = min(end, len(self._text)), ""
        return piece

    def skip(self, key: Any) -> str:
        """Skip the block of headers behind the key that a parser has just reported.

        Return the block, or "" if it is not skipped.
        """
        start = key.end_mark.index + len(_AFTER_KEY)
        if start != self._at:
            return ""
        line = key.start_mark.index - key.start_mark.column
        found = _BLOCK.match(self._text, line, start + _MAX_BLOCK)
        if found is None:
            return ""
        self._at = found.end()
        lines = self._text.count("\n", start, self._at)
        self._blank = " " * (self._at - start - lines) + "\n" * lines
        return found["block"]
