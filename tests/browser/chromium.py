"""Drive a headless Chromium through a pipe, with its DevTools protocol and nothing else.

A page can reach one server on this machine only. A request for another address fails, and is
recorded in ``Chromium.strangers``.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
# How long one command may take, in seconds. Python starts in the page within one of them.
PATIENCE_S = 120
OPTIONS = (
    "--headless",
    "--no-sandbox",  # root, as in a container, has no sandbox; the pages are our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--hide-scrollbars",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)
# Chromium reads commands from 3 and writes answers to 4.
WITH_PIPES = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execvp(sys.argv[3], sys.argv[3:])"""


class Chromium:
    """A browser with one page. Use it as a context manager."""

    def __init__(self, origin: str) -> None:
        self.strangers: list[str] = []
        self.faults: list[str] = []
        self._origin = origin
        self._next_id = 0
        self._buffer = b""
        self._session: str | None = None
        self._is_loaded = False

    def __enter__(self) -> Chromium:
        name = next(filter(shutil.which, NAMES), None)
        if name is None:
            raise SystemExit(f"none of {', '.join(NAMES)} is installed")
        self._profile = tempfile.mkdtemp()
        theirs_in, self._write = os.pipe()
        self._read, theirs_out = os.pipe()
        # Numbers that do not collide with 3 and 4.
        high_in, high_out = (fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (theirs_in, theirs_out))
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", WITH_PIPES, str(high_in), str(high_out)),
                *(name, *OPTIONS, f"--user-data-dir={self._profile}", "about:blank"),
            ],
            pass_fds=(high_in, high_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for fd in (theirs_in, theirs_out, high_in, high_out):
            os.close(fd)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Fetch.enable", patterns=[{"urlPattern": "*"}])
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._read)
        os.close(self._write)
        shutil.rmtree(self._profile, ignore_errors=True)

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        number = self._send(method, arguments)
        until = time.monotonic() + PATIENCE_S
        while True:
            message = self._receive(until)
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                result: dict[str, Any] = message["result"]
                return result

    def open(self, address: str) -> None:
        """Open a page and wait until it and its scripts are loaded."""
        self._is_loaded = False
        self.call("Page.navigate", url=address)
        until = time.monotonic() + PATIENCE_S
        while not self._is_loaded:
            self._receive(until)
        found = self.run("location.href")
        if found != address:  # such as chrome-error://chromewebdata/
            raise RuntimeError(f"{address} could not be opened: {found}")

    def run(self, expression: str) -> Any:
        """Run JavaScript in the page and return its value. A promise is awaited."""
        done = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in done:
            raise RuntimeError(f"{expression}: {done['exceptionDetails']}")
        return done["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until a JavaScript expression is true."""
        self.run(
            "new Promise((done) => { const look = () => "
            f"({condition}) ? done() : setTimeout(look, 10); look(); }})"
        )

    def size(self, width: int, height: int, *, phone: bool = False) -> None:
        """Give the page a size in CSS pixels; a phone also has touch."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone, maxTouchPoints=1)

    def colours(self, scheme: str) -> None:
        """Prefer "light" or "dark" pages."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def mouse(self, kind: str, x: float, y: float) -> None:
        """Send a mouse event: "mousePressed", "mouseMoved" or "mouseReleased"."""
        is_held = kind != "mouseReleased"
        self.call(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x,
            y=y,
            button="left",
            buttons=int(is_held),
            clickCount=1,
        )

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        """Send a touch event: "touchStart", "touchMove" or "touchEnd"."""
        touched = [{"x": x, "y": y} for x, y in points]
        self.call("Input.dispatchTouchEvent", type=kind, touchPoints=touched)

    def press(self, key: str) -> None:
        """Press and release a key, by the name that the page sees."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def screenshot(self, file: Path, *, whole: bool = False) -> None:
        """Save what the page shows, or all of it, as a PNG."""
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(taken["data"]))

    def _send(self, method: str, arguments: dict[str, Any]) -> int:
        self._next_id += 1
        message = {"id": self._next_id, "method": method, "params": arguments}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        return self._next_id

    def _receive(self, until: float) -> dict[str, Any]:
        """Return the next message, and act on it if it is an event."""
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise TimeoutError(f"Chromium did not answer within {PATIENCE_S} s")
            received = os.read(self._read, 1 << 20)
            if not received:
                raise RuntimeError("Chromium has ended")
            self._buffer += received
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        details = message.get("params", {})
        match message.get("method"):
            case "Page.loadEventFired":
                self._is_loaded = True
            case "Fetch.requestPaused":
                self._decide(details)
            case "Runtime.exceptionThrown":
                self.faults.append(json.dumps(details["exceptionDetails"]))
            case "Log.entryAdded" if details["entry"]["level"] == "error":
                self.faults.append(f"{details['entry']['text']} {details['entry'].get('url')}")
        return message

    def _decide(self, details: dict[str, Any]) -> None:
        """Let a request through if it is for the server, or needs none."""
        address = details["request"]["url"]
        if address.startswith((self._origin, "data:", "blob:", "about:")):
            self._send("Fetch.continueRequest", {"requestId": details["requestId"]})
        else:
            self.strangers.append(address)
            refused = {"requestId": details["requestId"], "errorReason": "AccessDenied"}
            self._send("Fetch.failRequest", refused)
