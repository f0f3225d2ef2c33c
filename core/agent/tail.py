"""Reads on in a file that others write."""

from __future__ import annotations


class Tail:
    def __init__(self, path: str, offset: int = 0) -> None:
        self.path = path
        self.offset = offset

    def read(self, limit: int = 1 << 20) -> bytes:
        """What has come since, `limit` bytes at most; b"" where the file is not there (yet)."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                data = file.read(limit)
        except FileNotFoundError:
            return b""
        self.offset += len(data)
        return data

    def lines(self) -> list[bytes]:
        """Complete lines only; half a line is read again."""
        data = self.read()
        whole = data.rfind(b"\n") + 1
        self.offset -= len(data) - whole
        return data[:whole].split(b"\n")[:-1]
