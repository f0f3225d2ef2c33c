"""Ray on this machine alone."""

import ray

ray.init(num_cpus=4, include_dashboard=False, ignore_reinit_error=True)


@ray.remote
def fit(seed):
    import numpy as np
    from sklearn.linear_model import Lasso

    rng = np.random.default_rng(seed)
    X = rng.normal(size=(500, 20))
    return Lasso(0.1).fit(X, X[:, 0] + rng.normal(size=500)).coef_


coefficients = ray.get([fit.remote(seed) for seed in range(16)])
print("first coefficient: %.3f" % (sum(c[0] for c in coefficients) / len(coefficients)))
ray.shutdown()
