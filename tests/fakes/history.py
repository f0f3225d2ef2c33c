"""Earlier runs of the fake site: every state, two owners, metrics that differ, and the code of two of them."""

from __future__ import annotations

from core import events

from .script import NOON

ME, ANOTHER = "ana@ward-pc", "ben@lab-3"
NAMES = ("breast-cancer", "sweep lr", "autolog demo", "ward-7 nightly")
EXPERIMENTS = ("demo", "oncology")
STATES: tuple[events.RunState, ...] = ("completed", "failed", "running", "cancelled", "created", "lost", "completed")
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
DIFF = """--- a/train.py
+++ b/train.py
@@ -1,3 +1,4 @@
 import mlflow
-LR = 0.05
+LR = 0.1
+MOMENTUM = 0.9
 mlflow.autolog()
"""


def ulid(number: int) -> str:
    """Later ones sort later, all before the scripted run; the first 13 letters tell them apart."""
    text = ""
    for _ in range(6):
        number, letter = divmod(number, 32)
        text = ALPHABET[letter] + text
    return f"01JDEMA{text}5K9X3T6W1RBCD"


def earlier(count: int, vm: str) -> list[events.RunInfo]:
    """`count` runs, the latest first."""
    return [_info(number, vm) for number in reversed(range(count))]


def _info(number: int, vm: str) -> events.RunInfo:
    state = STATES[number % len(STATES)]
    begun = state != "created"
    created = NOON - 3600.0 * (number * 7 % 97 + 1)
    ended = created + 60.0 + number % 50 * 11 if state in events.TERMINAL else None
    return events.RunInfo(
        run=ulid(number),
        name=f"{NAMES[number % 4]} {number}",
        experiment=EXPERIMENTS[number % 2],
        state=state,
        created=created,
        ended=ended,
        exit_code={"completed": 0, "failed": 1}.get(state),
        reason={"failed": "exit code 1", "lost": "the VM was restarted while the run was running"}.get(state, ""),
        vm=vm,
        owner=ANOTHER if number % 3 == 1 else ME,
        ahead=None if begun else 2,
        peak_memory=(200 + number % 31) << 20 if ended else None,
        cpu_s=41.5 + number % 13 if ended else None,
        command=f"python train.py --lr {0.05 * (number % 3 + 1):.2f}",
        code_digest=f"{number % 2}7aa01c2" * 8,
        environment="5e1f" * 16,
        engine="docker" if number % 5 == 2 else "bwrap",
        data={"records": "9f2c4be1" * 8},
        params={"lr": f"{0.05 * (number % 3 + 1):.2f}", "epochs": "40"},
        metrics={"accuracy": round(0.9 + number % 83 / 1000, 4), "loss": 0.2 + number % 7 / 10} if begun else {},
        tags={"ward": "7"},
        log_bytes=4096 * number,
    )


def code(a: events.RunInfo, b: events.RunInfo) -> events.ComparedCode:
    if a.code_digest == b.code_digest:
        return events.ComparedCode(same=True)
    files = [
        events.ComparedFile(path="model.bin", change="changed", bytes_a=9000, bytes_b=9100, note="not a text"),
        events.ComparedFile(path="train.py", change="changed", bytes_a=812, bytes_b=840, diff=DIFF),
        events.ComparedFile(
            path="utils.py", change="added", bytes_a=None, bytes_b=21,
            diff="--- a/utils.py\n+++ b/utils.py\n@@ -0,0 +1 @@\n+print('\x1b[2Jhello')\n",
        ),
    ]  # fmt: skip
    return events.ComparedCode(same=False, files=files)
