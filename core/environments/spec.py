"""From a job's environment to what the agent builds: pip requirements and a version of Python, or conda packages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from ..errors import JobError, SiteError
from ..jobs.records import Environment
from ..site.files import Site
from . import conda_file, requirements
from .conda_file import PIP, Conda

PYTHON = re.compile(r"(?:[\w.-]+::)?python\s*(?:={1,2}\s*(\d+\.\d+(?:\.\d+)?)(?:\.\*)?(?:=\S*)?)?")


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    requirements: str = ""  # the text of a pip requirements file, complete in itself
    python: str = ""  # "3.11", or "" for the VM's own
    conda: Conda | None = None  # what the requirements go on top of, instead of the VM's Python
    image: str = ""  # what they go on top of, where the VM has Docker
    context: str = ""  # the folder of a Docker build context on this machine
    dockerfile: str = ""  # in it
    context_digest: str = ""  # of its snapshot, once it is sent
    notes: list[str] = []


def of(environment: Environment, site: Site) -> Spec:
    """Raises JobError, or SiteError where the site's mapping leads nowhere. Reads files."""
    bwrap = site.vm.sandbox == "bwrap"
    mapped = _mapped(environment, site)
    if mapped is not None:
        return mapped
    if environment.build is not None:
        if bwrap:
            raise _no_image(environment, site, f"the Docker build context {environment.build.path}")
        return Spec(context=environment.build.path, dockerfile=environment.build.dockerfile_path)
    if environment.conda is not None:
        return _from_conda(environment, site)
    if environment.image and not bwrap:
        return Spec(image=environment.image)
    if environment.image:
        raise _no_image(environment, site, f"the image {environment.image}")
    raise JobError(
        f"{environment.where}: environment {environment.name}: site {site.name} does not know it",
        hint=_mapping_hint(environment.name, site) + _known(site),
    )


def _mapped(environment: Environment, site: Site) -> Spec | None:
    """What the site file says about this name: `NAME:VERSION` first, then `NAME`; the same for an image."""
    name, version, image = environment.name, environment.version, environment.image
    keys = [f"{name}:{version}", f"{name}@{version}", name, image, image.rpartition(":")[0]]
    for key in (key for key in keys if key and key in site.file.environments):
        found, where = site.file.environments[key], f"{site.path}: environments.{key}"
        has = {"docker": found.image, "bwrap": found.requirements}.get(
            site.vm.sandbox, found.image or found.requirements
        )
        if not has:
            needs = "an image" if site.vm.sandbox == "docker" else "requirements"
            raise SiteError(
                f"{where}: has no {needs.split()[-1]}", hint=f"the VM's sandbox is {site.vm.sandbox}: {needs}"
            )
        text = _requirements(found.requirements, site, where) if found.requirements else ""
        unused = f"{environment.where}: environment: conda_file is not used: {site.path} has environments.{key}"
        return Spec(
            requirements=text,
            image="" if site.vm.sandbox == "bwrap" else found.image or "",
            notes=[unused] if environment.conda is not None else [],
        )
    return None


def _requirements(relative: str, site: Site, where: str) -> str:
    path = site.resolve(relative)
    if not path.is_file():
        raise SiteError(f"{where}.requirements: there is no file {path}")
    return requirements.read(path)


def _from_conda(environment: Environment, site: Site) -> Spec:
    conda = environment.conda or {}
    where = environment.conda_source or environment.where
    dependencies = conda.get("dependencies")
    if not isinstance(dependencies, list):
        raise JobError(f"{where}: dependencies: missing, or not a list", hint="a conda file lists its packages there")
    python, lines, texts, others = "", list[str](), list[str](), list[str]()
    for entry in dependencies:
        if isinstance(entry, dict):
            lines += _pip(entry, where)
            continue
        texts.append(str(entry).strip())
        found = PYTHON.fullmatch(texts[-1])
        if found:
            python = found.group(1) or ""
        elif not PIP.fullmatch(texts[-1]):
            others.append(texts[-1])
    folder = _folder(where)
    text = requirements.complete(lines, folder, where, _top(folder, environment))
    if any(not conda_file.of_python(other) for other in others):
        packages = conda_file.packages(environment, site, texts, others, pip=bool(text))
        notes = [f"image {environment.image} is not used: the conda packages are installed on the VM itself"]
        return Spec(requirements=text, conda=packages, notes=notes if environment.image else [])
    if others:
        raise JobError(
            f"{where}: dependencies: {others[0]!r} is not one version of Python",
            hint="write python=3.11, or leave it out for the VM's own",
        )
    if site.vm.sandbox != "bwrap":
        return Spec(requirements=text, python=python, image=environment.image)
    notes = [f"image {environment.image} is not used: bwrap builds from the conda file"] if environment.image else []
    return Spec(requirements=text, python=python, notes=notes)


def _pip(entry: dict[str, Any], where: str) -> list[str]:
    if list(entry) != ["pip"] or not all(isinstance(line, str) for line in entry["pip"] or []):
        raise JobError(f"{where}: dependencies: {sorted(entry)} is not `pip:` with a list of requirements")
    return list(entry["pip"] or [])


def _folder(where: str) -> Path:
    """Where relative paths of the conda file begin: beside it, or beside the job file that it is in."""
    path = Path(where)
    return path.parent if path.is_file() else Path(re.sub(r":\d+$", "", where)).parent


def _top(folder: Path, environment: Environment) -> Path:
    """The folder whose files a conda file may include: the job file's where it is in that, and else its own."""
    job = _folder(environment.where)
    return job if folder.resolve().is_relative_to(job.resolve()) else folder


def _no_image(environment: Environment, site: Site, what: str) -> JobError:
    name = environment.image or environment.name
    unnamed = "it has no name to map: write `environment: azureml:NAME@latest` in its place, and "
    return JobError(
        f"{environment.where}: environment: {what} needs Docker, and this VM's sandbox engine is bwrap",
        hint=_mapping_hint(name, site) if name else unnamed + _mapping_hint("NAME", site),
    )


def _mapping_hint(name: str, site: Site) -> str:
    return f'map it in {site.path}: [environments] "{name}" = {{ requirements = "requirements.txt" }}'


def _known(site: Site) -> str:
    names = sorted(site.file.environments)
    return f"; it knows {', '.join(names)}" if names else ""
