# mongod or SecantusDB as a process of this machine. scripts/mongo sources this and uses it unless it uses docker.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # kind, log, port, record, suffix and the rest are shared with scripts/mongo

# Whether `pid` is alive and is this checkout's server. The number alone proves nothing: it may have been reused.
process_is_running() {
    local line
    [[ "$pid" =~ ^[0-9]+$ && -n "$kind" ]] || return 1
    if [[ -d /proc/self ]]; then
        line="$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")" || return 1
    else
        line="$(ps -ww -o command= -p "$pid" 2>/dev/null)" || return 1
    fi
    [[ "$line" == *" $(data_of "$kind") "* ]]
}

is_primary() { "$venv/bin/python" "$server_py" primary "$port" 2>/dev/null; }

# Waits up to 60 s for `pid` to take writes. Returns 1 if it ended, 2 if it runs and does not answer.
wait_for_primary() {
    local deadline=$((SECONDS + 60))
    until is_primary; do
        process_is_running || return 1
        ((SECONDS < deadline)) || return 2
        sleep 0.2
    done
    process_is_running || return 1 # another process may have taken the port first and answered
}

# Starts `kind` on `port` in the background and records it.
launch() { # [open]: without authentication, to make the first user
    local data command=()
    data="$(data_of "$kind")"
    mkdir -p "$data"
    case "$kind" in
        mongod)
            command=(mongod --replSet daybook --bind_ip 127.0.0.1 --port "$port" --dbpath "$data"
                --setParameter enableTestCommands=1 --setParameter "transactionLifetimeLimitSeconds=$lifetime")
            if "$with_auth"; then
                [[ -f "$state/mongod-key" ]] || (umask 077 && new_secret >"$state/mongod-key")
                command+=(--keyFile "$state/mongod-key")
            fi
            ;;
        *)
            : >"$state/secantusd.toml" # an empty configuration, so that none from elsewhere is picked up
            command=("$venv/bin/python" "$secantus_py" "$version" "$lifetime" --config "$state/secantusd.toml"
                --host 127.0.0.1 --port "$port" --storage-path "$data" --enable-test-commands)
            if "$with_auth" && [[ "${1-}" != open ]]; then command+=(--auth); fi
            ;;
    esac
    [[ ! -f "$log" ]] || mv "$log" "$log.1"
    # The server must not inherit the caller's open files: $(scripts/mongo up) would wait for it, and so would the lock.
    "$venv/bin/python" "$server_py" detach "${command[@]}" </dev/null >"$log" 2>&1 &
    pid=$!
    started="$(date +%s)"
    write_record
}

process_up() {
    local begin=$SECONDS attempt status wanted=$first_port
    if [[ "$kind" == mongod ]]; then ensure_venv pymongo; else ensure_venv "$secantus"; fi
    for attempt in 1 2 3; do
        port="$("$venv/bin/python" "$server_py" port "$wanted")"
        ((port == first_port)) || say "port $first_port is taken by something else; using $port"
        status=0
        if "$with_auth" && [[ "$kind" != mongod && -z "$(password)" ]]; then
            say "starting $kind on 127.0.0.1:$port, for the time it takes to make its administrator"
            launch open
            wait_for_primary && make_administrator && process_stop || status=$?
        fi
        if ((status == 0)); then
            launch
            say "starting $kind on 127.0.0.1:$port (process $pid)"
            if [[ "$kind" == mongod ]]; then initiate || status=$?; fi
            ((status != 0)) || wait_for_primary || status=$?
        fi
        # A mongod without users allows only creating the first user, and only from its own machine.
        if ((status == 0)) && "$with_auth" && [[ -z "$(password)" ]]; then make_administrator || status=$?; fi
        if ((status == 0)); then
            say "$kind takes writes: $((SECONDS - begin)) s"
            return 0
        fi
        process_is_running || rm -f "$record"
        # Another process may have taken the port after we checked it. Then try the next one.
        if ((status == 1 && attempt < 3)) && grep -qi 'address already in use' "$log"; then
            wanted=$((port + 1))
            continue
        fi
        break
    done
    show_log
    if process_is_running; then
        process_stop
        die "$kind did not take writes within 60 s, and was stopped"
    fi
    die "$kind ended instead of starting"
}

# Initiates the replica set of a mongod, as soon as it listens.
initiate() {
    local deadline=$((SECONDS + 60))
    until DAYBOOK_ADMIN_PASSWORD="$(password)" "$venv/bin/python" "$server_py" initiate "$port" 2>"$state/initiate.log"; do
        process_is_running || return 1
        if ((SECONDS >= deadline)); then
            tail -n 3 "$state/initiate.log" >&2
            return 2
        fi
        sleep 0.2
    done
}

new_secret() { "$venv/bin/python" -c 'import secrets; print(secrets.token_hex(24))'; }

# Creates the user daybook-admin, and keeps the password once the server has it. Returns 2 if the server refuses.
make_administrator() {
    local secret file
    secret="$(new_secret)"
    file="$(password_file)"
    DAYBOOK_ADMIN_PASSWORD="$secret" "$venv/bin/python" "$server_py" administrator "$port" || return 2
    (umask 077 && printf '%s\n' "$secret" >"$file.new") || return 2
    mv "$file.new" "$file"
}

# Stops `pid`, which process_is_running has just confirmed to be ours.
process_stop() {
    local deadline=$((SECONDS + 15))
    kill -TERM "$pid" 2>/dev/null || true
    while process_is_running; do
        if ((SECONDS >= deadline)); then
            say "process $pid did not end within 15 s; killing it"
            kill -KILL "$pid" 2>/dev/null || true
            deadline=$((SECONDS + 15))
        fi
        sleep 0.1
    done
    rm -f "$record"
}
