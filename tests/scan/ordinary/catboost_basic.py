"""CatBoost with categorical columns and snapshots."""

import pandas as pd
from catboost import CatBoostClassifier, Pool

train = pd.read_csv("data/train.tsv", sep="\t")
categorical = [name for name in train.columns if train[name].dtype == object]
pool = Pool(train.drop(columns="y"), train["y"], cat_features=categorical)
model = CatBoostClassifier(iterations=500, depth=6, verbose=100, train_dir="outputs/catboost", allow_writing_files=True)
model.fit(pool, eval_set=pool, snapshot_file="snapshot.cb", save_snapshot=True)
print(model.get_best_score())
model.save_model("outputs/model.cbm")
