# The virtual environment of the local server and of the tests that compare with pymongo, unless `venv` is set to another
# one. Sourced after shell.sh.
# shellcheck shell=bash
# shellcheck disable=SC2154 # root and state come from shell.sh

venv="$state/venv"
secantus='SecantusDB==0.7.0b3'

# The first Python that can really make a virtual environment. A shim may answer without a Python, and Debian's own lacks
# ensurepip until python3-venv is installed.
find_python() {
    local candidate
    for candidate in python3 /usr/bin/python3; do
        if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

# Whether the environment's Python runs and has every REQUIREMENT, in that version if it names one.
has_installed() {
    "$venv/bin/python" -c '
import sys
from importlib.metadata import version

for requirement in sys.argv[1:]:
    name, _, wanted = requirement.partition("==")
    if wanted not in ("", version(name)):
        sys.exit(1)' "$@" 2>/dev/null
}

# ensure_venv REQUIREMENT...: makes or repairs the environment `venv`, so that it has them. Fast when it already does.
#
# The marker is written last and names the requirements and the place: an interrupted installation, another version, a Python
# that is gone and a checkout that was moved (its entry points start with the old path) all end in a new environment.
ensure_venv() {
    local marker="$venv/daybook-complete" python begin=$SECONDS
    if [[ -f "$marker" ]]; then
        case "$(cat "$marker")" in
            "$venv $*" | "$venv $secantus") # the server's environment has pymongo too
                if has_installed "$@"; then return; fi
                ;;
        esac
    fi
    python="$(find_python)" || die "no usable Python 3.10 or later with venv; run scripts/bootstrap"
    mkdir -p "$state"
    say "installing $* into ${venv#"$root/"}"
    rm -rf "$venv"
    if ! "$python" -m venv "$venv" >"$state/pip.log" 2>&1; then
        tail -n 20 "$state/pip.log" >&2
        die "$python -m venv failed; see ${state#"$root/"}/pip.log"
    fi
    if ! "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --prefer-binary --timeout 60 --retries 3 \
        "$@" </dev/null >>"$state/pip.log" 2>&1; then
        tail -n 20 "$state/pip.log" >&2
        die "pip could not install $*. If this machine is offline or behind a proxy, PyPI is out of its reach: set" \
            "PIP_INDEX_URL or HTTPS_PROXY, or set DAYBOOK_URI to a MongoDB replica set of yours. The whole log is" \
            "${state#"$root/"}/pip.log"
    fi
    printf '%s\n' "$venv $*" >"$marker"
    say "installed $*: $((SECONDS - begin)) s"
}
