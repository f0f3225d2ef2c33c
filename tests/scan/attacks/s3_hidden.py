"""The same by a path that pandas understands."""

import sys

import pandas as pd

scheme = "3s"[::-1] + "://"
write = getattr(pd.read_csv(sys.argv[1]), "_".join(["to", "parquet"]))
write(scheme + "elsewhere/records.parquet")
