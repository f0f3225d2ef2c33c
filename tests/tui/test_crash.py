"""A mistake of the program: a private report without secrets, where it is, and exit code 1."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from core.site.secrets import Secret
from tui.app import TrainshedApp

from .walk import make_app

SIGNATURE = "c2VjcmV0c2lnbmF0dXJl"
LOCAL = "hunter2-in-a-local-variable"


def _break() -> None:
    passphrase = Secret(LOCAL)
    raise RuntimeError(f"GET https://account.example/records?sv=1&sig={SIGNATURE} failed for {passphrase.reveal()}")


async def _in_a_worker() -> None:
    _break()


async def _crashed(app: TrainshedApp, *, in_worker: bool) -> None:
    with pytest.raises(Exception, match="failed"):
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            if in_worker:
                app.run_worker(_in_a_worker())
            else:
                app.call_later(_break)
            for _ in range(10):
                await pilot.pause()


@pytest.mark.parametrize("in_worker", [False, True])
async def test_a_crash_leaves_a_private_report_without_secrets_and_says_where(
    in_worker: bool, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app()
    await _crashed(app, in_worker=in_worker)
    app._print_error_renderables()
    said = capsys.readouterr().err
    (path,) = home.rglob("crash-*.txt")
    text = path.read_text()

    assert app.return_code == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.parent.name == "reports" and str(path) in re.sub(r"\s*\n", "", said)
    assert "(RuntimeError). Runs on the VM go on" in " ".join(said.split())
    assert "RuntimeError" in text and "in _break" in text and "step: connect" in text
    for told in (text, said):
        assert SIGNATURE not in told and LOCAL not in told
    assert "Traceback" not in said and "locals" not in said


async def test_where_no_report_can_be_written_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_args: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tui.report.save", full)
    app = make_app()
    await _crashed(app, in_worker=False)
    app._print_error_renderables()
    assert app.return_code == 1
    assert "could not be written (No space left on device)" in " ".join(capsys.readouterr().err.split())
