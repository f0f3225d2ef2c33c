"""A site file is read whole or refused with one message that names the file and the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import SiteError, UsageError
from core.site import files

GOOD = """
name = "ward-7"
[vms.stackvm]
host = "203.0.113.10"
[data]
endpoint = "https://account.blob.local.azurestack.external"
container = "records"
credential = "env:WARD_7"
[workspace]
kind = "local"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "ward-7.toml"
    path.write_text(text)
    return path


def test_a_good_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    site = files.load(written(tmp_path, GOOD))
    assert (site.name, site.vm_name, site.vm.root) == ("ward-7", "stackvm", "~/.trainshed")
    assert site.file.data is not None and site.file.data.api_version == "auto"
    assert ("vms.stackvm.root", "~/.trainshed", "default") in files.origins(site)
    assert ("vms.stackvm.host", "203.0.113.10", "site file") in files.origins(site)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("[vms.stackvm]", "[vms.stackvm"), "not TOML"),
        (('name = "ward-7"', ""), "name: missing"),
        (('name = "ward-7"', 'name = "Ward 7"'), "name: lower-case letters"),
        (('name = "ward-7"', 'name = "ward-7"\nnmae = 1'), "nmae: no such key"),
        (('host = "203.0.113.10"', ""), "vms.stackvm.host: missing"),
        (('host = "203.0.113.10"', "host = 7"), "vms.stackvm.host: expected str, got int"),
        (('host = "203.0.113.10"', 'host = "-oProxyCommand=x"'), "vms.stackvm.host: not a host name"),
        (('host = "203.0.113.10"', 'host = "h"\nport = 99999'), "vms.stackvm.port: 99999 is not a port"),
        (('host = "203.0.113.10"', 'host = "h"\nprot = 1'), "vms.stackvm.prot: no such key"),
        (("[vms.stackvm]", "[vms.s]"), "vms.s: a VM's name"),
        (('name = "ward-7"', 'name = "ward-7"\ndefault_vm = "other"'), "default_vm: there is no VM 'other'"),
        (("[workspace]", '[vms.two]\nhost = "h"\n[workspace]'), "default_vm: missing, and there are several"),
        (("https://", "http://"), "data.endpoint: has to begin with https://"),
        (("https://", "https://me:sig@"), "data.endpoint: the address alone"),
        (("env:WARD_7", "sv=2019&sig=x"), "data.credential: a reference"),
        (('container = "records"', 'container = "records"\nca_bundle = "no.pem"'), "data.ca_bundle: no file"),
        (('kind = "local"', 'kind = "cloud"'), "workspace.kind: invalid enum value"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    path = written(tmp_path, GOOD.replace(*change))
    with pytest.raises(SiteError) as raised:
        files.load(path)
    assert str(path) in raised.value.title
    assert problem in raised.value.title
    assert raised.value.exit_code == 2


def test_every_problem_is_listed(tmp_path: Path) -> None:
    text = GOOD.replace("https://", "http://").replace("env:WARD_7", "secret").replace("203.0.113.10", "a b")
    assert len(files.problems(written(tmp_path, text))) == 3
    table = """colour = 1
        [vms.stackvm]
        hots = "h"
        prot = 22
        slots = "two"
        host_keys = ["x", 7]
        [vms.second]
        host = "a b"
        [data]
        endpoint = "http://x"
        container = 7
        credential = 8
        aliases = { a = 1, b = 2 }
        [workspace]
        kind = "cloud"
        nmae = "x"
        [gate]
        on_hold = 1
    """
    assert [found.partition(":")[0] for found in files.problems(written(tmp_path, table))] == [
        "colour", "name", "vms.stackvm.hots", "vms.stackvm.prot", "vms.stackvm.host", "vms.stackvm.host_keys[2]",
        "vms.stackvm.slots", "data.container", "data.credential", "data.aliases.a", "data.aliases.b", "workspace.nmae",
        "workspace.kind", "gate.on_hold", "vms.second.host", "default_vm", "data.endpoint",
    ]  # fmt: skip


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="there is no site file"):
        files.load(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SiteError, match="not UTF-8"):
        files.load(tmp_path / "bytes.toml")
    with pytest.raises(SiteError, match="cannot be read"):
        files.load(tmp_path)


def test_a_site_is_added_used_and_removed(home: Path, tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_text("x")
    source = written(tmp_path, GOOD.replace("[workspace]", 'ca_bundle = "root.pem"\n[workspace]'))
    added = files.add(source)
    assert added.file.data is not None and added.file.data.ca_bundle == str(tmp_path / "root.pem")
    assert files.find().name == "ward-7"  # the only one
    with pytest.raises(UsageError, match="already"):
        files.add(source)
    files.use("ward-7")
    files.remove("ward-7")
    with pytest.raises(UsageError, match="no site is known yet"):
        files.find()


def test_a_host_key_is_pinned_once_and_comments_stay(home: Path, tmp_path: Path) -> None:
    path = written(tmp_path, "# ours\n" + GOOD)
    key = "ssh-ed25519 SHA256:" + "A" * 43
    files.pin_host_key(files.load(path), key)
    files.pin_host_key(files.load(path), key)
    assert files.load(path).vm.host_keys == [key]
    assert path.read_text().startswith("# ours\n")


def test_a_new_site_that_would_be_bad_is_not_written(home: Path) -> None:
    with pytest.raises(SiteError, match="no site file was written"):
        files.write_new("x", "vm", host="-bad", port=None, user=None, identity=None, host_key=None)
    assert files.names() == []
    files.write_new(
        files.site_name_for("203.0.113.10"), "vm", host="203.0.113.10", port=22, user="u", identity=None, host_key=None
    )
    assert files.names() == ["203-0-113-10"]
    assert files.site_name_for("203.0.113.10") == "203-0-113-10-2"
