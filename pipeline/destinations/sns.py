"""SNS topics: for whoever wants to build on."""

from __future__ import annotations

from pipeline.alerts.content import Content
from pipeline.alerts.ports import Posted
from pipeline.aws.clients import client, failures
from pipeline.destinations.aws_errors import delivery_error
from pipeline.destinations.rendering import rendered
from pipeline.render import plain as render
from pipeline.render.context import Context


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
        ordered = {"MessageGroupId": self.id, "MessageDeduplicationId": dedupe_id}
        try:
            client("sns", region).publish(
                TopicArn=self._topic_arn,
                Subject=message.subject,
                Message=message.body,
                **(ordered if self._topic_arn.endswith(".fifo") else {}),
            )
        except failures() as error:
            raise delivery_error(error) from error
        return Posted()

    def edit(self, posted: Posted, content: Content) -> None:
        """Never called: there is no edit scope."""
        raise AssertionError(posted, content)

    def refresh(self) -> None:
        """There is no secret to fetch anew: the function's role decides."""
