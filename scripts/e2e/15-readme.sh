#!/usr/bin/env bash
# The README's ten minutes, command by command, with a layout here in place of the image there.
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
expect_nothing_left
finished
