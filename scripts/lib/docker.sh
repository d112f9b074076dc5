# MongoDB in docker, by compose/single.yaml. scripts/mongo sources this and uses it if there is an engine and no mongod.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # kind, log, port, record, suffix and the rest are shared with scripts/mongo

# An engine that is being started or has hung does not answer, and a first start fetches the image.
docker_patience=5 docker_start_patience=600

# One deployment for each checkout and kind of server. Volumes with this name outlive the checkout's directory.
docker_project() { printf 'daybook-%s%s\n' "$(printf '%s' "$root" | cksum | cut -d ' ' -f 1)" "$suffix"; }

# limited SECONDS COMMAND...: COMMAND's output and status; 124 when it took longer and was killed with its children.
limited() { "$(find_python)" "$server_py" limited "$@" 9>&-; }

# docker_compose SECONDS ARGUMENT...
docker_compose() {
    local patience="$1"
    shift
    DAYBOOK_PORT="$port" DAYBOOK_SECRETS="$(data_of docker)" DAYBOOK_TEST_COMMANDS=1 DAYBOOK_TRANSACTION_SECONDS="$lifetime" \
        DAYBOOK_CPUS=0 limited "$patience" docker compose --project-name "$(docker_project)" --file "$root/compose/single.yaml" "$@"
}

# Whether there are an engine and the compose plugin; the client alone is not enough.
docker_answers() {
    command -v docker >/dev/null || return 1
    if [[ -z "$(limited "$docker_patience" docker info --format '{{.ServerVersion}}' 2>/dev/null)" ]]; then
        say "docker is on the PATH, and no engine answers it"
        return 1
    fi
    if ! limited "$docker_patience" docker compose version >/dev/null 2>&1; then
        say "docker has no compose plugin here"
        return 1
    fi
}

# Whether it runs and can be used; that needs its password.
docker_is_running() {
    command -v docker >/dev/null || return 1
    [[ -s "$(data_of docker)/administrator" ]] || return 1
    [[ -n "$(docker_compose "$docker_patience" ps --status running --quiet mongo 2>/dev/null)" ]]
}

# Starts it on `port` and records it. init waits until it takes writes, so this also works when it already runs.
docker_launch() {
    local status=0
    DAYBOOK_SECRETS="$(data_of docker)" "$root/compose/make-secrets" 2>>"$log"
    docker_compose "$docker_start_patience" run --rm -T init >>"$log" 2>&1 || status=$?
    if ((status != 0)); then
        if ((status == 124)); then say "docker was not done after $docker_start_patience s"; fi
        docker_compose "$docker_patience" logs --no-color --tail 25 mongo >>"$log" 2>&1 || true
        return "$status"
    fi
    write_record
}

docker_up() {
    local begin=$SECONDS attempt wanted=$first_port data
    data="$(data_of docker)"
    : >"$log"
    if [[ ! -s "$data/administrator" ]]; then # the password of any existing data is lost
        port=$first_port
        docker_compose 60 down --volumes >>"$log" 2>&1 || true
    fi
    for attempt in 1 2 3; do
        port="$("$(find_python)" "$server_py" port "$wanted")"
        ((port == first_port)) || say "port $first_port is taken by something else; using $port"
        pid='' started="$(date +%s)"
        say "starting MongoDB in docker on 127.0.0.1:$port; the first time it has to be fetched"
        if docker_launch; then
            say "docker takes writes: $((SECONDS - begin)) s"
            return 0
        fi
        # Remove what was made, except the data.
        docker_compose 60 down >>"$log" 2>&1 || true
        if ((attempt < 3)) && grep -qiE 'address already in use|port is already allocated' "$log"; then
            wanted=$((port + 1))
            : >"$log"
            continue
        fi
        break
    done
    show_log
    die "docker could not start MongoDB. DAYBOOK_SERVER=secantus takes SecantusDB instead."
}

docker_stop() {
    docker_compose 120 down >>"$log" 2>&1 || {
        show_log
        die "docker could not stop MongoDB"
    }
    rm -f "$record"
}

# Deletes the data and its secrets. Without an engine the volume stays: it is unreadable without the password, and the
# next start deletes it.
docker_delete() {
    local data
    data="$(data_of docker)"
    [[ -d "$data" ]] || return 0
    if docker_answers; then
        port="${port:-$first_port}"
        docker_compose 60 down --volumes >>"$log" 2>&1 || say "docker could not delete the volume of $(docker_project)"
    fi
    rm -rf "$data"
}
