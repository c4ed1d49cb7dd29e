# shellcheck shell=bash
# containerd as a peer: two snapshotters, each as installed and at its best.

CONTAINERD_SETUPS=(overlayfs-installed overlayfs-best erofs-installed erofs-best)

# What differs, all of it:
#   best        igzip on the PATH (containerd takes it by itself)
#   erofs-best  also mkfs.erofs options that containerd's own documentation recommends for speed, and four layers
#               unpacked at once: that made EROFS faster and overlayfs slower in trials on two cores.
# CONTAINERD_UNPACKS sets the last for both, to try it elsewhere.
containerd_config() {
    local setup="$1" root="$2" snapshotter="${1%-*}" unpacks=1 mkfs='[]' differ=walking
    [ "$snapshotter" != erofs ] || differ=erofs
    if [ "${setup#*-}" = best ]; then
        [ "$snapshotter" = overlayfs ] || unpacks=4
        unpacks="${CONTAINERD_UNPACKS:-$unpacks}"
        mkfs='["-T0", "--mkfs-time", "--sort=none"]'
    fi
    cat <<EOF
version = 3
root = "$root/root"
state = "$root/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.zfs", "io.containerd.nri.v1.nri"]
[grpc]
address = "$root/containerd.sock"
[ttrpc]
address = "$root/containerd.sock.ttrpc"
[plugins."io.containerd.differ.v1.erofs"]
mkfs_options = $mkfs
[plugins."io.containerd.service.v1.diff-service"]
default = ["$differ"$([ "$differ" = walking ] || printf ', "walking"')]
[plugins."io.containerd.transfer.v1.local"]
max_concurrent_unpacks = $unpacks
[[plugins."io.containerd.transfer.v1.local".unpack_config]]
platform = "linux/$(dpkg --print-architecture)"
snapshotter = "$snapshotter"
differ = "$differ"
EOF
}

containerd_ctr() { "$CONTAINERD_BIN/ctr" --address "$PEER_ROOT/containerd.sock" "$@"; }

# Starts a daemon with a root of its own; sets PEER_ROOT and DAEMON.
containerd_start() {
    local setup="$1" deadline
    PEER_ROOT="$BENCH_DIR/containerd-$setup"
    remove_tree "$PEER_ROOT"
    mkdir -p "$PEER_ROOT"
    containerd_config "$setup" "$PEER_ROOT" >"$PEER_ROOT/config.toml"
    local -a environment=("PATH=$CONTAINERD_BIN:$NEW_EROFS_UTILS:$PATH")
    # Both are found on the PATH where they are installed: switched off is what a machine without them does.
    environment+=(CONTAINERD_DISABLE_PIGZ=1)
    [ "${setup#*-}" = best ] || environment+=(CONTAINERD_DISABLE_IGZIP=1)
    env "${environment[@]}" "$CONTAINERD_BIN/containerd" --config "$PEER_ROOT/config.toml" \
        >"$PEER_ROOT/log" 2>&1 &
    DAEMON=$!
    on_exit "stop_process $DAEMON"
    deadline=$(($(now_ms) + 20000))
    until containerd_ctr version >/dev/null 2>&1; do
        kill -0 "$DAEMON" 2>/dev/null || die "containerd ended: $(tail -3 "$PEER_ROOT/log")"
        [ "$(now_ms)" -lt "$deadline" ] || die "containerd does not answer: $(tail -3 "$PEER_ROOT/log")"
        sleep 0.05
    done
}

containerd_stop() {
    stop_process "$DAEMON"
    remove_tree "$PEER_ROOT"
}

# One trial: create, durable, again, starts, peak memory.
bench_containerd() {
    local setup="$1" image="$2" snapshotter="${1%-*}" name="containerd $1" reference="$REGISTRY/imc/$2:latest" i
    containerd_start "$setup"
    settle
    measure "$image" "$name" create containerd_ctr image pull --plain-http --snapshotter "$snapshotter" "$reference"
    measure "$image" "$name" sync sync -f "$PEER_ROOT"
    measure "$image" "$name" again containerd_ctr image pull --plain-http --snapshotter "$snapshotter" "$reference"
    measure "$image" "$name" first containerd_ctr run --rm --snapshotter "$snapshotter" \
        "$reference" bench-first "${FIRST[@]}"
    for ((i = 0; i < STARTS; i++)); do
        measure "$image" "$name" start containerd_ctr run --rm --snapshotter "$snapshotter" \
            "$reference" "bench-$i" /bin/true
    done
    note "$image" "$name" peak_mb "$(peak_of_process "$DAEMON")"
    note "$image" "$name" disk_mb "$(disk_of "$PEER_ROOT")"
    containerd_stop
}
