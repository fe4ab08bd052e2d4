"""From alerts to messages: pure functions that never raise and always yield exactly one message.

`wording` says what is told, in parts that know whether they come from the template, the configuration or the event;
`slack`, `plain` and `document` each give those parts a form. Escaping and size limits live in `escaping` and `limits`
and nowhere else. Held by tests/laws/test_render_laws.py.
"""

from pipeline.render.context import Context

__all__ = ["Context"]
