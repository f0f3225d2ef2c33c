"""Workers that share one array."""

from multiprocessing import Process, Queue
from multiprocessing.shared_memory import SharedMemory

import numpy as np


def work(name, shape, rows, queue):
    block = SharedMemory(name=name)
    array = np.ndarray(shape, dtype=np.float64, buffer=block.buf)
    array[rows] = (array[rows] - array[rows].mean(axis=1, keepdims=True)) / (array[rows].std(axis=1, keepdims=True) + 1e-9)
    queue.put((rows.start, rows.stop))
    block.close()


if __name__ == "__main__":
    source = np.load("data/signals.npy")
    block = SharedMemory(create=True, size=source.nbytes)
    shared = np.ndarray(source.shape, dtype=np.float64, buffer=block.buf)
    shared[:] = source
    queue = Queue()
    processes = [Process(target=work, args=(block.name, source.shape, slice(i, i + 1000), queue)) for i in range(0, len(source), 1000)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print("parts:", queue.qsize(), "mean after:", float(shared.mean()))
    np.save("outputs/normal.npy", shared)
    block.close()
    block.unlink()
