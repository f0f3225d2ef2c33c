"""MLflow with a tracking address from the environment, retried work and a progress bar."""

import functools
import os
import random
import time

import mlflow
from tqdm.auto import tqdm

mlflow.set_tracking_uri(os.environ.get("MLFLOW_TRACKING_URI", "file:./mlruns"))
mlflow.enable_system_metrics_logging()


def retried(times):
    def around(function):
        @functools.wraps(function)
        def inner(*args, **kwargs):
            for attempt in range(times):
                try:
                    return function(*args, **kwargs)
                except RuntimeError as error:
                    print(f"attempt {attempt}: {error}")
                    time.sleep(0.1 * 2**attempt)
            raise RuntimeError("gave up")
        return inner
    return around


@retried(3)
def step(number):
    if random.random() < 0.01:
        raise RuntimeError(f"step {number} did not converge")
    return 1 / (number + 1)


with mlflow.start_run():
    for number in tqdm(range(200), desc="steps", mininterval=5):
        mlflow.log_metric("loss", step(number), step=number)
