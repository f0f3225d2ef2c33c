"""A survival model by pooled logistic regression."""

import logging
from pathlib import Path

import joblib
import lightgbm as lgb
import pandas as pd

logger = logging.getLogger("survival")
logging.basicConfig(level="INFO")


def expand(frame, periods=12):
    rows = frame.loc[frame.index.repeat(frame["duration"].clip(upper=periods))].copy()
    rows["period"] = rows.groupby(level=0).cumcount() + 1
    rows["event_now"] = ((rows["period"] == rows["duration"]) & rows["event"]).astype(int)
    return rows


def train(path: Path, out: Path) -> None:
    frame = pd.read_csv(path)
    rows = expand(frame)
    logger.info("%d people, %d rows, %d events", len(frame), len(rows), int(rows["event_now"].sum()))
    X = rows.drop(columns=["event_now", "duration", "event"])
    model = lgb.LGBMClassifier(n_estimators=300).fit(X, rows["event_now"])
    importances = pd.Series(model.feature_importances_, index=X.columns)
    logger.info("importance\n%s", importances.nlargest(10))
    joblib.dump(model, out / "survival.joblib", compress=3)


if __name__ == "__main__":
    train(Path("data/people.csv"), Path("outputs"))
