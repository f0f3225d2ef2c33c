"""A sample of what can go wrong while data are staged; `make chaos FAULT=staging` tries all of it, many times."""

from __future__ import annotations

import base64
import contextlib
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote

import pytest

from core import errors

from . import network
from .agent_process import AgentProcess, place
from .front_faults import Faults
from .made_up import Blob, Container
from .staged_files import remove
from .staging import Outcome, Shed, carried_out, filled, shed_of, small_shed
from .staging_cases import CASES, STEPS, few, mixed, tried
from .staging_seams import Seamed, ended_at
from .vm import NOBODY, PYTHON

SEED = os.environ.get("CHAOS_SEED") or secrets.token_hex(4)


@pytest.fixture(scope="module")
def shed() -> Iterator[Shed]:
    """On a VM with a network of its own where there can be one, so that what it does reaches nothing else."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trainshed-tests"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(dir=base))
    with contextlib.ExitStack() as ending:
        ending.callback(remove, folder)
        yield ending.enter_context(shed_of(folder))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.sample])
def test_it_is_complete_and_true_or_a_clear_error_and_nothing(shed: Shed, name: str) -> None:
    wrong, outcome = tried(shed, name, random.Random(f"{SEED}:{name}"))
    assert not wrong, f"CHAOS_SEED={SEED}: {outcome.words}\n" + "\n".join(wrong)


@pytest.mark.parametrize("power", [False, True], ids=["killed", "power-lost"])
def test_an_agent_that_ends_at_any_step_leaves_what_the_next_one_uses(shed: Shed, power: bool) -> None:
    chance = random.Random(f"{SEED}:{power}")
    root = shed.root.with_name(f"seamed-{power}")
    seamed = Seamed(root, shed.root.with_name(f"seams-{power}"))
    other = Shed(root, shed.front, start=shed.start)
    ends = set()
    try:
        for step in (chance.randint(1, STEPS // 2), chance.randint(STEPS // 2, STEPS), 10 * STEPS):
            other.hold(Container(mixed(chance)))
            wrong, outcome = ended_at(other, seamed, step, chance, power=power)
            assert not wrong, f"CHAOS_SEED={SEED}, step {step}: {outcome.words}\n" + "\n".join(wrong)
            ends.add(outcome.result is None)
    finally:
        other.end_agent()
    assert ends == {True, False}  # the last one was far beyond


def test_a_disk_that_becomes_full_shows_nothing(shed: Shed) -> None:
    if network.lacking():
        pytest.skip(network.lacking())
    with small_shed(shed.root.with_name("small-disk")) as small:
        small.hold(Container(mixed(random.Random(SEED))))
        wrong, outcome = filled(small, at=1, pages=64)
        assert not wrong and "full" in outcome.words, f"{outcome.words}\n" + "\n".join(wrong)
        small.hold(Container([Blob("big.bin", 60 << 20)]))
        small.front.well()
        assert "no room" in small.stage().words and not small.front.faults.downloads and not small.shown()


# --- the verdict and the search themselves


def test_the_verdict_sees_what_is_wrong(shed: Shed) -> None:
    shed.hold(Container(few(random.Random(1))))
    outcome = shed.stage()
    truth, place = shed.container.truth(), shed.data / outcome.result["digest"] if outcome.result else Path()
    assert shed.wrong(outcome, truth) == []
    assert "1 of 7 files" in shed.wrong(outcome, {**truth, "a/some.bin": "0"})[0]
    assert "not a clear error" in shed.wrong(Outcome(error=errors.AgentError("the agent failed")), truth)[0]
    file = place / "files/a/some.bin"
    os.chmod(file, 0o600)
    assert "can be written to" in shed.wrong(outcome, truth)[0]
    file.write_bytes(b"torn")
    assert "not those of its manifest" in " ".join(shed.wrong(outcome, truth))
    (place / "manifest.json").unlink()
    wrong = " ".join(shed.wrong(outcome, truth))
    assert "no manifest" in wrong and "0 are listed and 1 are there" in wrong
    (shed.data / ".tmp-1").mkdir()
    assert shed.left()


LATE = b"x" * ((1 << 20) - 9)
HOLD = "import sys; kept = sys.stdin.readline(); print('held', flush=True); sys.stdin.readline()"


def test_the_search_finds_a_credential_wherever_it_is(shed: Shed) -> None:
    """In arguments, in an environment, in a file whatever its name, in a core dump; and as it may be encoded."""
    shed.hold(Container(few(random.Random(1))))
    shed.root.mkdir(parents=True, exist_ok=True)
    secret = shed.source()["credential"]
    key = shed.source(key=True)["credential"]
    assert shed.leaked() == []
    signature = parse_qs(secret.lstrip("?"))["sig"][0]
    for words, environment in (([secret], {}), ([], {"SAS": quote(signature)}), ([key], {})):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, *words], env={**os.environ, **environment}, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        with process:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            process.stdout.readline()  # a program that has just been started has no arguments yet
            assert any(f"process {process.pid}" in hit for hit in shed.leaked())
            process.kill()
    scratch = shed.places[-1]
    shed.root.mkdir(parents=True, exist_ok=True)
    for folder in (shed.root, scratch):
        for text in (
            secret.encode(),
            quote(signature, safe="").encode(),
            base64.b64decode(key),
            b"x" * (1 << 20) + key.encode(),
        ):
            (folder / "planted.log").write_bytes(b"\0" + text + b"\n")
            assert len(shed.leaked()) == 1
            (folder / "planted.log").unlink()
    (shed.root / "dumps").mkdir()
    crashing(shed.root / "dumps", secret)
    assert len(shed.leaked()) == 1
    remove(shed.root / "dumps")
    assert shed.leaked() == []


def crashing(folder: Path, secret: str) -> None:
    """A program that has it in memory alone, and leaves its core where that is how the kernel is set."""
    if Path("/proc/sys/kernel/core_pattern").read_text().strip() != "core":
        (folder / "core").write_text(secret)
        return
    words = ["prlimit", "--core=unlimited", sys.executable, "-c", HOLD]
    with subprocess.Popen(words, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(secret + "\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGABRT)


def test_an_agent_that_crashes_while_it_stages_leaves_no_memory_on_the_disk(shed: Shed) -> None:
    def start(root: Path) -> AgentProcess:
        agent = shed.start(root)
        subprocess.run(["prlimit", f"--pid={agent.pid}", "--core=unlimited"], check=True)
        return agent

    other = Shed(shed.root.with_name("crashing"), shed.front, start=start)
    other.hold(Container(mixed(random.Random(1))))
    try:
        quits = Faults(when={4: lambda: other.agent.process.send_signal(signal.SIGABRT)})
        wrong, outcome = carried_out(other, quits, ended=True)
    finally:
        other.end_agent()
    assert not wrong and isinstance(outcome.error, errors.LinkLost), wrong


PRIVATE = """
import subprocess, sys
sys.path.insert(0, sys.argv[1])
from agent import confine, memory
look = ["/bin/sh", "-c", "cat /proc/$PPID/environ >/dev/null 2>&1 && echo seen || echo closed"]
print(subprocess.run(look, capture_output=True, text=True).stdout.strip())
with memory.private(), memory.private():
    print(subprocess.run(look, capture_output=True, text=True, preexec_fn=confine.in_background).stdout.strip())
print(subprocess.run(look, capture_output=True, text=True).stdout.strip())
"""


def test_an_agent_that_held_a_credential_starts_jobs_and_is_closed_to_other_programs_of_its_account() -> None:
    """Afterwards too: what was freed is still in its memory."""
    if os.geteuid() != 0:
        pytest.skip("another account needs root")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        words = [*NOBODY, PYTHON, "-sSE", "-c", PRIVATE, str(place(Path(folder)))]
        found = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
    assert found.stdout.split() == ["seen", "closed", "closed"], found.stderr
