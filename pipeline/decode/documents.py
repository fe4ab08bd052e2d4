"""JSON text in any shape that CloudTrail events come in, to messages.

- what CloudTrail writes to S3: `{"Records": [...]}`; a top-level list; digest files, which hold no events;
- one event, or one a line (NDJSON), or several one after the other with nothing between;
- CloudWatch Logs envelopes, and EventBridge's wrapping, where `detail` is the event;
- plain text: a line is a message.

Nothing is parsed further than the shape requires, so an odd event never costs its neighbours: elements come out as
they are written, only compacted, and whoever reads them finds out what is wrong with them. Where the fast parser
refuses a text as a whole, a scanner that only knows strings and brackets takes it apart; it is linear and never
raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from pipeline.decode.decoded import LogEvent, Source, Undecodable
from pipeline.decode.envelope import looks_like, read_leniently, read_strictly
from pipeline.decode.json_text import STRING, compact, dumps, loads_slowly
from pipeline.errors import DecodeError

_read_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
# Texts, which `re` compiles when first used: the stream's handlers import this module and need none of them.
_TOKEN = rf"(?s:{STRING})|[\[\]{{}},]"
_RECORDS = r'\s*\{\s*"Records"\s*:\s*\['
_JSON_ARRAY = r"\s*\[\s*[\[{\]]"
VIA_CLOUDTRAIL = "via CloudTrail"
"""How every detail-type ends under which EventBridge carries CloudTrail's records."""

Item = LogEvent | Undecodable


def read(text: str, source: Source) -> Iterator[Item]:
    """Yield every message in text, in order, and the entries of envelopes that hold none."""
    for document in _documents(text):
        yield from _messages(document, source)


def _documents(text: str) -> Iterator[str]:
    """Split text into JSON documents; what is no JSON stays one document a line, or whole if it set out to be JSON."""
    if _fields(text) is not None or _elements(text) is not None:
        yield text
        return
    lines = [line.removesuffix("\r") for line in text.split("\n") if not line.isspace() and line]
    if any(line[0] in "{[" and _balanced(line) for line in lines):
        for line in lines:
            yield from _balanced(line) or [line]
    elif documents := _balanced(text):
        yield from documents
    elif text.lstrip()[:1] == "{" or re.match(_JSON_ARRAY, text):
        yield text
    else:
        yield from lines


def _messages(document: str, source: Source) -> Iterator[Item]:
    """Yield the messages of one document."""
    fields = _fields(document)
    if fields is not None:
        yield from _of_object(document, fields, source)
        return
    elements = _elements(document)
    if elements is not None:
        yield from _of_elements((_text(element) for element in elements), source)
    elif start := re.match(_RECORDS, document) or re.match(_JSON_ARRAY, document):
        opening = document.index("[", start.start()) + 1
        yield from _of_elements(_scan(document, opening), source)
    else:
        yield from _of_odd_object(document, source)


def _of_object(document: str, fields: dict[str, msgspec.Raw], source: Source) -> Iterator[Item]:
    """Yield the messages of an object that the fast parser takes."""
    if "logEvents" in fields or "messageType" in fields:
        yield from _of_envelope(document, source)
    elif "Records" in fields and (records := _elements(fields["Records"])) is not None:
        yield from (LogEvent(compact(_text(record))) for record in records)
    elif _is_wrapped(fields):
        yield LogEvent(compact(_text(fields["detail"])))
    elif not is_digest(fields):
        yield LogEvent(_one_line(document))


def _of_envelope(document: str, source: Source) -> Iterator[Item]:
    """Yield the log events of an envelope, or the document itself if it is none after all."""
    envelope = read_strictly(document)
    if envelope is None:
        yield from _of_odd_object(document, source)
    elif not envelope.is_control:
        yield from envelope.log_events


def _of_elements(elements: Iterator[str], source: Source) -> Iterator[Item]:
    """Yield the messages of a list's elements, which may be events, or envelopes, or wrapped."""
    for element in elements:
        fields = _fields(element)
        if fields is None:
            yield LogEvent(compact(element))
        else:
            yield from _of_object(compact(element), fields, source)


def _of_odd_object(document: str, source: Source) -> Iterator[Item]:
    """Yield the messages of a document whose shape only its values tell; a last resort, for it parses everything."""
    try:
        value = loads_slowly(document)
    except DecodeError:
        value = None
    if not isinstance(value, dict):
        yield LogEvent(document)
    elif looks_like(value):
        envelope, undecodable = read_leniently(value, source)
        yield from envelope.log_events
        yield from undecodable
    elif isinstance(records := value.get("Records"), list):
        yield from (LogEvent(dumps(record)) for record in records)
    elif isinstance(detail := value.get("detail"), dict) and str(value.get("detail-type")).endswith(VIA_CLOUDTRAIL):
        yield LogEvent(dumps(detail))
    elif not is_digest(value):
        yield LogEvent(_one_line(document))


def _one_line(document: str) -> str:
    """A document on one line stays as it is, without the blanks around it; one on several lines is compacted."""
    line = document.strip()
    return compact(line) if "\n" in line else line


def is_digest(fields: dict[str, Any]) -> bool:
    """Tell whether an object is one of CloudTrail's digest files, which vouch for log files and hold no events."""
    return "digestS3Object" in fields and "logFiles" in fields


def _is_wrapped(fields: dict[str, msgspec.Raw]) -> bool:
    """Tell whether EventBridge carries an event here."""
    kind, detail = bytes(fields.get("detail-type", b"")), bytes(fields.get("detail", b""))
    return kind.endswith(f'{VIA_CLOUDTRAIL}"'.encode()) and detail.startswith(b"{")


def _fields(text: str) -> dict[str, msgspec.Raw] | None:
    """The fields of a JSON object, unparsed; None where the fast parser refuses it or it is none."""
    try:
        return _read_object(text)
    except (ValueError, RecursionError):
        return None


def _elements(text: str | msgspec.Raw) -> list[msgspec.Raw] | None:
    """The elements of a JSON array, unparsed; None where the fast parser refuses it or it is none."""
    try:
        return _read_array(text)
    except (ValueError, RecursionError):
        return None


def _text(raw: msgspec.Raw) -> str:
    return bytes(raw).decode()


def _scan(text: str, start: int) -> Iterator[str]:
    """Yield the elements of the array that opens just before `start`; an unfinished last one comes as it is."""
    depth = 0
    for token in re.compile(_TOKEN).finditer(text, start):
        kind = token[0][0]
        if kind in "[{":
            depth += 1
        elif kind in "]}":
            depth -= 1
        if depth < 0 or (kind == "," and not depth):
            if element := text[start : token.start()].strip():
                yield element
            start = token.end()
        if depth < 0:
            return
    if rest := text[start:].strip():
        yield rest


def _balanced(text: str) -> list[str]:
    """Split text into bracketed values with nothing but whitespace between them; empty if it is not that."""
    documents: list[str] = []
    depth = opening = end = 0
    for token in re.finditer(_TOKEN, text):
        kind = token[0][0]
        if not depth:
            opening = token.start()
            if kind not in "[{" or text[end:opening].strip():
                return []
        depth += (kind in "[{") - (kind in "]}")
        if not depth:
            end = token.end()
            documents.append(text[opening:end])
    return [] if depth or text[end:].strip() else documents
