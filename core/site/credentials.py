"""Credentials by reference: `keyring:SERVICE/NAME`, `env:NAME` or `file:PATH` (0600, written by the user)."""

from __future__ import annotations

import os
import stat

from ..errors import SecretError
from .files import Site
from .secrets import Secret


def find(reference: str, site: Site) -> Secret:
    """Raises SecretError that names the reference, never its content. Blocks: a keyring may ask."""
    kind, _, rest = reference.partition(":")
    finder = {"keyring": _from_keyring, "env": _from_environment, "file": _from_file}.get(kind)
    if finder is None:
        raise SecretError(
            "a credential is given by reference: keyring:SERVICE/NAME, env:NAME or file:PATH", hint=f"in {site.path}"
        )
    return finder(rest, site)


def _from_environment(name: str, site: Site) -> Secret:
    value = os.environ.get(name, "")
    if not value.strip():
        raise SecretError(f"the environment variable {name} is not set", hint=f"{site.path} takes a credential from it")
    return Secret(value.strip())


def _from_file(path: str, site: Site) -> Secret:
    place = site.resolve(path)
    try:
        mode = place.stat().st_mode
        text = place.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise SecretError(f"the credential file {place} does not exist", hint=f"{site.path} names it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"the credential file {place} cannot be read ({type(error).__name__})") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SecretError(f"others can read the credential file {place}", hint=f"chmod 600 {place}")
    if not text:
        raise SecretError(f"the credential file {place} is empty")
    return Secret(text)


def _from_keyring(name: str, site: Site) -> Secret:
    service, _, user = name.rpartition("/")
    try:
        import keyring

        value = keyring.get_password(service, user)
    except Exception as error:  # back-ends raise what they like
        raise SecretError(
            f"the keyring cannot be used here ({type(error).__name__})",
            hint="without a desktop session use env:NAME or file:PATH",
        ) from None
    if not value:
        raise SecretError(
            f"the keyring holds nothing for {name}", hint=f"keyring set {service} {user} (named in {site.path})"
        )
    return Secret(value)
