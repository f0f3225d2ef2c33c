"""What leaves in a report: everything that helps, and nothing that opens a door."""

from __future__ import annotations

import gc

import pytest

from core.errors import DataError
from core.site.secrets import Secret, hidden
from tui import report

KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
PEM = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n-----END OPENSSH PRIVATE KEY-----"

SECRET = [
    ("https://a.example/c?sv=2021&sig=c2VjcmV0%2Bd%3D&se=2026", "c2VjcmV0"),
    (f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={KEY};EndpointSuffix=x", "Eby8"),
    (f"the key {KEY} was refused", "Eby8"),
    ("SharedAccessSignature=sv%3D1", "sv%3D1"),
    ("{'Authorization': 'SharedKey account:c2lnbmF0dXJl='}", "c2lnbmF0dXJl"),
    ('"authorization": "Custom abc def"', "abc def"),
    ("Bearer eyJhbGciOi.J9.sig-na", "eyJhbGciOi"),
    ("SharedKeyLite account:c2lnbmF0dXJl=", "c2lnbmF0dXJl"),
    ('password="correct horse battery"', "horse"),
    ("{'password': 'correct horse'}", "horse"),
    ("passphrase: hunter2, then", "hunter2"),
    ("AZURE_CLIENT_SECRET=abc~def", "abc~def"),
    ("account_key='abc/def'", "abc/def"),
    ("MLFLOW_TRACKING_TOKEN=abcdef", "abcdef"),
    ("pip: https://me:hunter2@index.example/simple", "hunter2"),
    ("https://me:hun@ter2@index.example/simple", "ter2"),
    ("https://t0ken@index.example/simple", "t0ken"),
    ("redirected to https%3A%2F%2Fa%2Fc%3Fsig%3Dc2VjcmV0%26se", "c2VjcmV0"),
    ("the token was eyJhbGciOi.eyJzdWIi.c2ln", "eyJzdWIi"),
    ('password="with \\" battery"', "battery"),
    ("password: 'cut off here", "off"),
    ("pass\x1b[1mword=hunter2", "hunter2"),
    (f"could not read {PEM} of", "b3BlbnNz"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow, cut off", "MIIEow"),
]
PLAIN = [
    "ssh -o PasswordAuthentication=no -o KbdInteractiveAuthentication=no host",
    "The server asks for a password\nA key is safer.",
    "code: secret",
    "fingerprint: SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8",
    "sha256 9f2c4be1a07d5c3388e6f10b7a94d2615cc0f7e3b8a1d94427563e0fb18c2a6d",
    "trainshed run demo/train.yml --set inputs.learning_rate=0.01",
    "http://127.0.0.1:5000/api/2.0/mlflow/runs/log",
    "ssh://azureuser@203.0.113.10:22",
]


@pytest.mark.parametrize(("text", "secret"), SECRET)
def test_what_is_shaped_like_a_secret_is_taken_out(text: str, secret: str) -> None:
    assert secret in text and secret not in report.redacted(text)
    assert "***" in report.redacted(text)


def test_a_report_steers_no_terminal_it_is_read_in() -> None:
    hostile = "a\x1b]0;x\x07b\x9b2Jc\x1b[31md"
    try:
        raise ValueError(hostile)
    except ValueError as error:
        crash = report.of_crash(error, "watch")
    told = report.of_error(DataError(hostile, hint=hostile, seen=hostile), "data", f"cmd {hostile}", [hostile])
    assert crash.endswith("ValueError: abcd\n") and told.count("abcd") == 5
    assert all(line.isprintable() for line in (crash + told).split("\n"))


@pytest.mark.parametrize("text", PLAIN)
def test_what_only_speaks_of_secrets_stays(text: str) -> None:
    assert report.redacted(text) == text


def test_a_secret_in_use_is_in_no_text_whatever_its_shape() -> None:
    secret, short = Secret("Tr0ub4dor & three"), Secret("at")
    error = report.clean(DataError("it said Tr0ub4dor & three", hint="at Tr0ub4dor & three", seen="Tr0ub4dor & three"))
    assert (error.title, error.hint, error.facts["seen"]) == ("it said ***", "at ***", "***")
    assert hidden(secret.reveal()) == report.redacted(secret.reveal()) == "***"
    odd = Secret("a/b'c\"\n+d")
    for text in (f"{odd.reveal()!r}", "https://h/a%2Fb%27c%22%0A%2Bd", "https://h/a/b%27c%22%0A%2Bd"):
        assert hidden(text).strip("'") in ("***", "https://h/***")
    del secret, short
    gc.collect()
    assert hidden("Tr0ub4dor & three") == "Tr0ub4dor & three", "nothing is kept of it"
