"""One SSH connection: reached (directly, over jump hosts or a ProxyCommand), recognised, entered.

Blocks, so it runs in a thread. Imports paramiko, so it is imported by functions only.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from paramiko import Channel
from paramiko.ssh_exception import ChannelException, SSHException

from ..errors import ConnectError, LinkLost
from .answers import Answers
from .dial import Dial, Opening, dialler, forwarder
from .handshake import recognise
from .hostkeys import HostKey, known_name
from .hosts import Host
from .login import login, login_jump
from .pipe import PacketPipe
from .transport import Transport
from .way import Hop

CHANNEL_TIMEOUT_S = 30.0
JumpKey = tuple[str, HostKey, str]  # its name in known_hosts, its key, by what it is trusted


class Command:
    """The streams of a command on the server.

    paramiko answers for the window from within `recv`, and raises there what it likes when the
    connection ends: that is the end of the stream.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.settimeout = channel.settimeout
        self.shutdown_write = channel.shutdown_write
        self.exit_status_ready = channel.exit_status_ready
        self.recv_exit_status = channel.recv_exit_status
        self.close = channel.close

    def recv(self, nbytes: int) -> bytes:
        """Raises TimeoutError; b"" is the end."""
        try:
            return bytes(self._channel.recv(nbytes))
        except TimeoutError:
            raise
        except (EOFError, OSError, SSHException):
            return b""

    def recv_stderr(self, nbytes: int) -> bytes:
        """Raises TimeoutError; b"" is the end."""
        try:
            return bytes(self._channel.recv_stderr(nbytes))
        except TimeoutError:
            raise
        except (EOFError, OSError, SSHException):
            return b""

    def sendall(self, data: bytes) -> None:
        """Raises OSError."""
        try:
            self._channel.sendall(data)
        except (EOFError, SSHException) as error:
            raise ConnectionError(str(error)) from None


class Session:
    """A login on the last server of the way."""

    def __init__(
        self,
        host: Host,
        transport: Transport,
        key: HostKey,
        trusted_by: str,
        jump_keys: Sequence[JumpKey],
        opening: Opening,
        entered_by: str = "key",
    ) -> None:
        """`entered_by`: "key", "password", or "none" where the server lets anybody in."""
        self.entered_by = entered_by
        self.host = host
        self.key = key
        self.trusted_by = trusted_by
        self.jump_keys = jump_keys
        self._transport = transport
        self._opening = opening

    @property
    def login_key(self) -> tuple[str, int] | None:
        """Type and bits of the key that let us in; None: something else did."""
        return self._transport.login_key

    @property
    def alive(self) -> bool:
        return bool(self._transport.is_active())

    def run(self, command: str) -> Command:
        """A command that was started. Raises LinkLost, ConnectError."""
        try:
            channel = self._transport.open_session(timeout=CHANNEL_TIMEOUT_S)
            channel.in_buffer = PacketPipe()  # type: ignore[assignment]  # nothing comes before the command
            channel.exec_command(command)
        except ChannelException as error:
            raise ConnectError(
                f"{self.host.hostname} opens no channel: {error.text}", hint="its MaxSessions may be used up"
            ) from None
        except (SSHException, EOFError, OSError) as error:
            if self.alive:
                raise ConnectError(
                    f"{self.host.hostname} starts no command: {error}", hint="the account may not be allowed to"
                ) from None
            raise LinkLost(f"the connection to {self.host.hostname} ended") from None
        return Command(channel)

    def close(self) -> None:
        self._opening.abort()


def open_session(way: Sequence[Hop], answers: Answers, opening: Opening) -> Session:
    """Through all hops but the last into the last. Raises ConnectError and its kin, ConfigError."""
    try:
        dial, jump_keys = through(way, answers, opening)
        transport, key, trusted_by = recognise(way[-1], dial, opening)
        entered_by = login(transport, way[-1].host, answers)
    except BaseException:
        opening.abort()
        raise
    transport.stay_alive()
    return Session(way[-1].host, transport, key, trusted_by, jump_keys, opening, entered_by)


def through(way: Sequence[Hop], answers: Answers, opening: Opening) -> tuple[Dial, list[JumpKey]]:
    """How to reach the last server, after a login on each before it."""
    dial = dialler(way[0].host, opening)
    keys: list[JumpKey] = []
    for hop, after in pairwise(way):
        transport, key, trusted_by = recognise(hop, dial, opening)
        login_jump(transport, hop.host, answers)
        transport.stay_alive()
        keys.append((known_name(hop.host), key, trusted_by))
        dial = forwarder(transport, hop.host, after.host)
    return dial, keys
