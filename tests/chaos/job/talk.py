"""The job that is listened to: STEPS times lines of several alphabets and three metrics, PAUSE seconds apart."""

import json
import os
import sys
import time
import urllib.request

BASE = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/log-batch"
RUN = os.environ["MLFLOW_RUN_ID"]
LINES = int(os.environ.get("LINES", "40"))


def log(step: int) -> None:
    stamp = 1700000000000 + step
    metrics = [{"key": key, "value": step / 7, "step": step, "timestamp": stamp} for key in ("loss", "acc", "lr")]
    body = json.dumps({"run_id": RUN, "metrics": metrics}).encode()
    request = urllib.request.Request(BASE, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        answer.read()


steps, pause = int(sys.argv[1]), float(sys.argv[2])
for step in range(steps):
    log(step)
    print("\n".join(f"step {step} line {line} ä€😀 {'=' * (line % 60)}" for line in range(LINES)), flush=True)
    time.sleep(pause)
