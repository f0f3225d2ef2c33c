"""Every error trainshed raises on purpose.

TrainshedError                  exit code
├── ConfigError                 2   something the user wrote or chose
│   ├── UsageError              2   a flag, a name or a path on the command line
│   ├── SiteError               2   the site file
│   ├── JobError                2   the job file or its code folder
│   │   ├── JobTaken            2   there is another file where a job file is to be kept
│   │   └── JobChanged          2   what would run is not what was looked at
│   ├── SecretError             2   a credential that cannot be found or read
│   └── MissingPart             2   a program that this step needs is not installed
├── ConnectError                3   the VM cannot be reached or trusted
│   ├── Unreachable             3   retryable: no route, refused, name not found
│   ├── ConnectTimeout          4   retryable
│   ├── LinkLost                3   retryable: the connection ended while in use
│   ├── HostKeyUnknown          3   never seen: somebody has to compare and say yes
│   ├── HostKeyChanged          3   not the key that was pinned or known
│   ├── AuthFailed              3   the account, key or password was refused
│   ├── PassphraseNeeded        3   the key is encrypted
│   └── PasswordNeeded          3   the server offers a password and nothing else worked
├── RemoteError                 1   the VM did not do what was asked
│   ├── AgentError              1   the agent cannot be placed, started or understood
│   ├── DataError               3   the container cannot be read from the VM; retryable
│   ├── FixError                1   a fix was refused by the VM, or put back
│   ├── RootNeeded              1   only root may do that, and sudo asks for a password
│   ├── BuildError              1   an environment cannot be built
│   ├── SandboxError            1   no sandbox can be had, so nothing foreign is run
│   ├── RunError                1   the run is in the wrong state, or another person's
│   │   └── RunUnknown          2   no run, or several, have that name; or it was deleted
│   └── ServiceError            1   a served model does not start or answer
├── WorkspaceError              1   the workspace refused, or cannot be opened
└── Interrupted                 130

A failing *check* is data (`events.CheckFinished`), never one of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class TrainshedError(Exception):
    """One clear message: what went wrong (`title`), what to do next (`hint`).

    `facts` holds values a front end may show or ask about, such as the two
    fingerprints of a changed host key. Neither it nor the texts hold a secret.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(self, title: str, *, hint: str = "", **facts: Any) -> None:
        super().__init__(title)
        self.title = title
        self.hint = hint
        self.facts: Mapping[str, Any] = facts


class ConfigError(TrainshedError):
    code = "config"
    exit_code = 2


class UsageError(ConfigError):
    code = "usage"


class SiteError(ConfigError):
    code = "site"


class JobError(ConfigError):
    code = "job"


class JobTaken(JobError):
    """`facts`: beside, a path that is free."""

    code = "job-taken"


class JobChanged(JobError):
    """`facts`: changed, a list of what differs, each as `WHAT: how`."""

    code = "job-changed"


class SecretError(ConfigError):
    code = "secret"


class MissingPart(ConfigError):
    code = "missing-part"


class ConnectError(TrainshedError):
    code = "connect"
    exit_code = 3


class Unreachable(ConnectError):
    code = "unreachable"
    retryable = True


class ConnectTimeout(ConnectError):
    code = "timeout"
    exit_code = 4
    retryable = True


class LinkLost(ConnectError):
    code = "link-lost"
    retryable = True


class HostKeyUnknown(ConnectError):
    """`facts`: host, port, key_type, fingerprint (`SHA256:…`), randomart."""

    code = "host-key-unknown"


class HostKeyChanged(ConnectError):
    """`facts`: host, port, seen and pinned (`SHA256:…` each), source (where the pinned one is)."""

    code = "host-key-changed"


class AuthFailed(ConnectError):
    """`facts`: user, allowed (the methods that the server offers)."""

    code = "auth-failed"


class PassphraseNeeded(ConnectError):
    """`facts`: path of the key."""

    code = "passphrase-needed"


class PasswordNeeded(ConnectError):
    """`facts`: user, host."""

    code = "password-needed"


class RemoteError(TrainshedError):
    code = "remote"


class AgentError(RemoteError):
    code = "agent"


class DataError(RemoteError):
    code = "data"
    exit_code = 3
    retryable = True


class FixError(RemoteError):
    code = "fix"


class RootNeeded(RemoteError):
    code = "root-needed"


class BuildError(RemoteError):
    code = "environment"


class SandboxError(RemoteError):
    code = "sandbox"


class RunError(RemoteError):
    code = "run"


class RunUnknown(RunError):
    code = "run-unknown"
    exit_code = 2


class ServiceError(RemoteError):
    code = "service"


class WorkspaceError(TrainshedError):
    code = "workspace"


class Interrupted(TrainshedError):
    code = "interrupted"
    exit_code = 130


def _tree(root: type[TrainshedError]) -> dict[str, type[TrainshedError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found.update(_tree(child))
    return found


_NAMED = ("self", "title", "hint")


def from_code(code: str, title: str, hint: str = "", facts: Mapping[str, Any] | None = None) -> TrainshedError:
    """The error that `code` names: what the agent answered, or what a journal recorded."""
    given = facts if isinstance(facts, Mapping) else {}  # the other end is not trusted to keep to the form
    more = {key: value for key, value in given.items() if isinstance(key, str) and key not in _NAMED}
    return _tree(TrainshedError).get(code, RemoteError)(title, hint=hint, **more)
