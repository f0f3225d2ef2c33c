"""Caches features in the job's own folder."""

from pathlib import Path

import numpy as np
from joblib import Memory, Parallel, delayed
from scipy import signal

memory = Memory("outputs/cache", verbose=0)


@memory.cache
def spectrum(path):
    samples = np.fromfile(path, dtype=np.int16).astype(float)
    frequencies, power = signal.welch(samples, fs=500, nperseg=1024)
    return power[(frequencies > 0.5) & (frequencies < 40)]


paths = sorted(Path("/data/ecg").glob("*.bin"))
spectra = np.stack(Parallel(n_jobs=-1, prefer="processes")(delayed(spectrum)(path) for path in paths))
print("spectra:", spectra.shape, "finite:", bool(np.isfinite(spectra).all()))
np.save("outputs/mean_spectrum.npy", spectra.mean(0))
