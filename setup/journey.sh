#!/bin/sh
# Records the whole journey on an embedded site that has nothing yet: setup/journey.sh FILE
set -eu
cache=${XDG_CACHE_HOME:-$HOME/.cache}
mkdir -p "$cache"
home=$(mktemp -d "$cache/trainshed-journey.XXXXXX")
trap 'chmod -R u+w "$home"; rm -rf "$home"' EXIT
TRAINSHED_HOME=$home .venv/bin/trainshed demo --headless --record "$home/journey.jsonl"
# Whose machine it was is nobody's business.
sed -e "s#$home#/srv/trainshed#g" -e "s#$cache#$HOME/.cache#g" -e "s#$(pwd)/##g" "$home/journey.jsonl" > "$1"
