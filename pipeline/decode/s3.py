"""CloudTrail files, as S3 holds them or people save them, plain or gzip, to messages.

Which shapes a file may have is in `documents`.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from pipeline.decode import documents
from pipeline.decode.decoded import Source, Stage, Undecodable, lost
from pipeline.decode.documents import Item
from pipeline.decode.inflate import Inflated, inflate, is_gzip
from pipeline.errors import DecodeError

FILE_LIMIT = 640 * 1024 * 1024
"""Bytes one file may expand to: CloudTrail's files end at 50 MB compressed (its documented limit), and its events
shrink up to 11.6 times (measured)."""


def is_digest_key(key: str) -> bool:
    """Tell by its key that an object is a digest file, in the folder `CloudTrail-Digest` beside `CloudTrail`."""
    return "/CloudTrail-Digest/" in f"/{key}"


def read(data: bytes, source: Source, limit: int = FILE_LIMIT) -> Iterator[Item]:
    """Yield every message of a file, in order, and what cannot be read. Never raises; digest files hold nothing.

    `source` names the file in its `id`. `limit` bounds what a compressed file may expand to.
    """
    try:
        inflated = inflate(data, limit) if is_gzip(data) else Inflated(data)
    except DecodeError as error:
        yield lost(source, data, error, Stage.GZIP)
        return
    yield from documents.read(text_of(inflated.data), source)
    if inflated.trailing:
        yield Undecodable("trailing bytes", Stage.GZIP, inflated.trailing, source)


def text_of(data: bytes) -> str:
    """Read a file's text: UTF-8, or UTF-16 if it says so (PowerShell writes that).

    Bytes that are no UTF-8 become lone surrogates, so that they cost no more than the string they stand in.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    return data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
