"""Optuna over LightGBM; the study is a SQLite file among the outputs."""

import lightgbm as lgb
import numpy as np
import optuna
from sklearn.datasets import load_diabetes
from sklearn.model_selection import cross_val_score

X, y = load_diabetes(return_X_y=True)


def objective(trial):
    params = {
        "num_leaves": trial.suggest_int("num_leaves", 4, 128, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 1e-3, 0.3, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 5, 50),
        "verbosity": -1,
    }
    score = cross_val_score(lgb.LGBMRegressor(**params), X, y, scoring="neg_root_mean_squared_error", cv=5)
    return -np.mean(score)


study = optuna.create_study(storage="sqlite:///outputs/study.db", study_name="lgbm", direction="minimize", load_if_exists=True)
study.optimize(objective, n_trials=40, n_jobs=2, show_progress_bar=False)
print("best:", study.best_value, study.best_params)
print(study.trials_dataframe().sort_values("value").head(5))
