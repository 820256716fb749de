#!/bin/sh
# Installs Tianji Studio from this folder without a network:
#   sh install.sh [FOLDER]      default: ./tianji-studio; another Python: PYTHON=/path/to/python@PYTHON@ sh install.sh
# Checks every file against SHA256SUMS first. Needs Python @PYTHON@ on @SYSTEM@.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${1:-$PWD/tianji-studio}
python=${PYTHON:-python@PYTHON@}

fail() { echo "install: $*" >&2; exit 1; }

[ "$(uname -s) $(uname -m)" = "@SYSTEM@" ] || fail "these packages are for @SYSTEM@, this machine is $(uname -s) $(uname -m)"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
    fail "Python @PYTHON@ is needed and $python does not run; name it: PYTHON=/path/to/python@PYTHON@ sh install.sh"
[ "$version" = "@PYTHON@" ] || fail "these packages are for Python @PYTHON@, $python is $version"
(cd "$here" && sha256sum --quiet --check SHA256SUMS) || fail "a file is damaged or missing; copy the folder again"
if [ -e "$target" ] && [ ! -f "$target/pyvenv.cfg" ]; then fail "$target is there already; name another folder"; fi
"$python" -m venv "$target" || fail "$python cannot make virtual environments; install python@PYTHON@-venv"
pip() { PIP_CONFIG_FILE=/dev/null "$target/bin/python" -m pip --disable-pip-version-check "$@"; }
pip install --quiet --no-index --find-links "$here/wheels" --no-deps --require-hashes -r "$here/requirements.txt"
pip install --quiet --no-index --no-deps "$here/wheels/@STUDIO@"
echo "install: done. Start it: $target/bin/tianji"
