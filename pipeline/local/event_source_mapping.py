"""What an event source mapping is set to: how Lambda reads a stream or a queue for a function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

# AWS Lambda API reference, CreateEventSourceMapping: defaults for Kinesis; a queue's batch size is 10
DEFAULT_BATCH_SIZE = 100
DEFAULT_QUEUE_BATCH_SIZE = 10
NO_LIMIT = -1


@dataclass(frozen=True, slots=True)
class Mapping:
    """One mapping; the defaults are AWS'."""

    source_arn: str
    function_arn: str
    uuid: str = "00000000-0000-4000-8000-000000000000"
    batch_size: int = DEFAULT_BATCH_SIZE
    batching_window_s: float = 0.0
    starting_position: str = "TRIM_HORIZON"
    starting_timestamp: float = 0.0
    """Seconds since 1970, for AT_TIMESTAMP."""
    max_retry_attempts: int = NO_LIMIT
    max_record_age_s: int = NO_LIMIT
    bisects: bool = False
    reports_item_failures: bool = False
    """The function's answer is read at all."""
    on_failure_arn: str = ""
    parallelization_factor: int = 1

    @property
    def reads_queue(self) -> bool:
        """It reads a queue; else a stream."""
        return self.source_arn.split(":")[2] == "sqs"

    @classmethod
    def from_api(cls, configuration: dict[str, Any]) -> Self:
        """Read one of the `EventSourceMappings` that ListEventSourceMappings returns."""
        timestamp = configuration.get("StartingPositionTimestamp")
        queue = configuration["EventSourceArn"].split(":")[2] == "sqs"
        on_failure = configuration.get("DestinationConfig", {}).get("OnFailure", {})
        return cls(
            source_arn=configuration["EventSourceArn"],
            function_arn=configuration["FunctionArn"],
            uuid=configuration["UUID"],
            batch_size=configuration.get("BatchSize", DEFAULT_QUEUE_BATCH_SIZE if queue else DEFAULT_BATCH_SIZE),
            batching_window_s=configuration.get("MaximumBatchingWindowInSeconds", 0),
            starting_position=configuration.get("StartingPosition", "TRIM_HORIZON"),
            starting_timestamp=timestamp.timestamp() if timestamp else 0.0,
            max_retry_attempts=configuration.get("MaximumRetryAttempts", NO_LIMIT),
            max_record_age_s=configuration.get("MaximumRecordAgeInSeconds", NO_LIMIT),
            bisects=configuration.get("BisectBatchOnFunctionError", False),
            reports_item_failures="ReportBatchItemFailures" in configuration.get("FunctionResponseTypes", []),
            on_failure_arn=on_failure.get("Destination", ""),
            parallelization_factor=configuration.get("ParallelizationFactor", 1),
        )
