"""Evaluators: holes by the version of the distribution's package, against the table that ships with us."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from ..events import Status
from . import debian
from .model import Seen, Verdict
from .rules import Evaluate

OURS = {"debian": "debian", "ubuntu": "ubuntu"}  # os-release's ID -> a word in its packages' Maintainer
DEBIAN_SOURCE = "the package's changelog"
KERNEL_HOLE = "CVE-2026-46333"
PROGRAMS = ("/usr/sbin/sshd", "/usr/bin/sshd")


@cache
def table() -> Mapping[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("cves.toml").read_text(encoding="utf-8"))


def holes(check: str) -> dict[str, Mapping[str, Any]]:
    return {name: row for name, row in table().items() if isinstance(row, dict) and check in row.get("checks", ())}


def fixed(check: str) -> Evaluate:
    def evaluate(seen: Seen, _: None) -> Verdict:
        program = (seen.host.get("sshd", {}).get("argv") or [PROGRAMS[0]])[0]
        if program not in PROGRAMS:
            return Verdict("unknown", f"the server is {program}, which is no package's")
        packages = seen.section("packages")
        if packages["os"]["id"] in OURS and "openssh-server" not in packages["installed"]:
            return Verdict("unknown", f"the server is {program}, but openssh-server is not installed")
        verdict = judge(holes(check), packages)
        if verdict.status == "pass" and seen.has("updates") and seen.section("updates")["sshd_stale"]:
            return Verdict("unknown", f"{verdict.evidence}, but the sshd that runs is older than its file: restart it")
        return verdict

    return evaluate


def on_the_client(check: str) -> Evaluate:
    def evaluate(seen: Seen, _: None) -> Verdict:
        packages = seen.section("client")["packages"]
        if packages is None:
            return Verdict("unknown", "this computer has no packages of Debian. See: ssh -V")
        if not packages["ssh"]:
            return Verdict("skipped", "there is no OpenSSH on this computer")
        return judge(holes(check), packages)

    return evaluate


def judge(rows: Mapping[str, Mapping[str, Any]], packages: Mapping[str, Any]) -> Verdict:
    """`rows`: holes. `packages`: `os` (id, codename, name), `installed` (name -> version, maintainer) of the agent."""
    system = packages["os"]
    if system["id"] not in OURS:
        return Verdict("unknown", f"{system['name'] or 'this system'}: the table has Debian and Ubuntu alone")
    verdicts = list(_verdicts(rows, packages))
    statuses: tuple[Status, ...] = ("fail", "unknown")
    for status in statuses:
        found = [(name, text) for verdict, name, text in verdicts if verdict == status]
        if found:
            return Verdict(status, _together(found))
    if not verdicts:
        return Verdict("unknown", f"no package of {system['name'] or system['id']} brings it")
    return Verdict("pass", "; ".join(dict.fromkeys(text for _, _, text in verdicts)))


def _together(found: list[tuple[str, str]]) -> str:
    """Holes of which the same is to be said, in one sentence."""
    names: dict[str, list[str]] = {}
    for name, text in found:
        names.setdefault(text, []).append(name)
    return "; ".join(f"{', '.join(known)}: {text}" for text, known in names.items())


def _verdicts(rows: Mapping[str, Mapping[str, Any]], packages: Mapping[str, Any]) -> Iterator[tuple[Status, str, str]]:
    """(status, the hole, what is to be said of it)."""
    system, date = packages["os"], table()["date"]
    for name, row in rows.items():
        package = packages["installed"].get(row["package"])
        since = row.get(system["codename"])
        if package is None:
            continue
        version = f"{row['package']} {package['version']}"
        if OURS[system["id"]] not in package["maintainer"].lower():
            yield "unknown", name, f"{version} is not {system['id']}'s own package ({package['maintainer']})"
        elif since == "0":
            yield "pass", name, f"{version}: {system['codename']} never had it" if len(rows) == 1 else version
        elif since is None:
            known = f"no fixed version for {system['codename']} in the table of {date} ({version})"
            yield "unknown", name, f"{known}. It tells what it closes: apt changelog {row['package']}"
        elif debian.older(package["version"], since):
            source = DEBIAN_SOURCE if system["id"] == "debian" and row["source"].startswith("USN") else row["source"]
            yield "fail", name, f"in {version}; {since} closes it ({source})"
        else:
            yield "pass", name, version


def kernel(seen: Seen, _: None) -> Verdict:
    """The running kernel by its package; then the host keys have to be newer than the day the hole was known."""
    packages = seen.section("packages")
    name = f"linux-image-{packages['kernel']}"
    package = packages["installed"].get(name)
    if package is None:
        return Verdict("unknown", f"the running kernel {packages['kernel']} is of no package of this system")
    row = holes("host-key-leak-kernel")[KERNEL_HOLE]
    codename = packages["os"]["codename"]
    series, _, rest = packages["kernel"].partition("-")
    listed = row.get(codename, {})
    since = listed.get(f"{series} {rest.partition('-')[2]}") or listed.get(series)
    kernels = {KERNEL_HOLE: {**row, codename: since}}
    verdict = judge(kernels, {**packages, "installed": {"linux-image": package}})
    if verdict.status != "pass":
        return verdict
    known = row["known"]
    old = [key["path"] for key in seen.section("host_keys") if _day(key["mtime"]) < known.isoformat()]
    if old:
        return Verdict(
            "warn", f"{verdict.evidence}, but keys of before {known} may have been read: {', '.join(old)}", "medium"
        )
    return verdict


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def xz(seen: Seen, _: None) -> Verdict:
    """CVE-2024-3094: by the package, else by the library's own file name."""
    packages = seen.section("packages")
    package = packages["installed"].get("liblzma5")
    version = package["version"] if package else ""
    files = packages["liblzma"]
    named = [path for path in files if path.endswith((".so.5.6.0", ".so.5.6.1"))]
    if version.startswith(("5.6.0", "5.6.1")) and "really" not in version:
        return Verdict("fail", f"liblzma5 {version}")
    if named and not version:
        return Verdict("fail", ", ".join(named))
    if not version and not files:
        return Verdict("unknown", "no liblzma is found where libraries are")
    return Verdict("pass", f"liblzma5 {version}" if version else ", ".join(files))
