"""Run a parser in this process, for a test of the parser's own project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._peers import Adapter
from ._subject import FIRST, CannotRunError, NoAnswerError, checked
from ._worker import answer, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ._subject import Answer

__all__ = ["InProcess"]


class InProcess:
    """Run one parser, with the methods of a Subject that the judge uses; none of them waits."""

    def __init__(self, parse: Callable[[Iterable[bytes]], Iterable[Any]]) -> None:
        self._adapter = Adapter(parse, read)

    async def introduce(self) -> Answer:
        """Run a first stream, and return the answer, which shows what the parser reports.

        Raises:
            CannotRunError: The results of the parser are not events.
        """
        try:
            return await self.ask(FIRST)
        except NoAnswerError as error:
            raise CannotRunError(str(error)) from error

    async def ask(self, chunks: Sequence[bytes], **_: Any) -> Answer:
        """Return the answer for one stream.

        Raises:
            NoAnswerError: The results of the parser are not events.
        """
        try:
            return checked(answer(self._adapter, [*chunks]), len(chunks), 0.0)
        except (ValueError, TypeError) as error:
            raise NoAnswerError(f"not an answer ({error})") from error

    async def stop(self) -> None:
        """Do nothing: there is no process to end."""
