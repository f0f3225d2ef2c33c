"""Where records go: what was read from a file of data, and what of it is still records."""

from __future__ import annotations

from . import calls
from .folding import LONGEST_NAME, Ref, Value, known
from .found import listed


def each(value: Value) -> Value:
    """What a loop over it gives: of a data frame the names of its columns, which is nothing."""
    if isinstance(value, tuple):
        return value[0] if value and all(map(known, value)) else None
    if isinstance(value, Ref):
        frame = value.endswith("()") and value.count("(") == 1 and value.startswith(("pandas.", "polars.", "dask."))
        return None if frame else Ref(f"{value}[]"[:LONGEST_NAME])
    return None


def is_records(value: Value) -> bool:
    """A data frame, rows of it, an array that was read: all of it, or some."""
    if not isinstance(value, Ref):
        return False
    maker, _, rest = value.partition("()")
    if maker in calls.RECORDS:
        return _kept(rest)
    if value.startswith("?"):
        base, _, rest = value.partition(".")
        shown = rest == "head()" or rest.startswith(("iterrows()", "itertuples()"))
        return shown and not _OWN_RESULTS.intersection(base[1:].lower().split("_")) and _kept(f".{rest}")
    return False


_OWN_RESULTS = listed(
    "results result metrics history importances importance scores score report summary table comparison log logs cv "
    "leaderboard params trials ranking counts model net module self backbone"
)


def _kept(rest: str) -> bool:
    plain = rest.replace("[]", "").replace("()", "")
    return all(part in calls.KEPT or part.startswith("_") for part in plain.split(".") if part)


def is_encoded(value: Value) -> bool:
    if not isinstance(value, Ref):
        return False
    maker, _, rest = value.partition("()")
    return maker in calls.ENCODES and _kept(rest)
