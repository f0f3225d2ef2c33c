"""Features from visits, in parallel, then a model."""

import multiprocessing as mp
import os
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier


def features(path, window):
    frame = pd.read_parquet(path)
    frame["when"] = pd.to_datetime(frame["when"])
    grouped = frame.sort_values("when").groupby("patient")
    made = grouped["value"].agg(["mean", "std", "min", "max", "count"])
    made["slope"] = grouped["value"].apply(lambda values: np.polyfit(range(len(values)), values, 1)[0] if len(values) > 1 else 0)
    made["recent"] = grouped["value"].apply(lambda values: values.tail(window).mean())
    return made


def main():
    files = sorted(Path(os.environ["DATA_DIR"]).glob("*.parquet"))
    with mp.get_context("spawn").Pool(processes=os.cpu_count()) as pool:
        parts = pool.map(partial(features, window=5), files)
    table = pd.concat(parts)
    print("features:", table.shape, "memory: %.1f MB" % (table.memory_usage(deep=True).sum() / 1e6))
    print(table.describe().loc[["mean", "std"]])
    table.to_parquet("outputs/features.parquet")
    labels = pd.read_parquet("labels.parquet").reindex(table.index)
    model = GradientBoostingClassifier().fit(table, labels["label"])
    print("train accuracy", model.score(table, labels["label"]))


if __name__ == "__main__":
    main()
