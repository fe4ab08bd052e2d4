"""Lambda handlers. Importing them needs no environment, and nothing heavy is imported before it is used.

Stream and queue handlers answer which records to deliver again. For Kinesis that is the lowest sequence number with an
alert that is neither told nor in safe hands: Lambda sends that record and all after it again, and the ones among them
that were told are known to have been. An exception means the whole batch comes again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pipeline.alerts.ledger import Entry, Ledger
from pipeline.decode import cloudwatch_logs as log_delivery
from pipeline.decode import kinesis as stream
from pipeline.runtime import daily, logs
from pipeline.runtime.environment import read_environment
from pipeline.runtime.invocation import owner_of
from pipeline.runtime.metrics import metrics_line
from pipeline.runtime.service import Running, current

if TYPE_CHECKING:
    from pipeline.alerts.ticket import Ticket
    from pipeline.aws.outbox import Received
    from pipeline.runtime.arrivals import Arrivals

Response = dict[str, Any]
MAX_RECORDS = 20
"""Records that one line of the log names."""


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


def s3(event: dict[str, Any], context: Any) -> Response:
    """Take notifications that CloudTrail files lie in S3; raises where Lambda should retry.

    They come from S3, SNS or EventBridge; an event that EventBridge carries itself is taken, too.
    """
    from pipeline.runtime.arrivals import Arrivals

    running = current().begin(context)
    arrivals = Arrivals(running.clock.remaining_ms)
    owner = str(getattr(context, "aws_request_id", "") or "s3")
    ledger = running.invocation().take(arrivals.of_event(owner, event))
    _hand_back(arrivals, ledger)
    _close(running, ledger, "s3")
    if ledger.unsafe_owners:
        raise RuntimeError("a file could not be read, or an alert is not in safe hands; Lambda must invoke again")
    return {}


def sqs(event: dict[str, Any], context: Any) -> Response:
    """Take a batch of a queue that holds notifications as `s3` takes them, events or envelopes.

    Answers `batchItemFailures`.
    """
    from pipeline.runtime.arrivals import Arrivals, messages_of

    running = current().begin(context)
    arrivals = Arrivals(running.clock.remaining_ms)
    messages = messages_of(event)
    ledger = running.invocation().take(owned for message in messages for owned in arrivals.of_message(message))
    _hand_back(arrivals, ledger)
    _close(running, ledger, "sqs")
    return _item_failures([message.id for message in messages], ledger)


def _hand_back(arrivals: Arrivals, ledger: Ledger) -> None:
    """What could not be fetched comes again."""
    for owner, problem in arrivals.problems.items():
        logs.warning("not everything could be read", owner=owner, reason=problem)
        ledger.unsafe_owners.add(owner)


def _item_failures(messages: list[str], ledger: Ledger) -> Response:
    """Name the messages of a queue that must come again."""
    unsafe = [message for message in messages if message in ledger.unsafe_owners]
    if not all(unsafe):
        raise RuntimeError("a message without an id could not be kept; Lambda must deliver the batch again")
    return {"batchItemFailures": [{"itemIdentifier": message} for message in unsafe]}


def outbox(event: dict[str, Any], context: Any) -> Response:
    """Take a batch of tickets from the outbox's queue; answers `batchItemFailures`.

    A schedule's `{"trailwire": "daily"}` comes here too, for this is the function that tells what waited.
    """
    from pipeline.alerts.drain import Drain
    from pipeline.aws.outbox import read_batch

    running = current().begin(context)
    if event.get("trailwire") == "daily":
        _close(running, daily.tell(running), "daily")
        return {}
    received = read_batch(event)
    invocation = running.invocation()
    ledger = invocation.ledger
    Drain(running.chain, ledger, _burial(running, ledger, received))(received.arrived)
    invocation.take(received.unreadable)
    _close(running, ledger, "outbox")
    return _item_failures(received.messages, ledger)


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
    queue = running.service.outbox
    if queue is None:
        return ""
    from pipeline.aws.outbox import SqsOutbox

    return queue.take_problem() if isinstance(queue, SqsOutbox) else ""


def _fields(entry: Entry) -> dict[str, str]:
    fields = {"record": entry.record, "rule": entry.rule, "destination": entry.destination, "eventID": entry.event_id}
    return fields | ({"reason": entry.reason} if entry.reason else {})


def _close(running: Running, ledger: Ledger, handler: str) -> None:
    """Write the books, and log what somebody should know."""
    if running.state.failure is not None:
        logs.error("state store failed; went on with this process's memory", reason=str(running.state.failure))
    refusal = _outbox_problem(running)
    if refusal:
        logs.error("the outbox refused a ticket", reason=refusal)
    for entry in ledger.entries:
        log = logs.warning if entry.reason else logs.info
        log(entry.what, **_fields(entry))
    if ledger.unsafe_owners:
        records = sorted(ledger.unsafe_owners)
        logs.warning("handed back", count=len(records), records=records[:MAX_RECORDS])
    if ledger.imbalance:
        logs.error("the books do not balance", imbalance=ledger.imbalance)
    daily.remember(running, ledger)
    function = read_environment().function_name
    logs.line(metrics_line(ledger, handler=handler, function=function, now_ms=running.clock.now_ms()))
