r"""Give libyaml the text of a YAML file, with blanks in place of headers.

In a recording of small answers, most names and values are headers. PyYAML makes Python objects for
them, which takes three times as long as libyaml itself, and few programs read headers. So one
regular expression matches a whole block of headers, and libyaml gets blanks instead of the block.
The result is the same, for these reasons:

1. Each read ends after the next text that looks like the key of headers, or after 65,536
   characters. If the text is really a key, libyaml reports this key before it reads more. So if
   libyaml reports a key that ends there, the text is this key. If libyaml has read more, the block
   is not skipped.
2. The expression matches only names and texts that end with the block and that libyaml accepts.
   libyaml parses any other block.
3. The block is replaced by the same number of characters and of line ends. So the places of faults
   are right.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["Text"]

# The characters after the key of a block. libyaml needs these characters to recognise the key, and
# needs no others.
_AFTER_KEY = ":\n  "
_KEY = re.compile(f" headers?{_AFTER_KEY}")
_READ_SIZE = 1 << 16  # characters
_MAX_BLOCK = 1 << 13  # characters; limits the time for a block that does not match


def _block() -> re.Pattern[str]:
    """Return the pattern of a block of headers with its key, from the start of the key's line.

    The block is a mapping of names to texts or lists of texts, or a list of mappings to texts. All
    characters are ASCII.
    """
    # A colon before a blank would end a key. A number sign after a blank would begin a comment.
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
    # The next line must not belong to the value. So it must not be indented more than the key, must
    # not be an item in the column of the key, a blank line or a comment.
    behind = r"(?!(?P=key)[ -])(?= *[\w'\"-])"
    return re.compile(rf"(?P<key> +)headers?:\n(?P<block>{names}|{pairs}){behind}", re.ASCII)


_BLOCK = _block()


class Text:
    """A text that PyYAML reads in pieces. Blocks of headers in it can be skipped."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0  # the text before it has been read or skipped
        self._blank = ""  # the blanks for a skipped block; set by skip, cleared by read

    def read(self, _: int) -> str:
        """Return the next piece; "" at the end. PyYAML accepts pieces of any size."""
        key = _KEY.search(self._text, self._at, self._at + _READ_SIZE)
        end = key.end() if key else self._at + _READ_SIZE
        piece = self._blank + self._text[self._at : end]
        self._at, self._blank = min(end, len(self._text)), ""
        return piece

    def skip(self, key: Any) -> str:
        """Skip the block of headers after the last key. Return the block; "" if nothing is skipped.

        Args:
            key: The event of the key. It is the last event that the parser reported.
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
