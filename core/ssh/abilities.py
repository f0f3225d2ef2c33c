"""What our SSH library can do, as the links use it. Imports paramiko, so it is imported by functions only."""

from __future__ import annotations

from .transport import WEAK, Transport


def algorithms() -> dict[str, tuple[str, ...]]:
    """kex, ciphers and macs that we offer."""
    kinds = {"kex": "_preferred_kex", "ciphers": "_preferred_ciphers", "macs": "_preferred_macs"}
    offered = {kind: getattr(Transport, name) for kind, name in kinds.items()}
    return {kind: tuple(name for name in names if name not in WEAK.get(kind, ())) for kind, names in offered.items()}
