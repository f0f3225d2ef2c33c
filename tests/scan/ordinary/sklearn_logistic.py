"""Logistic regression on a table, logged with MLflow."""

import argparse

import mlflow
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--C", type=float, default=1.0)
args = parser.parse_args()

df = pd.read_csv(args.data)
print(f"{len(df)} rows, {df.shape[1]} columns, label share {df['label'].mean():.3f}")
X, y = df.drop(columns=["label"]), df["label"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)

with mlflow.start_run():
    model = LogisticRegression(C=args.C, max_iter=1000).fit(X_train, y_train)
    scores = model.predict_proba(X_test)[:, 1]
    mlflow.log_params({"C": args.C, "rows": len(df)})
    mlflow.log_metrics({"accuracy": accuracy_score(y_test, scores > 0.5), "auc": roc_auc_score(y_test, scores)})
    mlflow.sklearn.log_model(model, name="model", signature=mlflow.models.infer_signature(X_test, scores))
print("done")
