"""E-mail, through SES."""

from __future__ import annotations

from pipeline.alerts.content import Content
from pipeline.alerts.ports import Posted
from pipeline.aws.clients import client, failures
from pipeline.destinations.aws_errors import delivery_error
from pipeline.destinations.rendering import rendered
from pipeline.render import plain as render
from pipeline.render.context import Context
from pipeline.rules.rule import DestinationConfig


class Ses:
    """Some addresses that get the same mail.

    Every text is a field of its own, and SES writes the headers: nothing in an event can add one.
    """

    edit_scope = ""

    def __init__(self, config: DestinationConfig, context: Context) -> None:
        self.id = config.id
        self.bucket = f"ses:{config.id}"
        self.post_scope = self.bucket
        self._from: str = config.options["from_email"]
        self._to: list[str] = config.options["to_emails"]
        self._region: str = config.options.get("region", "")
        self._context = context

    def post(self, content: Content, *, dedupe_id: str, thread: str = "", plain: bool = False) -> Posted:  # noqa: ARG002
        """Send a mail; see `Destination`."""
        message = rendered(render, content, self._context)
        try:
            client("ses", self._region).send_email(
                Source=self._from,
                Destination={"ToAddresses": self._to},
                Message={
                    "Subject": {"Data": message.subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": message.body, "Charset": "UTF-8"}},
                },
            )
        except failures() as error:
            raise delivery_error(error) from None  # its text quotes addresses
        return Posted()

    def edit(self, posted: Posted, content: Content) -> None:
        """Never called: there is no edit scope."""
        raise AssertionError(posted, content)

    def refresh(self) -> None:
        """There is no secret to fetch anew: the function's role decides."""
