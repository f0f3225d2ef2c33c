"""Where this machine's packages come from: pip's settings, which uv does not read, and a requirements file's own."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Mapping

import msgspec

OPTION = re.compile(r"(-i|-f|--[a-z-]+)[\s=]*(.*)")
LONG = {"-i": "--index-url", "-f": "--find-links"}
ADDRESSES = ("--index-url", "--extra-index-url", "--find-links")
SECTIONS = ("global", "download", ":env:")  # of pip's settings, the last one first
# pip's setting -> uv's variable, set where the person did not set it
VARIABLES = {
    "constraint": "UV_CONSTRAINT",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}
PIP_VARIABLES = {
    "--index-url": "PIP_INDEX_URL",
    "--extra-index-url": "PIP_EXTRA_INDEX_URL",
    "--find-links": "PIP_FIND_LINKS",
    "--trusted-host": "PIP_TRUSTED_HOST",
}


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a requirements file says beside its requirements."""

    requirements: list[str]
    addresses: list[tuple[str, str]]  # an option of ADDRESSES, and what it names
    hosts: list[str]  # trusted
    flags: list[str]  # of both programs


def split(text: str) -> Options:
    """`text`: as core.environments.requirements leaves it."""
    requirements, addresses, hosts, flags = list[str](), list[tuple[str, str]](), list[str](), list[str]()
    for line in filter(None, map(str.strip, text.splitlines())):
        found = OPTION.fullmatch(line)
        name = LONG.get(found[1], found[1]) if found else ""
        if found is None:
            requirements.append(line)
        elif name in ADDRESSES:
            addresses.append((name, found[2]))
        elif name == "--trusted-host":
            hosts.append(found[2])
        elif name in ("--pre", "--no-index"):
            flags.append(name)
    return Options(requirements=requirements, addresses=addresses, hosts=hosts, flags=flags)


def settings(listed: str) -> dict[str, str]:
    """`listed`: what `pip config list` prints. The values that `pip download` would use, by name."""
    found: dict[str, dict[str, str]] = {name: {} for name in SECTIONS}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in found:
            found[section][name] = _value(value)
    return {name: value for section in SECTIONS for name, value in found[section].items() if value}


def _value(text: str) -> str:
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text


def for_uv(options: Options, pip: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> list[str]:
    """Lines for the beginning of uv's requirements: a file's own index comes before pip's setting, as in pip."""
    lines = [f"{name} {value}" for name, value in options.addresses]
    own = {name for name, _ in options.addresses}
    chosen = any(environment.get(name) for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"))
    if pip.get("index-url") and "--index-url" not in own and not chosen:
        lines.append(f"--index-url {pip['index-url'].split()[-1]}")
    for name in ("extra-index-url", "find-links"):
        lines += [f"--{name} {value}" for value in pip.get(name, "").split()]
    return lines


def uv_variables(
    options: Options, pip: Mapping[str, str], environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    found = {VARIABLES[name]: " ".join(pip[name].split()) for name in VARIABLES if pip.get(name)}
    found = {name: value for name, value in found.items() if name not in environment}
    hosts = [*found.get("UV_INSECURE_HOST", environment.get("UV_INSECURE_HOST", "")).split(), *options.hosts]
    several = pip.get("extra-index-url") or any(name == "--extra-index-url" for name, _ in options.addresses)
    if several and "UV_INDEX_STRATEGY" not in environment:
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip does, whose settings these are
    return {**found, **({"UV_INSECURE_HOST": " ".join(hosts)} if hosts else {})}


def flags(options: Options, pip: Mapping[str, str]) -> list[str]:
    """uv's."""
    found = ["--prerelease", "allow"] if "--pre" in options.flags or _true(pip.get("pre", "")) else []
    return [*found, *(["--no-index"] if "--no-index" in options.flags or _true(pip.get("no-index", "")) else [])]


def _true(text: str) -> bool:
    return text.lower() in ("1", "true", "yes", "on")


def pip_variables(emitted: Iterable[tuple[str, str]], hosts: Iterable[str]) -> dict[str, str]:
    """`emitted`: the addresses that uv used, its own configuration included. By variable: they may hold a password."""
    found: dict[str, list[str]] = {}
    for name, value in [*emitted, *(("--trusted-host", host) for host in hosts)]:
        found.setdefault(PIP_VARIABLES[name], []).append(value)
    return {name: " ".join(values) for name, values in found.items()}
