"""Trains a linear classifier over epochs and logs with plain MLflow, as it would anywhere else."""

import argparse
import time

import mlflow
import pandas as pd
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import classification_report, log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

TARGET = "malignant"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", required=True)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--learning-rate", type=float, default=0.002)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between epochs, so that one can watch")
    args = parser.parse_args()

    records = pd.read_csv(args.records)
    validation = records.sample(frac=0.2, random_state=1)
    training = records.drop(validation.index)
    inputs, target = training.drop(columns=TARGET), training[TARGET]
    unseen, truth = validation.drop(columns=TARGET), validation[TARGET]
    print(f"{len(training)} records to train on, {len(validation)} to validate with")

    scaler = StandardScaler().fit(inputs)
    classifier = SGDClassifier(
        loss="log_loss", alpha=1e-3, learning_rate="constant", eta0=args.learning_rate, random_state=1
    )
    model = make_pipeline(scaler, classifier)
    with mlflow.start_run():
        mlflow.log_params({"epochs": args.epochs, "learning_rate": args.learning_rate, "records": len(training)})
        for epoch in range(args.epochs):
            classifier.partial_fit(scaler.transform(inputs), target, classes=[0, 1])
            loss = log_loss(truth, model.predict_proba(unseen))
            accuracy = model.score(unseen, truth)
            mlflow.log_metrics({"loss": loss, "accuracy": accuracy}, step=epoch)
            print(f"epoch {epoch + 1:2d}/{args.epochs}  loss {loss:.4f}  accuracy {accuracy:.4f}")
            time.sleep(args.pause)
        mlflow.log_text(classification_report(truth, model.predict(unseen)), "report.txt")
        mlflow.sklearn.log_model(model, name="model", input_example=None)
        print("the model is logged")


if __name__ == "__main__":
    main()
