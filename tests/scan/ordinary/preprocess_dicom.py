"""DICOM files to arrays, many at once, in temporary files first."""

import os
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pydicom


def convert(source, target):
    try:
        image = pydicom.dcmread(source)
    except pydicom.errors.InvalidDicomError:
        return 0
    pixels = image.pixel_array.astype(np.float32) * float(getattr(image, "RescaleSlope", 1)) + float(getattr(image, "RescaleIntercept", 0))
    np.save(target, pixels)
    return pixels.nbytes


def main(source, out):
    files = [path for path in Path(source).rglob("*") if path.is_file()]
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/tmp")) as scratch:
        targets = [Path(scratch) / f"{number:06}.npy" for number in range(len(files))]
        with ProcessPoolExecutor() as pool:
            sizes = list(pool.map(convert, files, targets, chunksize=16))
        Path(out).mkdir(parents=True, exist_ok=True)
        for target in targets:
            if target.exists():
                shutil.move(target, Path(out) / target.name)
    print(f"{sum(bool(size) for size in sizes)} of {len(files)} files, {sum(sizes) / 1e9:.2f} GB")


if __name__ == "__main__":
    main(*sys.argv[1:3])
