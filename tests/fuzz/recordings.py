"""Fuzz the readers of recordings with changed files of every form.

    python tests/fuzz/recordings.py SECONDS [FORM ...]

Each form of ``tests/support/forms.py`` has the given time. The program changes a file at some
places, or joins two files, and reads everything in the result: the streams, their events, headers
and dates. It must give events or a RecordingError, within a second. Otherwise the input is written
to a file named ``crash-FORM-NUMBER``, and the error is printed. Without a form all are tried, one
after the other. Coverage does not guide it, so it needs only the packages of the tests.
"""

from __future__ import annotations

import random
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "support")]

import forms  # noqa: E402
from sseparse.recording import RecordingError, streams  # noqa: E402

SLOW = 1.0  # s; the files have some thousand bytes
BODIES = [
    b'event: a\nid: 1\ndata: {"text": "na\xc3\xafve"}\n\n: ping\n\ndata: [DONE]\n\n',
    b"data: 1\r\n\r\ndata: 2\r\n\r\n",
]
TOKENS = [
    *[
        b'"',
        b"'",
        b"\\",
        b"\n",
        b"\r\n",
        b"\r",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b"#",
        b"%",
        b"@",
        b"`",
    ],
    *[
        b"&a ",
        b"*a",
        b"*a\n",
        b"<<: *a",
        b"!!binary ",
        b"!<x> ",
        b"!x ",
        b"- ",
        b": ",
        b"? ",
        b"|\n",
    ],
    *[b"|+1\n", b">-\n", b"---\n", b"...\n", b"0", b"-1", b"9" * 20, b"1e999", b"0x10", b"\\ud83d"],
    *[b"ffffffffffffffff\r\n", b"5\r\n", b"0\r\n\r\n", b"null", b"~", b"\x00", b"\xff", b"\xc3"],
    *[
        b"\xef\xbf\xbd",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"Content-Length: 7\r\n",
    ],
    *[b"WARC/1.0\r\n", b"\x1f\x8b\x08", b"PK\x03\x04", b"BZh91AY&SY", b"\xfd7zXZ\x00", b"x\x9c"],
    *[b"\x28\xb5\x2f\xfd", b"data: ", b"data:\n\n", b"\xe2\x80\xa8", b"\xc2\x85", b" " * 40, b"\t"],
]


def changed(data: bytes, other: bytes, choose: random.Random) -> bytes:
    """Return a changed file."""
    result = bytearray(data)
    for _ in range(choose.choice([1, 1, 2, 3, 8])):
        at = choose.randint(0, len(result))
        end = at + choose.choice([0, 0, 1, 2, 8, 64, len(result)])
        how = choose.randint(0, 6)
        if how <= 1:
            result[at:end] = choose.choice(TOKENS) * choose.choice([1, 1, 1, 2, 50])
        elif how == 2:
            del result[at:end]
        elif how == 3:
            result[at:at] = result[at:end][:500]
        elif how == 4:
            start = choose.randint(0, len(other))
            result[at:end] = other[start : start + choose.choice([4, 40, 400])]
        elif how == 5:
            result[at:end] = choose.randbytes(choose.choice([1, 4, 16]))
        elif at < len(result):
            result[at] ^= 1 << choose.randint(0, 7)
    return bytes(result[:20_000])


def read(data: bytes, json_lines: bool) -> int:
    """Read everything in a file; return how many events there are."""
    events = 0
    try:
        for recording in streams(data, json_lines=json_lines):
            for _ in recording.events(flush=True):
                events += 1
            for _ in recording.reads:
                pass
            assert repr(recording.headers)
            assert recording.started is None or recording.started.tzinfo
    except RecordingError as error:
        assert str(error).isprintable(), error
    return events


def fuzz(form: str, seconds: float, others: list[bytes]) -> int:
    """Fuzz one form; return how many inputs failed."""
    write = forms.ALL[form][0]
    made = [forms.Made(body) for body in BODIES]
    seeds = [write(made if form in forms.MANY else made[:1]), write(made[1:])]
    seeds += [b"".join((b'{"type": "a", "data": "b", "last_event_id": ""}\n', b'{"a": 1}\n'))]
    choose = random.Random(time.time_ns())
    end = time.monotonic() + seconds
    count = failed = events = 0
    slowest = 0.0
    while time.monotonic() < end:
        count += 1
        data = changed(choose.choice(seeds[: 2 + (count % 20 == 0)]), choose.choice(others), choose)
        start = time.process_time()  # another process may have the core for a second
        try:
            events += read(data, json_lines=count % 4 == 0)
            taken = time.process_time() - start
            slowest = max(slowest, taken)
            if taken > SLOW:
                raise TimeoutError(f"it took {taken:.1f} s")
        except Exception:
            failed += 1
            Path(f"crash-{form}-{failed}").write_bytes(data)
            traceback.print_exc()
            if failed == 5:
                break
    print(
        f"{form}: {count} files, {events} events, {failed} failed, slowest {slowest:.3f} s",
        flush=True,
    )
    return failed


def main() -> int:
    """Fuzz the forms of the command line."""
    seconds = float(sys.argv[1])
    made = [forms.Made(BODIES[0])]
    others = [write(made) for write, _, _ in forms.ALL.values()]
    return min(1, sum(fuzz(form, seconds, others) for form in sys.argv[2:] or forms.ALL))


if __name__ == "__main__":
    sys.exit(main())
