"""LightGBM with a validation set."""

import argparse
import os

import lightgbm as lgb
import pandas as pd
from sklearn.metrics import mean_squared_error

parser = argparse.ArgumentParser()
parser.add_argument("--train")
parser.add_argument("--test")
parser.add_argument("--num-leaves", type=int, default=31)
parser.add_argument("--output", default="outputs")
args = parser.parse_args()

train, test = pd.read_csv(args.train), pd.read_csv(args.test)
features = [name for name in train.columns if name not in ("id", "y")]
print(train.dtypes.value_counts())
training = lgb.Dataset(train[features], train["y"])
validation = lgb.Dataset(test[features], test["y"], reference=training)
model = lgb.train(
    {"objective": "regression", "num_leaves": args.num_leaves, "learning_rate": 0.05, "verbosity": -1},
    training, num_boost_round=1000, valid_sets=[validation],
    callbacks=[lgb.early_stopping(50), lgb.log_evaluation(100)],
)
error = mean_squared_error(test["y"], model.predict(test[features]))
print(f"MSE={error:.5f} best_iteration={model.best_iteration}")
os.makedirs(args.output, exist_ok=True)
model.save_model(os.path.join(args.output, "model.txt"))
