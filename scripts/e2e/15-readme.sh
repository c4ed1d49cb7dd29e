#!/usr/bin/env bash
# The README's ten minutes and its service, command by command, with images here in place of those there.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

python3 "$REPO/scripts/images/small.py" "$SCRATCH/tars"
# It waits as a server does. The first process of a container sees no SIGTERM that it does not ask for.
python3 "$REPO/scripts/images/oci.py" "$SCRATCH/image" --compression gzip --architecture "$(dpkg --print-architecture)" \
    --config '{"Cmd": ["/bin/sleep", "1000"], "StopSignal": "SIGKILL"}' "$SCRATCH/tars/1-busybox.tar"
image="oci:$SCRATCH/image"

# The lines of the block, without prompts, comments and sudo.
mapfile -t commands < <(sed -n '/^## Ten minutes/,/^## /s/^\$ //p' "$REPO/README.md" |
    sed -E "s/ +#.*//; s/sudo imc/imc/g; s#(docker\.io/library/)?nginx:[0-9.]+#$image#g; s/ -it / -i /g")
expect_match "the first one builds and installs" '^make build && sudo install ' "${commands[0]}"
for command in "${commands[@]:1}"; do
    case "$command" in
    # What it finds is the machine's own matter.
    "imc doctor") continue ;;
    esac
    IFS=';' read -r -a parts <<<"$command"
    for part in "${parts[@]}"; do
        # shellcheck disable=SC2086
        expect_status "README: ${part# }" 0 $part
    done
done
expect "nothing is left of the ten minutes" 0 "$(as_root find "$DATA/layers" -name '*.erofs' 2>/dev/null | wc -l)"

start_registry "$SCRATCH/registry" "$SCRATCH/registry.log"
push_image small library/redis:8
export IMC_PLAIN_HTTP="$REGISTRY"
# Lines that end in a backslash go on in the next.
# shellcheck disable=SC2016
mapfile -t commands < <(sed -n '/^## As a service/,/^## /p' "$REPO/README.md" | sed -n '/^```console/,/^```/p' |
    sed -e :a -e '/\\$/N; s/ *\\\n */ /; ta' | sed -n 's/^\$ //p' |
    sed -E "s/ +# .*//; s/sudo imc/imc/g; s#docker\.io/library/redis#$REGISTRY/library/redis#")
expect "the service is four lines" 4 "${#commands[@]}"
expect "the first one starts it" "imc serve &" "${commands[0]}"
as_root env IMC_PLAIN_HTTP="$REGISTRY" "$IMC_BIN" --data-dir "$DATA" serve >"$SCRATCH/serve.log" 2>&1 &
on_exit "as_root pkill -KILL -f -- '--data-dir $DATA serve'"
eventually "it serves" grep -q '^serving ' "$SCRATCH/serve.log"
for command in "${commands[@]:1}"; do
    # In this shell, since one line sets what the next one uses.
    if eval "$command" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr"; then passed "README: $command"; else
        failed "README: $command" "$(cat "$SCRATCH/stdout" "$SCRATCH/stderr")"
    fi
done
is_ready() { [ "$(imc -o json show db | json 'document["state"]')" = Ready ]; }
eventually "the cache that curl asked for is made" is_ready
as_root pkill -TERM -f -- "--data-dir $DATA serve"
eventually "it ends in order" grep -q 'everything under way has ended' "$SCRATCH/serve.log"
expect_nothing_left
finished
