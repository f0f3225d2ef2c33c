"""A conda file whose packages are more than Python and pip: what rattler is asked for on the VM."""

from __future__ import annotations

import re

import msgspec

from ..errors import JobError
from ..jobs.records import Environment
from ..site.files import Site

PIP = re.compile(r"(?:[\w.-]+::)?(pip|setuptools|wheel)\s*([=<>!~].*)?")
PYTHON = re.compile(r"(?:[\w.-]+::)?python(?![\w.-])")
NAME = re.compile(r"(?:\S+::)?([\w.-]+)")
URL = re.compile(r"https?://\S+")
CHANNEL = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)*")
TOKEN = re.compile(r"(?<=://)[^/\s@]+@|(?<=/t/)[^/\s]+")


class Conda(msgspec.Struct, frozen=True, kw_only=True):
    """Packages that rattler solves and installs, Python among them."""

    channels: list[str]  # the first one counts most
    dependencies: list[str]  # as the conda file has them, without the `pip:` part


def of_python(dependency: str) -> bool:
    return PYTHON.match(dependency) is not None


def packages(environment: Environment, site: Site, texts: list[str], others: list[str], *, pip: bool) -> Conda:
    """`texts`: its dependencies but for the `pip:` part; `others`: those that the VM's Python and pip do not give;
    `pip`: there is a `pip:` part. Raises JobError.
    """
    where = environment.conda_source or environment.where
    named = next(name for name in others if not of_python(name))
    found = NAME.match(named)
    name = found.group(1) if found else named
    refused = f"{where}: dependencies: {name} is a conda package, and "
    hint = f"put {name} below `pip:`, or map the environment in [environments] of the site file"
    if site.vm.sandbox == "docker":
        raise JobError(f"{refused}those are installed below bwrap: the VM's sandbox is docker", hint=hint)
    if site.vm.packages == "client":
        raise JobError(f"{refused}for {site.vm_name} this machine fetches pip packages, not yet those", hint=hint)
    channels = _channels((environment.conda or {}).get("channels"), where)
    if not channels:
        raise JobError(f"{refused}no channel is named", hint=f"name one (channels: [conda-forge]); or {hint}")
    for channel in [*channels, *(each.partition("::")[0] for each in texts if "::" in each)]:
        _check(channel, where)
    has_pip = any(found[1] == "pip" for found in map(PIP.fullmatch, texts) if found)
    return Conda(channels=channels, dependencies=texts if has_pip or not pip else [*texts, "pip"])


def _channels(listed: object, where: str) -> list[str]:
    if not isinstance(listed, list | None):
        raise JobError(f"{where}: channels: not a list", hint="channels: [conda-forge]")
    names = [str(each).strip() for each in listed or []]
    return [name for name in names if name != "nodefaults"]  # conda's word for: none but these


def _check(channel: str, where: str) -> None:
    refused = f"{where}: channels: {TOKEN.sub('***', channel)}: "
    if TOKEN.search(channel):
        hint = "put it into channel_alias or custom_channels of /etc/conda/condarc on the VM"
        raise JobError(f"{refused}has a credential in it, which would be kept on the VM", hint=hint)
    if not URL.fullmatch(channel) and not CHANNEL.fullmatch(channel):
        hint = "a folder of the VM is not to be seen in a build, which is sandboxed: serve it by http"
        raise JobError(f"{refused}is neither a channel's name nor its address (http://…, https://…)", hint=hint)
