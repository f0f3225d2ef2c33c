"""The real `Services` of a site: what a front end gets when it does not replay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .services import Events, Services
from .site import files
from .site.files import Site
from .ssh.connection import LiveConnection
from .ssh.link import SiteLink
from .workspace import opened


class _Here:
    """`Services.site`: where the link leads now. A site that is not written yet has no name."""

    def __init__(self, link: SiteLink) -> None:
        self._link = link

    @property
    def _site(self) -> Site | None:
        site = self._link.site
        return site if site is not None and site.path.is_file() else None

    @property
    def name(self) -> str:
        return self._site.name if self._site else ""

    @property
    def vm(self) -> str:
        return self._site.vm_name if self._site else ""

    @property
    def path(self) -> Path | None:
        return self._site.path if self._site else None


class _Step:
    """A step of the site that the link leads to: made when first used, made anew when `connect` leads elsewhere."""

    def __init__(self, link: SiteLink, make: Callable[[Site], Any]) -> None:
        self._link = link
        self._make = make
        self._site: Site | None = None
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        site = self._link.site or files.find()
        if self._made is None or site is not self._site:
            self._made, self._site = self._make(site), site
        return getattr(self._made, name)


# Each step is imported when it is first used: a command that checks a server does not read how runs are launched.
def _checks(site: Site, link: SiteLink, read_only: bool) -> Any:
    from .checks.service import LiveChecks

    return LiveChecks(site, link, read_only=read_only)


def _data(site: Site, link: SiteLink, read_only: bool) -> Any:
    from .data.service import LiveData

    return LiveData(site, link, read_only=read_only)


def _environments(site: Site, link: SiteLink) -> Any:
    from .environments.service import LiveEnvironments

    return LiveEnvironments(site, link)


def _runs(site: Site, link: SiteLink, read_only: bool) -> Any:
    from .runs.service import LiveRuns

    return LiveRuns(site, link, opened(site), read_only=read_only)


def _models(site: Site, link: SiteLink) -> Any:
    from .models.service import LiveModels

    return LiveModels(site, link, opened(site))


def _deploy(site: Site, link: SiteLink) -> Any:
    from .deploy.service import LiveDeploy

    return LiveDeploy(site, link, opened(site))


class _Jobs:
    """Needs no site."""

    def scan(self, path: Path, **more: Any) -> Events:
        from .jobs.service import LiveJobs

        return LiveJobs().scan(path, **more)


def open_site(site: Site | None, *, read_only: bool = False) -> Services:
    """Cheap: nothing connects, and nothing heavy is imported, before an operation needs it.

    None: no site is known yet. `connect` to an address makes one, and the other steps are that site's.
    `read_only`: what only looks writes nothing either, neither in the workspace nor in a site file.
    """
    link = SiteLink(site)

    def step(make: Callable[[Site], Any]) -> Any:
        return _Step(link, make)

    return Services(
        site=_Here(link),
        connection=LiveConnection(site, link, read_only=read_only),
        checks=step(lambda site: _checks(site, link, read_only)),
        data=step(lambda site: _data(site, link, read_only)),
        environments=step(lambda site: _environments(site, link)),
        runs=step(lambda site: _runs(site, link, read_only)),
        models=step(lambda site: _models(site, link)),
        deploy=step(lambda site: _deploy(site, link)),
        jobs=_Jobs(),
    )
