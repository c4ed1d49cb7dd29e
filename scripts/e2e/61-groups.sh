#!/usr/bin/env bash
# A container group lives on, whenever its server is killed.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# shellcheck source=../interop/clients.sh
. "$REPO/scripts/interop/clients.sh"

start_registry "$SCRATCH/registry" "$SCRATCH/registry.log"
push_image small team/small:1
log="$SCRATCH/serve.log"
PORT=0
# serve [VARIABLE...]
serve() {
    : >"$log"
    as_root env IMC_ALIBABA_ISOLATED_GROUPS=true "$@" "$IMC_BIN" --data-dir "$DATA" serve --listen "127.0.0.1:$PORT" >"$log" 2>&1 &
    WAITER=$!
    eventually "the server serves" grep -q '^serving ' "$log"
    SERVER="$(pgrep -f -- "--data-dir $DATA serve" | tail -1)"
    IMC_HOST="$(grep -o 'http://[0-9.:]*' "$log" | head -1 | sed 's,http://,,')"
    PORT="${IMC_HOST##*:}"
    export IMC_HOST IMC_REGISTRY="$REGISTRY"
}
crash() {
    as_root kill -KILL "$SERVER"
    wait "$WAITER" || true
}
# Whatever came between: no container and no server outlives the script.
end_all() {
    imc -o json ps 2>/dev/null | json '" ".join(one["id"] for one in document)' | xargs -r -n 1 "$IMC_BIN" --data-dir "$DATA" rm -f >/dev/null 2>&1 || true
    as_root kill -KILL "$SERVER" 2>/dev/null || true
}
on_exit end_all
step() {
    if "$CLIENTS/bin/python" "$INTEROP/groups.py" "$@" >"$SCRATCH/client.out" 2>"$SCRATCH/client.err"; then
        passed "$1: $(tail -1 "$SCRATCH/client.out")"
    else
        failed "$1" "$(cat "$SCRATCH/client.out" "$SCRATCH/client.err")
$(tail -5 "$log")"
    fi
}

# What all of a group's containers may take together, as the kernel has it: processor time, memory.
shared_limits() {
    local at=/sys/fs/cgroup id="grp-${group#eci-}"
    if [ -e "$at/cgroup.controllers" ]; then
        as_root cat "$at/imc/$id/cpu.max" "$at/imc/$id/memory.max"
    else
        as_root cat "$at/cpu/imc/$id/cpu.cfs_quota_us" "$at/memory/imc/$id/memory.limit_in_bytes"
    fi | tr '\n' ' ' | sed 's, 100000,,'
}

serve
made="$(imc -o json access-key create --full)"
IMC_KEY_ID="$(json 'document["id"]' <<<"$made")"
IMC_KEY_SECRET="$(json 'document["secret"]' <<<"$made")"
export IMC_KEY_ID IMC_KEY_SECRET

step create
group="$(tail -1 "$SCRATCH/client.out")"
crash
serve
crash
serve
step runs "$group" 0
step log "$group"
expect "its containers share its limits" "150000 268435456 " "$(shared_limits)"
expect_status "nobody else reaches them" 7 curl -s http://127.0.0.1:8099/

crash
main="$(imc -o json ps | json '[one for one in document if one["name"].startswith("main-")][0]["pid"]')"
as_root kill -KILL "$main"
serve
step runs "$group" 1
step log "$group"

step delete "$group"
is_gone() { [ -z "$(as_root ls "$DATA/groups" 2>/dev/null)" ] && [ "$(imc -o json ps | json 'len(document)')" = 0 ] &&
    [ -z "$(as_root find /sys/fs/cgroup -maxdepth 3 -name "grp-${group#eci-}")" ]; }
eventually "nothing of it is left" is_gone

# Killed at each step of a group's life: the next server goes on.
is_dead() { ! as_root kill -0 "$SERVER" 2>/dev/null; }
for at in group-recorded group-images-recorded group-container-recorded group-instance-recorded group-instance-started; do
    as_root kill -TERM "$SERVER"
    wait "$WAITER" || true
    serve IMC_CRASH_AT="$at"
    "$CLIENTS/bin/python" "$INTEROP/groups.py" create >"$SCRATCH/client.out" 2>&1 || true
    eventually "the server dies at $at" is_dead
    wait "$WAITER" || true
    serve
    step first
    group="$(tail -1 "$SCRATCH/client.out")"
    step runs "$group" 0
    step log "$group"
    as_root kill -TERM "$SERVER"
    wait "$WAITER" || true
    serve IMC_CRASH_AT=group-shares-removed
    step delete "$group"
    eventually "the server dies with the group's removal" is_dead
    wait "$WAITER" || true
    serve
    eventually "nothing of it is left" is_gone
done
as_root kill -TERM "$SERVER"
wait "$WAITER" || true
expect_nothing_left
finished
