"""The real `Services` of a site: what a front end gets when it does not replay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .checks.service import LiveChecks
from .data.service import LiveData
from .deploy.service import LiveDeploy
from .journal import Place
from .models.service import LiveModels
from .runs.service import LiveRuns
from .services import Services
from .site import files
from .site.files import Site
from .ssh.connection import LiveConnection
from .ssh.link import SiteLink
from .workspace import opened


class _Later:
    """A step of a site that is not known yet: that of the site which `connect` to an address made."""

    def __init__(self, link: SiteLink, make: Callable[[Site], Any]) -> None:
        self._link = link
        self._make = make
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if self._made is None:
            self._made = self._make(self._link.site or files.find())
        return getattr(self._made, name)


def _open_new() -> Services:
    link = SiteLink(None)

    def later(make: Callable[[Site], Any]) -> Any:
        return _Later(link, make)

    return Services(
        site=Place("", ""),
        connection=LiveConnection(None, link),
        checks=later(lambda site: LiveChecks(site, link)),
        data=later(lambda site: LiveData(site, link)),
        runs=later(lambda site: LiveRuns(site, link, opened(site))),
        models=later(lambda site: LiveModels(site, link, opened(site))),
        deploy=later(lambda site: LiveDeploy(site, link, opened(site))),
    )


def open_site(site: Site | None) -> Services:
    """Cheap: nothing connects, and nothing heavy is imported, before an operation needs it.

    None: no site is known yet. `connect` to an address makes one, and the other steps are that site's.
    """
    if site is None:
        return _open_new()
    link = SiteLink(site)
    workspace = opened(site)
    return Services(
        site=Place(site.name, site.vm_name),
        connection=LiveConnection(site, link),
        checks=LiveChecks(site, link),
        data=LiveData(site, link),
        runs=LiveRuns(site, link, workspace),
        models=LiveModels(site, link, workspace),
        deploy=LiveDeploy(site, link, workspace),
    )
