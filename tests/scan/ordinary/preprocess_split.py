"""Splits a table into train, validation and test by patient."""

import argparse
import hashlib
from pathlib import Path

import pandas as pd


def bucket(identifier, salt="2026"):
    return int(hashlib.sha256(f"{salt}{identifier}".encode()).hexdigest(), 16) % 100


parser = argparse.ArgumentParser()
parser.add_argument("--records", type=Path)
parser.add_argument("--out", type=Path)
args = parser.parse_args()
frame = pd.read_csv(args.records)
part = frame["patient"].map(bucket)
args.out.mkdir(parents=True, exist_ok=True)
for name, low, high in (("train", 0, 80), ("valid", 80, 90), ("test", 90, 100)):
    chosen = frame[(part >= low) & (part < high)].drop(columns=["patient"])
    chosen.to_csv(args.out / f"{name}.csv", index=False)
    print(f"{name}: {len(chosen)} rows")
