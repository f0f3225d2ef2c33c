"""What a blob service refuses, in plain words."""

from __future__ import annotations

import calendar
import http.client
import re
import time
from typing import TYPE_CHECKING, Callable, Dict, NamedTuple, Optional, Tuple

from .faults import Fault

if TYPE_CHECKING:
    from .blob import Client

BUSY = (408, 429, 500, 502, 503, 504)  # of the service, or of a gateway before it: says nothing of the request
CLOCK_LIMIT_S = 300.0  # the service refuses a signature that is 15 minutes off; both clocks drift meanwhile


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
    code = response.headers.get("x-ms-error-code") or ""
    if not re.fullmatch("[A-Za-z0-9]{1,100}", code):  # it is shown
        code = inside.group(1) if inside else ""
    if code == "AuthorizationFailure" and "failed to authenticate" in body:
        code = "AuthenticationFailed"  # Azurite's code for a wrong signature; the text is the same as Azure's
    return Refused(response.status, code, named.group(1) if named else "")


Words = Tuple[str, str]


def _version(client: Client, tried: str) -> Words:
    cause = "the storage service refuses the API version (InvalidHeaderValue x-ms-version; tried %s)" % tried
    newest = "the newest version that this stamp documents"
    if client.source.version:
        return cause, 'set data.api_version = "auto", or %s' % newest
    return cause, "set data.api_version to %s" % newest


def _signature(client: Client, tried: str) -> Words:
    skew = client.skew_s or 0.0
    cause = "the storage service does not accept the credential (AuthenticationFailed)"
    if client.source.key is None:
        return cause, _token(client, time.time() + skew)
    if abs(skew) > CLOCK_LIMIT_S:
        return cause, "the VM's clock is %.0f s off the service's, which breaks signatures: set it first" % -skew
    return cause, "copy the key of account %s from the portal again: this one is another's, or not current" % (
        client.source.account
    )


def _token(client: Client, now: float) -> str:
    """Why a SAS token is refused, by the service's clock: its own words say when it holds."""
    source, sas = client.source, client.source.sas
    begins, ends = moment(sas.get("st", "")), moment(sas.get("se", ""))
    if source.lent:
        clock = "set your computer's clock, which is ahead of the service's; or " if (ends or now) < now else ""
        copy = "%scopy the key of account %s from the portal again: this one is another's, or not current"
        return copy % (clock, source.account) + ", or the stamp takes no token of a key (key_on_vm = true in [data])"
    if not sas:
        return "give an account key or a SAS token in data.credential"
    if ends is not None and ends <= now:
        return "make a new SAS token: this one ended at %s" % sas["se"]
    if begins is not None and begins > now:
        return "wait, or make a new SAS token: this one holds from %s on" % sas["st"]
    if sas.get("sv", "") > "2019-07-07":
        told = "make it with the stamp's own portal or CLI: this one is of version %s, which a Stack Hub may not know"
        return told % sas["sv"]
    kept = "its stored access policy %r may be gone" % sas["si"][:64] if sas.get("si") else "it was altered"
    return "make a new SAS token: %s, or the account's key was changed since" % kept


def moment(text: str) -> Optional[float]:
    """Seconds since the epoch of a time in a SAS token, which is UTC; None where it cannot be read."""
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"):
        try:
            return float(calendar.timegm(time.strptime(text, form)))
        except ValueError:
            continue
    return None


def _permission(client: Client, tried: str) -> Words:
    cause = "the credential is good but may not do this (it needs to read and to list the container)"
    return cause, "make a SAS token with the permissions read and list for container %s" % client.source.container


def _service_kind(client: Client, tried: str) -> Words:
    cause = "the SAS token is not for this (ss=%s, srt=%s)" % (
        client.source.sas.get("ss", "none"),
        client.source.sas.get("srt", "none"),
    )
    return cause, "it needs ss=b and srt=co; better: a SAS token for container %s" % client.source.container


def _address(client: Client, tried: str) -> Words:
    cause = "the SAS token is for the addresses %s, and the VM's is none of them" % client.source.sas.get("sip", "")
    return cause, "make a SAS token without sip, or with the address that the service sees of the VM"


def _keys_off(client: Client, tried: str) -> Words:
    return "the storage account takes no account key", "use a SAS token, or have account keys allowed"


def _query(client: Client, tried: str) -> Words:
    version = client.source.sas.get("sv", "")
    cause = "the storage service does not understand the SAS token (InvalidQueryParameterValue)"
    return cause, "is it whole? It is of version %s: make it with the stamp's own portal or CLI" % (version or "none")


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
    "AuthorizationResourceTypeMismatch": _service_kind,
    "AuthorizationServiceMismatch": _service_kind,
    "AuthorizationSourceIPMismatch": _address,
    "KeyBasedAuthenticationNotPermitted": _keys_off,
    "InvalidQueryParameterValue": _query,
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
    elif refused.status in BUSY:
        cause = "the storage service is busy (%s)" % (refused.code or refused.status)
        action = "try again in a minute"
    else:
        cause = "the storage service answered %d %s" % (refused.status, refused.code or "and named no reason")
        action = "is %s a blob endpoint?" % client.source.endpoint
    return Fault("data", cause, action, **facts)
