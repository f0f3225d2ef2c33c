"""Grid search with cross-validation, all cores."""

import logging
import sys

import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
log = logging.getLogger(__name__)

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
log.info("shape %s", X.shape)
search = GridSearchCV(
    SVC(), {"C": [0.1, 1, 10], "gamma": ["scale", 0.01]}, cv=StratifiedKFold(5, shuffle=True, random_state=1), n_jobs=-1
)
search.fit(X, y)
log.info("best %s with %.4f", search.best_params_, search.best_score_)
results = pd.DataFrame(search.cv_results_)
print(results[["param_C", "param_gamma", "mean_test_score"]].to_string(index=False))
results.to_csv("outputs/search.csv", index=False)
