"""Calibrated probabilities and a reliability diagram in MLflow."""

import mlflow
import mlflow.sklearn
import pandas as pd
from matplotlib import pyplot as plt
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import train_test_split

mlflow.sklearn.autolog(log_models=False)


def load(path):
    frame = pd.read_csv(path)
    frame = frame.dropna(subset=["label"])
    return frame.drop(columns=["label", "id"]), frame["label"].astype(int)


def train(path):
    X, y = load(path)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=3)
    model = CalibratedClassifierCV(RandomForestClassifier(200), method="isotonic", cv=5).fit(X_train, y_train)
    probability = model.predict_proba(X_test)[:, 1]
    mlflow.log_metric("brier", brier_score_loss(y_test, probability))
    display = CalibrationDisplay.from_predictions(y_test, probability, n_bins=10)
    mlflow.log_figure(display.figure_, "calibration.png")
    plt.close("all")
    return model


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("--records", required=True)
    with mlflow.start_run(run_name="calibration"):
        train(parser.parse_args().records)
