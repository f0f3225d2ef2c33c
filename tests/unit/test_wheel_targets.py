"""What pip and uv are told of a VM, and what of pip's settings uv is told."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from core.environments import indexes, pins, stubs
from core.environments.target import Installed, Target
from core.errors import BuildError


def target(**given: str) -> Target:
    known = {"python": "3.11.2", "implementation": "CPython", "machine": "x86_64", "libc": "2.36", "pip": "23.0.1"}
    return Target(**{**known, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("libc", "pip", "known"),
    [
        ("2.36", "23.0.1", "manylinux_2_36"),
        ("2.29", "23.0.1", "manylinux_2_28"),
        ("2.17", "21.0", "manylinux_2_17"),
        ("2.43", "26.0", "manylinux_2_40"),
        ("2.31", "20.0.2", "manylinux_2_17"),
        ("2.31", "20.3", "manylinux_2_31"),
    ],
)
def test_uv_is_told_the_newest_glibc_that_it_and_the_vms_pip_know(libc: str, pip: str, known: str) -> None:
    found = target(libc=libc, pip=pip).uv()
    assert found == ["--python-platform", f"x86_64-{known}", "--python-version", "3.11.2"]


def test_pip_is_told_every_tag_that_fits_the_newest_first() -> None:
    words = target(libc="2.28").pip_options()
    tags = [words[at + 1] for at, word in enumerate(words) if word == "--platform"]
    assert tags[0] == "manylinux_2_28_x86_64" and tags[-1] == "linux_x86_64"
    at = tags.index("manylinux_2_17_x86_64")
    assert (
        tags[at + 1] == "manylinux2014_x86_64" and "manylinux1_x86_64" in tags and "manylinux_2_29_x86_64" not in tags
    )
    assert words[words.index("--abi") :][:2] == ["--abi", "cp311"]
    assert "manylinux_2_16_aarch64" not in target(machine="aarch64").pip_options()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"libc": "2.99999999"}, "glibc 2.99999999"),
        ({"libc": ""}, "not glibc"),
        ({"libc": "2.12"}, r"glibc 2\.12"),
        ({"machine": "ppc64le"}, "ppc64le"),
        ({"implementation": "PyPy"}, "PyPy"),
    ],
)
def test_a_vm_that_no_wheels_are_chosen_for_is_said(given: dict[str, str], message: str) -> None:
    with pytest.raises(BuildError, match=message):
        target(**given).uv()


def test_pips_settings_have_its_own_precedence() -> None:
    listed = "\n".join(
        [
            ":env:.index-url='http://c/'",
            "global.index-url='http://a/'",
            "download.index-url='http://b/'",
            "install.pre='true'",
            "global.extra-index-url='\\nhttp://d/ \\nhttp://e/'",
        ]
    )
    found = indexes.settings(listed)
    assert found["index-url"] == "http://c/" and "pre" not in found
    options = indexes.split("six\n")
    lines = indexes.for_uv(options, found, {})
    assert lines == ["--index-url http://c/", "--extra-index-url http://d/", "--extra-index-url http://e/"]
    assert indexes.for_uv(options, found, {"UV_DEFAULT_INDEX": "http://f/"}) == lines[1:]
    own = indexes.split("--index-url http://own/\nsix\n")
    assert indexes.for_uv(own, found, {})[0] == "--index-url http://own/" and "--index-url http://c/" not in lines[1:]


def test_a_requirements_files_options_are_told_apart() -> None:
    found = indexes.split(
        "-i http://a/\n--find-links=http://b/\n--pre\n--trusted-host c\nsix>=1 ; python_version>'3'\n"
    )
    assert found.addresses == [("--index-url", "http://a/"), ("--find-links", "http://b/")]
    assert (found.hosts, found.flags, found.requirements) == (["c"], ["--pre"], ["six>=1 ; python_version>'3'"])


def test_variables_of_the_person_come_before_pips_settings() -> None:
    pip = {"cert": "/a.pem", "trusted-host": "h", "extra-index-url": "http://x/"}
    found = indexes.uv_variables(indexes.split("six\n"), pip, {})
    assert found == {"SSL_CERT_FILE": "/a.pem", "UV_INSECURE_HOST": "h", "UV_INDEX_STRATEGY": "unsafe-best-match"}
    mine = {"SSL_CERT_FILE": "/b.pem", "UV_INDEX_STRATEGY": "first-index"}
    assert indexes.uv_variables(indexes.split("six\n"), pip, mine) == {"UV_INSECURE_HOST": "h"}


def test_pins_are_read_with_their_hashes() -> None:
    lines = ["Six_x==1.0 --hash=sha256:aa --hash=sha256:bb", "y[z] @ http://h/y-1-py3-none-any.whl --hash=sha256:cc"]
    found = pins.read([*lines, "http://h/bare.whl"])
    assert found[0] == pins.Pin("six-x", "Six_x==1.0", ["sha256:aa", "sha256:bb"]) and found[0].version == "1.0"
    assert (found[1].name, found[1].hashes, len(found)) == ("y", ["sha256:cc"], 2)
    assert pins.held(found, []) == found


def test_what_an_image_has_is_kept_by_its_metadata_alone(tmp_path: Path) -> None:
    requires = ["numpy>=1", "pandas ; extra == 'frames'"]
    installed = {"Torch_X": Installed("2.1.0+cu118", requires), "odd": Installed("1.0-debian"), "../x": Installed("1")}
    assert stubs.write(tmp_path / "stubs", installed) == ["Torch_X==2.1.0+cu118"]
    (path,) = (tmp_path / "stubs").iterdir()
    assert path.name == "torch_x-2.1.0+cu118-py3-none-any.whl"
    with zipfile.ZipFile(path) as file:
        text = file.read("torch_x-2.1.0+cu118.dist-info/METADATA").decode()
    assert "Provides-Extra: frames\nRequires-Dist: numpy>=1\nRequires-Dist: pandas" in text


def test_what_an_image_says_of_itself_leads_a_resolver_nowhere(tmp_path: Path) -> None:
    said = {
        "six": Installed("1\n--extra-index-url http://127.0.0.1:9/evil"),
        "../../up": Installed("1.0"),
        "fine": Installed("1.0", ["dep @ http://127.0.0.1:9/x.whl", "low>=1", "x\rHome-Page: y", "z\n"]),
    }
    assert stubs.write(tmp_path / "stubs", said) == ["fine==1.0"]
    (made,) = (tmp_path / "stubs").iterdir()
    with zipfile.ZipFile(made) as wheel:
        needs = [line for line in wheel.read("fine-1.0.dist-info/METADATA").decode().splitlines() if "Requires" in line]
    assert needs == ["Requires-Dist: low>=1"] and list(tmp_path.iterdir()) == [tmp_path / "stubs"]
