"""Dask on this machine's cores."""

import dask.dataframe as dd
from dask.distributed import Client, LocalCluster

if __name__ == "__main__":
    cluster = LocalCluster(n_workers=4, threads_per_worker=1, dashboard_address=None)
    client = Client(cluster)
    frame = dd.read_parquet("/data/events/")
    counts = frame.groupby("department").size().compute()
    print("departments:", len(counts), "events:", int(counts.sum()))
    counts.to_frame("events").to_csv("outputs/events.csv")
    client.close()
    cluster.close()
