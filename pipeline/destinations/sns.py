"""SNS topics: for whoever wants to build on."""

from __future__ import annotations

import hashlib
import re

from pipeline.alerts.content import Content
from pipeline.alerts.ports import Posted
from pipeline.aws.clients import client, failures
from pipeline.destinations.aws_errors import delivery_error
from pipeline.destinations.rendering import rendered
from pipeline.render import plain as render
from pipeline.render.context import Context

MAX_BYTES = 262_144
"""A message with its attributes (botocore's model of Publish); the subject is kept out of the count on our side."""
_SUBJECT_BYTES = 100
_LEFT_OUT = "\n... the rest does not fit into an SNS message.\n"
_FIFO_ID = re.compile(r"[!-~]{1,128}")


class Sns:
    """One topic. Messages are text with a subject, for most subscribers are mailboxes."""

    edit_scope = ""

    def __init__(self, name: str, topic_arn: str, context: Context) -> None:
        self.id = name
        self.bucket = f"sns:{topic_arn}"
        self.post_scope = self.bucket
        self._topic_arn = topic_arn
        self._context = context

    def post(self, content: Content, *, dedupe_id: str, thread: str = "", plain: bool = False) -> Posted:  # noqa: ARG002
        """Publish a message; see `Destination`."""
        message = rendered(render, content, self._context)
        region = self._topic_arn.split(":")[3]
        ordered = {"MessageGroupId": _fifo_id(self.id), "MessageDeduplicationId": _fifo_id(dedupe_id)}
        try:
            client("sns", region).publish(
                TopicArn=self._topic_arn,
                Subject=message.subject,
                Message=within(message.body, MAX_BYTES - _SUBJECT_BYTES),
                **(ordered if self._topic_arn.endswith(".fifo") else {}),
            )
        except failures() as error:
            raise delivery_error(error) from None  # its text quotes the topic's ARN, and some quote the message
        return Posted()

    def edit(self, posted: Posted, content: Content) -> None:
        """Never called: there is no edit scope."""
        raise AssertionError(posted, content)

    def refresh(self) -> None:
        """There is no secret to fetch anew: the function's role decides."""


def within(text: str, most_bytes: int) -> str:
    """Return text of at most so many bytes of UTF-8, cut after a whole line and saying so."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= most_bytes:
        return encoded.decode()
    kept = encoded[: most_bytes - len(_LEFT_OUT)].decode("utf-8", "ignore")
    whole_lines, line_break, _ = kept.rpartition("\n")
    return (whole_lines if line_break else kept) + _LEFT_OUT


def _fifo_id(name: str) -> str:
    """Return a name as FIFO topics take them: up to 128 letters, digits and marks."""
    return name if _FIFO_ID.fullmatch(name) else hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
