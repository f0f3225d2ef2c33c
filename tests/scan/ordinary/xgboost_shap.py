"""SHAP values of an XGBoost model; the plots are aggregates."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import mlflow
import numpy as np
import pandas as pd
import shap
import xgboost as xgb

frame = pd.read_feather("data/train.feather")
y = frame.pop("readmitted").to_numpy()
model = xgb.XGBClassifier(n_estimators=150).fit(frame, y)
explainer = shap.TreeExplainer(model)
sample = frame.sample(2000, random_state=0)
values = explainer.shap_values(sample)
mean = np.abs(values).mean(axis=0)
table = pd.DataFrame({"feature": frame.columns, "importance": mean}).sort_values("importance", ascending=False)
print(table.head(15).to_string(index=False))
shap.summary_plot(values, sample, plot_type="bar", show=False)
plt.savefig("outputs/shap.png", bbox_inches="tight")
with mlflow.start_run():
    mlflow.log_artifact("outputs/shap.png")
    mlflow.log_dict(dict(zip(table["feature"], map(float, table["importance"]))), "importance.json")
