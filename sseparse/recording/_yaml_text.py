r"""Give libyaml the text of a YAML file, with blanks in the place of headers.

Most of the names and values in a recording of small answers are headers. The Python objects that
report them take three times as long as libyaml itself, and few programs read them. So one regular
expression matches a whole block of headers, and libyaml gets blanks. The result is the same:

1. Each read ends after a key that a block of headers may follow. libyaml does not read on before it
   has reported that key. So a key that ends there is that key, and not a text that looks like one.
   If libyaml has read on, the block is not skipped.
2. The expression matches only names and texts that end with the block and that libyaml accepts.
   libyaml parses any other block.
3. The blanks and line ends are as many as the characters of the block, so the places of faults are
   right.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["Text"]

# The characters after the key of a block. libyaml needs them to recognise a key, and no more.
_AFTER_KEY = ":\n  "
_KEY = re.compile(f" headers?{_AFTER_KEY}")
_READ_SIZE = 1 << 16  # characters
_MAX_BLOCK = 1 << 13  # characters; limits the time for a block that does not match


def _block() -> re.Pattern[str]:
    """Return the pattern of a block of headers with its key, from the start of the key's line.

    It is a mapping of names, each with a text or a list of texts, or a list of mappings to texts.
    All is ASCII.
    """
    # A colon before a blank would end a key, and a number sign after a blank begins a comment.
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
    # The next line must not belong to the value. So it is not indented more than the key, is not an
    # item in the column of the key, and is neither blank nor a comment.
    behind = r"(?!(?P=key)[ -])(?= *[\w'\"-])"
    return re.compile(rf"(?P<key> +)headers?:\n(?P<block>{names}|{pairs}){behind}", re.ASCII)


_BLOCK = _block()


class Text:
    """A text that is read in pieces, and whose blocks of headers can be skipped."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0  # the text before it has been read or skipped
        self._blank = ""  # the blanks for a skipped block; set by skip, cleared by read

    def read(self, _: int) -> str:
        """Return the next piece; "" at the end. The size does not matter to PyYAML."""
        key = _KEY.search(self._text, self._at, self._at + _READ_SIZE)
        end = key.end() if key else self._at + _READ_SIZE
        piece = self._blank + self._text[self._at : end]
        self._at, self._blank = min(end, len(self._text)), ""
        return piece

    def skip(self, key: Any) -> str:
        """Skip the block of headers after the key that the parser has reported last.

        Return the block, or "" if nothing is skipped.
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
