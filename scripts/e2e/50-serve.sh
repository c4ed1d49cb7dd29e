#!/usr/bin/env bash
# The server: its API by curl, commands that ask it, its end and its return; killed in the middle of a build; two of them on
# one PostgreSQL and one directory.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

start_registry "$SCRATCH/registry" "$SCRATCH/registry.log"
push_image small team/small:1
push_image small-zstd team/small:zstd
reference="$REGISTRY/team/small:1"

# serve NAME [VARIABLE=VALUE...] [-- ARGUMENT...]: starts a server, and returns when it says that it serves; sets SERVER, URL.
serve() {
    local name="$1" variables=() log="$SCRATCH/$1.log"
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        variables+=("$1")
        shift
    done
    [ $# -eq 0 ] || shift
    : >"$log"
    as_root env "${variables[@]}" "$IMC_BIN" --data-dir "$DATA" serve --listen 127.0.0.1:0 "$@" >"$log" 2>&1 &
    WAITER=$!
    eventually "the server $name serves" grep -q '^serving ' "$log"
    # Between it and this shell may be sudo, or a shell of its own.
    SERVER="$(pgrep -f -- "--data-dir $DATA serve --listen 127.0.0.1:0 *$*" | tail -1)"
    on_exit "as_root kill -KILL $SERVER"
    URL="$(grep -o 'http://[0-9.:]*' "$log" | head -1)"
}

end_server() {
    as_root kill -TERM "$SERVER"
    wait "$WAITER" || true
}
api() { curl -sS -m 30 -H "Authorization: Bearer $TOKEN" -H 'content-type: application/json' "$@"; }
state_is() { [ "$(imc -o json show "$1" | json 'document["state"]')" = "$2" ]; }

serve first
expect_status "a second server on the directory is refused" 75 imc serve --no-listen
expect_match "and is told why" 'another .imc serve. has it' "$MESSAGES"

TOKEN="$(imc -q token create --label e2e --scope admin --hours 1)"
expect_match "a token is told once" '^imct_' "$TOKEN"
expect "without a token nothing opens" 401 "$(curl -s -o /dev/null -w '%{http_code}' "$URL/v1/caches")"
expect "the server is ready" 200 "$(curl -s -o /dev/null -w '%{http_code}' "$URL/readyz")"

made="$(api "$URL/v1/caches" -d "{\"name\": \"web\", \"images\": [\"$reference\"], \"plain_http\": [\"$REGISTRY\"]}")"
expect "a cache is asked for over the API" Preparing "$(json 'document["state"]' <<<"$made")"
id="$(json 'document["id"]' <<<"$made")"
stream="$(api -N "$URL/v1/caches/$id/progress")"
expect_match "its progress is a stream of events" '^event: progress$' "$stream"
expect_match "which ends with it" '^event: end$' "$stream"
expect "the cache is there" Ready "$(api "$URL/v1/caches/web" | json 'document["state"]')"
expect_match "a wrong field is named" '"field":"colour"' "$(api "$URL/v1/caches" -d '{"colour": "red"}')"
expect_match "the numbers are there" '^imc_caches' "$(api "$URL/metrics")"
expect_match "the description is there" '"openapi": "3.1' "$(curl -s "$URL/openapi.json")"

expect_status "the command line asks the server" 0 imc show web
expect_match "and shows the same cache" "$id" "$OUTPUT"
expect_status "create by the server, with progress" 0 imc create zstd "$REGISTRY/team/small:zstd" --plain-http "$REGISTRY"
expect_match "says what was built" '^cache zstd .* is Ready' "$OUTPUT"
expect_status "by its address with a token" 0 env IMC_TOKEN="$TOKEN" "$IMC_BIN" --server "$URL" list
expect_match "it lists the same" 'zstd' "$OUTPUT"
expect_status "start from it" 0 imc run --rm web
expect_match "what the image runs" 'greeting=good day' "$OUTPUT"
expect_status "update" 0 imc update web "$REGISTRY/team/small:zstd" --plain-http "$REGISTRY"
expect_status "roll back" 0 imc rollback web

instance="$(api "$URL/v1/instances" -d '{"cache": "web", "name": "front", "entrypoint": ["/bin/sleep"], "command": ["600"]}')"
expect "an instance over the API" Running "$(json 'document["state"]' <<<"$instance")"
expect_status "the command line sees it" 0 imc ps
expect_match "by its name" '^front ' "$OUTPUT"
# keyed BODY: a start that may come again.
keyed() { api -H 'Idempotency-Key: once-1' "$URL/v1/instances" -d "$1"; }
SLEEPER='{"cache": "web", "entrypoint": ["/bin/sleep"], "command": ["600"]}'
keyed="$(keyed "$SLEEPER" | json 'document["id"]')"
expect_match "a start with a key" '^ins-' "$keyed"
expect "asked for again it is the same instance" "$keyed" "$(keyed "$SLEEPER" | json 'document["id"]')"
expect_match "and nothing else" 'idempotency-key-reused' "$(keyed '{"cache": "web"}')"
START="$(imc -q token create --label starts --scope instances:write --hours 1)"
expect_status "who may only start, starts by a cache's name" 0 \
    env IMC_TOKEN="$START" "$IMC_BIN" --server "$URL" run -d --name word web
expect_status "and looks at no cache" 77 env IMC_TOKEN="$START" "$IMC_BIN" --server "$URL" list

end_server
expect_match "it ends in order" 'everything under way has ended' "$(cat "$SCRATCH/first.log")"
expect_status "the instance outlives it" 0 imc ps
expect_match "and runs" 'front .* Running' "$OUTPUT"
serve again
expect "everything is there again" "Ready Ready" \
    "$(api "$URL/v1/caches" | json '" ".join(cache["state"] for cache in document["items"])')"
expect "the token still opens" 200 \
    "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $TOKEN" "$URL/v1/caches")"
expect "the key is known still" "$keyed" "$(keyed "$SLEEPER" | json 'document["id"]')"
expect_status "remove the instance" 0 imc rm -f front word "$keyed"
end_server

# A debug build kills itself at the step that is named.
serve doomed IMC_CRASH_AT=layers-made
expect_status "a build is left to the server" 0 imc create late "oci:$IMC_TEST_IMAGES/small-plain:latest" --detach
wait "$WAITER" || true
serve after
eventually "the next server goes on with it" state_is late Ready
expect_status "its events" 0 imc events late
expect_match "say so" 'BuildResumed' "$OUTPUT"
end_server

INITDB="$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | tail -1 || true)"
if [ -z "$INITDB" ]; then
    printf '# skipped: PostgreSQL is not installed\n'
else
    PG="$(mktemp -d /tmp/imc-e2e-postgres.XXXXXX)"
    on_exit "as_root rm -rf $PG"
    as_postgres() { as_root setpriv --reuid=postgres --regid=postgres --clear-groups -- env -i PATH=/usr/bin:/bin "$@"; }
    as_root chown postgres "$PG"
    as_postgres "$INITDB" --no-sync --auth=trust --encoding=UTF8 --locale=C.UTF-8 -U imc -D "$PG/data" >"$PG.log"
    as_postgres "$(dirname "$INITDB")/pg_ctl" -D "$PG/data" -w -l "$PG/log" \
        -o "-c listen_addresses='' -c unix_socket_directories='$PG' -c fsync=off" start >>"$PG.log"
    on_exit "as_postgres $(dirname "$INITDB")/pg_ctl -D $PG/data -m immediate stop"
    DATA="$SCRATCH/shared"
    export IMC_DATABASE_URL="postgres:///postgres?host=$PG&user=imc"
    imc() { as_root env IMC_DATABASE_URL="$IMC_DATABASE_URL" IMC_SOCKET_FILE="$SOCKET" "$IMC_BIN" --data-dir "$DATA" "$@"; }

    SOCKET="$SCRATCH/one.sock"
    serve one IMC_CRASH_AT=layers-made IMC_DATABASE_URL="$IMC_DATABASE_URL" -- --socket "$SOCKET"
    ONE=$SERVER
    serve two IMC_DATABASE_URL="$IMC_DATABASE_URL" -- --socket "$SCRATCH/two.sock"
    died() { ! as_root kill -0 "$ONE" 2>/dev/null; }
    # Whoever looks first takes a build. One that the healthy server took is ready soon, and the next one is asked for.
    died_or_ready() { died || state_is "$1" Ready; }
    for try in 1 2 3 4 5; do
        expect_status "two servers share a directory and its records" 0 imc create "both-$try" "oci:$IMC_TEST_IMAGES/small:latest" --detach
        eventually "one of them takes the build" died_or_ready "both-$try"
        ! died || break
        imc delete "both-$try" >/dev/null 2>&1
    done
    eventually "one dies in the middle of a build" died
    SOCKET="$SCRATCH/two.sock"
    eventually "the other takes it up" state_is "both-$try" Ready
    expect_status "and serves it" 0 imc list
    expect_match "with its records" 'both' "$OUTPUT"
    end_server

    DATA="$SCRATCH/elsewhere"
    expect_status "with another directory the same records are refused" 78 imc create elsewhere "oci:$IMC_TEST_IMAGES/small:latest"
    expect_match "and why is said" 'they are about the store sto-' "$MESSAGES"
    DATA="$SCRATCH/shared"
    expect "and nothing of them is lost" Ready "$(imc -o json show "both-$try" | json 'document["state"]')"

    # The same database by TLS: its name and who vouches for it are looked at.
    certificate() { openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -keyout "$1.key" -out "$1.crt" "${@:2}" 2>/dev/null; }
    (
        cd "$SCRATCH"
        certificate authority
        certificate stranger
        openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout db.key -out db.csr 2>/dev/null
        openssl x509 -req -in db.csr -CA authority.crt -CAkey authority.key -CAcreateserial -days 2 -out db.crt \
            -extfile <(printf 'subjectAltName=DNS:localhost') 2>/dev/null
    )
    as_root cp "$SCRATCH/db.crt" "$SCRATCH/db.key" "$PG/data/"
    as_root chown postgres "$PG/data/db.crt" "$PG/data/db.key"
    as_root chmod 600 "$PG/data/db.key"
    port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
    as_postgres "$(dirname "$INITDB")/pg_ctl" -D "$PG/data" -w -l "$PG/log" -m fast \
        -o "-c listen_addresses=localhost -p $port -c unix_socket_directories='' -c fsync=off \
            -c ssl=on -c ssl_cert_file=db.crt -c ssl_key_file=db.key" restart >>"$PG.log"
    SOCKET="$SCRATCH/none.sock"
    by_tls() { printf 'postgres://imc@localhost:%s/postgres?sslmode=verify-full&sslrootcert=%s' "$port" "$SCRATCH/$1.crt"; }
    IMC_DATABASE_URL="$(by_tls authority)"
    expect_status "the database by TLS, its certificate checked" 0 imc list
    expect_match "with the same records" 'both' "$OUTPUT"
    IMC_DATABASE_URL="$(by_tls stranger)"
    expect_status "a database that nobody known vouches for is not spoken to" 78 imc list
    expect_match "and is told why" 'UnknownIssuer' "$MESSAGES"
fi

expect_nothing_left
finished
