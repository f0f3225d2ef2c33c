"""The data of a site: is the container reachable from the VM, and what of it is staged there."""

from __future__ import annotations

from typing import Any

from ..errors import SiteError, from_code
from ..site import credentials
from ..site.files import Site


def source(site: Site, life_s: float | None = None) -> dict[str, Any]:
    """What the agent needs to read the container, the credential included: for one call, never kept.

    An account key is replaced by a SAS token for this container that lives `life_s` seconds, and `lent` is True; None:
    what the site has is given as it is. Raises SiteError where the site has no `[data]`, SecretError where the
    credential cannot be had. Blocks.
    """
    data = site.file.data
    if data is None:
        raise SiteError(f"{site.path}: data: missing", hint="[data] needs endpoint, container and credential")
    given = {
        "endpoint": data.endpoint,
        "address": data.address,
        "container": data.container,
        "prefix": data.prefix,
        "credential": credentials.find(data.credential, site).reveal(),
        "ca_pem": _bundle(site, data.ca_bundle),
        "api_version": data.api_version,
        "lent": False,
    }
    return given if life_s is None else _lent(given, life_s)


def _lent(given: dict[str, Any], life_s: float) -> dict[str, Any]:
    from ..agent import blob, faults
    from . import sas

    try:
        parsed = blob.Source(**given)
    except faults.Fault as fault:
        raise from_code(fault.code, fault.title, fault.hint, fault.facts) from None
    if parsed.key is None:
        return given
    token = sas.for_container(parsed.account, parsed.key, parsed.container, life_s)
    return {**given, "credential": token, "lent": True}


def _bundle(site: Site, name: str | None) -> str | None:
    if name is None:
        return None
    path = site.resolve(name)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SiteError(f"{site.path}: data.ca_bundle: {path} cannot be read ({type(error).__name__})") from None
