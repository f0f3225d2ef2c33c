"""Workers of a cluster elsewhere."""

import sys

import ray

ray.init("ray://192.0.2.10:10001")
ray.put(open(sys.argv[1], "rb").read())
