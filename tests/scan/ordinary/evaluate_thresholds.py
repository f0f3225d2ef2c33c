"""Chooses a threshold and logs the curve."""

import json
from pathlib import Path

import joblib
import matplotlib
import mlflow
import numpy as np
import pandas as pd
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix, precision_recall_curve

matplotlib.use("agg")
import matplotlib.pyplot as plt

model = joblib.load("model/model.joblib")
test = pd.read_csv("data/test.csv")
y = test.pop("label")
scores = model.predict_proba(test)[:, 1]
precision, recall, thresholds = precision_recall_curve(y, scores)
f1 = 2 * precision * recall / np.clip(precision + recall, 1e-9, None)
best = float(thresholds[f1[:-1].argmax()])
matrix = confusion_matrix(y, scores > best)
print("threshold", best, "matrix", matrix.tolist())
ConfusionMatrixDisplay(matrix).plot()
plt.savefig("outputs/confusion.png")
pd.DataFrame(matrix).to_csv("outputs/confusion.csv")
with mlflow.start_run():
    mlflow.log_metric("threshold", best)
    mlflow.log_metric("f1", float(f1.max()))
    mlflow.log_artifact("outputs/confusion.png")
    mlflow.log_artifact("outputs/confusion.csv")
Path("outputs/threshold.json").write_text(json.dumps({"threshold": best}))
