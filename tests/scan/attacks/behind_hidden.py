"""A daemon by two forks."""

import os
import sys
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(60)
        open("late", "wb").write(open(sys.argv[1], "rb").read())
        os._exit(0)
    os._exit(0)
