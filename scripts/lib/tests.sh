# What scripts/test and scripts/tsan share: servers for the tests, and an end that stops what was started.
# shellcheck shell=bash
# shellcheck source=scripts/lib/shell.sh

# Test targets that need the server are named *IntegrationTests; every other one is a unit test.
# shellcheck disable=SC2034 # used by the scripts that source this
integration='^[A-Za-z]*IntegrationTests\.'

# The tests of daybook-bench need what it is built with. Each other set of traits would build everything anew.
# shellcheck disable=SC2034
traits=(--traits Benchmarks)

server_is_ours=false other_is_ours=false
our_versions=() # of MongoDB, of servers started here that pretend to be older
other_half='' # a process group of tests that run beside others
finish() {
    local status=$?
    trap - EXIT
    if [[ -n "$other_half" ]]; then
        # swift test ends its tests when it is interrupted, and only then: they are in groups of their own.
        kill -INT -- "-$other_half" 2>/dev/null || true
        wait "$other_half" 2>/dev/null || true
    fi
    # Without the variable exported for the tests, which would make the server somebody else's.
    if "$server_is_ours"; then env -u DAYBOOK_URI scripts/mongo --auth down 9>&- || true; fi
    if "$other_is_ours"; then env -u DAYBOOK_URI scripts/mongo --auth --other down 9>&- || true; fi
    local version
    for version in ${our_versions[@]+"${our_versions[@]}"}; do version_server "$version" down 9>&- || true; done
    # An interrupted phase or a failed step outside one is no success, whatever the phases say.
    summary || ((status != 0)) || status=1
    exit "$status"
}

# Sets and exports DAYBOOK_URI, the administrator's of a server that asks for passwords, and DAYBOOK_PYTHON.
start_server() {
    if [[ -z "${DAYBOOK_URI-}" ]]; then
        scripts/mongo --auth status >/dev/null || server_is_ours=true
        DAYBOOK_URI="$(scripts/mongo --auth up)" || return
        export DAYBOOK_URI
    fi
    (
        lock mongo
        ensure_venv pymongo
    ) || return
    # shellcheck disable=SC2154 # from python.sh
    export DAYBOOK_PYTHON="$venv/bin/python"
}

# Sets other_uri, that of one more such server; to nothing where the caller has named one, which is all there is then. To be called before
# start_server, which names one for all that follows.
start_other_server() {
    other_uri=''
    [[ -z "${DAYBOOK_URI-}" ]] || return 0
    scripts/mongo --auth --other status >/dev/null || other_is_ours=true
    other_uri="$(scripts/mongo --auth --other up)"
}

# version_server VERSION COMMAND: what scripts/mongo does with the tests' server of that version; only SecantusDB has one.
version_server() { env -u DAYBOOK_URI DAYBOOK_SERVER=secantus DAYBOOK_SERVER_VERSION="$1" scripts/mongo --auth "$2"; }

# start_version VERSION: starts it, if it is not up.
start_version() {
    version_server "$1" status >/dev/null || our_versions+=("$1")
    version_server "$1" up >/dev/null
}

# Fails when the log of a run shows no test: a suite that ran nothing has shown nothing.
require_tests() {
    grep -qE 'Test run with [1-9][0-9]* test|Executed [1-9][0-9]* test' "$1" && return
    say "no test ran"
    return 1
}

# note_failures LOG: keeps what failed in the log of a run, for `summary` to print last: thousands of lines follow a failure.
note_failures() {
    local lines
    lines="$(grep -aE '^✘ Test .* (recorded an issue|failed)|error: .*: error:|Fatal error|[Uu]nexpected signal' "$1" | cut -c 1-400)" || true
    # A run that ended early was in the last test that began.
    [[ -n "$lines" ]] || lines="$(tail -n 3 "$1")"
    printf '%s:\n%s\n' "${1#"$root/"}" "$lines" >>"$failures"
}

# Takes the checkout's lock, and arranges for the end.
begin_run() {
    lock run
    failures="$state/failures.log"
    rm -f "$failures"
    trap finish EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}
