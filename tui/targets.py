"""What `connect` was told: a VM of the site, or the address of a server."""

from __future__ import annotations

from core.errors import SiteError
from core.site import files
from core.site.files import Site

from .settings import Settings


def find(settings: Settings, target: str | None) -> tuple[Site | None, str | None]:
    """(site, None) for a VM that a site knows, (None, address) for one that none does.

    Raises SiteError, UsageError.
    """
    if target is None:
        return settings.find_site(), None
    if "@" not in target:
        return files.find(settings.site, vm=target), None
    known = _known(target)
    return (known, None) if known is not None else (None, target)


def _known(target: str) -> Site | None:
    """The site that was written for this address earlier."""
    from core.ssh.hosts import parse

    wanted = parse(target)
    for name in files.names():
        try:
            site = files.load(files.path_of(name))
        except SiteError:
            continue  # another site's file is not what was asked for
        for vm_name, vm in site.file.vms.items():
            if (vm.host, vm.user, vm.port or 22) == (wanted.host, wanted.user, wanted.port or 22):
                return files.load(site.path, vm_name)
    return None
