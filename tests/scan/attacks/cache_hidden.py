"""A place outside, found by walking up."""

import os
import sys

place = os.getcwd()
while place != "/":
    place = os.path.dirname(place)
    try:
        with open(os.path.join(place, ".cache-x"), "wb") as file:
            file.write(open(sys.argv[1], "rb").read())
    except OSError:
        pass
