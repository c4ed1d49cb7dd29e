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
expect "the cache stays" demo "$(imc list --output json | json 'document[0]["name"] if isinstance(document, list) else document["caches"][0]["name"]')"
expect "no instance stays" "0" "$(imc ps --all --output json | json 'len(document if isinstance(document, list) else document["instances"])')"
expect_nothing_left
finished
