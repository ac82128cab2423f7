"""Define the exception with which a subcommand ends the command."""

from __future__ import annotations

__all__ = ["StoppedError"]


class StoppedError(Exception):
    """End the command with an exit status and one line on standard error; "" for no line."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status
