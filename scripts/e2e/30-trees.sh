#!/usr/bin/env bash
# What a container sees is what an independent unpacker (umoci) makes, for every odd thing a layer can hold.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The runtime's own: mount points, and files that it puts in, which touches their folder.
RUNTIME=(--ignore-time etc --skip proc --skip sys --skip dev --skip etc/hosts --skip etc/hostname --skip etc/resolv.conf)

pid_of() { imc ps --output json | json "[each for each in (document if isinstance(document, list) else document['instances']) if each['name'] == '$1'][0]['pid']"; }

# The same layers in three compressions, of which umoci knows one.
for image in odd odd-zstd odd-plain debian; do
    layout="$IMC_TEST_IMAGES/$image"
    # A store of its own, since the same layers would be found there.
    DATA="$SCRATCH/data-$image"
    wait_command=(/bin/busybox sleep 600)
    [ "$image" != debian ] || wait_command=(/bin/sleep 600)
    started="$(date +%s)"
    as_root umoci raw unpack --image "$IMC_TEST_IMAGES/${image%%-*}:latest" "$SCRATCH/$image" >"$SCRATCH/umoci" 2>&1 ||
        failed "umoci unpacks ${image%%-*}" "$(cat "$SCRATCH/umoci")"
    expect_status "create $image" 0 imc create "$image" "oci:$layout:latest"
    expect_status "start $image" 0 imc run -d --name "$image" --network none "$image" -- "${wait_command[@]}"
    # A look from outside: the image brings no tools of its own.
    expect_status "$image: both trees agree" 0 as_root python3 "$REPO/scripts/e2e/tree.py" "$SCRATCH/$image" \
        "/proc/$(pid_of "$image")/root" "${RUNTIME[@]}" --since "$started"
    printf '# %s\n' "$OUTPUT"
    expect_status "stop $image" 0 imc rm --force "$image"
    remove_tree "$SCRATCH/$image"
done
expect_nothing_left
finished
