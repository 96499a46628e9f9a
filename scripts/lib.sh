# Shared by the scripts: environments of their own under build/, made again when what they depend on changes.

# The fast part of the tests, as a pytest expression.
FAST="not slow and not wheels and not realdriver and not engine"

# The interpreters that the tests run on, newest first: every 3.10 to 3.14 that can be found.
pythons() {
  local minor found
  for minor in 14 13 12 11 10; do
    for found in "$(command -v "python3.$minor" 2>/dev/null || true)" "$HOME"/.pyenv/versions/3.$minor.*/bin/python; do
      # A pyenv shim may exist for a version that is not selected: only one that starts counts.
      if [ -x "$found" ] && "$found" -c "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, $minor))" 2>/dev/null; then
        "$found" -c 'import sys; print(sys.executable)'
        break
      fi
    done
  done
}

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

# The interpreter for development and for the main test run: 3.11 where it is, else the newest.
main_python() {
  local all one
  all=$(pythons)
  for one in $all; do
    if [ "$(version_of "$one")" = 3.11 ]; then
      echo "$one"
      return
    fi
  done
  if [ -z "$all" ]; then
    echo "scripts: no Python 3.10 to 3.14 with venv was found" >&2
    return 1
  fi
  echo "$all" | head -n 1
}

# stamped FOLDER KEY COMMAND...: run COMMAND unless FOLDER was made with this KEY before.
stamped() {
  local folder=$1 key=$2
  shift 2
  if [ "$(cat "$folder/.stamp" 2>/dev/null || true)" = "$key" ]; then
    return 0
  fi
  rm -rf "$folder"
  "$@"
  printf '%s' "$key" >"$folder/.stamp"
}

make_dev() {
  "$1" -m venv "$DEV"
  "$DEV/bin/python" -m pip install -q --disable-pip-version-check -e '.[dev]'
}

dev_environment() {
  DEV=$PWD/build/dev
  local python
  python=$(main_python)
  stamped "$DEV" "$python $(sha256sum <pyproject.toml)" make_dev "$python"
}
