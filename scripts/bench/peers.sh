# shellcheck shell=bash
# podman, umoci and imc.

# Peak resident memory in MB of a command, from /usr/bin/time: the largest of it and its children.
timed() {
    local peak_file="$1"
    shift
    /usr/bin/time -o "$peak_file" -f %M "$@"
}

# How many microseconds the image took to be ready, from what a start logs.
ready_from() { sed -n 's/.*image_ready_us=\([0-9]*\).*/\1/p' "$1" | tail -1; }

peak_from() { awk 'END { printf "%.0f", $1 / 1024 }' "$1"; }

bench_podman() {
    local image="$1" name="podman" reference="$REGISTRY/imc/$1:latest" root="$BENCH_DIR/podman" i
    local -a podman=(podman --root "$root/root" --runroot "$root/run" --tmpdir "$root/tmp" --storage-driver overlay
        --cgroup-manager cgroupfs --events-backend file)
    # It insists on raising limits where it is not told others, which not every machine lets it.
    remove_tree "$root"
    mkdir -p "$root"
    settle
    measure "$image" "$name" create timed "$root/peak" "${podman[@]}" pull --quiet --tls-verify=false "$reference"
    note "$image" "$name" peak_mb "$(peak_from "$root/peak")"
    measure "$image" "$name" sync sync -f "$root"
    measure "$image" "$name" again "${podman[@]}" pull --quiet --tls-verify=false "$reference"
    local -a run=("${podman[@]}" run --rm --network none --runtime runc --ulimit "nofile=$(ulimit -n)" --ulimit nproc=1024)
    measure "$image" "$name" first "${run[@]}" "$reference" "${FIRST[@]}"
    for ((i = 0; i < STARTS; i++)); do
        measure "$image" "$name" start "${run[@]}" "$reference" /bin/true
    done
    note "$image" "$name" disk_mb "$(disk_of "$root")"
    "${podman[@]}" system reset --force >/dev/null 2>&1 || true
    remove_tree "$root"
}

# Two programs, since umoci pulls nothing: skopeo fetches and checks, umoci unpacks.
bench_umoci() {
    local image="$1" name="skopeo + umoci" reference="$REGISTRY/imc/$1:latest" root="$BENCH_DIR/umoci"
    remove_tree "$root"
    mkdir -p "$root"
    settle
    fetch_and_unpack() {
        skopeo copy --quiet --src-tls-verify=false "docker://$reference" "oci:$root/image:latest"
        timed "$root/peak" umoci raw unpack --image "$root/image:latest" "$root/rootfs"
    }
    measure "$image" "$name" create fetch_and_unpack
    note "$image" "$name" peak_mb "$(peak_from "$root/peak")"
    measure "$image" "$name" sync sync -f "$root"
    note "$image" "$name" disk_mb "$(disk_of "$root")"
    remove_tree "$root"
}

bench_imc() {
    local image="$1" name="imc" reference="$REGISTRY/imc/$1:latest" root="$BENCH_DIR/imc" i
    local -a imc=("$IMC" --data-dir "$root/data" --quiet)
    remove_tree "$root"
    mkdir -p "$root"
    settle
    # Returns when everything is synced: what `sync` adds is what others wrote meanwhile.
    measure "$image" "$name" create timed "$root/peak" "${imc[@]}" create bench "$reference" --plain-http "$REGISTRY"
    note "$image" "$name" peak_mb "$(peak_from "$root/peak")"
    measure "$image" "$name" sync sync -f "$root"
    measure "$image" "$name" again "${imc[@]}" create second "$reference" --plain-http "$REGISTRY"
    measure "$image" "$name" first "${imc[@]}" run --rm --network none bench -- "${FIRST[@]}"
    for ((i = 0; i < STARTS; i++)); do
        IMC_LOG=imc=info measure "$image" "$name" start "${imc[@]}" run --rm --network none bench -- /bin/true
        note "$image" "$name" ready_us "$(ready_from "$BENCH_DIR/output")"
    done
    note "$image" "$name" disk_mb "$(disk_of "$root/data")"
    remove_tree "$root"
}

# What the machine can do at all, for the same bytes.
bench_limits() {
    local image="$1" layout blob megabytes
    layout="$("$REPO/scripts/images.sh" build "$image")"
    local -a blobs
    mapfile -t blobs < <(python3 "$REPO/scripts/bench/layers.py" "$layout")
    settle
    each_blob() { for blob in "${blobs[@]}"; do "$@" "$blob" >/dev/null; done; }
    measure "$image" "limit: igzip -d, one thread" create each_blob igzip -d -c
    measure "$image" "limit: our inflate, one thread, no CRC" create "$OUR_INFLATE" "${blobs[@]}"
    measure "$image" "limit: gzip -d, one thread" create each_blob gzip -d -c
    measure "$image" "limit: sha256 of the compressed layers" create each_blob openssl dgst -sha256
    megabytes="$(python3 "$REPO/scripts/bench/layers.py" --unpacked-mb "$layout")"
    note "$image" "image" unpacked_mb "$megabytes"
    settle
    measure "$image" "limit: disk, as many bytes written and synced" create \
        dd if=/dev/zero of="$BENCH_DIR/disk" bs=1M count="$megabytes" conv=fsync status=none
    rm -f "$BENCH_DIR/disk"
}
