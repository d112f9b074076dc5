# Shared by scripts/test and scripts/tsan: servers for the tests, and an exit trap that stops them.
# shellcheck shell=bash
# shellcheck source=scripts/lib/shell.sh

# Test targets that need the server are named *IntegrationTests; every other one is a unit test.
# shellcheck disable=SC2034 # used by the scripts that source this
integration='^[A-Za-z]*IntegrationTests\.'

# The tests of daybook-bench need its trait. Another set of traits would build everything again.
# shellcheck disable=SC2034
traits=(--traits Benchmarks)

server_is_ours=false other_is_ours=false
our_versions=() # the versions of servers started here that pretend to be an older MongoDB
other_half='' # the process group of tests that run in parallel
finish() {
    local status=$?
    trap - EXIT
    if [[ -n "$other_half" ]]; then
        # The tests are in process groups of their own, and swift test ends them only when it is interrupted.
        kill -INT -- "-$other_half" 2>/dev/null || true
        wait "$other_half" 2>/dev/null || true
    fi
    # Unset the variable that is exported for the tests: with it, scripts/mongo would not manage the server.
    if "$server_is_ours"; then env -u DAYBOOK_URI scripts/mongo --auth down 9>&- || true; fi
    if "$other_is_ours"; then env -u DAYBOOK_URI scripts/mongo --auth --other down 9>&- || true; fi
    local version
    for version in ${our_versions[@]+"${our_versions[@]}"}; do version_server "$version" down 9>&- || true; done
    # An interrupted phase or a failed step outside a phase is a failure, even if all phases succeeded.
    summary || ((status != 0)) || status=1
    exit "$status"
}

# Starts a server with passwords. Sets and exports DAYBOOK_URI, the administrator's URI, and DAYBOOK_PYTHON.
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

# Starts one more such server and sets other_uri to its URI, or to nothing if the caller has named the only server to use.
# Call it before start_server, which names a server for everything that follows.
start_other_server() {
    other_uri=''
    [[ -z "${DAYBOOK_URI-}" ]] || return 0
    scripts/mongo --auth --other status >/dev/null || other_is_ours=true
    other_uri="$(scripts/mongo --auth --other up)"
}

# version_server VERSION COMMAND: runs scripts/mongo for the tests' server of that version, which only SecantusDB offers.
version_server() { env -u DAYBOOK_URI DAYBOOK_SERVER=secantus DAYBOOK_SERVER_VERSION="$1" scripts/mongo --auth "$2"; }

# start_version VERSION: starts that server, if it is not up.
start_version() {
    version_server "$1" status >/dev/null || our_versions+=("$1")
    version_server "$1" up >/dev/null
}

# Fails when the log of a run shows no test, because a run without tests proves nothing.
require_tests() {
    grep -qE 'Test run with [1-9][0-9]* test|Executed [1-9][0-9]* test' "$1" && return
    say "no test ran"
    return 1
}

# note_failures LOG: records the failures in the log of a run, so that `summary` prints them last. Thousands of lines
# follow a failure in the log.
note_failures() {
    local lines
    lines="$(grep -aE '^✘ Test .* (recorded an issue|failed)|error: .*: error:|Fatal error|[Uu]nexpected signal' "$1" | cut -c 1-400)" || true
    # A run that ended early was in the test that began last.
    [[ -n "$lines" ]] || lines="$(tail -n 3 "$1")"
    printf '%s:\n%s\n' "${1#"$root/"}" "$lines" >>"$failures"
}

# Acquires the checkout's lock, and installs the exit traps.
begin_run() {
    lock run
    failures="$state/failures.log"
    rm -f "$failures"
    trap finish EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}
