"""The job that is listened to: STEPS times lines of several alphabets and three metrics, PAUSE seconds apart."""

import json
import os
import sys
import time
import urllib.request

LINES = 40  # a step, where the variable LINES says nothing else
KEYS = ("loss", "acc", "lr")


def text(step: int, lines: int = LINES) -> str:
    return "\n".join(f"step {step} line {line} ä€😀 {'=' * (line % 60)}" for line in range(lines)) + "\n"


def log(step: int) -> None:
    stamp = 1700000000000 + step
    metrics = [{"key": key, "value": step / 7, "step": step, "timestamp": stamp} for key in KEYS]
    body = json.dumps({"run_id": os.environ["MLFLOW_RUN_ID"], "metrics": metrics}).encode()
    address = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/log-batch"
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        answer.read()


def logged(step: int, tries: int) -> None:
    """As MLflow's client does it, which sends a request again whose answer did not come."""
    for left in reversed(range(tries)):
        try:
            log(step)
            return
        except OSError:
            if not left:
                raise
            time.sleep(0.1)


def main() -> None:
    steps, pause = int(sys.argv[1]), float(sys.argv[2])
    lines, tries = int(os.environ.get("LINES", LINES)), int(os.environ.get("TRIES", 1))
    for step in range(steps):
        logged(step, tries)
        print(text(step, lines), end="", flush=True)
        time.sleep(pause)


if __name__ == "__main__":
    main()
