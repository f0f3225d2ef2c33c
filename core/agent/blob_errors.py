"""What a blob service refuses, in plain words."""

from __future__ import annotations

import http.client
import re
from typing import TYPE_CHECKING, Callable, Dict, NamedTuple, Tuple

from .faults import Fault

if TYPE_CHECKING:
    from .blob import Client

CLOCK_LIMIT_S = 300.0  # the service refuses a signature that is 15 minutes off; well before that is worth a word


class Refused(NamedTuple):
    """`code`: the service's own error code, or "" where it sent none."""

    status: int
    code: str
    header: str


def read(response: http.client.HTTPResponse) -> Refused:
    """Reads the body away, so that the connection can be used again."""
    body = response.read(1024 * 1024).decode("utf-8", "replace")
    named = re.search(r"<HeaderName>([^<]{1,100})</HeaderName>", body)
    inside = re.search(r"<Code>([A-Za-z]{1,100})</Code>", body)
    code = response.headers.get("x-ms-error-code") or (inside.group(1) if inside else "")
    if code == "AuthorizationFailure" and "failed to authenticate" in body:
        code = "AuthenticationFailed"  # Azurite's code for a wrong signature; the text is the same as Azure's
    return Refused(response.status, code, named.group(1) if named else "")


Words = Tuple[str, str]


def _version(client: Client, tried: str) -> Words:
    cause = "the storage service refuses the API version (InvalidHeaderValue x-ms-version; tried %s)" % tried
    return cause, 'set data.api_version = "auto", or the newest version that this stamp documents'


def _signature(client: Client, tried: str) -> Words:
    skew = client.skew_s or 0.0
    cause = "the storage service does not accept the credential (AuthenticationFailed)"
    if abs(skew) > CLOCK_LIMIT_S:
        return cause, "the VM's clock is %.0f s off the service's, which breaks signatures: set it first" % -skew
    if client.source.key is None:
        ended = client.source.sas.get("se", "")
        return cause, "make a new SAS token%s" % (": this one ended at %s, or was altered" % ended if ended else "")
    return cause, "compare the account name in the endpoint (%s) with the key's account" % client.source.account


def _permission(client: Client, tried: str) -> Words:
    cause = "the credential is good but may not do this (it needs to read and to list the container)"
    return cause, "make a SAS token with the permissions read and list for container %s" % client.source.container


def _container(client: Client, tried: str) -> Words:
    source = client.source
    cause = "there is no container %r in account %s" % (source.container, source.account)
    return cause, "correct data.container in the site file"


def _blob(client: Client, tried: str) -> Words:
    return "the blob is not there (any more)", "list the container again"


def _changed(client: Client, tried: str) -> Words:
    return "a blob was changed while it was being read", "stage again: a changed blob is a new version"


def _account(client: Client, tried: str) -> Words:
    return "the storage account is disabled", "ask the operator of the Stack Hub"


EXPLAINED: Dict[str, Callable[..., Words]] = {
    "InvalidHeaderValue": _version,
    "AuthenticationFailed": _signature,
    "AuthorizationFailure": _permission,
    "AuthorizationPermissionMismatch": _permission,
    "AuthorizationResourceTypeMismatch": _permission,
    "AuthorizationServiceMismatch": _permission,
    "InsufficientAccountPermissions": _permission,
    "NoAuthenticationInformation": _signature,
    "InvalidAuthenticationInfo": _signature,
    "ContainerNotFound": _container,
    "ResourceNotFound": _container,
    "InvalidResourceName": _container,
    "BlobNotFound": _blob,
    "ConditionNotMet": _changed,
    "AccountIsDisabled": _account,
}


def fault(refused: Refused, client: Client, tried: str) -> Fault:
    """`facts`: status, service_code. `tried`: the API versions that were offered."""
    facts = {"status": refused.status, "service_code": refused.code}
    if refused.code == "InvalidHeaderValue" and refused.header not in ("", "x-ms-version"):
        title = "the storage service refuses the header %s" % refused.header
        return Fault("data", title, "is the endpoint a blob service?", **facts)
    explain = EXPLAINED.get(refused.code)
    if explain is not None:
        cause, action = explain(client, tried)
    elif refused.status in (500, 503):
        cause = "the storage service is busy (%s)" % (refused.code or refused.status)
        action = "try again in a minute"
    else:
        cause = "the storage service answered %d %s" % (refused.status, refused.code or "and named no reason")
        action = "is %s a blob endpoint?" % client.source.endpoint
    return Fault("data", cause, action, **facts)
