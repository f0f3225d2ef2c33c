"""Profiles, and what a site decides otherwise: values, checks that are off, risks that somebody answers for."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from core.checks.catalogue import CATALOGUE
from core.checks.model import Seen
from core.checks.profiles import PROFILES, rows
from core.errors import SiteError
from core.site import files
from core.site.schema import Accepted, Checks

SITE = 'name = "lab"\n\n[vms.vm]\nhost = "127.0.0.1"\n'
TODAY = datetime.date(2026, 11, 26)


def config(**settings: str) -> Seen:
    lines = {key: [value] for key, value in settings.items()}
    return Seen(host={"sshd": {"uid": 0, "config": lines, "root_config": lines}})


def run(id: str, settings: Checks, seen: Seen, today: datetime.date = TODAY) -> Any:
    return next(row for row in rows(settings) if row.check.id == id).run(seen, today)


def loaded(tmp_path: Path, text: str) -> Checks:
    path = tmp_path / "lab.toml"
    path.write_text(SITE + text)
    return files.load(path).file.checks


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_speaks_of_checks_that_there_are_and_keeps_their_order(profile: str) -> None:
    made = rows(Checks(profile=profile))
    assert [row.check.id for row in made] == [check.id for check in CATALOGUE]
    assert set(PROFILES[profile]) <= {check.id for check in CATALOGUE}
    kinds = {check.id: type(check.value) for check in CATALOGUE}
    assert {id: type(row.value) for id, row in PROFILES[profile].items() if row.value is not None} == {
        id: kinds[id] for id, row in PROFILES[profile].items() if row.value is not None
    }


def test_a_profile_changes_values_severities_and_what_is_made() -> None:
    logged = config(loglevel="INFO", syslogfacility="AUTH", subsystem="sftp internal-sftp -l INFO")
    assert run("logging", Checks(), logged).status == "fail"
    assert run("logging", Checks(profile="cis-ubuntu-24.04"), logged).status == "pass"
    off = run("kex-pq", Checks(profile="cis-ubuntu-24.04"), config())
    assert (off.status, off.evidence) == ("skipped", "switched off by the profile cis-ubuntu-24.04")
    tunnel = config(allowtcpforwarding="local", permitopen="127.0.0.1:5000")
    assert run("forwarding-tcp", Checks(), tunnel).status == "pass"
    assert run("forwarding-tcp", Checks(profile="cis-ubuntu-24.04"), tunnel).status == "fail"
    hardened = {row.check.id: row.check for row in rows(Checks(profile="ssh-audit-hardened"))}
    assert hardened["kex-nistp"].severity == "high" and hardened["rsa-hostkey-size"].value == 4096


def test_a_site_has_its_own_values_in_the_check_the_words_and_the_fix(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        '[checks]\noff = ["banner-leak"]\n[checks.values]\nmaxauthtries = 6\nlogging = "INFO"\n'
        'authorized-keys-content = ["SHA256:a"]\n',
    )
    found = run("maxauthtries", settings, config(maxauthtries="7"))
    assert (found.status, found.expected) == ("fail", "MaxAuthTries 6 or fewer, and 2 at least")
    assert found.fix == "MaxAuthTries 6"
    assert run("maxauthtries", settings, config(maxauthtries="6")).status == "pass"
    assert run("banner-leak", settings, config()).evidence == "switched off by the site file"
    values = {row.check.id: row.check.value for row in rows(settings)}
    assert values["logging"] == ("INFO",) and values["authorized-keys-content"] == ("SHA256:a",)


def test_an_accepted_finding_is_skipped_until_its_day_and_then_comes_back(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        '[checks.accepted.password-auth]\nowner = "J. Doe, ward 7"\nreason = "the device knows no keys"\n'
        "until = 2027-01-31\n",
    )
    open_door = config(passwordauthentication="yes")
    found = run("password-auth", settings, open_door, datetime.date(2027, 1, 31))
    assert found.status == "skipped" and "passwordauthentication yes" in found.evidence
    assert found.accepted == {
        "owner": "J. Doe, ward 7", "reason": "the device knows no keys", "until": "2027-01-31", "status": "fail",
    }  # fmt: skip
    over = run("password-auth", settings, open_door, datetime.date(2027, 2, 1))
    assert (over.status, over.accepted) == ("fail", None)
    assert "J. Doe, ward 7 accepted it until 2027-01-31, which is over" in over.evidence
    shut = run("password-auth", settings, config(passwordauthentication="no"))
    assert (shut.status, shut.accepted) == ("pass", None)
    unread = run("password-auth", settings, Seen())
    assert (unread.status, unread.accepted["status"]) == ("skipped", "unknown")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('[checks]\nprofile = "strict"\n', "checks.profile: there is no profile 'strict'"),
        ('[checks]\noff = ["nothing"]\n', "checks.off: there is no check 'nothing'"),
        ("[checks.values]\nnothing = 1\n", "checks.values.nothing: there is no check 'nothing' (line 6)"),
        ('[checks.values]\nlogingracetime = 30\nmaxauthtries = "six"\n',
         "checks.values.maxauthtries: a whole number (line 7)"),
        ("[checks.values]\nmaxstartups = 10\n", "checks.values.maxstartups: a text"),
        ("[checks.values]\nlogging = 5\n", "checks.values.logging: a list of words"),
        ("[checks.values]\nmaxstartups = 10\n", "checks.values.maxstartups: a text"),
        ("[checks.values]\nmaxstartups = '10:x'\n", "checks.values.maxstartups: three numbers by colons, as 10:30:60"),
        ('[checks.values]\nforwarding-tcp = "h:1\\nBanner x"\n', "checks.values.forwarding-tcp: one line"),
        ('[checks.values]\ncipher-order = ["a\\nb"]\n', "checks.values.cipher-order: one line"),
        ("[checks.values]\nterrapin = 5\n", "checks.values.terrapin: this check has no value"),
        ('[checks.accepted.terrapin]\nowner = "x"\nreason = "y"\n', "checks.accepted.terrapin.until: missing (line 5)"),
        ('[checks.accepted.terrapin]\nreason = "y"\nuntil = 2027-01-31\n',
         "checks.accepted.terrapin.owner: missing (line 5)"),
        ('[checks.accepted.terrapin]\nowner = "x"\nreason = " "\nuntil = 2027-01-31\n',
         "checks.accepted.terrapin.reason: it has to say something (line 7)"),
        ('[checks.accepted.terrapin]\nowner = "x"\nreason = "y"\nuntil = "soon"\n', "checks.accepted.terrapin.until"),
        ('[checks.accepted.gone]\nowner = "x"\nreason = "y"\nuntil = 2027-01-31\n',
         "checks.accepted.gone: there is no check 'gone' (line 5)"),
        ("[checks]\nvalue = 3\n", "checks.value: no such key (did you mean values?) (line 6)"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_site_file_is_an_error_with_its_line(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(SiteError) as error:
        loaded(tmp_path, text)
    assert wrong in error.value.title and "(line " in error.value.title
    assert str(tmp_path / "lab.toml") in error.value.title


def test_the_values_of_accepted_are_dates() -> None:
    accepted = Accepted(owner="x", reason="y", until=datetime.date(2027, 1, 31))
    assert accepted.until > TODAY


def test_a_login_by_password_is_judged_by_the_values_of_the_site_and_by_checks_that_are_off_too() -> None:
    """What nobody looks at is no guard; a site that asks for longer passwords is held to it."""
    lock = {"control": "required", "module": "pam_faillock.so", "args": ["preauth", "authfail", "deny=3"]}
    quality = {"type": "password", "control": "required", "module": "pam_pwquality.so", "args": []}
    right = {"minlen": "14", "minclass": "4", "maxrepeat": "3", "maxsequence": "3", "difok": "2"}
    passwords = {
        "pam": {"sshd": [{**lock, "type": kind} for kind in ("auth", "account")], "passwd": [quality]},
        "pwquality": {**right, "enforce_for_root": "1"},
        "faillock": {"unlock_time": "900"},
        "encrypt_method": "YESCRYPT",
        "hash": "y",
    }
    seen = config(passwordauthentication="yes", kbdinteractiveauthentication="no", persourcepenalties="authfail:5")
    local = {"password": {"used": False}}
    guards = {"processes": [], "idle": [], "unknown_jails": False, "rate_rule": ""}
    seen = Seen(host={**seen.host, "passwords": passwords, "guards": guards}, local=local)
    assert run("password-auth", Checks(), seen).status == "warn"
    stricter: list[dict[str, Any]] = [{"pw-length": 20}, {"faillock": 2}]
    for values in stricter:
        for off in ([], list(values)):
            found = run("password-auth", Checks(values=values, off=off), seen)
            assert found.status == "fail" and found.evidence.endswith(f"not in order: {', '.join(values)}")
    shorter = Seen(
        host={**seen.host, "passwords": {**passwords, "pwquality": {**right, "minlen": "12", "enforce_for_root": "1"}}},
        local=local,
    )
    assert run("password-auth", Checks(), shorter).status == "fail"
    assert run("password-auth", Checks(values={"pw-length": 12}), shorter).status == "warn"
