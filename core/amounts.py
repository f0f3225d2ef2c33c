"""Sizes and counts as people read them: the same in every message, on the screen and in errors."""

from __future__ import annotations


def size(count: float) -> str:
    """Bytes in decimal units, as disks and networks are sold: `4.1 kB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 999.5:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def memory(count: float) -> str:
    """Bytes of main memory, which is made and sold in binary units: `31.3 GiB`, `512 MiB`."""
    for unit in ("B", "KiB", "MiB"):
        if abs(count) < 1023.5:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def plural(count: int, thing: str) -> str:
    return f"{count:,} {thing}" + ("" if count == 1 else "s")
