"""The wheels that an environment gets its pip from, wherever a Python has them."""

from __future__ import annotations

import ensurepip
import sysconfig
import zipfile
from pathlib import Path

import pytest

from core.agent import venv_install

WHOLE = (venv_install.WHOLE,)


def wheel(folder: Path, name: str, files: tuple[str, ...] = ()) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        for each in files:
            file.writestr(each, "")
    return str(path)


def test_the_distributions_wheels_come_first_and_what_is_not_whole_is_left_to_ensurepip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, own = tmp_path / "python-wheels", tmp_path / "ensurepip" / "_bundled"
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: {"WHEEL_PKG_DIR": str(system)}[name])
    monkeypatch.setattr(ensurepip, "__file__", str(own.parent / "__init__.py"))
    monkeypatch.setattr(ensurepip, "version", lambda: "23.1")
    monkeypatch.setattr(venv_install, "NAMES", ("pip", "setuptools"))
    assert venv_install.wheels() == []
    bundled = [wheel(own, "pip-23.1", WHOLE), wheel(own, "setuptools-60.0")]
    wheel(own, "pip-22.0", WHOLE)  # an older one beside it, as Python 3.8 has
    assert venv_install.wheels() == bundled
    wheel(system, "pip-23.1")  # without what it needs
    wheel(system, "setuptools-60.0")
    assert venv_install.wheels() == bundled
    found = [wheel(system, "pip-23.1", WHOLE), str(system / "setuptools-60.0-py3-none-any.whl")]
    assert venv_install.wheels() == found
    wheel(system, "setuptools-61.0")
    assert venv_install.wheels() == bundled, "which of the two, ensurepip alone would know"
    (own / "setuptools-60.0-py3-none-any.whl").unlink()
    assert venv_install.wheels() == []
    monkeypatch.setattr(venv_install, "NAMES", ("pip",))
    assert venv_install.wheels() == found[:1]
