"""The links of the path to the data, in order: what each looks at, what is expected, how bad it is where it breaks.

From the VM, where it matters, and the first of them from the client too, where nothing is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from ..errors import AgentError
from ..events import CheckFinished, Severity
from ..site.secrets import hidden

GROUP = "data"
VM, CLIENT = "data-", "data-client-"  # beginnings of ids
NOT_TRIED = "not tried: "  # how the evidence of a link begins that another one hides
Stretch = Literal["network", "service", "access", "data"]


@dataclass(frozen=True)
class Row:
    """`word`: the link in a drawing. `outside`: it is looked at from the client too."""

    id: str
    word: str
    stretch: Stretch
    title: str
    severity: Severity
    looks_at: str
    expected: str
    outside: bool = False


ROWS: tuple[Row, ...] = (
    Row(
        id="name",
        word="name",
        stretch="network",
        title="The endpoint's name leads somewhere",
        severity="high",
        looks_at="the resolver, or data.address",
        expected="an address, by DNS or by data.address",
        outside=True,
    ),
    Row(
        id="public",
        word="own network",
        stretch="network",
        title="The endpoint is not on a public address",
        severity="medium",
        looks_at="the addresses of the name",
        expected="an address of the site's own network",
        outside=True,
    ),
    Row(
        id="tcp",
        word="TCP",
        stretch="network",
        title="The storage service's port is open",
        severity="high",
        looks_at="one connection",
        expected="a TCP connection within 10 s",
        outside=True,
    ),
    Row(
        id="tls",
        word="TLS",
        stretch="network",
        title="The storage service proves who it is",
        severity="critical",
        looks_at="the certificate: its chain, its names, its days, the CA of data.ca_bundle",
        expected="a certificate for the name, by a trusted CA, 30 days",
        outside=True,
    ),
    Row(
        id="service",
        word="blob service",
        stretch="service",
        title="What answers is a blob service",
        severity="high",
        looks_at="the answer to a request without a credential: Server, x-ms-request-id, its form",
        expected="Azure blob storage, and no proxy, portal or other service",
        outside=True,
    ),
    Row(
        id="version",
        word="API version",
        stretch="service",
        title="There is an API version in common",
        severity="high",
        looks_at="x-ms-version, from the one that the site took last downwards",
        expected="2020-10-02, 2019-07-07, 2019-02-02 or 2017-11-09",
    ),
    Row(
        id="clock",
        word="clock",
        stretch="service",
        title="The VM and the service have the same time",
        severity="high",
        looks_at="the Date of the answer",
        expected="less than 60 s apart; from 15 minutes on signatures are refused",
    ),
    Row(
        id="auth",
        word="login",
        stretch="access",
        title="The credential is accepted",
        severity="high",
        looks_at="a signed request",
        expected="an account key or SAS token of this account",
    ),
    Row(
        id="list",
        word="list",
        stretch="access",
        title="The container can be listed",
        severity="high",
        looks_at="the listing, for 5 s at most",
        expected="the container exists and has blobs",
    ),
    Row(
        id="rights",
        word="rights",
        stretch="access",
        title="The credential can only read and list",
        severity="medium",
        looks_at="what the credential says of itself: sp, ss, srt, spr, sip, si; nothing is written",
        expected="a SAS token for this container with read and list",
    ),
    Row(
        id="expiry",
        word="expiry",
        stretch="access",
        title="The credential does not end soon",
        severity="low",
        looks_at="se of the SAS token, by the service's clock",
        expected="7 days at least",
    ),
    Row(
        id="anonymous",
        word="private",
        stretch="access",
        title="The container is not open to everybody",
        severity="critical",
        looks_at="listing and reading it without a credential",
        expected="both are refused",
    ),
    Row(
        id="bytes",
        word="first bytes",
        stretch="data",
        title="The first bytes can be read",
        severity="high",
        looks_at="the beginning of a blob",
        expected="up to 64 KB of a blob",
    ),
    Row(
        id="speed",
        word="speed",
        stretch="data",
        title="The data come at a useful rate",
        severity="low",
        looks_at="the largest blobs, for 2 s or 32 MB at most",
        expected="the whole container in less than 12 hours",
    ),
    Row(
        id="disk",
        word="disk",
        stretch="data",
        title="The VM has room for the container",
        severity="high",
        looks_at="the free disk, and what is staged already",
        expected="more free than the container has that is not staged yet",
    ),
)
BY_ID: Mapping[str, Row] = {row.id: row for row in ROWS}
IDS: tuple[str, ...] = (
    *(VM + row.id for row in ROWS),
    *(CLIENT + row.id for row in ROWS if row.outside),
)


def row_of(id: str) -> Row:
    """Of a check's id, from whichever side."""
    return BY_ID[id.removeprefix(CLIENT if outside(id) else VM)]


def outside(id: str) -> bool:
    """Whether it was looked at from the client."""
    return id.startswith(CLIENT)


def finished(link: Mapping[str, Any]) -> CheckFinished:
    """Of the agent's event. Raises AgentError for one that is none."""
    try:
        return _finished(BY_ID[link["id"]], VM, link)
    except (KeyError, TypeError, msgspec.ValidationError):
        raise AgentError("the agent tells of a link of the path that is none", hint="connect again") from None


FINE = "is not reached from this computer, which is fine: no record comes here"


def finished_outside(link: Mapping[str, Any]) -> CheckFinished:
    """Of a look from the client: whatever breaks there breaks nothing."""
    row = BY_ID[link["id"]]
    if link["status"] == "fail":
        evidence = f"{link['evidence']}; the service {FINE}"
        link = {**link, "status": "skipped", "evidence": evidence, "action": ""}
    elif link["status"] == "skipped":
        link = {**link, "evidence": f"{NOT_TRIED}the service {FINE}"}
    return msgspec.structs.replace(
        _finished(row, CLIENT, link),
        title=f"From this computer: {row.title[0].lower()}{row.title[1:]}",
        severity="medium" if row.id == "public" else "info",
        expected="nothing is needed: the VM alone reads the data" if row.id != "public" else row.expected,
    )


def _finished(row: Row, side: str, link: Mapping[str, Any]) -> CheckFinished:
    found = msgspec.convert(
        {
            "event": "check.finished",
            "id": side + row.id,
            "group": GROUP,
            "title": row.title,
            "status": link["status"],
            "severity": row.severity,
            "evidence": link["evidence"],
            "expected": row.expected,
            "fix": link.get("action", ""),
            "duration_s": link["duration_s"],
        },
        CheckFinished,
    )
    return msgspec.structs.replace(found, evidence=hidden(found.evidence), fix=hidden(found.fix))
