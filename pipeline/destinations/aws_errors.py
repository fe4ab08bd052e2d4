"""What a refusal of SNS or SES, or a failure on the way to them, means for the message.

Sources: botocore's models of sns.Publish and ses.SendEmail, the services' pages of common errors, and
botocore/exceptions.py. Rules for editing: one code, one row. A code in no row spoils its message only.
"""

from __future__ import annotations

import re

from pipeline.errors import DeliveryError, Fault, RateLimited, Rejected, Unavailable

RETRY_AFTER_S = 5.0
"""The services name no time; botocore's own backoff ends within this."""

THROTTLED = frozenset(
    {
        "KMSThrottling",
        "KMSThrottlingException",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)

RETRYABLE = frozenset({"InternalError", "InternalFailure", "RequestTimeout", "ServiceUnavailable"})

DESTINATION = frozenset(
    {
        "AccountSendingPausedException",
        "ConfigurationSetDoesNotExist",
        "ConfigurationSetSendingPausedException",
        "EndpointDisabled",
        "KMSDisabled",
        "KMSInvalidState",
        "KMSNotFound",
        "KMSOptInRequired",
        "MailFromDomainNotVerifiedException",
        "MessageRejected",  # SES: mostly an address that is not verified
        "NotFound",
        "NotFoundException",
        "PlatformApplicationDisabled",
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
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "KMSAccessDenied",
        "KMSAccessDeniedException",
        "MissingAuthenticationToken",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)

NEVER_SENT = frozenset(
    {"ConnectTimeoutError", "ConnectionError", "EndpointConnectionError", "ProxyConnectionError", "SSLError"}
)
"""botocore's failures before the request left; every other may have come after the message was taken."""

NO_CREDENTIALS = frozenset(
    {
        "CredentialRetrievalError",
        "NoAuthTokenError",
        "NoCredentialsError",
        "PartialCredentialsError",
        "TokenRetrievalError",
    }
)

NO_ENDPOINT = frozenset(
    {"EndpointProviderError", "EndpointVariantError", "InvalidRegionError", "NoRegionError", "UnknownEndpointError"}
)

INVALID = frozenset({"MissingParametersError", "ParamValidationError", "ValidationError"})

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,99}", re.ASCII)
_SERVER_ERROR = 500


def delivery_error(error: Exception) -> DeliveryError:
    """Turn a failure of boto3 into the class of failure it is; its text, which quotes ARNs, is left behind."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):  # botocore's own connection errors carry one, too, that is None
        return _on_the_way(type(error).__name__)
    code = str(response.get("Error", {}).get("Code", ""))
    code = code if _CODE.fullmatch(code) else ""
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return _refusal(code, status if isinstance(status, int) else 0)


def _on_the_way(name: str) -> DeliveryError:
    if name in NO_CREDENTIALS:
        return Rejected(name, Fault.CREDENTIAL)
    if name in NO_ENDPOINT:
        return Rejected(name, Fault.DESTINATION)
    if name in INVALID:
        return Rejected(name, Fault.MESSAGE)
    return Unavailable(name, ambiguous=name not in NEVER_SENT)


def _refusal(code: str, status: int) -> DeliveryError:
    if code in THROTTLED:
        return RateLimited(RETRY_AFTER_S)
    if code in RETRYABLE or status >= _SERVER_ERROR:
        return Unavailable(code or f"HTTP {status}", ambiguous=True)
    if code in DESTINATION:
        return Rejected(code, Fault.DESTINATION)
    return Rejected(code or f"HTTP {status}", Fault.CREDENTIAL if code in CREDENTIAL else Fault.MESSAGE)
