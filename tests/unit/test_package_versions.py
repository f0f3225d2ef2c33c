"""Holes by package version: dpkg's order, the table that ships, and what it may not guess."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from typing import Any

import pytest

from core.agent.packages import installed
from core.checks import cves, debian
from core.checks.catalogue import BY_ID, CATALOGUE
from core.checks.model import Seen

ENDINGS = ("", "-1", "-2~b", "-0", "-1ubuntu13.3", "-3+deb12u10", "+really5.4.5-1")
UBUNTU = "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>"


def made_up(rng: random.Random) -> tuple[str, str]:
    def one() -> str:
        middle = "".join(rng.choice("019.~+abz") for _ in range(rng.randrange(5)))
        return rng.choice(["", "1:", "2:"]) + rng.choice("0123456789") + middle + rng.choice(ENDINGS)

    first = one()
    return first, first + rng.choice(["~", "0", "a", "+", ".", "~~"]) if rng.random() < 0.5 else one()


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="no dpkg to compare with")
def test_versions_are_ordered_as_dpkg_orders_them() -> None:
    rng = random.Random(20261126)
    pairs = [made_up(rng) for _ in range(200)]
    pairs += [("1:9.2p1-2+deb12u10", "1:9.2p1-2+deb12u9"), ("1.0~rc1", "1.0"), ("1.0", "1.0-1"), ("0:1", "1")]
    for first, second in pairs:
        words = ["dpkg", "--compare-versions", first, "lt", second]
        theirs = subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0
        assert debian.older(first, second) == theirs, (first, second)


def seen(codename: str, server: str, client: str = "", maintainer: str = UBUNTU, **more: Any) -> Seen:
    system = {"id": more.pop("id", "ubuntu"), "codename": codename, "name": codename}
    packages = {name: {"version": version, "maintainer": maintainer} for name, version in
                (("openssh-server", server), ("openssh-client", client or server)) if version}  # fmt: skip
    program = more.pop("program", "/usr/sbin/sshd")
    stale = more.pop("stale", False)
    host = {"packages": {"os": system, "installed": packages, "kernel": "6", "liblzma": [], **more}}
    host["updates"] = {"sshd_stale": stale}
    return Seen(host={**host, "sshd": {"argv": [program]}})


@pytest.mark.parametrize(
    ("id", "host", "status", "said"),
    [
        ("regresshion", seen("noble", "1:9.6p1-3ubuntu13"), "fail", "CVE-2024-6387"),
        ("regresshion", seen("noble", "1:9.6p1-3ubuntu13.3"), "pass", "13.3"),  # 9.6p1 by its banner, and fixed
        ("regresshion", seen("jammy", "1:8.9p1-3ubuntu0.7"), "fail", "USN-6859-1"),
        (
            "regresshion",
            seen("bookworm", "1:9.2p1-2", maintainer="debian", id="debian"),
            "fail",
            "(the package's changelog",
        ),
        ("regresshion", seen("focal", "1:8.2p1-4ubuntu0.5"), "pass", "never had it"),
        ("regresshion", seen("focal", "1:9.6p1-1", maintainer="A PPA <me@example.org>"), "unknown", "own package"),
        ("regresshion", seen("noble", "1:9.6p1-3ubuntu13.3", stale=True), "unknown", "restart it"),
        ("regresshion", seen("noble", "1:9.6p1-3ubuntu13", stale=True), "fail", "CVE-2024-6387"),
        ("regresshion", seen("mantic", "1:9.3p1-1ubuntu3"), "unknown", "no fixed version for mantic"),
        ("regresshion", seen("noble", "1:9.6p1-9", maintainer="Somebody <me@example.org>"), "unknown", "own package"),
        ("regresshion", seen("noble", "1:9.6p1-3ubuntu13", program="/opt/ssh/sbin/sshd"), "unknown", "/opt/ssh"),
        ("regresshion", seen("noble", "", "1:9.6p1-3ubuntu13.3"), "unknown", "openssh-server is not installed"),
        ("openssh-2025", seen("noble", "", "1:9.9p1-9"), "unknown", "openssh-server is not installed"),
        ("regresshion", seen("9", "8.7p1-38.el9", id="rhel"), "unknown", "Debian and Ubuntu alone"),
        ("openssh-2025", seen("noble", "1:9.6p1-3ubuntu13.8"), "fail", "CVE-2025-32728"),
        ("openssh-2025", seen("noble", "1:9.6p1-3ubuntu13.15"), "pass", "13.15"),
        ("openssh-2025", seen("noble", "1:9.6p1-3ubuntu13.15", "1:9.6p1-3ubuntu13.14"), "fail", "openssh-client"),
        ("openssh-2026", seen("noble", "1:9.6p1-3ubuntu13.18"), "fail", "CVE-2026-73283"),
        ("openssh-2026", seen("jammy", "1:8.9p1-3ubuntu0.17"), "pass", "0.17"),
        ("openssh-2026", seen("bookworm", "1:9.2p1-2+deb12u10", maintainer="debian", id="debian"), "unknown", "73281"),
    ],
)
def test_a_hole_is_told_by_the_distributions_version(id: str, host: Seen, status: str, said: str) -> None:
    found = BY_ID[id].run(host)
    assert (found.status, said in found.evidence) == (status, True), found.evidence


def test_the_table_is_whole() -> None:
    rows = {name: row for name, row in cves.table().items() if name.startswith("CVE-")}
    known = {check.id for check in CATALOGUE}
    assert len(rows) > 15 and cves.table()["date"]
    for name, row in rows.items():
        assert set(row["checks"]) <= known and row["package"] and row["source"], name
        releases = [row[key] for key in ("focal", "jammy", "noble", "bookworm", "trixie") if key in row]
        versions = [text for one in releases for text in (one.values() if isinstance(one, dict) else [one])]
        assert versions and all(re.fullmatch(r"0|(\d+:)?\d\S+", text) for text in versions), name


def booted(kernel: str, version: str, codename: str = "noble", made: float = 1.8e9, maintainer: str = UBUNTU) -> Seen:
    system = {"id": "debian" if codename == "bookworm" else "ubuntu", "codename": codename, "name": codename}
    installed = {f"linux-image-{kernel}": {"version": version, "maintainer": maintainer}}
    packages = {"os": system, "installed": installed, "kernel": kernel, "liblzma": []}
    return Seen(host={"packages": packages, "host_keys": [{"path": "key", "mtime": made}]})


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (booted("6.8.0-117-generic", "6.8.0-117.117"), "fail"),
        (booted("6.8.0-124-generic", "6.8.0-124.124"), "pass"),
        (booted("6.8.0-124-generic", "6.8.0-124.124", made=1.7e9), "warn"),  # its keys are older than the hole's day
        (booted("6.8.0-1056-azure", "6.8.0-1056.62"), "fail"),
        (booted("6.8.0-1058-azure", "6.8.0-1058.64"), "pass"),
        (booted("6.14.0-1017-azure", "6.14.0-1017.17~24.04.1"), "unknown"),  # a series that the table does not have
        (booted("6.8.0-124-generic", "6.8.0-124.124~22.04.1", "jammy"), "pass"),
        (booted("6.1.0-51-cloud-amd64", "6.1.172-1", "bookworm", maintainer="debian"), "pass"),
        (booted("6.1.0-40-amd64", "6.1.170-3", "bookworm", maintainer="debian"), "fail"),
        (booted("6.18.44-fc", "1"), "unknown"),
    ],
)
def test_the_kernel_that_runs_is_told_by_its_series_and_flavour(host: Seen, status: str) -> None:
    found = BY_ID["host-key-leak-kernel"].run(host)
    assert found.status == status, found.evidence


def test_only_what_is_installed_counts_as_a_package() -> None:
    removed = "Package: openssh-server\nStatus: deinstall ok config-files\nVersion: 1:1-1\nMaintainer: x\n\n"
    there = "Package: openssh-client\nStatus: hold ok installed\nVersion: 1:9-1\nMaintainer: y\n"
    found = dict(installed(removed + there, ["openssh-server", "openssh-client"]))
    assert found == {"openssh-client": {"version": "1:9-1", "maintainer": "y"}}


def test_a_client_that_no_package_brings_is_not_said_to_be_fixed() -> None:
    system = {"id": "debian", "codename": "bookworm", "name": "Debian 12"}
    found = {"packages": {"os": system, "installed": {}, "ssh": True}}
    told = BY_ID["agent-cve"].run(Seen(local={"client": found}))
    assert (told.status, told.evidence) == ("unknown", "no package of Debian 12 brings it")
