"""Cross-validation by groups, out-of-fold predictions kept as an output."""

import warnings
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

warnings.filterwarnings("ignore", category=UserWarning)
OUT = Path("outputs")


def folds(frame):
    yield from GroupKFold(5).split(frame, frame["label"], groups=frame["hospital"])


def main():
    frame = pd.read_parquet("/data/cohort/cohort.parquet")
    columns = frame.columns.difference(["label", "hospital", "patient"])
    predicted = np.zeros(len(frame))
    for number, (train, valid) in enumerate(folds(frame)):
        model = lgb.LGBMClassifier(n_estimators=2000, learning_rate=0.03)
        model.fit(frame.iloc[train][columns], frame.iloc[train]["label"],
                  eval_set=[(frame.iloc[valid][columns], frame.iloc[valid]["label"])], callbacks=[lgb.early_stopping(100, verbose=False)])
        predicted[valid] = model.predict_proba(frame.iloc[valid][columns])[:, 1]
        print(f"fold {number}: {log_loss(frame.iloc[valid]['label'], predicted[valid]):.4f}")
        model.booster_.save_model(OUT / f"fold-{number}.txt")
    print("all:", log_loss(frame["label"], predicted))
    np.save(OUT / "oof.npy", predicted)


main()
