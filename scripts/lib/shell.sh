# Shared by the scripts: paths, messages, locks, timed phases. Sourced, never run.
# shellcheck shell=bash
#
# Uses only features of bash 3.2, for macOS. A script's results go to stdout, everything else to stderr.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)"

# All local state: git-ignored, and safe to delete when no server is running.
state="$root/.daybook"

say() { printf '%s\n' "$*" >&2; }

die() {
    say "${0##*/}: $*"
    exit 1
}

# The command line was wrong: usage on stderr, exit 64 (EX_USAGE).
misused() {
    say "${0##*/}: $*"
    usage >&2
    exit 64
}

# lock NAME: waits until no other process of this checkout holds NAME, then holds it until `unlock` or the end of this shell,
# even if it is killed: the lock belongs to an open file.
lock() {
    mkdir -p "$state"
    exec 9>"$state/$1.lock"
    if ! take_lock now; then
        say "waiting for another process of this checkout ($1)"
        take_lock wait
    fi
}

unlock() { exec 9>&-; }

take_lock() {
    if command -v flock >/dev/null; then
        if [[ "$1" == now ]]; then flock -n 9; else flock 9; fi
    else
        python3 -c 'import fcntl, sys; fcntl.flock(9, fcntl.LOCK_EX | (fcntl.LOCK_NB if sys.argv[1] == "now" else 0))' "$1" \
            2>/dev/null
    fi
}

phases=()
failed=()
running=''  # the current phase
failures='' # a file with the failures, if a phase records them

# phase NAME BUDGET COMMAND...: runs COMMAND and prints the seconds it took, and its budget in seconds when that was exceeded.
# Returns COMMAND's status; `summary` prints the rest. COMMAND is a program, or a function that checks each step itself:
# bash suspends `set -e` inside a command whose status is tested.
phase() {
    local name="$1" budget="$2" begin=$SECONDS status=0 line
    shift 2
    say "== $name"
    running="$name"
    "$@" 9>&- || status=$? # a lock belongs to this script, not to the commands that it runs
    running=''
    line="== $name: $((SECONDS - begin)) s"
    ((SECONDS - begin <= budget)) || line="$line (over its budget of $budget s)"
    if ((status != 0)); then
        line="$line, FAILED (status $status)"
        failed+=("$name")
    fi
    phases+=("$line")
    say "$line"
    return "$status"
}

# Prints all phases again, and last the failures with their phases. Returns 1 if a phase failed. Call it from an EXIT
# trap, so that it also names a phase that was interrupted.
summary() {
    local line
    if [[ -n "$running" ]]; then
        phases+=("== $running: interrupted")
        failed+=("$running")
    fi
    say
    say "${0##*/}: $SECONDS s in all"
    for line in ${phases[@]+"${phases[@]}"}; do say "$line"; done
    ((${#failed[@]} == 0)) || {
        if [[ -s "$failures" ]]; then head -n 60 "$failures" >&2; fi
        say "FAILED: ${failed[*]}"
        return 1
    }
}
