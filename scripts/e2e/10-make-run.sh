#!/usr/bin/env bash
# What the README shows first: `make run`, by default and with IMAGE=, twice over one data directory.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

export IMC_DATA_DIR="$DATA"

for image in "" "" "oci:$IMC_TEST_IMAGES/debian:latest"; do
    expect_status "make run ${image:+IMAGE=$image}" 0 env IMAGE="$image" make --no-print-directory -C "$REPO" run
    expect "both containers said hello" 2 "$(grep -c '^hello from ' <<<"$OUTPUT")"
    expect_match "the table has the pull" 'pull, verify and unpack \(once\) +[0-9]+ ms' "$OUTPUT"
    expect_match "the table has the second start" 'second start, by the name of the image +[0-9]+ ms' "$OUTPUT"
done

# An image that says nothing of its system, and one without a shell.
expect_status "make run of an image without os-release" 0 \
    env IMAGE="oci:$IMC_TEST_IMAGES/small:latest" make --no-print-directory -C "$REPO" run
expect "it says hello all the same" 2 "$(grep -c '^hello from a container$' <<<"$OUTPUT")"
mkdir -p "$SCRATCH/tree"
cp /bin/busybox "$SCRATCH/tree/busybox"
tar -C "$SCRATCH/tree" -cf "$SCRATCH/layer.tar" busybox
python3 "$REPO/scripts/images/oci.py" "$SCRATCH/shellless" --compression gzip --architecture "$(dpkg --print-architecture)" \
    --config '{"Cmd": ["/busybox", "echo", "hello from no shell"]}' "$SCRATCH/layer.tar"
shellless=(env IMAGE="oci:$SCRATCH/shellless" make --no-print-directory -C "$REPO" run)
expect_status "make run of an image without a shell" 0 "${shellless[@]}"
expect "its own command runs" 2 "$(grep -c '^hello from no shell$' <<<"$OUTPUT")"
expect_status "the same with a command" 0 env CONTAINER_CMD="/busybox echo as told" "${shellless[@]}"
expect "that command runs, without a shell" 2 "$(grep -c '^as told$' <<<"$OUTPUT")"

# A data directory of somebody else's: only what make run made there goes.
expect_status "a cache of another's, of the same name" 0 imc create demo "oci:$IMC_TEST_IMAGES/small:latest"
expect_status "make run beside it" 0 "${shellless[@]}"
expect "it is there still, beside the one of this run" 2 \
    "$(imc list --output json | json 'sum(cache["name"] == "demo" for cache in document)')"

# A public registry that answers and does not let its image be pulled: unreachable blobs, too many pulls, a proxy's refusal.
mkdir "$SCRATCH/stubs"
cat >"$SCRATCH/stubs/curl" <<'EOF'
#!/bin/sh
case "$*" in *registry-1.docker.io*) printf 401 ;; *) exec "$REAL_CURL" "$@" ;; esac
EOF
cat >"$SCRATCH/stubs/imc" <<'EOF'
#!/bin/sh
case "$*" in
*" create demo docker.io/"*)
    "$REAL_IMC" --data-dir "$2" create demo 127.0.0.1:1/none:1 --plain-http 127.0.0.1:1
    exit "$STATUS"
    ;;
*) exec "$REAL_IMC" "$@" ;;
esac
EOF
chmod +x "$SCRATCH/stubs/curl" "$SCRATCH/stubs/imc"
failed_demos() { imc list --output json | json 'sum(c["name"] == "demo" and c["state"] == "Failed" for c in document)'; }
for status in 69 75 77; do
    expect_status "make run where the public image cannot be pulled ($status)" 0 env REAL_CURL="$(command -v curl)" \
        REAL_IMC="$IMC_BIN" IMC_BIN="$SCRATCH/stubs/imc" STATUS="$status" PATH="$SCRATCH/stubs:$PATH" \
        make --no-print-directory -C "$REPO" run
    expect_match "it says so" 'since docker.io/library/python:3-slim could not be pulled' "$MESSAGES"
    expect "the attempt leaves no cache" 0 "$(failed_demos)"
done
expect_status "make run of an image that is not there" 2 env IMAGE="oci:$SCRATCH/missing" make --no-print-directory -C "$REPO" run
expect "it leaves no cache either" 0 "$(failed_demos)"

expect "the cache stays" demo "$(imc list --output json | json 'document[0]["name"]')"
expect "no instance stays" "0" "$(imc ps --all --output json | json 'len(document)')"
expect_nothing_left
finished
