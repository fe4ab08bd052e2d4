"""The standard output takes every message in whatever encoding it has, or says that it takes nothing."""

from __future__ import annotations

import io
import os

import pytest
from messages import CONTENTS, ONE

from pipeline.alerts.alert import Notice
from pipeline.alerts.content import About
from pipeline.destinations.stdout import Stdout
from pipeline.errors import Fault, Rejected
from pipeline.render.context import Context


def test_each_message_stands_alone_with_an_empty_line_after_it() -> None:
    stream = io.StringIO()
    destination = Stdout("screen", Context(), stream)
    for content in CONTENTS:
        destination.post(content, dedupe_id="id")
    text = stream.getvalue()
    assert text.endswith("\n\n")
    assert not text.endswith("\n\n\n")
    assert text.count("alice") >= len(CONTENTS) - 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "utf-16"])
def test_what_the_encoding_lacks_is_written_as_an_escape(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")
    Stdout("screen", Context(), stream).post(
        About(Notice("caf\u00e9 \U0001f600 \ud800", "\x1b[31mred")), dedupe_id="id"
    )
    text = raw.getvalue().decode(encoding)
    assert "caf" in text
    assert "\x1b" not in text
    assert "\U0001f600" in text or "\\U0001f600" in text


def test_an_output_without_an_encoding_is_taken_for_utf_8() -> None:
    stream = io.StringIO()
    Stdout("screen", Context(), stream).post(About(Notice("caf\u00e9", "x")), dedupe_id="id")
    assert "caf\u00e9" in stream.getvalue()


def test_an_output_that_is_closed_takes_nothing() -> None:
    stream = io.StringIO()
    stream.close()
    with pytest.raises(Rejected) as caught:
        Stdout("screen", Context(), stream).post(ONE, dedupe_id="id")
    assert caught.value.fault is Fault.DESTINATION


def test_a_pipe_whose_reader_has_gone_takes_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        with pytest.raises(Rejected) as caught:
            Stdout("screen", Context(), stream).post(ONE, dedupe_id="id")
        assert "BrokenPipeError" in caught.value.reason
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)  # so that closing it has somewhere to flush to


def test_without_a_stream_it_is_the_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    Stdout("screen", Context()).post(ONE, dedupe_id="id")
    assert "Instances listed" in capsys.readouterr().out
