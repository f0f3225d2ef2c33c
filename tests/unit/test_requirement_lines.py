"""Lines of pip requirements that would read, send or run something of this machine, in every spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.environments import indexes, pins, requirements
from core.environments.pins import Pin
from core.errors import BuildError, JobError

LOCAL = "a local path is not on the VM"
VCS = "out of version control"
ADDRESS = "begins with http:// or https://"
VARIABLE = "names a variable of this machine"
UNSEEN = "has a character that cannot be seen"
OTHER = "is not a requirement"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("corp [x] @ file:///srv/corp.whl", LOCAL),
        ("corp @ FILE:/srv/corp.whl", LOCAL),
        ("corp @ file%3a///srv/corp.whl", LOCAL),
        ("corp[x]@../corp.whl", LOCAL),
        ("corp@./corp", LOCAL),
        ("corp @ corp.whl", LOCAL),
        ("corp-1.0-py3-none-any.whl", LOCAL),
        ("corp.tar.gz", LOCAL),
        ("corp @ ssh://host/corp.whl", LOCAL),
        ("corp [x] @ git+file:///srv/corp", VCS),
        ("corp [x]@hg+https://host/corp", VCS),
        ("corp @ http:host/corp.whl", ADDRESS),
        ("corp @ https:/host/corp.whl", ADDRESS),
        ("corp @ https:///corp.whl", ADDRESS),
        ("corp @ https:\\\\host\\corp.whl", ADDRESS),
        ("http:host/corp.whl", ADDRESS),
        ("corp @ ${HOME}/corp.whl", VARIABLE),
        ("corp @ https://host/${HOME}/corp.whl", VARIABLE),
        ("corp==${VERSION}", VARIABLE),
        ("https://host/${HOME}/corp.whl", VARIABLE),
        ("--index-url https://host/${SECRET}/simple", VARIABLE),
        ("--find-links https://host/$SECRET", VARIABLE),
        ("six==1.0 --hash=sha256:${SECRET}", VARIABLE),
        ("six --config-settings=x=y", OTHER),
        ("six --hash=sha256:00 -e .", OTHER),
        ("six; -e .", OTHER),
        ("six; python_version > 'a -r b'", OTHER),
        ("six \\", OTHER),
        ("six==1.0 attrs==1.0", OTHER),
        ("--index-url https://host/simple\\", "this option cannot be used here"),
        *((f"six{end}-e .", UNSEEN) for end in ("\u2028", "\u2029", "\x85", "\v", "\f", "\r", "\n", "\x1c", "\0")),
        *((f"--pre{end}-e .", UNSEEN) for end in ("\u2028", "\n")),
        ("-r\x00x", UNSEEN),
    ],
)
def test_refused_whatever_the_spelling(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(JobError) as caught:
        requirements.complete([line], tmp_path, "job.yml:3")
    assert message in caught.value.title and caught.value.title.startswith("job.yml:3: ")
    assert caught.value.title.isprintable() and caught.value.hint


@pytest.mark.parametrize(
    "address", ["https:me:hunter2@host/x.whl", "HTTPS:/me:hunter2@host/x.whl", "http:\\\\me:hunter2@host/x.whl"]
)
@pytest.mark.parametrize("form", ["x @ {}", "{}", "--index-url {}"])
def test_a_credential_is_one_without_slashes_too(tmp_path: Path, address: str, form: str) -> None:
    with pytest.raises(JobError, match="has a credential") as caught:
        requirements.complete([form.format(address)], tmp_path, "job.yml:3")
    assert "hunter2" not in caught.value.title + caught.value.hint


@pytest.mark.parametrize(
    "line",
    [
        "six",
        "six==1.17.0",
        "torch[cpu] >= 2.1, < 3 ; sys_platform == 'linux' and python_version > \"3.8\"",
        "six==1.17.0 --hash=sha256:00 --hash=sha256:11",
        "six\t==1.17.0",
        "corp [x] @ https://host/corp-1.0-py3-none-any.whl",
        "corp @ https://host:8443/corp-1.0%2Bcu118-py3-none-any.whl#sha256=00 ; python_version > '3'",
        "https://host/corp-1.0-py3-none-any.whl",
        "https://host/corp-1.0-py3-none-any.whl --hash=sha256:00",
        "HTTPS://host/simple/corp@1.0/corp-1.0.tar.gz",
    ],
)
def test_what_pip_and_the_vm_can_have_is_taken_as_it_is(tmp_path: Path, line: str) -> None:
    taken = requirements.complete([line], tmp_path, "job.yml:3")
    assert taken == line + "\n" and indexes.split(taken).requirements == [line]


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\v", "\f"])
def test_a_line_of_a_file_is_what_an_editor_shows_as_one(tmp_path: Path, end: str) -> None:
    (tmp_path / "r.txt").write_text(f"attrs\nsix{end}idna\n")
    with pytest.raises(JobError, match=r"r\.txt:2: .*cannot be seen"):
        requirements.read(tmp_path / "r.txt")


@pytest.mark.parametrize(
    "named", ["../secret.txt", "{}/secret.txt", "link.txt", "linked/secret.txt", "a/../../secret.txt"]
)
def test_nothing_outside_of_the_files_own_folder_is_included(tmp_path: Path, named: str) -> None:
    """Its words would be asked for at an index, as names of packages."""
    job = tmp_path / "job"
    (job / "a").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("hunter2\n")
    (job / "link.txt").symlink_to(tmp_path / "secret.txt")
    (job / "linked").symlink_to(tmp_path)
    line = f"-r {named.format(tmp_path)}"
    (job / "r.txt").write_text(f"six\n{line}\n")
    with pytest.raises(JobError, match=f"r.txt:2: {line}: is outside of {job}") as caught:
        requirements.read(job / "r.txt")
    assert "hunter2" not in caught.value.title + caught.value.hint
    with pytest.raises(JobError, match=f"is outside of {job}"):
        requirements.complete([line], job, "job.yml:3")


def test_a_file_above_the_one_that_names_it_is_included_where_it_is_below_the_top(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.txt").write_text("-r ../b.txt\n")
    (tmp_path / "b.txt").write_text("six\n")
    assert requirements.complete(["-r deep/a.txt"], tmp_path, "job.yml:3") == "six\n"


@pytest.mark.parametrize(
    "address",
    [
        "http://host/evil-1.0.tar.gz",
        "http://host/evil-1.0.tar.gz#evil-1.0-py3-none-any.whl",
        "http://host/evil-1.0.tar.gz?evil-1.0-py3-none-any.whl",
        "http://host/evil-1.0-py3-none-any.whl/",
        "http://host/evil-1.0.tar.gz;a.whl",
        "http://host/.whl",
        "http://host/evil.tar.gz/%2Ewhl",
        "http://host/evil-1.0.tar.gz%23a.whl",
        "http://host/evil-1.0.tar.gz%252Fa.whl",
        "http://host/${HOME}/evil-1.0-py3-none-any.whl",
        "file:///srv/evil-1.0-py3-none-any.whl",
        "git+https://host/evil-1.0-py3-none-any.whl",
        "./evil-1.0-py3-none-any.whl",
    ],
)
def test_an_address_of_what_is_no_wheel_never_reaches_pip(address: str) -> None:
    chosen = pins.read(["six==1.17.0", f"evil @ {address} --hash=sha256:00"])
    with pytest.raises(BuildError, match=r"evil @ .* is not a wheel"):
        pins.only_wheels(chosen)


@pytest.mark.parametrize(
    "what",
    [
        "six==1.17.0",
        "torch[cpu]==2.1.0+cu118",
        "corp @ https://host/a/corp-1.0-py3-none-any.whl#sha256=00",
        "corp[x] @ http://host/corp-1.0%2Bcu118-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl?a=b",
    ],
)
def test_versions_and_addresses_of_wheels_do(what: str) -> None:
    pins.only_wheels([Pin("any", what, [])])
