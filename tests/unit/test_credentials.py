"""A credential is found by reference, and nothing that can be printed holds it."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from core.errors import SecretError
from core.site import credentials, files
from core.site.secrets import Secret
from tests.unit.test_site_files import GOOD, written


@pytest.fixture
def site(tmp_path: Path) -> files.Site:
    return files.load(written(tmp_path, GOOD))


def test_from_the_environment(site: files.Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SecretError, match="WARD_7 is not set"):
        credentials.find("env:WARD_7", site)
    monkeypatch.setenv("WARD_7", " key\n")
    assert credentials.find("env:WARD_7", site).reveal() == "key"


def test_a_file_that_others_can_read_is_refused(site: files.Site, tmp_path: Path) -> None:
    place = tmp_path / "key"
    with pytest.raises(SecretError, match="does not exist"):
        credentials.find("file:key", site)
    place.write_text("topsecret")
    place.chmod(0o644)
    with pytest.raises(SecretError, match="others can read") as raised:
        credentials.find("file:key", site)
    assert "topsecret" not in repr(raised.value) + str(raised.value.facts) + raised.value.hint
    place.chmod(0o600)
    assert credentials.find("file:key", site).reveal() == "topsecret"


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("topsecret")
    assert "topsecret" not in f"{secret} {secret!r} {[secret]} {secret.__dict__ if hasattr(secret, '__dict__') else ''}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
