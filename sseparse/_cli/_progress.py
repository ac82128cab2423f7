"""Show the progress on a terminal, if reading takes longer than a second. It needs rich."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from . import _output

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Progress"]

_QUIET = 1.0  # s without output, after which the line is shown
_STEP = 0.1  # s between two updates


class Progress:
    """A line on standard error, as a context manager; nothing if that is no terminal.

    A thread of its own draws the line. It disappears before anything else is written to the
    terminal, and comes back after another second.

    Attributes:
        name: The name of the file.
        done: How many of its bytes have been read.
        size: How many bytes it has; None if that is not known.
    """

    def __init__(self) -> None:
        self.name = ""
        self.done = 0
        self.size: int | None = None
        self._thread: Any = None

    def __enter__(self) -> Self:
        if sys.stderr is not None and sys.stderr.isatty():
            import threading

            self._lock = threading.Lock()
            self._over = threading.Event()
            self._live: Any = None
            self._last_output = time.monotonic()
            self._thread = threading.Thread(target=self._draw, daemon=True)
            self._thread.start()
            _output.before_write = self._hide
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is not None:
            _output.before_write = None
            self._over.set()
            self._thread.join()
            self._hide()

    def _draw(self) -> None:
        while not self._over.wait(_STEP):
            with self._lock:
                if self._live is not None:
                    self._update()
                elif time.monotonic() - self._last_output >= _QUIET and not self._show():
                    return

    def _show(self) -> bool:
        """Show the line; return False if rich is not installed."""
        try:
            from rich import progress
            from rich.console import Console
        except ImportError:
            return False

        class Quiet(Console):
            def show_cursor(self, show: bool = True) -> bool:  # noqa: ARG002
                """Leave the cursor as it is, since Ctrl-C ends the process at once."""
                return False

        self._live = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.DownloadColumn(),
            progress.TransferSpeedColumn(),
            progress.TimeElapsedColumn(),
            console=Quiet(file=sys.stderr),
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._live.add_task(self.name, total=self.size)
        self._live.start()
        self._update()
        return True

    def _update(self) -> None:
        self._live.update(
            self._task, description=self.name, completed=self.done, total=self.size, refresh=True
        )

    def _hide(self) -> None:
        with self._lock:
            if self._live is not None:
                self._live.stop()
                self._live = None
            self._last_output = time.monotonic()
