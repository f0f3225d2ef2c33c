"""Learning to rank with groups, custom callback."""

import os
import time

import numpy as np
import xgboost as xgb
from sklearn.datasets import load_svmlight_file


class Timer(xgb.callback.TrainingCallback):
    def before_training(self, model):
        self.start = time.monotonic()
        return model

    def after_iteration(self, model, epoch, evals_log):
        if epoch % 50 == 0:
            print(f"[{epoch}] {time.monotonic() - self.start:.1f}s {evals_log}", flush=True)
        return False


X, y, groups = load_svmlight_file(os.environ["TRAIN_FILE"], query_id=True)
order = np.argsort(groups, kind="stable")
train = xgb.DMatrix(X[order], y[order], qid=groups[order])
booster = xgb.train({"objective": "rank:ndcg", "eval_metric": "ndcg@10"}, train, 300, [(train, "train")], callbacks=[Timer()], verbose_eval=False)
booster.save_model(os.path.join("outputs", "ranker.ubj"))
