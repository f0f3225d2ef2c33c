"""Clusters of patients; only sizes and centres are told."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import scale

frame = pd.read_csv("/data/records/labs.csv", usecols=lambda name: name.startswith("lab_"))
X = scale(frame.fillna(frame.median()))
inertia = {}
for k in range(2, 9):
    model = KMeans(n_clusters=k, n_init="auto", random_state=0).fit(X)
    inertia[k] = model.inertia_
    print(f"k={k} silhouette={silhouette_score(X, model.labels_, sample_size=2000):.3f}")
plt.plot(list(inertia), list(inertia.values()), marker="o")
plt.xlabel("clusters")
plt.savefig("outputs/elbow.png", dpi=120)
best = KMeans(n_clusters=4, n_init="auto", random_state=0).fit(X)
print("sizes:", np.bincount(best.labels_).tolist())
np.save("outputs/centres.npy", best.cluster_centers_)
