"""Isolation forest over sensor readings, in chunks."""

import glob
import gzip
import pickle

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest

model = IsolationForest(n_estimators=200, contamination=0.01, warm_start=True, random_state=0)
seen = 0
for path in sorted(glob.glob("/data/sensors/*.csv")):
    for chunk in pd.read_csv(path, chunksize=100_000):
        values = chunk[["temperature", "pressure", "vibration"]].to_numpy(dtype=np.float32)
        model.n_estimators += 10
        model.fit(values)
        seen += len(values)
    print(f"{path.rsplit('/', 1)[-1]}: {seen:,} rows so far")
with gzip.open("outputs/forest.pkl.gz", "wb") as file:
    pickle.dump(model, file)
