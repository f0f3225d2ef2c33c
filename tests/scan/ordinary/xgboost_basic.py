"""XGBoost with early stopping."""

import argparse
import json

import pandas as pd
import xgboost as xgb
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--train", required=True)
parser.add_argument("--rounds", type=int, default=500)
parser.add_argument("--eta", type=float, default=0.05)
args = parser.parse_args()

frame = pd.read_csv(args.train)
X, y = frame.drop(columns="target"), frame["target"]
X_train, X_valid, y_train, y_valid = train_test_split(X, y, stratify=y, random_state=17)
train, valid = xgb.DMatrix(X_train, y_train), xgb.DMatrix(X_valid, y_valid)
history = {}
booster = xgb.train(
    {"objective": "binary:logistic", "eval_metric": "auc", "eta": args.eta, "tree_method": "hist"},
    train, num_boost_round=args.rounds, evals=[(train, "train"), (valid, "valid")],
    early_stopping_rounds=25, evals_result=history, verbose_eval=25,
)
print("best iteration", booster.best_iteration, "auc", roc_auc_score(y_valid, booster.predict(valid)))
booster.save_model("outputs/model.json")
with open("outputs/history.json", "w") as file:
    json.dump(history, file)
