"""Lambda handlers. Importing them needs no environment, and nothing heavy is imported before it is used.

Stream and queue handlers answer which records to deliver again. For Kinesis that is the lowest sequence number with an
alert that is neither told nor in safe hands: Lambda sends that record and all after it again, and the ones among them
that were told are known to have been. An exception means the whole batch comes again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pipeline.alerts.drain import Drain
from pipeline.alerts.ledger import Ledger
from pipeline.alerts.ticket import Ticket
from pipeline.decode import cloudwatch_logs as log_delivery
from pipeline.decode import kinesis as stream
from pipeline.runtime import logs
from pipeline.runtime.invocation import owner_of
from pipeline.runtime.metrics import metrics_line
from pipeline.runtime.service import Running, current

if TYPE_CHECKING:
    from pipeline.aws.outbox import Received

Response = dict[str, Any]


def kinesis(event: dict[str, Any], context: Any) -> Response:
    """Take a batch of a Kinesis event source mapping; answers `batchItemFailures`."""
    running = current().begin(context)
    payloads = [(owner_of(payload.source), payload) for payload in stream.decode_batch(event)]
    ledger = running.invocation().take(payloads)
    _close(running, ledger, "kinesis")
    unsafe = [payload.source.sequence for owner, payload in payloads if owner in ledger.unsafe_owners]
    if not unsafe:
        return {"batchItemFailures": []}
    if not all(sequence.isdecimal() for sequence in unsafe):
        raise RuntimeError("a record without a sequence number could not be kept; Lambda must deliver the batch again")
    return {"batchItemFailures": [{"itemIdentifier": min(unsafe, key=int)}]}


def cloudwatch_logs(event: dict[str, Any], context: Any) -> Response:
    """Take one envelope of a subscription filter straight to Lambda; raises where Lambda should retry it."""
    running = current().begin(context)
    payload = log_delivery.read_invocation(event)
    owner = str(getattr(context, "aws_request_id", "") or owner_of(payload.source))
    ledger = running.invocation().take([(owner, payload)])
    _close(running, ledger, "cloudwatch_logs")
    if ledger.unsafe_owners:
        raise RuntimeError("an alert is neither told nor in safe hands; Lambda must invoke again")
    return {}


def outbox(event: dict[str, Any], context: Any) -> Response:
    """Take a batch of tickets from the outbox's queue; answers `batchItemFailures`.

    A schedule's `{"trailwire": "daily"}` comes here too, for this is the function that tells what waited.
    """
    from pipeline.aws.outbox import read_batch

    running = current().begin(context)
    if event.get("trailwire") == "daily":
        return _daily()
    received = read_batch(event)
    invocation = running.invocation()
    ledger = invocation.ledger
    Drain(running.chain, ledger, _burial(running, ledger, received))(received.arrived)
    invocation.take(received.unreadable)
    _close(running, ledger, "outbox")
    unsafe = [message for message in received.messages if message in ledger.unsafe_owners]
    if not all(unsafe):
        raise RuntimeError("a message without an id could not be kept; Lambda must deliver the batch again")
    return {"batchItemFailures": [{"itemIdentifier": message} for message in unsafe]}


def _burial(running: Running, ledger: Ledger, received: Received) -> Callable[[Ticket], None]:
    """Put tickets in the dead-letter queue; what it does not take goes back to the outbox."""
    from pipeline.aws.outbox import SqsOutbox

    queue = running.service.outbox
    messages = {id(arrived.ticket): arrived.message for arrived in received.arrived}

    def bury(ticket: Ticket) -> None:
        if not isinstance(queue, SqsOutbox) or not queue.bury(ticket):
            ledger.unsafe_owners.add(messages[id(ticket)])

    return bury


def _outbox_problem(running: Running) -> str:
    from pipeline.aws.outbox import SqsOutbox

    queue = running.service.outbox
    return queue.take_problem() if isinstance(queue, SqsOutbox) else ""


def _daily() -> Response:
    logs.info("the daily report is asked for; it is not part of this version")
    return {}


def _close(running: Running, ledger: Ledger, handler: str) -> None:
    """Write the books, and log what somebody should know."""
    if running.state.failure is not None:
        logs.error("state store failed; went on with this process's memory", reason=str(running.state.failure))
    refusal = _outbox_problem(running)
    if refusal:
        logs.error("the outbox refused a ticket", reason=refusal)
    if ledger.imbalance:
        logs.error("the books do not balance", imbalance=ledger.imbalance)
    logs.line(metrics_line(ledger, handler=handler, now_ms=running.clock.now_ms()))
