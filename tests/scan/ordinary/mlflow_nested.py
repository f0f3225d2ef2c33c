"""Nested runs with parameters, tags and figures."""

import itertools
import os
import subprocess

import mlflow
import numpy as np
import pandas as pd
from sklearn.model_selection import cross_validate
from sklearn.neighbors import KNeighborsClassifier

print("tracking at", mlflow.get_tracking_uri())
commit = subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip() if os.path.isdir(".git") else "none"
frame = pd.read_csv(os.environ["RECORDS"])
X, y = frame.filter(like="f_"), frame["label"]
with mlflow.start_run(run_name="grid") as parent:
    mlflow.set_tags({"commit": commit, "rows": str(len(frame))})
    best = (-np.inf, None)
    for k, weights in itertools.product((3, 5, 9, 15), ("uniform", "distance")):
        with mlflow.start_run(run_name=f"k={k} {weights}", nested=True):
            mlflow.log_params({"k": k, "weights": weights})
            scores = cross_validate(KNeighborsClassifier(k, weights=weights), X, y, cv=5, scoring=("accuracy", "f1_macro"))
            mean = {name: float(np.mean(values)) for name, values in scores.items() if name.startswith("test_")}
            mlflow.log_metrics(mean)
            best = max(best, (mean["test_accuracy"], k))
    mlflow.log_metric("best_accuracy", best[0])
print("best", best)
