"""What a job asks for becomes pip requirements, or an error that names the file and the entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from core.environments import spec
from core.errors import BuildError, JobError, SiteError
from core.jobs.records import Build, Environment
from core.runs import building
from core.sandbox import policy
from core.site.files import Site
from core.site.schema import VM, SiteFile
from core.site.schema import Environment as Mapped


def site(folder: Path, sandbox: Literal["auto", "docker", "bwrap"] = "bwrap", **environments: Mapped) -> Site:
    file = SiteFile(name="ward", vms={"vm1": VM(host="198.51.100.1", sandbox=sandbox)}, environments=environments)
    return Site(file=file, path=folder / "ward.toml", vm_name="vm1")


def conda(folder: Path, *dependencies: Any) -> Environment:
    (folder / "conda.yml").write_text("")
    source = str(folder / "conda.yml")
    return Environment(conda={"dependencies": list(dependencies)}, conda_source=source, where="job.yml:1")


def test_a_conda_file_with_python_and_pip_is_requirements_and_a_version(tmp_path: Path) -> None:
    found = spec.of(conda(tmp_path, "python=3.11", "pip", {"pip": ["numpy==2.1", "pandas>=2  # why"]}), site(tmp_path))
    assert (found.requirements, found.python) == ("numpy==2.1\npandas>=2\n", "3.11")


@pytest.mark.parametrize(
    ("entry", "version"),
    [("python", ""), ("python=3.10.4", "3.10.4"), ("python==3.9", "3.9"), ("conda-forge::python=3.8.*", "3.8")],
)
def test_forms_of_the_python_dependency(tmp_path: Path, entry: str, version: str) -> None:
    assert spec.of(conda(tmp_path, entry), site(tmp_path)).python == version


def test_another_conda_package_is_named_with_both_ways_out(tmp_path: Path) -> None:
    with pytest.raises(JobError) as caught:
        spec.of(conda(tmp_path, "python=3.11", "conda-forge::libgdal=3.8"), site(tmp_path))
    assert "conda.yml" in caught.value.title and "libgdal" in caught.value.title
    assert "pip" in caught.value.hint and "[environments]" in caught.value.hint


def packages(folder: Path, *dependencies: Any, channels: Any = None, image: str = "") -> Environment:
    made, named = conda(folder, *dependencies), ["conda-forge"] if channels is None else channels
    return msgspec.structs.replace(made, conda={**(made.conda or {}), "channels": named}, image=image)


def test_conda_packages_are_asked_for_with_their_python_and_pip(tmp_path: Path) -> None:
    asked = packages(
        tmp_path, "python>=3.10", "conda-forge::libgdal=3.8", {"pip": ["six"]}, channels=["a", "nodefaults"]
    )
    found = spec.of(asked, site(tmp_path))
    assert found.conda is not None and found.conda.channels == ["a"]
    assert found.conda.dependencies == ["python>=3.10", "conda-forge::libgdal=3.8", "pip"]
    assert (found.requirements, found.image, found.notes) == ("six\n", "", [])
    plain = spec.of(packages(tmp_path, "python=3.11", "pip=24", "gdal", {"pip": ["six"]}), site(tmp_path)).conda
    assert plain is not None and plain.dependencies == ["python=3.11", "pip=24", "gdal"]


def test_an_image_with_conda_packages_is_not_used_and_docker_alone_is_refused(tmp_path: Path) -> None:
    asked = packages(tmp_path, "gdal", image="a/b:1")
    found = spec.of(asked, site(tmp_path, "auto"))
    assert (found.image, found.notes) == (
        "",
        ["image a/b:1 is not used: the conda packages are installed on the VM itself"],
    )
    with pytest.raises(JobError, match="gdal is a conda package, and those are installed below bwrap"):
        spec.of(asked, site(tmp_path, "docker"))


def test_conda_packages_are_not_fetched_by_the_client(tmp_path: Path) -> None:
    here = site(tmp_path)
    offline = msgspec.structs.replace(here.file, vms={"vm1": VM(host="h", packages="client")})
    with pytest.raises(JobError, match="for vm1 this machine fetches pip packages, not yet those"):
        spec.of(packages(tmp_path, "gdal"), Site(file=offline, path=here.path, vm_name="vm1"))


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        (["/srv/channel"], "neither a channel's name nor its address"),
        (["../channel"], "neither a channel's name nor its address"),
        (["file:///srv/channel"], "neither a channel's name nor its address"),
        (["https://me:hunter2@conda.example/main"], "has a credential"),
        (["https://conda.example/t/hunter2/main"], "has a credential"),
        ("conda-forge", "channels: not a list"),
        ([], "no channel is named"),
    ],
)
def test_channels_that_a_build_cannot_or_should_not_read_are_refused(
    tmp_path: Path, channels: Any, message: str
) -> None:
    with pytest.raises(JobError, match=message) as caught:
        spec.of(packages(tmp_path, "gdal", channels=channels), site(tmp_path))
    assert "hunter2" not in caught.value.title + caught.value.hint


@pytest.mark.parametrize("channel", ["conda-forge", "conda-forge/label/dev", "https://conda.example/main"])
def test_channels_by_name_and_by_address(tmp_path: Path, channel: str) -> None:
    found = spec.of(packages(tmp_path, "gdal", channels=[channel]), site(tmp_path)).conda
    assert found is not None and found.channels == [channel]


def test_a_range_of_pythons_is_refused_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="one version of Python"):
        spec.of(conda(tmp_path, "python>=3.8"), site(tmp_path))


def test_included_files_are_written_out_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "base.txt").write_text("six==1.16.0 \\\n  --hash=sha256:abc\n-r deep.txt\n")
    (tmp_path / "more" / "deep.txt").write_text("# nothing\nattrs\n")
    found = spec.of(conda(tmp_path, {"pip": ["-r more/base.txt"]}), site(tmp_path))
    assert found.requirements.split() == ["six==1.16.0", "--hash=sha256:abc", "attrs"]


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "--editable ./pkg",
        "git+https://example.org/x.git",
        "x @ git+https://example.org/x.git",
        "./wheels/x.whl",
        "/srv/x.whl",
        "x @ file:///srv/x.whl",
        "-c constraints.txt",
        "-r missing.txt",
        "--find-links /srv/wheels",
        "--global-option=x",
        "!!",
    ],
)
def test_what_the_vm_cannot_have_is_refused_with_file_and_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(JobError) as caught:
        spec.of(conda(tmp_path, {"pip": [line]}), site(tmp_path))
    assert "conda.yml" in caught.value.title and line in caught.value.title


def test_a_credential_in_an_index_address_is_refused_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(JobError) as caught:
        spec.of(conda(tmp_path, {"pip": ["--index-url https://me:hunter2@pypi.example/simple"]}), site(tmp_path))
    assert "hunter2" not in caught.value.title + caught.value.hint


def test_an_index_address_and_plain_options_pass(tmp_path: Path) -> None:
    lines = ["--extra-index-url https://pypi.example/simple", "--pre", "torch[cpu]==2.1 ; python_version > '3'"]
    assert spec.of(conda(tmp_path, {"pip": lines}), site(tmp_path)).requirements.splitlines() == lines


def test_a_curated_name_is_what_the_site_maps_it_to(tmp_path: Path) -> None:
    (tmp_path / "sk.txt").write_text("scikit-learn==1.5\n")
    mapped = site(tmp_path, "bwrap", **{"sklearn-1.5": Mapped(requirements="sk.txt")})
    named = Environment(reference="azureml:sklearn-1.5:3", name="sklearn-1.5", version="3")
    assert spec.of(named, mapped).requirements == "scikit-learn==1.5\n"
    image = Environment(image="sklearn-1.5:latest")
    assert spec.of(image, mapped).requirements == "scikit-learn==1.5\n"


def test_an_unknown_name_says_how_to_map_it_and_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(JobError) as caught:
        spec.of(Environment(name="other", where="job.yml:3"), site(tmp_path, known=Mapped(requirements="x")))
    assert "job.yml:3" in caught.value.title and '"other"' in caught.value.hint and "known" in caught.value.hint


@pytest.mark.parametrize(
    "environment", [Environment(image="a/b:1", where="j:2"), Environment(build=Build(path="d", dockerfile_path="D"))]
)
def test_an_image_is_explained_as_not_to_be_had_with_bwrap(tmp_path: Path, environment: Environment) -> None:
    with pytest.raises(JobError) as caught:
        spec.of(environment, site(tmp_path))
    assert "bwrap" in caught.value.title and "[environments]" in caught.value.hint


def test_an_image_is_for_docker_and_its_conda_file_goes_on_top(tmp_path: Path) -> None:
    auto = site(tmp_path, "auto", curated=Mapped(image="lab/sklearn:3"))
    assert spec.of(Environment(image="a/b:1"), auto) == spec.Spec(image="a/b:1")
    both = Environment(image="a/b:1", conda={"dependencies": ["python=3.10", {"pip": ["six"]}]}, where="job.yml:1")
    assert spec.of(both, auto) == spec.Spec(image="a/b:1", requirements="six\n", python="3.10")
    assert spec.of(Environment(name="curated", version="2"), auto) == spec.Spec(image="lab/sklearn:3")
    built = spec.of(Environment(build=Build(path="d", dockerfile_path="D")), auto)
    assert (built.context, built.dockerfile) == ("d", "D")
    with pytest.raises(SiteError, match="has no image"):
        spec.of(Environment(name="x"), site(tmp_path, "docker", x=Mapped(requirements="r.txt")))
    with pytest.raises(SiteError, match="has no requirements"):
        spec.of(Environment(name="x"), site(tmp_path, "bwrap", x=Mapped(image="i")))


def test_a_mapping_that_leads_nowhere_is_an_error_of_the_site_file(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"environments\.x\.requirements"):
        spec.of(Environment(name="x"), site(tmp_path, x=Mapped(requirements="none.txt")))


def test_no_policy_has_network_and_data() -> None:
    for known in (policy.JOB, policy.BUILD, policy.SERVICE):
        assert not (known.network and known.data)
    assert policy.JOB.data and policy.BUILD.network and not policy.SERVICE.network
    with pytest.raises(ValueError, match="never both"):
        policy.Policy(network=True, data=True)


def test_a_build_context_with_a_name_can_be_mapped_and_one_without_says_how_to_get_one(tmp_path: Path) -> None:
    context = Build(path="d", dockerfile_path="D")
    named = Environment(name="mine", version="2", build=context, where="env.yml:1")
    (tmp_path / "r.txt").write_text("six\n")
    assert spec.of(named, site(tmp_path, mine=Mapped(requirements="r.txt"))) == spec.Spec(requirements="six\n")
    with pytest.raises(JobError) as caught:
        spec.of(named, site(tmp_path))
    assert '[environments] "mine"' in caught.value.hint
    with pytest.raises(JobError) as caught:
        spec.of(Environment(build=context, where="job.yml:2"), site(tmp_path))
    assert "no name to map" in caught.value.hint and "environment: azureml:NAME@latest" in caught.value.hint


def test_a_conda_file_that_a_mapping_replaces_is_said(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("six\n")
    both = Environment(image="a/b:1", conda={"dependencies": ["pip"]}, where="job.yml:4")
    found = spec.of(both, site(tmp_path, "auto", **{"a/b": Mapped(image="lab/b:1", requirements="r.txt")}))
    said = f"job.yml:4: environment: conda_file is not used: {tmp_path}/ward.toml has environments.a/b"
    assert found == spec.Spec(requirements="six\n", image="lab/b:1", notes=[said])


def test_a_conda_file_includes_what_is_below_the_job_files_folder_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "job" / "env").mkdir(parents=True)
    (tmp_path / "job" / "r.txt").write_text("six\n")
    (tmp_path / "r.txt").write_text("hunter2\n")
    asked = conda(tmp_path / "job" / "env", {"pip": ["-r ../r.txt"]})
    here = msgspec.structs.replace(asked, where=f"{tmp_path}/job/job.yml:3")
    assert spec.of(here, site(tmp_path)).requirements == "six\n"
    outside = conda(tmp_path / "job" / "env", {"pip": ["-r ../../r.txt"]})
    with pytest.raises(JobError, match=f"is outside of {tmp_path}/job"):
        spec.of(msgspec.structs.replace(outside, where=f"{tmp_path}/job/job.yml:3"), site(tmp_path))


@pytest.mark.parametrize("answered", [{"python": 1}, ["x"], {"python": "3.11.2"}])
def test_an_image_that_answers_anything_is_an_error_of_the_build(answered: Any) -> None:
    with pytest.raises(BuildError, match="cannot be read") as caught:
        building.target(answered)
    assert "image" in caught.value.hint
