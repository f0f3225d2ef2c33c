"""Runs in the sandbox of a build, with the Python that has rattler: solves the conda packages and puts them at /env.

`python conda_install.py REQUEST`: a file with {"channels", "dependencies", "cache"}, JSON. What it says is the build's
log. Nothing of the agent's is imported, and rattler only when it runs.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from typing import Any, Dict, List

ENV = "/env"
UNUSABLE, UNREACHABLE, UNSOLVABLE, NOT_INSTALLED = 201, 202, 203, 204  # exit codes
CONDARC = ("/etc/conda/.condarc", "/etc/conda/condarc")  # conda's own order: the later one counts
META = os.path.join(ENV, "conda-meta")
CREDENTIALS = re.compile(r"(?<=://)[^/\s\"@]+@|(?<=/t/)[^/\s\"]+(?=/)")  # in an address; a token is conda's own form
PRIORITIES = {"strict": "Strict", "flexible": "Flexible", "disabled": "Disabled", True: "Strict", False: "Disabled"}


class Unusable(Exception):
    """What the VM's operator or the conda file says cannot be used."""


def settings() -> Dict[str, Any]:
    """What the operator of the VM has set for conda."""
    import yaml

    found: Dict[str, Any] = {}
    for path in CONDARC:
        try:
            with open(path, encoding="utf-8") as file:
                said = yaml.safe_load(file) or {}
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise Unusable("%s cannot be read: %s" % (path, error)) from None
        if not isinstance(said, dict):
            raise Unusable("%s is not a mapping" % path)
        found.update(said)
    return found


def addresses(channel: str, condarc: Dict[str, Any]) -> List[str]:
    """A channel as rattler takes it: one or, for a name that stands for several, some."""
    if "://" in channel:
        return [channel]
    several = dict(condarc.get("custom_multichannels") or {})
    if condarc.get("default_channels"):
        several.setdefault("defaults", condarc["default_channels"])
    if channel in several:
        return [address for each in several[channel] if each != channel for address in addresses(str(each), condarc)]
    custom = condarc.get("custom_channels") or {}
    name = channel.split("/")[0]
    if name in custom:
        return ["%s/%s" % (str(custom[name]).rstrip("/"), channel)]
    alias = condarc.get("channel_alias")
    return ["%s/%s" % (str(alias).rstrip("/"), channel)] if alias else [channel]


def trust(condarc: Dict[str, Any]) -> str:
    """Of rattler's configuration. As conda, by the VM's certificates; `ssl_verify` is false, true or a bundle."""
    verify = condarc.get("ssl_verify", True)
    if isinstance(verify, str) and verify.lower() in ("true", "false", "truststore"):
        verify = verify.lower() != "false"
    if isinstance(verify, str):
        if not os.path.exists(verify):
            raise Unusable("ssl_verify: %s is not to be seen in a build: put it below /etc/ssl or /etc/pki" % verify)
        os.environ["SSL_CERT_FILE"] = verify
    return 'tls-root-certs = "system"\ntls-no-verify = %s\n' % ("false" if verify else "true")


async def install(request: Dict[str, Any]) -> None:
    import rattler
    from rattler.config import Config
    from rattler.exceptions import GatewayError, InvalidChannelError, InvalidMatchSpecError, SolverError
    from rattler.networking import Client
    from rattler.repo_data.gateway import Gateway

    condarc = settings()
    client = Client.from_config(Config.from_toml(trust(condarc)))
    try:
        wanted = [rattler.MatchSpec(_addressed(text, condarc), strict=False) for text in request["dependencies"]]
        named = [*request["channels"], *(text.split("::")[0] for text in request["dependencies"] if "::" in text)]
        found = dict.fromkeys(address for name in named for address in addresses(name, condarc))
        channels = [rattler.Channel(address) for address in found]
    except (InvalidChannelError, InvalidMatchSpecError) as error:
        raise Unusable(str(error)) from None
    for channel in channels:
        say("Channel %s" % channel.base_url)
    here = rattler.VirtualPackage.detect(rattler.VirtualPackageOverrides.from_env())
    try:
        records = await rattler.solve(
            channels,
            wanted,
            gateway=Gateway(cache_dir=os.path.join(request["cache"], "repodata"), client=client),
            virtual_packages=here,
            channel_priority=getattr(rattler.ChannelPriority, priority(condarc)),
        )
    except GatewayError as error:
        stop(UNREACHABLE, error)
    except SolverError as error:
        stop(UNSOLVABLE, error)
    for record in sorted(records, key=lambda each: each.name.normalized):
        say("  %s %s %s (%s)" % (record.name.normalized, record.version, record.build, record.channel))
    say("Installing %d packages" % len(records))
    packages = os.path.join(ENV, ".packages")  # beside what is linked to it: nothing is copied
    try:
        await rattler.install(
            records,
            ENV,
            cache_dir=packages,
            client=client,
            show_progress=False,
            execute_link_scripts=True,  # as conda does; this is a sandbox
        )
        forget()
    finally:
        shutil.rmtree(packages, ignore_errors=True)


def _addressed(text: str, condarc: Dict[str, Any]) -> str:
    channel, mark, rest = text.partition("::")
    found = addresses(channel, condarc) if mark else []
    return "%s::%s" % (found[0], rest) if len(found) == 1 else rest or channel


def priority(condarc: Dict[str, Any]) -> str:
    """rattler's name of it; conda's own default is the flexible one."""
    said = condarc.get("channel_priority", "flexible")
    if said not in PRIORITIES:
        raise Unusable("channel_priority: %r is none of strict, flexible and disabled" % (said,))
    return PRIORITIES[said]


def forget() -> None:
    """The credentials of addresses, which rattler keeps with each package where a job would read them."""
    for name in os.listdir(META) if os.path.isdir(META) else []:
        path = os.path.join(META, name)
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "r+", encoding="utf-8", errors="surrogateescape") as file:
                plain = CREDENTIALS.sub("***", file.read())
                file.seek(0)
                file.write(plain)
                file.truncate()


def say(text: str) -> None:
    sys.stdout.write(CREDENTIALS.sub("***", text) + "\n")
    sys.stdout.flush()


def stop(code: int, error: object) -> None:
    """After the solver's or the network's own words."""
    say(str(error).strip())
    os._exit(code)  # rattler's threads are not waited for


def main(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        request = json.load(file)
    try:
        asyncio.run(install(request))
    except Unusable as error:
        stop(UNUSABLE, error)
    except Exception as error:
        stop(NOT_INSTALLED, error)


if __name__ == "__main__":
    main(sys.argv[1])
