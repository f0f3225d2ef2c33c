"""What a person can get wrong, with the exact words that they read: exit 2, no traceback, nothing written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import Run

SITE = 'name = "ward-7"\n[vms.stackvm]\nhost = "203.0.113.10"\n'
KEYRING = 'credential = "keyring:ward-7/data"\n'


@dataclass(frozen=True)
class Bad:
    """`words` are given where `files` exist; {here} is the folder they are in, {home} TRAINSHED_HOME."""

    words: tuple[str, ...]
    title: str
    hint: str = ""
    files: tuple[tuple[str, str], ...] = ()
    code: int = 2


README = "the README shows a whole site file"
ULID = "26 characters of 0-9 and A-Z without I, L, O and U"


def site(text: str, *words: str, title: str, hint: str = README) -> Bad:
    """A wrong site file."""
    return Bad(words or ("check", "--site", "site.toml"), title, hint, (("site.toml", text),))


CASES = {
    "no site": Bad(
        ("check",), "no site is known yet", "trainshed connect USER@HOST writes one; trainshed demo shows one"
    ),
    "unknown site": Bad(
        ("check", "--site", "ward-9"),
        "there is no site 'ward-9'",
        "known sites: none yet; a path to a .toml works too",
    ),
    "missing site file": Bad(
        ("check", "--site", "gone.toml"), "there is no site file gone.toml", "trainshed connect USER@HOST writes one"
    ),
    "not TOML": site(
        'name = "x"\nvms = [\n',
        title="site.toml: not TOML: Invalid value (at end of document)",
        hint="correct that line; nothing was changed",
    ),
    "not TOML, with its line": site(
        'name = "x"\nhost: 1\n',
        title="site.toml: not TOML: Expected '=' after a key in a key/value pair (at line 2, column 5)",
        hint="correct that line; nothing was changed",
    ),
    "not text": Bad(
        ("check", "--site", "site.toml"),
        "site.toml cannot be read: it is not UTF-8 text",
        "",
        (("site.toml", "\udcff"),),
    ),
    "no VM's host": site(
        'name = "x"\n[vms.vm1]\nport = 22\n', title="site.toml: vms.vm1.host: missing"
    ),
    "no name": site("[vms.vm1]\nhost = 'h'\n", title="site.toml: name: missing"),
    "unknown key": site(SITE + "hots = 1\n", title="site.toml: vms.stackvm.hots: no such key (did you mean host?)"),
    "bad port": site(SITE + "port = 99999\n", title="site.toml: vms.stackvm.port: 99999 is not a port (1 to 65535)"),
    "port is text": site(SITE + 'port = "22"\n', title="site.toml: vms.stackvm.port: expected int | null, got str"),
    "two problems": site(
        SITE + 'port = 0\n[data]\nendpoint = "http://x"\ncontainer = "c"\ncredential = "s3cr3t"\n',
        title="site.toml: vms.stackvm.port: 0 is not a port (1 to 65535)",
        hint="data.endpoint: has to begin with https://; "
        "data.credential: a reference (keyring:SERVICE/NAME, env:NAME or file:PATH), never the secret itself",
    ),
    "unknown VM": site(
        SITE, "connect", "other", "--site", "site.toml",
        title="site ward-7 has no VM 'other'", hint="it has: stackvm (site.toml)",
    ),
    "no user before @": Bad(
        ("connect", "@203.0.113.10"),
        "not a server's address: '@203.0.113.10'",
        "the user's name is missing before @; the form is USER@HOST[:PORT]",
    ),
    "bad port of an address": Bad(
        ("connect", "azureuser@203.0.113.10:99999"),
        "not a server's address: 'azureuser@203.0.113.10:99999'",
        "a port is a number from 1 to 65535; the form is USER@HOST[:PORT]",
    ),
    "an address like an option": Bad(
        ("connect", "azureuser@-oProxyCommand=x"),
        "a host does not begin with a hyphen: '-oProxyCommand=x'",
        "ssh would read it as an option",
    ),
    "bad --set": site(
        SITE, "run", "job.yml", "--set", "lr", "--site", "site.toml",
        title="--set 'lr' is not KEY=VALUE", hint="for example: --set inputs.learning_rate=0.01",
    ),
    "bad --id": site(
        SITE, "run", "job.yml", "--id", "17", "--site", "site.toml", title="--id '17' is not a ULID", hint=ULID
    ),
    "bad --tag": site(
        SITE, "models", "register", "@latest", "--tag", "=x", "--site", "site.toml",
        title="--tag '=x' is not KEY=VALUE", hint="for example: --tag owner=ward-7",
    ),
    "bad row": Bad(
        ("invoke", "m", "--row", "-1"),
        "Invalid value for '--row': -1 is not in the range x>=0",
        "trainshed invoke --help",
    ),
    "row is text": Bad(
        ("invoke", "m", "--row", "x"),
        "Invalid value for '--row': 'x' is not a valid integer range",
        "trainshed invoke --help",
    ),
    "no row": Bad(("invoke", "m"), "Missing option '--row'", "trainshed invoke --help"),
    "bad severity": Bad(
        ("check", "--fail-on", "bad"),
        "Invalid value for '--fail-on': 'bad' is not one of 'info', 'low', 'medium', 'high', 'critical'",
        "trainshed check --help",
    ),
    "bad byte": Bad(
        ("logs", "r", "--from", "-5"),
        "Invalid value for '--from': -5 is not in the range x>=0",
        "trainshed logs --help",
    ),
    "unknown command": Bad(("chekc",), "no such command: chekc (did you mean trainshed check?)", "trainshed --help"),
    "command of the top": Bad(
        ("runs", "show", "x"), "no such command: runs show (did you mean trainshed show?)", "trainshed runs --help"
    ),
    "command of a group": Bad(
        ("compare", "a", "b"), "no such command: compare (did you mean trainshed runs compare?)", "trainshed --help"
    ),
    "unknown option": Bad(("runs", "--all"), "No such option '--all'", "trainshed runs --help"),
    "no journal": Bad(
        ("replay", "gone.jsonl"), "gone.jsonl cannot be read as a journal (FileNotFoundError)",
        "trainshed demo --record FILE makes one",
    ),
    "not a journal": Bad(
        ("replay", "j.jsonl"), "j.jsonl:1: not a line of a journal", "trainshed demo --record FILE makes one",
        (("j.jsonl", "hello\nworld\n"),)
    ),
    "no screen to view": Bad(("view", "job.log"), "view needs a terminal", "cat and tail print a file"),
    "no screen": Bad(
        (), "the full-screen interface needs a terminal",
        "trainshed --plain asks line by line; trainshed --help lists the commands",
    ),
    "force what": Bad(
        ("demo", "--force"), "--force goes with --record", "trainshed demo --record FILE --force"
    ),
    "remove nothing": Bad(("site", "remove", "x"), "there is no site 'x'", "known sites: none"),
    "use nothing": Bad(
        ("site", "use", "x"), "there is no site 'x'", "known sites: none yet; a path to a .toml works too"
    ),
    "add a wrong one": site(
        'name = "No Name"\n[vms.vm1]\nhost = "h"\n', "site", "add", "site.toml",
        title="site.toml: name: lower-case letters, digits and hyphens, 32 at most",
    ),
}  # fmt: skip


def everything(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_named_in_two_lines_and_nothing_is_written(
    name: str, program: Run, home: Path, tmp_path: Path
) -> None:
    bad = CASES[name]
    for file, text in bad.files:
        (tmp_path / file).write_bytes(text.encode(errors="surrogateescape"))
    before = everything(home), everything(tmp_path)
    said = program(*bad.words, cwd=tmp_path, TRAINSHED_SITE="")
    wanted = f"trainshed: {bad.title}\n" + (f"  {bad.hint}\n" if bad.hint else "")
    assert (said.code, said.out, said.err) == (bad.code, "", wanted)
    assert (everything(home), everything(tmp_path)) == before


def test_validate_lists_every_problem(program: Run, tmp_path: Path) -> None:
    text = 'name = "A"\ncolour = 1\n[vms.v]\nhost = "h"\n[data]\nendpoint = "http://x"\n'
    (tmp_path / "site.toml").write_text(text)
    said = program("site", "validate", "site.toml", cwd=tmp_path)
    assert said.code == 2
    assert said.out.splitlines() == [
        "site.toml: colour: no such key",
        "site.toml: data.container: missing",
        "site.toml: data.credential: missing",
        "site.toml: name: lower-case letters, digits and hyphens, 32 at most",
        "site.toml: vms.v: a VM's name has 2 to 16 letters, digits and hyphens, and begins with a letter",
        "site.toml: data.endpoint: has to begin with https://",
    ]
    assert said.err == "site.toml: 6 wrong\n"


def test_validate_of_a_good_file_is_silent_on_stdout(program: Run, tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE + "[data]\nendpoint = 'https://a.b'\ncontainer = 'c'\n" + KEYRING)
    said = program("site", "validate", "site.toml", cwd=tmp_path)
    assert (said.code, said.out, said.err) == (0, "", "site.toml: nothing is wrong\n")


@pytest.mark.parametrize("words", [("--replay",), ("up",), ("down",)])
def test_demo_record_is_refused_where_nothing_is_recorded(fake: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    said = fake("demo", "--record", str(tmp_path / "journal"), *words)
    assert said.code == 2 and "--record does not go with" in said.err
    assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize("link", [False, True], ids=["file", "link to nothing"])
def test_demo_record_refuses_a_file_that_is_there_before_anything_starts(
    program: Run, home: Path, tmp_path: Path, link: bool
) -> None:
    path = tmp_path / "precious"
    if link:
        path.symlink_to("nowhere")
    else:
        path.write_text("precious")
    before = everything(home), everything(tmp_path)
    said = program("demo", "--record", str(path))
    wanted = f"trainshed: {path} is there already\n  another name, or --force to lose what it holds\n"
    assert (said.code, said.out, said.err) == (2, "", wanted)
    assert (everything(home), everything(tmp_path)) == before
