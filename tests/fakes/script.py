"""What the fake site says: one scripted journey, and the ways it can go wrong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from core import events
from core.data import links as rows

RUN = "01JDEMO8Z4V7Q2M5K9X3T6W1RB"
EARLIER = "01JDEMN2K6P9WQ4T7Y1B5H8C3D"
NOON = 1_795_435_200.0  # 2026-11-23 12:00:00 UTC
FINGERPRINT = "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8"
OTHER = "SHA256:uNiVztksCsDhcc0u9e8BrPO1nJ6S4Zc4bTkVbUq0DZM"
DIGEST = "9f2c4be1a07d5c3388e6f10b7a94d2615cc0f7e3b8a1d94427563e0fb18c2a6d"
RANDOMART = """+--[ED25519 256]--+
|      .o+.o      |
|     . +oo .     |
|      + = .      |
|     . B * .     |
|    o o S = .    |
|   . = O + o     |
|    o B o o E    |
|     o =.+.o     |
|      ..+=o      |
+----[SHA256]-----+"""


@dataclass
class Scenario:
    """Each field is one thing that can differ from the journey where all goes well."""

    site: str = "ward-7"
    vm: str = "stackvm"
    host_key: str = "known"  # known, unknown or changed
    passphrase: str = ""  # the key is encrypted with it
    password: str = ""  # the server wants it
    unreachable: bool = False
    sudo: str = ""  # a fix needs root, and sudo this password
    fixed: bool = False  # what is to be fixed is right already
    sudo_given: list[str] = field(default_factory=list)  # to checks
    locked_out: bool = False  # a new login does not work with the fix
    broken_link: str = ""  # data.tls, say
    path_lost: bool = False  # the connection to the VM, in the middle of the path
    checked_before: bool = False  # the day before, with other results
    built: bool = False  # the job's environment, before
    build_fails: bool = False
    evicted: set[str] = field(default_factory=set)  # digests of data that are not on the VM any more
    edited: str = ""  # the job file was: the last word of its command
    edited_later: str = ""  # the same, once somebody has looked
    run_fails: bool = False
    no_model: bool = False  # the job logs none
    link_lost: bool = False
    service_fails: bool = False
    no_runs: bool = False
    name: str = "breast-cancer"  # of the run
    silent: bool = False  # the run prints and logs nothing
    queue: tuple[int, ...] = ()  # places of the run in the queue, before it begins
    earlier: int = 0  # runs that are there already
    runs_fail: bool = False  # the VM does not list them
    first_try: bool = False  # there is a run of before, EARLIER, with metrics
    resources: bool = False  # the VM says what the run takes
    epochs: int = 40
    log_lines: int = 3  # for each epoch
    pace_s: float = 0.0  # between events
    hold: dict[str, asyncio.Event] = field(default_factory=dict)  # name of a point -> goes on when set


FACTS = events.Facts(
    hostname="stackvm",
    user="azureuser",
    os="Ubuntu 22.04.5 LTS",
    kernel="5.15.0-124-generic",
    architecture="x86_64",
    cpus=8,
    memory_bytes=33_565_212_672,
    disk_free_bytes=91_268_055_040,
    disk_total_bytes=133_003_395_072,
    python="3.10.12",
    gpus=["NVIDIA A10-8Q, 8192 MiB"],
    docker="",
    bwrap="0.8.0",
    sandbox="bwrap",
    clock_skew_s=0.21,
)

BLOB = "account.blob.local.azurestack.external"
# Of each link from the VM: what was found, and how long it took; None: nothing was waited for.
FOUND: dict[str, tuple[str, float | None]] = {
    "name": (f"{BLOB} is reached at 10.0.0.4, as data.address says", 0.0004),
    "public": ("10.0.0.4 is an address of a network of one's own", None),
    "tcp": ("10.0.0.4 port 443 accepts connections", 0.0011),
    "tls": (f"TLSv1.3, certificate for {BLOB} by ward-7 hub root, 212 days left", 0.0063),
    "service": ("a blob service answers (Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0)", 0.0052),
    "version": ("2019-07-07, as it refuses 2020-10-02", 0.0104),
    "clock": ("the clocks agree", None),
    "auth": ("SAS token accepted", 0.0091),
    "list": ("records: 3 blobs, 3.1 GB", 0.0078),
    "rights": ("a SAS token for records: read and list", None),
    "expiry": ("it ends at 2026-12-31T00:00:00Z, in 38 days", None),
    "anonymous": ("neither the list nor a blob is given to who has no credential", 0.0072),
    "bytes": ("the first 66 kB of a blob were read", 0.0092),
    "speed": ("112.4 MB/s over one connection (34 MB in 299 ms); the container, 3.1 GB, takes 28 s at that", 0.31),
    "disk": ("91 GB free; the container has 3.1 GB, of which 124 kB are staged already", 0.0002),
}
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
BROKEN = {
    "tls": (
        f"the certificate of {BLOB} is signed by ward-7 hub root, which is not trusted here (certificate SHA256 {SHA})",
        "set data.ca_bundle to the stamp's root certificate (PEM)",
    ),
}

CHECKS = (
    ("ssh.root-login", "pass", "high", "Root cannot log in with a password", "PermitRootLogin prohibit-password"),
    ("ssh.passwords", "fail", "high", "Passwords are refused", "PasswordAuthentication yes"),
    ("ssh.empty-passwords", "pass", "critical", "Empty passwords are refused", "PermitEmptyPasswords no"),
    ("ssh.auth-tries", "warn", "low", "Few tries for each connection", "MaxAuthTries 6"),
    ("ssh.forwarding", "warn", "medium", "Forwarding is off where it is not needed", "AllowTcpForwarding yes"),
    ("ssh.host-keys", "pass", "high", "Host keys are readable by root alone", "3 keys, all 0600 root:root"),
    ("ssh.authorized-keys", "pass", "high", "authorized_keys is private", "0600 azureuser, folder 0700"),
    ("ssh.kex", "pass", "high", "No weak key exchange is offered", "sntrup761x25519-sha512@openssh.com first"),
    ("ssh.ciphers", "pass", "medium", "No weak cipher is offered", "chacha20-poly1305@openssh.com first"),
    ("ssh.terrapin", "pass", "medium", "Strict key exchange is on", "kex-strict-s-v00@openssh.com"),
    ("ssh.listeners", "unknown", "info", "Nothing unexpected listens", "the process names need root"),
    ("ssh.grace-time", "pass", "low", "Logins end when they take too long", "LoginGraceTime 120"),
)
FIX = "Set PasswordAuthentication no in /etc/ssh/sshd_config.d/, check with sshd -t, reload; keep this session open."
SOURCES = ["CIS Ubuntu 22.04 5.1.7", "BSI TR-02102-4"]


def checks(broken_link: str) -> list[events.CheckFinished]:
    """The dozen checks of the server, then the links."""
    found = [
        events.CheckFinished(
            id=id,
            group="ssh",
            title=title,
            status=status,  # type: ignore[arg-type]
            severity=severity,  # type: ignore[arg-type]
            evidence=evidence,
            expected="PasswordAuthentication no" if status == "fail" else "",
            sources=SOURCES,
            fix=FIX if status == "fail" else "",
        )
        for id, status, severity, title, evidence in CHECKS
    ]
    return found + links(broken_link)


def links(broken: str) -> list[events.CheckFinished]:
    """Those of the VM in order, `broken` (`data.tls`) and those after it as they are then; then those of the client."""
    found: list[events.CheckFinished] = []
    status = "pass"
    for row in rows.ROWS:
        evidence, took = FOUND[row.id]
        action = ""
        if broken == f"data.{row.id}":
            status = "fail"
            evidence, action = BROKEN.get(row.id, ("refused by the service", "look at it"))
        elif status == "skipped":
            evidence, took = f"not tried: the link {broken.partition('.')[2]!r} before it is broken", None
        told = {"id": row.id, "status": status, "evidence": evidence, "action": action, "duration_s": took}
        found.append(rows.finished(told))
        status = "skipped" if status == "fail" else status
    return found + outside()


def outside() -> list[events.CheckFinished]:
    """From the client the port of the service is not reached."""
    told: list[dict[str, Any]] = [
        *(
            {"id": id, "status": "pass", "evidence": FOUND[id][0], "duration_s": FOUND[id][1]}
            for id in ("name", "public")
        ),
        {"id": "tcp", "status": "fail", "evidence": "10.0.0.4 port 443 does not answer", "duration_s": 3.0},
        *({"id": id, "status": "skipped", "evidence": "", "duration_s": None} for id in ("tls", "service")),
    ]
    return [rows.finished_outside(link) for link in told]


def compared(checks: list[events.CheckFinished]) -> list[events.CheckChange]:
    """The day before, passwords were refused, and agents could be forwarded."""
    titles = {check.id: check.title for check in checks}
    told: tuple[tuple[str, Any, Any, Any], ...] = (
        ("ssh.passwords", "new", "pass", "fail"),
        ("ssh.forwarding", "better", "fail", "warn"),
        ("ssh.kex", "gone", "fail", "pass"),
    )
    return [events.CheckChange(id=id, title=titles[id], kind=kind, was=was, now=now) for id, kind, was, now in told]


def counted(checks: list[events.CheckFinished], took: float) -> events.ChecksFinished:
    counts: dict[str, int] = {}
    for check in checks:
        counts[check.status] = counts.get(check.status, 0) + 1
    return events.ChecksFinished(counts=counts, started=NOON, duration_s=took)


def staged(path: str) -> events.StagedData:
    return events.StagedData(digest=DIGEST, path=path or "samples/", files=2, bytes=124_103, staged=NOON)


def came(path: str) -> events.DataStaged:
    """A staging that fetched one of its two files."""
    data = staged(path)
    return events.DataStaged(
        data=data, reused=False, duration_s=0.21, fetched=82_103, linked=42_000, listing="51d7" * 16
    )


def loss(epoch: int) -> float:
    return 0.08 + 0.62 / (1 + 0.35 * epoch) + 0.012 * ((epoch * 7) % 5 - 2) / (1 + epoch / 8)


def accuracy(epoch: int) -> float:
    return 0.973 - 0.35 / (1 + 0.5 * epoch) + 0.006 * ((epoch * 5) % 7 - 3) / (1 + epoch / 10)


def resources(epoch: int) -> events.Resources:
    busy = 1 - 1 / (1 + epoch / 6)
    return events.Resources(
        run=RUN,
        time=NOON + 2 * epoch,
        cpu=round(0.3 + 5.2 * busy + 0.4 * ((epoch * 7) % 5), 2),
        memory=int((0.4 + 2.9 * busy) * 2**30),
        machine_cpu=round(0.1 + 0.7 * busy, 3),
        machine_memory=int((4.1 + 2.9 * busy) * 2**30),
        disk_free=91_268_055_040 - epoch * 20_000_000,
        gpus=[events.GpuUse(use=round(0.9 * busy, 2), memory=int(5.5 * busy * 2**30))],
    )
