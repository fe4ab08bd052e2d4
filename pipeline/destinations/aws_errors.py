"""What a refusal of SNS or SES means for the message.

Sources: the services' error lists in their API references. A code in no row spoils its message only.
"""

from __future__ import annotations

from pipeline.errors import DeliveryError, Fault, RateLimited, Rejected, Unavailable

THROTTLED = frozenset({"Throttling", "ThrottledException", "ThrottlingException", "TooManyRequestsException"})
RETRY_AFTER_S = 5.0

RETRYABLE = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "KMSThrottling",
        "KMSThrottlingException",
        "RequestTimeout",
        "ServiceUnavailable",
    }
)

DESTINATION = frozenset(
    {
        "AccountSendingPausedException",
        "ConfigurationSetDoesNotExist",
        "EndpointDisabled",
        "MailFromDomainNotVerifiedException",
        "MessageRejected",  # SES: mostly an address that is not verified
        "NotFound",
        "NotFoundException",
    }
)

CREDENTIAL = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "KMSAccessDenied",
        "KMSAccessDeniedException",
        "UnrecognizedClientException",
    }
)

_SERVER_ERROR = 500


def delivery_error(error: Exception) -> DeliveryError:
    """Turn a failure of boto3 into the class of failure it is."""
    response = getattr(error, "response", None)
    if not response:
        # No answer at all: refused connections are rare inside AWS, a lost answer is not.
        return Unavailable(type(error).__name__, ambiguous=True)
    code = str(response.get("Error", {}).get("Code", ""))
    if code in THROTTLED:
        return RateLimited(RETRY_AFTER_S)
    if code in RETRYABLE or response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _SERVER_ERROR:
        return Unavailable(code, ambiguous=True)
    if code in DESTINATION:
        return Rejected(code, Fault.DESTINATION)
    if code in CREDENTIAL:
        return Rejected(code, Fault.CREDENTIAL)
    return Rejected(code or type(error).__name__, Fault.MESSAGE)
