"""A pipeline with a column transformer, saved by joblib."""

import json
import os
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

DATA = os.environ.get("AZUREML_INPUT_DATA", "data/train.csv")
OUT = Path(os.getenv("AZUREML_OUTPUT_MODEL", "outputs"))


def build(numeric, categorical):
    prepare = ColumnTransformer([
        ("num", Pipeline([("impute", SimpleImputer(strategy="median")), ("scale", StandardScaler())]), numeric),
        ("cat", OneHotEncoder(handle_unknown="ignore"), categorical),
    ])
    return Pipeline([("prepare", prepare), ("forest", RandomForestClassifier(n_estimators=300, n_jobs=-1))])


def main():
    np.random.seed(7)
    frame = pd.read_csv(DATA)
    target = frame.pop("outcome")
    numeric = frame.select_dtypes("number").columns.tolist()
    categorical = [name for name in frame.columns if name not in numeric]
    print("numeric:", len(numeric), "categorical:", len(categorical))
    model = build(numeric, categorical)
    model.fit(frame, target)
    OUT.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, OUT / "model.joblib")
    (OUT / "metrics.json").write_text(json.dumps({"train_score": model.score(frame, target)}))


if __name__ == "__main__":
    main()
