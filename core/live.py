"""The real `Services` of a site: what a front end gets when it does not replay."""

from __future__ import annotations

from .checks.service import LiveChecks
from .data.service import LiveData
from .deploy.service import LiveDeploy
from .journal import Place
from .models.service import LiveModels
from .runs.service import LiveRuns
from .services import Services
from .site.files import Site
from .ssh.connection import LiveConnection
from .ssh.link import SiteLink
from .workspace import opened


def open_site(site: Site) -> Services:
    """Cheap: nothing connects, and nothing heavy is imported, before an operation needs it."""
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
