"""XGBoost on a GPU where there is one."""

import subprocess

import numpy as np
import xgboost as xgb
from sklearn.datasets import make_classification


def has_gpu():
    try:
        done = subprocess.run(["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    print("GPU:", done.stdout.strip())
    return True


device = "cuda" if has_gpu() else "cpu"
X, y = make_classification(200_000, 50, n_informative=20, random_state=0)
model = xgb.XGBClassifier(device=device, n_estimators=200, tree_method="hist", eval_metric="logloss")
model.fit(X[:150_000], y[:150_000], eval_set=[(X[150_000:], y[150_000:])], verbose=50)
print(device, "accuracy", np.mean(model.predict(X[150_000:]) == y[150_000:]))
model.save_model("outputs/gpu.json")
