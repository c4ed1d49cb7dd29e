#!/usr/bin/env bash
# Each wrong thing: the documented exit status, a message that names it, nothing left behind.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

start_registry "$SCRATCH/registry" "$SCRATCH/registry.log"
push_image small team/small:1
plain=(--plain-http "$REGISTRY")

expect_status "usage: no command" 64 imc
expect_status "malformed reference" 64 imc create a 'UPPER//case::'
expect_status "malformed name of a cache" 64 imc create '../evil' "$REGISTRY/team/small:1"
expect_status "unknown image" 66 imc create a "$REGISTRY/no/such:1" "${plain[@]}"
expect_match "the message names it" 'no/such' "$MESSAGES"
expect_status "unknown tag" 66 imc create a "$REGISTRY/team/small:none" "${plain[@]}"
expect_status "unreachable host" 69 imc create a "127.0.0.1:9/team/small:1" --plain-http 127.0.0.1:9
expect_match "the message names the host" '127\.0\.0\.1:9' "$MESSAGES"
expect_status "plain HTTP where TLS is expected" 69 imc create a "$REGISTRY/team/small:1"
expect_status "no such layout" 66 imc create a "oci:$SCRATCH/none"
expect_status "unknown cache" 66 imc show none
expect_status "unknown instance" 66 imc logs none
expect_status "create a good one" 0 imc create good "oci:$IMC_TEST_IMAGES/small:latest"
expect_status "a command that is not there" 127 imc run --rm --entrypoint /no/such good
expect_status "a command that is no program" 126 imc run --rm --entrypoint /etc/passwd good

# A layer that is not what its digest says. Into an empty store: a layer that is there is not read again.
DATA="$SCRATCH/empty"
cp -rL "$IMC_TEST_IMAGES/small" "$SCRATCH/damaged"
largest="$(find "$SCRATCH/damaged/blobs" -type f -printf '%s %p\n' | sort -n | tail -1 | cut -d' ' -f2)"
printf 'X' | dd of="$largest" bs=1 seek=100000 conv=notrunc status=none
expect_status "a damaged layer" 65 imc create damaged "oci:$SCRATCH/damaged:latest"
truncate -s 100000 "$largest"
expect_status "a truncated layer" 65 imc create damaged "oci:$SCRATCH/damaged:latest"

expect "no part of a failed build is left" 0 "$(as_root find "$DATA" -name '*.part*' -o -name '*.tmp*' | wc -l)"
expect_nothing_left
finished
