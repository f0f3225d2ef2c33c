"""Randomised search over gradient boosting, with a report."""

import argparse
from pathlib import Path

import joblib
import pandas as pd
from scipy.stats import loguniform, randint
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import classification_report
from sklearn.model_selection import RandomizedSearchCV, train_test_split


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--iterations", type=int, default=30)
    parser.add_argument("--model-dir", type=Path, default=Path("./outputs/model"))
    return parser.parse_args()


args = parse()
frame = pd.read_parquet(args.data)
train, test = train_test_split(frame, test_size=0.25, random_state=42)
space = {"learning_rate": loguniform(1e-3, 0.3), "max_leaf_nodes": randint(8, 64), "l2_regularization": loguniform(1e-6, 1)}
search = RandomizedSearchCV(HistGradientBoostingClassifier(), space, n_iter=args.iterations, n_jobs=4, random_state=0, verbose=1)
search.fit(train.drop(columns="y"), train["y"])
predicted = search.predict(test.drop(columns="y"))
print(classification_report(test["y"], predicted))
args.model_dir.mkdir(parents=True, exist_ok=True)
joblib.dump(search.best_estimator_, args.model_dir / "model.pkl")
