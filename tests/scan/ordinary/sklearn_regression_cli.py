"""Ridge regression as a small command line."""

import click
import joblib
import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_absolute_error, r2_score


@click.group()
def cli():
    pass


@cli.command()
@click.argument("data", type=click.Path(exists=True))
@click.option("--target", default="length_of_stay")
@click.option("--model", default="outputs/ridge.joblib")
def fit(data, target, model):
    frame = pd.read_csv(data)
    X, y = frame.drop(columns=target), frame[target]
    ridge = RidgeCV(alphas=np.logspace(-3, 3, 13)).fit(X, y)
    click.echo(f"alpha {ridge.alpha_:g}, R2 {ridge.score(X, y):.3f}")
    joblib.dump({"model": ridge, "columns": list(X.columns)}, model)


@cli.command()
@click.argument("data", type=click.Path(exists=True))
@click.option("--model", default="outputs/ridge.joblib")
@click.option("--target", default="length_of_stay")
def evaluate(data, model, target):
    stored = joblib.load(model)
    frame = pd.read_csv(data)
    predicted = stored["model"].predict(frame[stored["columns"]])
    click.echo(f"MAE {mean_absolute_error(frame[target], predicted):.3f} R2 {r2_score(frame[target], predicted):.3f}")


if __name__ == "__main__":
    cli()
