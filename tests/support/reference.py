"""The standard, sentence by sentence, with which the tests compare the parser.

It parses whole streams in memory, without care for speed. Each sentence of the WHATWG standards is
above the code for it. The module shares nothing with the package and is never changed to agree with
it. Results are plain tuples. Comments name the rules of this project, where the standard has none.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

BOM = b"\xef\xbb\xbf"
# The lines that make an event, and that count towards the limit until the blank line.
COUNTED = ("data", "event", "id")

Event: TypeAlias = tuple[str, str, str]  # type, data, last event ID


class Line(NamedTuple):
    """Hold the parts of a line, and the event that a blank line dispatched."""

    kind: str  # "field", "comment" or "blank"
    name: str | None = None
    value: str | None = None
    separator: str | None = None
    reason: str | None = None
    event: Event | None = None


class Item(NamedTuple):
    """Hold the attributes of an Observer's item, and the result of its to_event()."""

    kind: str
    name: str | None
    value: str | None
    reason: str | None
    separator: str | None
    start: int
    end: int
    terminator: str
    replaced: bool
    event: str | None = None
    data: str | None = None
    id: str | None = None
    retry: int | None = None
    comments: tuple[str, ...] | None = None
    block_start: int | None = None
    last_event_id: str | None = None
    to_event: Event | None = None


class Pending(NamedTuple):
    type: str
    data: str
    last_event_id: str
    line: bytes
    start: int


class Outcome(NamedTuple):
    """Hold the events, the items and the state of a parser after a stream."""

    events: list[Event]
    items: list[Item]
    last_event_id: str
    retry: int | None
    pending: Pending | None
    offset: int | None  # of the byte beyond the limit


def outcome(stream: bytes, limit: int | None = None, last_event_id: str = "") -> Outcome:
    """Return the outcome that a stream must have, however it is cut.

    The byte beyond the limit ends the stream. The outcome then has everything that was complete
    before it, and nothing is pending.
    """
    offset = None if limit is None else offending(stream, limit)
    stream = stream[:offset]
    state = interpret(stream, last_event_id)
    items, pending = observe(stream, limit, last_event_id)
    return Outcome(
        state.dispatched,
        items,
        state.last_event_id_string,
        state.reconnection_time,
        pending if offset is None else None,
        offset,
    )


def interpret(stream: bytes, last_event_id: str = "") -> Interpreter:
    """Follow HTML, section 9.2.6, "Interpreting an event stream"."""
    # "Streams must be decoded using the UTF-8 decode algorithm."
    text = utf8_decode(stream)

    # "The stream must then be parsed by reading everything line by line, with a U+000D CARRIAGE
    # RETURN U+000A LINE FEED (CRLF) character pair, a single U+000A LINE FEED (LF) character not
    # preceded by a U+000D CARRIAGE RETURN (CR) character, and a single U+000D CARRIAGE RETURN (CR)
    # character not followed by a U+000A LINE FEED (LF) character being the ways in which a line
    # can end."
    *lines, _unended = re.split("\r\n|\n|\r", text)

    # "Lines must be processed, in the order they are received, as follows:"
    state = Interpreter(last_event_id)
    for line in lines:
        state.process_line(line)

    # "Once the end of the file is reached, any pending data must be discarded. (If the file ends
    # in the middle of an event, before the final empty line, the incomplete event is not
    # dispatched.)"
    return state


class Interpreter:
    """Hold the state of section 9.2.6, and process lines."""

    def __init__(self, last_event_id: str = "") -> None:
        # "When a stream is parsed, a data buffer, an event type buffer, and a last event ID buffer
        # must be associated with it. They must be initialized to the empty string."
        self.data_buffer = ""
        self.event_type_buffer = ""
        # A rule of this project: last_event_id sets the buffer and the committed value.
        self.last_event_id_buffer = last_event_id
        self.last_event_id_string = last_event_id
        self.reconnection_time: int | None = None
        self.dispatched: list[Event] = []

    def process_line(self, line: str) -> Line:
        """Process one line and return its parts."""
        # "If the line is empty (a blank line): Dispatch the event, as defined below."
        if line == "":
            return Line("blank", event=self.dispatch())

        # "If the line starts with a U+003A COLON character (:): Ignore the line."
        if line.startswith(":"):
            # A rule of this project: a comment's text loses one leading space, like a value.
            separator = ": " if line.startswith(": ") else ":"
            return Line("comment", None, line.removeprefix(separator), separator)

        # "If the line contains a U+003A COLON character (:):"
        if ":" in line:
            # "Collect the characters on the line before the first U+003A COLON character (:), and
            # let field be that string."
            field = line[: line.index(":")]
            # "Collect the characters on the line after the first U+003A COLON character (:), and
            # let value be that string. If value starts with a U+0020 SPACE character, remove it
            # from value."
            value = line[line.index(":") + 1 :]
            separator = ":"
            if value.startswith(" "):
                value = value[1:]
                separator = ": "
            # "Process the field using the steps described below, using field as the field name
            # and value as the field value."
            return Line("field", field, value, separator, self.process_field(field, value))

        # "Otherwise, the string is not empty but does not contain a U+003A COLON character (:):
        # Process the field using the steps described below, using the whole line as the field
        # name, and the empty string as the field value."
        return Line("field", line, "", "", self.process_field(line, ""))

    def process_field(self, field: str, value: str) -> str | None:
        """Process one field and return the reason why it was ignored, or None."""
        # "Field names must be compared literally, with no case folding performed."

        # "If the field name is "event": Set the event type buffer to field value."
        if field == "event":
            self.event_type_buffer = value
            return None

        # "If the field name is "data": Append the field value to the data buffer, then append a
        # single U+000A LINE FEED (LF) character to the data buffer."
        if field == "data":
            self.data_buffer += value
            self.data_buffer += "\n"
            return None

        # "If the field name is "id": If the field value does not contain U+0000 NULL, then set
        # the last event ID buffer to the field value. Otherwise, ignore the field."
        if field == "id":
            if "\0" not in value:
                self.last_event_id_buffer = value
                return None
            return "NUL in id"

        # "If the field name is "retry": If the field value consists of only ASCII digits, then
        # interpret the field value as an integer in base ten, and set the event stream's
        # reconnection time to that integer. Otherwise, ignore the field."
        if field == "retry":
            # A rule of this project: an empty value is ignored, and so is one of more than 600
            # digits, not counting leading zeros.
            if re.fullmatch("0*[0-9]{1,600}", value):
                self.reconnection_time = in_base_ten(value)
                return None
            return "retry not taken"

        # "Otherwise: The field is ignored."
        return "unknown name"

    def dispatch(self) -> Event | None:
        """Dispatch the event and return it, or None where the standard returns before that."""
        # "1. Set the last event ID string of the event source to the value of the last event ID
        # buffer. The buffer does not get reset, so the last event ID string of the event source
        # remains set to this value until the next time it is set by the server."
        self.last_event_id_string = self.last_event_id_buffer

        # "2. If the data buffer is an empty string, set the data buffer and the event type buffer
        # to the empty string and return."
        if self.data_buffer == "":
            self.data_buffer = ""
            self.event_type_buffer = ""
            return None

        # "3. If the data buffer's last character is a U+000A LINE FEED (LF) character, then remove
        # the last character from the data buffer."
        if self.data_buffer.endswith("\n"):
            self.data_buffer = self.data_buffer[:-1]

        # "5. Initialize event's type attribute to "message", its data attribute to data, [...] and
        # its lastEventId attribute to the last event ID string of the event source."
        event = ("message", self.data_buffer, self.last_event_id_string)

        # "6. If the event type buffer has a value other than the empty string, change the type of
        # the newly created event to equal the value of the event type buffer."
        if self.event_type_buffer != "":
            event = (self.event_type_buffer, event[1], event[2])

        # "7. Set the data buffer and the event type buffer to the empty string."
        self.data_buffer = ""
        self.event_type_buffer = ""

        # "8. Queue a task which [...] dispatches the newly created event"
        self.dispatched.append(event)
        return event


def in_base_ten(digits: str) -> int:
    """Return the number, which may have more digits than int() accepts."""
    number = 0
    for digit in digits:
        number = number * 10 + "0123456789".index(digit)
    return number


def utf8_decode(stream: bytes) -> str:
    """Follow Encoding, section 6, "UTF-8 decode"."""
    # "Let buffer be the result of peeking three bytes from ioQueue, converted to a byte sequence.
    # If buffer is 0xEF 0xBB 0xBF, then read three bytes from ioQueue."
    if stream[:3] == BOM:
        stream = stream[3:]
    # "Process a queue with an instance of UTF-8's decoder, ioQueue, output, and "replacement"."
    text, _replaced = utf8_decode_without_bom(stream)
    return text


def utf8_decode_without_bom(stream: bytes) -> tuple[str, bool]:
    """Follow Encoding, section 8.1.1, "UTF-8 decoder"; also return whether there were errors."""
    text = ""
    replaced = False
    code_point = seen = needed = 0
    lower, upper = 0x80, 0xBF
    position = 0
    while position < len(stream):
        byte = stream[position]
        position += 1
        # "If UTF-8 bytes needed is 0, then, based on byte:"
        if needed == 0:
            if 0x00 <= byte <= 0x7F:
                # "Return a code point whose value is byte."
                text += chr(byte)
            elif 0xC2 <= byte <= 0xDF:
                # "Set UTF-8 bytes needed to 1. Set UTF-8 code point to byte & 0x1F."
                needed, code_point = 1, byte & 0x1F
            elif 0xE0 <= byte <= 0xEF:
                # "If byte is 0xE0, then set UTF-8 lower boundary to 0xA0. If byte is 0xED, then
                # set UTF-8 upper boundary to 0x9F. Set UTF-8 bytes needed to 2. Set UTF-8 code
                # point to byte & 0xF."
                lower = 0xA0 if byte == 0xE0 else lower
                upper = 0x9F if byte == 0xED else upper
                needed, code_point = 2, byte & 0xF
            elif 0xF0 <= byte <= 0xF4:
                # "If byte is 0xF0, then set UTF-8 lower boundary to 0x90. If byte is 0xF4, then
                # set UTF-8 upper boundary to 0x8F. Set UTF-8 bytes needed to 3. Set UTF-8 code
                # point to byte & 0x7."
                lower = 0x90 if byte == 0xF0 else lower
                upper = 0x8F if byte == 0xF4 else upper
                needed, code_point = 3, byte & 0x7
            else:
                # "Otherwise: Return error.", which "replacement" turns into U+FFFD.
                text += "\ufffd"
                replaced = True
            # "Return continue."
            continue

        # "If byte is not in the range UTF-8 lower boundary to UTF-8 upper boundary, inclusive:
        # Set UTF-8 code point, UTF-8 bytes needed, and UTF-8 bytes seen to 0, set UTF-8 lower
        # boundary to 0x80, and set UTF-8 upper boundary to 0xBF. Restore byte to ioQueue. Return
        # error."
        if not lower <= byte <= upper:
            code_point = needed = seen = 0
            lower, upper = 0x80, 0xBF
            position -= 1
            text += "\ufffd"
            replaced = True
            continue

        # "Set UTF-8 lower boundary to 0x80 and UTF-8 upper boundary to 0xBF. Set UTF-8 code point
        # to (UTF-8 code point << 6) | (byte & 0x3F). Increase UTF-8 bytes seen by one. If UTF-8
        # bytes seen is not equal to UTF-8 bytes needed, then return continue."
        lower, upper = 0x80, 0xBF
        code_point = (code_point << 6) | (byte & 0x3F)
        seen += 1
        if seen != needed:
            continue

        # "Let codePoint be UTF-8 code point. Set UTF-8 code point, UTF-8 bytes needed, and UTF-8
        # bytes seen to 0. Return a code point whose value is codePoint."
        text += chr(code_point)
        code_point = needed = seen = 0

    # "If byte is end-of-queue and UTF-8 bytes needed is not 0, then set UTF-8 bytes needed to 0
    # and return error."
    if needed != 0:
        text += "\ufffd"
        replaced = True
    return text, replaced


# The functions below follow rules of this project that its documentation describes.


def observe(
    stream: bytes, limit: int | None = None, last_event_id: str = ""
) -> tuple[list[Item], Pending | None]:
    """Return the items of the complete lines, and what the end of the stream leaves unfinished."""
    state = Interpreter(last_event_id)
    items = []
    position = 0
    if stream[:3] == BOM:
        items.append(Item("byte order mark", None, None, None, None, 0, 3, "", False))
        position = 3
    block_start = position
    lines: list[Line] = []  # those of the block so far
    for match in re.finditer(rb"([^\r\n]*)(\r\n|\n|\r)", stream[position:]):
        text, replaced = utf8_decode_without_bom(match[1])
        line = state.process_line(text)
        start = position + match.start()
        # A line ends after its CR or LF. The LF of a CRLF belongs to no item.
        end = start + len(match[1]) + 1
        terminator = match[2].decode()[0]
        if line.kind == "blank":
            # The item of a blank line is the whole block, at the place of the blank line.
            item = Item("block", None, None, None, None, start, end, terminator, False)
            values = [str(each.value) for each in lines if each.name == "data"]
            time = last_value(lines, "retry")
            items.append(
                item._replace(
                    event=last_value(lines, "event"),
                    data="\n".join(values) if values else None,
                    id=last_value(lines, "id"),
                    retry=None if time is None else in_base_ten(time),
                    comments=kept_comments(lines, limit),
                    block_start=block_start,
                    last_event_id=state.last_event_id_string,
                    to_event=line.event,
                )
            )
            block_start = position + match.end()
            lines = []
        else:
            kind, name, value, separator, reason, _ = line
            items.append(
                Item(kind, name, value, reason, separator, start, end, terminator, replaced)
            )
            lines.append(line)
    tail = re.split(b"[\r\n]", stream[position:])[-1]
    # An event is pending from its first data, event or id line on, even if that line names the
    # default or is ignored, and so is a line that has not ended.
    if tail == b"" and not [line for line in lines if line.name in COUNTED]:
        return items, None
    return items, Pending(
        state.event_type_buffer or "message",
        state.data_buffer[:-1],
        state.last_event_id_buffer,
        tail,
        block_start,
    )


def last_value(lines: list[Line], name: str) -> str | None:
    """Return the value of the last field of that name that had an effect."""
    for line in reversed(lines):
        if line.name == name and line.reason is None:
            return line.value
    return None


def kept_comments(lines: list[Line], limit: int | None) -> tuple[str, ...]:
    """Return the first comments of a block, as many as the limit has room for.

    Each takes the characters of its text and 64 more.
    """
    comments = []
    room = limit
    for line in lines:
        if line.kind == "comment":
            if room is not None:
                room -= len(str(line.value)) + 64
                if room < 0:
                    break
            comments.append(str(line.value))
    return tuple(comments)


def offending(stream: bytes, limit: int) -> int | None:
    """Return the offset of the first byte beyond the limit.

    The count is the bytes of the current line so far, plus those of every complete data, event
    and id line since the last blank line. Line ends and the byte order mark are not counted.
    """
    position = 0
    if stream[:3] == BOM:
        position = 3
    elif BOM.startswith(stream):
        # Only the next byte shows whether these bytes are a byte order mark or the first line's.
        return None
    kept = 0
    line = b""
    previous = b""
    for offset in range(position, len(stream)):
        byte = stream[offset : offset + 1]
        if byte == b"\n" and previous == b"\r":
            pass
        elif byte in (b"\r", b"\n"):
            if line == b"":
                kept = 0
            elif line.partition(b":")[0].decode("latin-1") in COUNTED:
                kept += len(line)
            line = b""
        else:
            line += byte
            if kept + len(line) > limit:
                return offset
        previous = byte
    return None
