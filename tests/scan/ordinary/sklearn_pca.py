"""PCA, with the explained variance as a plot."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA

out = Path("outputs")
out.mkdir(exist_ok=True)
X = np.load("features.npy", mmap_mode="r")
print("shape:", X.shape, "mean:", X.mean(), "nan:", int(np.isnan(X).sum()))
pca = PCA(n_components=0.95, svd_solver="full").fit(X)
fig, ax = plt.subplots()
ax.bar(range(1, pca.n_components_ + 1), pca.explained_variance_ratio_)
ax.set(xlabel="component", ylabel="share")
fig.savefig(out / "variance.png")
np.savez_compressed(out / "pca.npz", components=pca.components_, mean=pca.mean_)
