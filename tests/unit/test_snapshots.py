"""The code folder: what is in a snapshot, what is refused, and that the same files give the same bytes."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import JobError
from core.jobs import manifest as manifests
from core.jobs import snapshot
from core.jobs.manifest import manifest


def tar(folder: Path) -> bytes:
    return b"".join(snapshot.pieces(manifest(folder)))


def digest(folder: Path) -> str:
    return snapshot.taken(manifest(folder)).digest


def names(folder: Path) -> list[str]:
    return [entry.path for entry in manifest(folder).entries]


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def refused(folder: Path) -> JobError:
    with pytest.raises(JobError) as caught:
        manifest(folder, "job.yml:3: code")
    return caught.value


def test_the_same_files_give_the_same_digest_whenever_and_however_they_were_made(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    write(first, {"train.py": "1", "lib/x.py": "2", "Z.py": "3"})
    write(second, {"Z.py": "3", "lib/x.py": "2", "train.py": "1"})
    os.utime(second / "train.py", (1, 1))
    (second / "train.py").chmod(0o600)
    assert tar(first) == tar(second)
    assert digest(first) == hashlib.sha256(tar(first)).hexdigest()


def test_content_names_and_executable_bits_change_the_digest(tmp_path: Path) -> None:
    write(tmp_path, {"a": "1"})
    seen = {digest(tmp_path)}
    (tmp_path / "a").write_text("2")
    seen.add(digest(tmp_path))
    (tmp_path / "a").chmod(0o755)
    seen.add(digest(tmp_path))
    (tmp_path / "a").rename(tmp_path / "b")
    seen.add(digest(tmp_path))
    assert len(seen) == 4


def test_headers_hold_no_user_and_no_time(tmp_path: Path) -> None:
    write(tmp_path, {"a": "1"})
    with tarfile.open(fileobj=io.BytesIO(tar(tmp_path))) as archive:
        (member,) = archive.getmembers()
    found = (member.uid, member.gid, member.uname, member.gname, member.mtime, member.mode)
    assert found == (0, 0, "", "", snapshot.TIME, 0o644)


def test_gitignore_leaves_files_out_and_amlignore_replaces_it(tmp_path: Path) -> None:
    write(tmp_path, {"train.py": "", "a.csv": "", "b.log": "", ".gitignore": "*.csv\n"})
    assert names(tmp_path) == [".gitignore", "b.log", "train.py"]
    write(tmp_path, {".amlignore": "*.log\n"})
    assert names(tmp_path) == [".amlignore", ".gitignore", "a.csv", "train.py"]


def test_the_ignore_file_of_a_folder_below_counts_there_after_those_above(tmp_path: Path) -> None:
    write(tmp_path, {"sub/.gitignore": "*.csv\n/top.txt\n!keep.csv\n", "sub/x.csv": "", "x.csv": "", "keep.log": ""})
    write(tmp_path, {"sub/keep.csv": "", "sub/top.txt": "", "sub/deep/top.txt": "", "sub/deep/y.csv": ""})
    write(tmp_path, {"top.txt": ""})
    expected = ["keep.log", "sub/.gitignore", "sub/deep/top.txt", "sub/keep.csv", "top.txt", "x.csv"]
    assert names(tmp_path) == expected
    write(tmp_path, {".amlignore": "*.csv\n*.log\n"})
    assert names(tmp_path) == [".amlignore", "sub/.gitignore", "sub/deep/top.txt", "sub/keep.csv", "top.txt"]
    write(tmp_path, {"sub/deep/.amlignore": "!y.csv"})
    found = manifests.survey(tmp_path)
    assert "sub/deep/y.csv" in [entry.path for entry in found.manifest.entries]
    assert sorted(found.ignore_files) == [".amlignore", "sub/.gitignore", "sub/deep/.amlignore"]


def test_a_folder_that_stays_behind_takes_nothing_back_by_an_ignore_file_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "data/\n!data/keep.txt\n", "data/.gitignore": "!*.csv\n", "data/a.csv": ""})
    write(tmp_path, {"data/keep.txt": "", "data/sub/.amlignore": "!*\n", "data/sub/b.csv": ""})
    assert names(tmp_path) == [".gitignore", "data/keep.txt"], "as git has it, but for what the same file names"
    assert manifests.survey(tmp_path).ignore_files == [".gitignore"]


def test_a_survey_names_everything_that_is_refused_and_goes_on(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "", "sub/b.py": ""})
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "sub" / "out").symlink_to("/etc")
    (tmp_path / os.fsdecode(b"\xff.py")).write_text("")
    found = manifests.survey(tmp_path)
    assert [entry.path for entry in found.manifest.entries] == ["a.py", "sub/b.py"]
    assert sorted(error.facts["path"] for error in found.refused) == ["pipe", "sub/out", "\udcff.py"]


def test_the_last_matching_pattern_decides(tmp_path: Path) -> None:
    write(tmp_path, {"data/a.csv": "", "data/keep.csv": "", "x.py": "", ".amlignore": "data/\n!data/keep.csv\n"})
    assert names(tmp_path) == [".amlignore", "data/keep.csv", "x.py"]


def test_what_no_job_needs_is_always_left_out(tmp_path: Path) -> None:
    write(tmp_path, {".git/config": "", "a/__pycache__/x.pyc": "", ".venv/bin/python": "", "a/x.py": ""})
    write(tmp_path, {".amlignore": ""})
    assert names(tmp_path) == [".amlignore", "a/x.py"]


def test_a_link_that_leaves_the_folder_is_refused_with_its_target(tmp_path: Path) -> None:
    outside, code = tmp_path / "records", tmp_path / "code"
    outside.mkdir()
    write(code, {"x.py": ""})
    (code / "data").symlink_to(outside)
    error = refused(code)
    assert error.title == f"job.yml:3: code: the link data -> {outside} leaves the folder"
    assert error.hint == f"take it away, or list /data in {code}/.amlignore"
    (code / "data").unlink()
    (code / "data").symlink_to("../records")
    assert refused(code).title == "job.yml:3: code: the link data -> ../records leaves the folder"
    write(code, {".amlignore": "/data\n"})
    assert names(code) == [".amlignore", "x.py"]


def test_a_link_through_a_link_does_not_leave_unseen(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("record")
    code = tmp_path / "code"
    code.mkdir()
    (code / "b").symlink_to(tmp_path / "secret")
    (code / "a").symlink_to("b")
    assert "leaves the folder" in refused(code).title


def test_links_inside_stay_links_and_absolute_ones_become_relative(tmp_path: Path) -> None:
    write(tmp_path, {"lib/x.py": "1"})
    (tmp_path / "near").symlink_to("lib/x.py")
    (tmp_path / "lib" / "far").symlink_to(tmp_path / "near")
    found = {entry.path: entry.link for entry in manifest(tmp_path).entries}
    assert found == {"lib/far": "x.py", "lib/x.py": None, "near": "lib/x.py"}


def test_a_fifo_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path).title == "job.yml:3: code: pipe is neither a file, a folder nor a link"


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.py")).write_text("")
    assert refused(tmp_path).title == "job.yml:3: code: the name '\\udcff.py' is not UTF-8"


def test_more_than_2000_files_are_refused_with_the_largest_named(tmp_path: Path) -> None:
    for number in range(manifests.MOST_FILES):
        (tmp_path / f"{number}.txt").touch()
    manifest(tmp_path)
    (tmp_path / "model.bin").write_bytes(b"x" * 2_000_000)
    error = refused(tmp_path)
    assert error.title == "job.yml:3: code: 2,001 files, 2.0 MB: a snapshot has 2,000 files and 300 MB at most"
    assert error.hint.startswith("the largest: model.bin (2.0 MB), ")


def test_more_than_300_mb_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "big.bin").open("wb") as file:
        file.truncate(manifests.MOST_BYTES + 1)
    assert "1 file, 300 MB" in refused(tmp_path).title


@pytest.mark.parametrize("held", [snapshot.HELD_BYTES, 0])
async def test_chunks_are_the_tar_compressed(tmp_path: Path, held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "HELD_BYTES", held)
    (tmp_path / "noise.bin").write_bytes(os.urandom(500_000))
    (tmp_path / "text.py").write_text("pass\n" * 100_000)
    taken = snapshot.taken(manifest(tmp_path))
    assert (taken.tar is None) == (held == 0)
    chunks = [chunk async for chunk in snapshot.chunks(taken)]
    assert len(chunks) > 4 and max(map(len, chunks)) <= 2 * snapshot.CHUNK
    assert zlib.decompress(b"".join(chunks), 31) == tar(tmp_path)


@pytest.mark.parametrize("text", ["222", "2", "22222"])
async def test_a_file_that_changes_meanwhile_is_an_error_not_another_snapshot(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "HELD_BYTES", 0)
    write(tmp_path, {"a": "111"})
    taken = snapshot.taken(manifest(tmp_path))
    write(tmp_path, {"a": text})
    with pytest.raises(JobError) as caught:
        async for _ in snapshot.chunks(taken):
            pass
    assert caught.value.hint == "launch again"


async def test_what_is_held_is_sent_as_it_was_when_its_digest_was_taken(tmp_path: Path) -> None:
    write(tmp_path, {"a": "111"})
    taken, before = snapshot.taken(manifest(tmp_path)), tar(tmp_path)
    write(tmp_path, {"a": "222"})
    assert zlib.decompress(b"".join([chunk async for chunk in snapshot.chunks(taken)]), 31) == before


@pytest.mark.parametrize("name", ["a", "x" * 100, "x" * 101, "d/" * 60 + "x", "\u00fc", "with blank", "d/" + "y" * 150])
@pytest.mark.parametrize("mode", [0o600, 0o700])
def test_every_header_is_the_one_that_tarfile_writes(tmp_path: Path, name: str, mode: int) -> None:
    write(tmp_path, {name: "content"})
    (tmp_path / name).chmod(mode)
    (tmp_path / "link").symlink_to(name)
    expected = io.BytesIO()
    with tarfile.open(fileobj=expected, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in manifest(tmp_path).entries:
            info = tarfile.TarInfo(entry.path)
            info.mtime, info.mode = snapshot.TIME, 0o755 if mode == 0o700 else 0o644
            if entry.link is not None:
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o777
            info.size = entry.size
            archive.addfile(info, io.BytesIO(b"content"))
    assert tar(tmp_path) == expected.getvalue()


def _taken_after(folder: Path, change: Callable[[], None]) -> JobError:
    """Why a snapshot is refused that is taken after the change; a thread, because a FIFO could hold it for ever."""
    found = manifest(folder)
    change()
    errors: list[JobError] = []

    def take() -> None:
        try:
            snapshot.taken(found)
        except JobError as error:
            errors.append(error)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive() and errors, "it was read, or it hangs"
    assert errors[0].hint == "launch again" and str(folder) in errors[0].title
    return errors[0]


@pytest.mark.parametrize("name", ["a", "sub/a", "sub/deep/a"])
def test_nothing_is_sent_of_what_a_link_leads_to_that_came_after_the_list(tmp_path: Path, name: str) -> None:
    code, secret = tmp_path / "code", tmp_path / "secret"
    write(code, {name: "code12", "z": "1"})
    secret.write_text("secret")
    _taken_after(code, lambda: _replace(code / name, lambda path: path.symlink_to(secret)))


@pytest.mark.parametrize("parent", ["sub", "sub/deep"])
def test_nor_of_a_folder_that_became_a_link(tmp_path: Path, parent: str) -> None:
    code, outside = tmp_path / "code", tmp_path / "outside"
    write(code, {"sub/deep/a": "code12", "z": "1"})
    write(outside, {"a": "secret", "deep/a": "secret"})
    _taken_after(code, lambda: _replace(code / parent, lambda path: path.symlink_to(outside)))


def test_nor_where_the_folder_itself_became_one(tmp_path: Path) -> None:
    write(tmp_path, {"code/a": "code12", "outside/a": "secret"})
    code = tmp_path / "code"
    _taken_after(code, lambda: _replace(code, lambda path: path.symlink_to(tmp_path / "outside")))


def test_a_fifo_in_place_of_a_file_holds_nothing_up(tmp_path: Path) -> None:
    write(tmp_path, {"a": "123"})
    error = _taken_after(tmp_path, lambda: _replace(tmp_path / "a", os.mkfifo))
    assert error.title == f"{tmp_path}/a cannot be read: it is no longer a file"


def _replace(path: Path, make: Callable[[Path], object]) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    make(path)


def test_a_single_file_may_be_a_link_which_is_followed_once(tmp_path: Path) -> None:
    write(tmp_path, {"there/real.csv": "record", "secret": "secret", "here/x": ""})
    link = tmp_path / "here" / "input.csv"
    link.symlink_to("../there/real.csv")
    found = manifests.of_file(link, "inputs.x")
    link.unlink()
    link.symlink_to(tmp_path / "secret")
    with tarfile.open(fileobj=io.BytesIO(b"".join(snapshot.pieces(found)))) as archive:
        (member,) = archive.getmembers()
        assert member.name == "input.csv" and archive.extractfile(member).read() == b"record"  # type: ignore[union-attr]


def test_files_of_many_folders_are_read_without_relative_opens_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {f"{folder}f{n}": folder * n for n in range(3) for folder in ("", "a/", "a/b/", "a0/", "c/d/")})
    before, descriptors = tar(tmp_path), os.listdir("/proc/self/fd")
    monkeypatch.setattr(snapshot, "_BELOW", False)
    assert tar(tmp_path) == before and os.listdir("/proc/self/fd") == descriptors


PART = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda part: part not in (".", "..", ".git", ".venv", "__pycache__", ".amlignore", ".gitignore")
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.lists(PART, min_size=1, max_size=4).map("/".join), st.binary(max_size=3000), max_size=8))
def test_what_goes_in_comes_out(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    folder = tmp_path_factory.mktemp("code")
    kept: dict[str, bytes] = {}
    for name, content in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError:  # a file where another needs a folder
            continue
        kept[name] = content
    with tarfile.open(fileobj=io.BytesIO(tar(folder))) as archive:
        found = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    assert found == kept
