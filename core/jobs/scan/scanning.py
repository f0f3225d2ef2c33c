"""A folder, a job or a single file: what would travel, each file looked at once, findings in the order of the files."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from ... import amounts
from ...errors import JobError
from ...events import Progress, ScanFinding, ScanFinished, SentFile
from .. import manifest
from ..manifest import Entry, Survey
from . import allowances, content, forms, jobfile, notebook, reading, secrets, staged
from .allowances import Allowance
from .content import Content
from .found import Found, shown
from .rules import BY_ID
from .staged import StagedFile

MOST_TEXT = 4 << 20  # bytes of a text that are searched for credentials
BETWEEN = 0.25  # seconds between what is told of the progress
MOST_OF_FILE = 200  # findings of one file that are told
MOST_FILES = 5000  # that are looked at: more than a snapshot may have
_KEY_STORES = (".pfx", ".p12", ".jks", ".keystore", ".kdbx", ".ppk")
_HOOKS = ("sitecustomize.py", "usercustomize.py")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the site, as far as there is one."""

    staged: list[StagedFile] = []
    aliases: dict[str, str] = {}
    environments: dict[str, str] = {}  # what a job calls it -> the path of its requirements


def scan(path: Path, wanted: Wanted | None = None) -> Iterator[ScanFinding | Progress | ScanFinished]:
    """`ScanFinding` for each, `Progress` now and then, `ScanFinished`. Raises JobError. Blocks."""
    began = time.monotonic()
    look = _Look(wanted or Wanted())
    if not path.exists() and not path.is_symlink():
        raise JobError(f"there is no file or folder {path}")
    kind = _kind(path)
    found = look.folder(path) if kind == "folder" else look.job(path) if kind == "job" else look.single(path)
    counts: Counter[str] = Counter(refused=0, warning=0, note=0, allowed=0)
    for each in found:
        if isinstance(each, ScanFinding):
            counts["allowed" if each.allowed else each.level] += 1
        yield each
    yield ScanFinished(
        path=_utf8(str(path)),
        kind=kind,
        folder=_utf8(look.root),
        files=[SentFile(path=each.path, bytes=each.size, link=each.link) for each in look.files],
        bytes=sum(each.size for each in look.files),
        ignore_files=look.ignore_files,
        counts=dict(counts),
        looked_at=look.looked_at,
        duration_s=round(time.monotonic() - began, 4),
    )


def _kind(path: Path) -> Literal["folder", "job", "file"]:
    if path.is_dir():
        return "folder"
    if not path.is_file():
        raise JobError(f"{path} is neither a file nor a folder", hint="a pipe or a device is not read")
    return "job" if path.suffix in forms.YAML and jobfile.is_one(path) else "file"


class _Look:
    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._staged = staged.by_size(wanted.staged)
        self.root = ""  # of the code
        self.files: list[Entry] = []
        self.ignore_files: list[str] = []
        self.looked_at = 0
        self._pictures: list[str] = []
        self._unread: dict[str, str] = {}  # files -> their language
        self._allowed: list[tuple[str, list[Allowance]]] = []  # of ignore files, by their folder
        self._named: dict[str, str] = {}  # files that the job file names -> their form

    def job(self, path: Path) -> Iterator[ScanFinding | Progress]:
        job, found = jobfile.of(path, self._wanted.aliases)
        text = path.read_text(encoding="utf-8-sig")
        shown_path = str(path)
        yield from self._told(shown_path, [*secrets.of_text(text), *found], text)
        listed, form = jobfile.requirements(job, self._wanted.environments)
        if listed:
            self._named[listed] = form
            yield from self._one(os.path.realpath(listed), listed, None)
        self._named.update(dict.fromkeys(jobfile.scripts(job), "python"))
        for folder, where in _folders(job.code, job.environment.build.path if job.environment.build else None):
            yield from self.folder(folder, where)
        for name, place in jobfile.sent_inputs(job, self._wanted.aliases):
            yield from self._input(f"inputs.{name}", place)

    def _input(self, name: str, place: Path) -> Iterator[ScanFinding]:
        """Data that travels because the job file says so: what it is, is nobody's surprise."""
        try:
            if place.is_dir():
                survey = manifest.survey(place, name)
                entries = survey.manifest.entries
                yield from self._survey(survey, name)
            else:
                entries = manifest.of_file(place, name).entries if place.is_file() else []
        except JobError as error:
            yield self._finding("too-much", name, 0, _after(error, name))
            return
        self.files += [msgspec.structs.replace(each, path=f"{name}/{each.path}") for each in entries]

    def single(self, path: Path) -> Iterator[ScanFinding | Progress]:
        self._named = {} if path.suffix else {str(path): "python"}
        data, size = self._first(str(path))
        self.files = [Entry(path.name, size)]
        yield from self._one(os.path.realpath(path), str(path), (data, size))
        yield from self._others()

    def _first(self, path: str) -> tuple[bytes, int]:
        try:
            return reading.read(os.path.realpath(path), content.HEAD)
        except OSError as error:
            raise JobError(f"{path} cannot be read: {error.strerror}") from None

    def folder(self, folder: Path, where: str = "code") -> Iterator[ScanFinding | Progress]:
        """All that would travel. Files beyond MOST_FILES are counted alone."""
        try:
            survey = manifest.survey(folder, where)
        except JobError as error:
            yield self._finding("too-much", ".", 0, _after(error, where))
            return
        self.files += survey.manifest.entries
        self.ignore_files += survey.ignore_files
        yield from self._survey(survey, where)
        root = survey.manifest.folder
        self.root = self.root or root
        for name in survey.ignore_files:
            text = self._text_of(f"{root}/{name}")
            self._allowed.append((name.rpartition("/")[0], allowances.of_text(text)))
        wanted, told = survey.manifest.entries[:MOST_FILES], time.monotonic()
        for number, entry in enumerate(wanted):
            if time.monotonic() - told > BETWEEN:
                told = time.monotonic()
                yield Progress(title="Looking at files", done=number, total=len(wanted), unit="files")
            if entry.link is None:
                yield from self._one(f"{root}/{entry.path}", entry.path, None)
        if len(self._pictures) >= content.MANY_PICTURES:
            seen = f"{len(self._pictures)} pictures or recordings, such as {self._pictures[0]}"
            yield self._finding("images", self._pictures[0], 0, seen)
        self._pictures = []
        yield from self._others()

    def _others(self) -> Iterator[ScanFinding]:
        """One finding: a library may have hundreds of such files."""
        if self._unread:
            first, languages = next(iter(self._unread)), ", ".join(sorted(set(self._unread.values())))
            more = f", such as {first}" if len(self._unread) > 1 else ""
            seen = f"{amounts.plural(len(self._unread), 'file')} of {languages}{more}"
            yield self._finding("other-language", first, 0, seen)
        self._unread = {}

    def _survey(self, survey: Survey, where: str) -> Iterator[ScanFinding]:
        for error in survey.refused:
            rule = "link-outside" if "leaves the folder" in error.title else "not-sendable"
            yield self._finding(rule, _utf8(str(error.facts.get("path") or ".")), 0, _after(error, where))
        too_much = manifest.too_much(survey.manifest, where)
        if too_much is not None:
            yield self._finding("too-much", ".", 0, f"{_after(too_much, where)}; {too_much.hint}", longest=400)

    def _text_of(self, path: str) -> str:
        try:
            return reading.text(reading.read(path, MOST_TEXT)[0])
        except OSError:
            return ""

    def _one(self, place: str, name: str, first: tuple[bytes, int] | None) -> Iterator[ScanFinding]:
        """One file: by its content, then as code of its kind, then for credentials."""
        try:
            head, size = first or reading.read(place, content.HEAD)
            copy = staged.match(place, size, self._staged)
            if copy is not None:
                yield self._finding("staged-data", name, 0, shown(f"the same as {copy.path} of the site's container"))
                return
            what = content.of(head, size, name.lower())
            yield from self._by_content(what, name, size)
            if what.kind == "text":
                data = head if size <= len(head) else reading.read(place, _most(name))[0]
                yield from self._text(name, data, size, head)
            elif name.lower().endswith((".py", ".ipynb", ".sh")):
                yield self._finding("not-read", name, 0, "it holds NUL bytes: Python and shells read none of it")
        except OSError as error:
            yield self._finding("not-read", name, 0, f"it cannot be read: {error.strerror}")

    def _by_content(self, what: Content, name: str, size: int) -> Iterator[ScanFinding]:
        if what.kind == "data":
            rule = "small-data-file" if content.is_small(what, size) else "data-file"
            rows = f", {what.rows:,}{'' if size <= content.HEAD else ' or more'} rows" if what.rows else ""
            yield self._finding(rule, name, 0, f"{what.what}{rows}, {amounts.size(size)}")
        elif what.kind == "opaque":
            yield self._finding("opaque-file", name, 0, f"{what.what}, {amounts.size(size)}")
        elif what.kind == "picture":
            self._pictures.append(name)
        elif what.kind == "other" and name.lower().endswith(_KEY_STORES):
            yield self._finding("private-key", name, 0, "a store of keys")

    def _text(self, name: str, data: bytes, size: int, head: bytes) -> Iterator[ScanFinding]:
        kind = forms.language(name, head, self._named)
        text = reading.text(data)
        if kind in ("python", "notebook", "shell", "dockerfile"):
            self.looked_at += len(data)
        found, commented = forms.of_text(kind, data, size, text)
        told = secrets.of_text(text, code=kind in ("python", "notebook"))
        other = forms.OTHERS.get(os.path.splitext(name)[1].lower()) if not kind else None  # noqa: PTH122 (of a text)
        if other is not None:
            self._unread[name] = other
        if name.rpartition("/")[2] in _HOOKS:
            found = [*found, Found("start-hook", 0, name.rpartition("/")[2])]
        if kind == "notebook":
            yield from self._notebook(name, found, told, text, commented)
        else:
            yield from self._told(name, [*found, *told], commented)

    def _notebook(
        self, name: str, found: list[Found], told: list[Found], text: str, program: str
    ) -> Iterator[ScanFinding]:
        """Allowances stand in the program, lines are told as they are in the file."""
        here, places = allowances.of_text(program), notebook.places(text, program)
        for each in _first(sorted([*found, *allowances.wrong(here)], key=lambda each: each.line)):
            line = places[each.line - 1] if 0 < each.line <= len(places) else 0
            yield self._finding(each.rule, name, line, each.seen, allowed=allowances.reason(each, here))
        for each in told:
            inside = {number + 1 for number, line in enumerate(places) if line == each.line}
            reason = next(filter(None, (allowances.reason(each._replace(line=one), here) for one in inside)), "")
            yield self._finding(each.rule, name, each.line, each.seen, allowed=reason)

    def _told(self, name: str, found: Iterable[Found], commented: str) -> Iterator[ScanFinding]:
        """With the allowances that stand in the text."""
        here = allowances.of_text(commented)
        for each in _first(sorted([*found, *allowances.wrong(here)], key=lambda each: each.line)):
            yield self._finding(each.rule, name, each.line, each.seen, allowed=allowances.reason(each, here))

    def _finding(
        self, rule: str, name: str, line: int, seen: str, *, allowed: str = "", longest: int = 200
    ) -> ScanFinding:
        row = BY_ID[rule]
        return ScanFinding(
            rule=rule,
            leak=row.leak,
            level=row.level,
            title=row.title,
            file=_utf8(name),
            line=line,
            seen=_utf8(seen)[:longest],
            reason=row.reason,
            instead=row.instead,
            source=row.source,
            allowed=allowed or self._by_ignore_file(Found(rule, line, seen), name),
        )

    def _by_ignore_file(self, found: Found, name: str) -> str:
        for folder, known in self._allowed:
            if not folder or name.startswith(f"{folder}/"):
                reason = allowances.reason(found, known, name[len(folder) + 1 if folder else 0 :])
                if reason:
                    return reason
        return ""


def _first(found: list[Found]) -> list[Found]:
    """A file can hold any number."""
    if len(found) <= MOST_OF_FILE:
        return found
    rest = Found("not-read", found[MOST_OF_FILE].line, f"{len(found) - MOST_OF_FILE:,} findings more are not listed")
    return [*found[:MOST_OF_FILE], rest]


def _folders(code: Path | None, context: str | None) -> Iterator[tuple[Path, str]]:
    if code is not None:
        yield code, "code"
    if context is not None and Path(context) != code:
        yield Path(context), "the Docker build context"


def _after(error: JobError, where: str) -> str:
    return error.title.removeprefix(f"{where}: ")


def _most(name: str) -> int:
    """Bytes of a text that are read."""
    return notebook.LARGEST if name.lower().endswith(".ipynb") else MOST_TEXT


def _utf8(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
