"""Bootstrap confidence intervals."""

import argparse
import logging
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sklearn.metrics import roc_auc_score

logging.basicConfig(format="%(levelname)s:%(message)s", level=logging.DEBUG)
parser = argparse.ArgumentParser()
parser.add_argument("predictions")
parser.add_argument("--times", type=int, default=1000)
args = parser.parse_args()
stored = np.load(args.predictions)
y, p = stored["y"], stored["p"]


def once(seed):
    index = np.random.default_rng(seed).integers(0, len(y), len(y))
    return roc_auc_score(y[index], p[index])


with ThreadPoolExecutor() as pool:
    values = np.fromiter(pool.map(once, range(args.times)), dtype=float)
low, high = np.percentile(values, [2.5, 97.5])
logging.info("AUC %.4f (%.4f to %.4f)", roc_auc_score(y, p), low, high)
