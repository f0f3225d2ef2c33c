"""The scoring script of a deployment, as Azure ML has it."""

import json
import logging
import os

import joblib
import numpy as np

model = None


def init():
    global model
    model = joblib.load(os.path.join(os.getenv("AZUREML_MODEL_DIR", "model"), "model.joblib"))
    logging.info("model loaded: %s", type(model).__name__)


def run(raw_data):
    rows = np.array(json.loads(raw_data)["data"])
    logging.info("%d rows asked for", len(rows))
    return model.predict(rows).tolist()
