"""The data of a site: is the container reachable from the VM, and what of it is staged there."""

from __future__ import annotations

from typing import Any

from ..errors import SiteError
from ..site import credentials
from ..site.files import Site


def source(site: Site) -> dict[str, Any]:
    """What the agent needs to read the container, the credential included: for one call, never kept.

    Raises SiteError where the site has no `[data]`, SecretError where the credential cannot be had. Blocks.
    """
    data = site.file.data
    if data is None:
        raise SiteError(f"{site.path}: data: missing", hint="[data] needs endpoint, container and credential")
    return {
        "endpoint": data.endpoint,
        "address": data.address,
        "container": data.container,
        "prefix": data.prefix,
        "credential": credentials.find(data.credential, site).reveal(),
        "ca_pem": _bundle(site, data.ca_bundle),
        "api_version": data.api_version,
    }


def _bundle(site: Site, name: str | None) -> str | None:
    if name is None:
        return None
    path = site.resolve(name)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SiteError(f"{site.path}: data.ca_bundle: {path} cannot be read ({type(error).__name__})") from None
