"""Permutation importance, written as a table and a plot."""

import json
import sys
import time

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import train_test_split

start = time.time()
config = json.load(open(sys.argv[1]))
print("configuration:", config)
frame = pd.read_csv(config["train"])
y = frame.pop(config["target"])
X_train, X_valid, y_train, y_valid = train_test_split(frame, y, random_state=config.get("seed", 0))
model = ExtraTreesRegressor(n_estimators=config["trees"], n_jobs=-1).fit(X_train, y_train)
found = permutation_importance(model, X_valid, y_valid, n_repeats=10, n_jobs=-1)
importances = pd.Series(found.importances_mean, index=frame.columns).sort_values(ascending=False)
print(importances.head(20))
importances.head(20).plot.barh()
plt.tight_layout()
plt.savefig("outputs/importance.svg")
importances.to_csv("outputs/importance.csv")
print(f"R2 {model.score(X_valid, y_valid):.4f} in {time.time() - start:.1f} s")
