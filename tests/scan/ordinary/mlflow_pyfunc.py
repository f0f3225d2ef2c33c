"""A model of our own with MLflow's pyfunc."""

import mlflow
import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.models import infer_signature


class Score(mlflow.pyfunc.PythonModel):
    """A weighted sum as the ward uses it."""

    def __init__(self, weights):
        self.weights = weights

    def predict(self, context, model_input, params=None):
        return model_input[list(self.weights)].mul(pd.Series(self.weights)).sum(axis=1)


frame = pd.read_csv("records.csv")
y = frame["outcome"]
weights = {name: float(np.corrcoef(frame[name], y)[0, 1]) for name in frame.columns if name != "outcome"}
model = Score(weights)
scores = model.predict(None, frame)
with mlflow.start_run():
    mlflow.log_params({f"w_{name}": round(value, 4) for name, value in weights.items()})
    mlflow.log_metric("correlation", float(np.corrcoef(scores, y)[0, 1]))
    mlflow.pyfunc.log_model(name="score", python_model=model, signature=infer_signature(frame, scores))
