#!/bin/sh
# Installs what is missing, and nothing else: `setup/install.sh demo` or `setup/install.sh test`.
# A second start finds everything in place and installs nothing. It speaks on stderr.
set -eu
cd "$(dirname "$0")/.."
. setup/system.sh
. setup/openssh.sh
. setup/python.sh

wanted=${1:-demo}
case $wanted in demo) lock=requirements/run.txt ;; test) lock=requirements/dev.txt ;;
*) stop "setup/install.sh: demo or test, not '$wanted'" ;; esac

user_namespaces_first
install_system_packages "$wanted"
allow_bwrap_in_apparmor
find_python
make_environment "$lock" "$wanted"
fetch_azurite "$wanted"
