#!/usr/bin/env bash
# `make bench`: creation, start and memory, ours beside containerd, podman and umoci, in one run.
#
#   scripts/bench.sh [--quick] [--rounds N] [--images torch,many] [--only imc,containerd,podman,umoci,limits]
#                    [--setups overlayfs-best,...] [--no-criterion] [--write]
#
# All pull from one registry on loopback whose files are in the page cache. The rounds are interleaved, so that what
# else the machine does hits all alike; medians are printed. --write puts the result into docs/benchmarks.md.
#
#   IMC_BIN=...          a ready-made imc
#   IMC_BENCH_DIR=...    where everything is written (default: .cache/bench of this checkout)
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=bench/containerd.sh
. "$REPO/scripts/bench/containerd.sh"
# shellcheck source=bench/peers.sh
. "$REPO/scripts/bench/peers.sh"

ROUNDS=3
STARTS=5
IMAGES=torch,many
ONLY=imc,containerd,podman,umoci,limits
CRITERION=yes
WRITE=no
BENCH_DIR="${IMC_BENCH_DIR:-$REPO/.cache/bench}"

# What the first container after a create does: it reads programs and libraries, a few hundred megabytes, which are in memory
# or on the disk, as the create left them.
FIRST=(/bin/sh -c 'cat /usr/bin/* /usr/lib/*/*.so* >/dev/null 2>&1; true')

# --- measuring ------------------------------------------------------------------------------------

# Appends image, subject, metric, value to the notes.
note() {
    printf '%s\t%s\t%s\t%s\n' "$@" >>"$NOTES"
    [ "$3" = text ] || printf '    %-36s %-8s %10s\n' "$2" "$3" "$4" >&2
}

# Runs a command and notes how many milliseconds it took. A failure ends the benchmark: no number is better than a
# wrong one.
measure() {
    local image="$1" subject="$2" metric="$3" before after
    shift 3
    before="$(date +%s%N)"
    "$@" >"$BENCH_DIR/output" 2>&1 ||
        die "$subject failed at $metric: $(tail -5 "$BENCH_DIR/output")"
    after="$(date +%s%N)"
    note "$image" "$subject" "$metric" "$(((after - before) / 100000 / 10)).$(((after - before) / 100000 % 10))"
}

peak_of_process() { awk '/^VmHWM:/ { printf "%.0f", $2 / 1024 }' "/proc/$1/status"; }
# Folders of containers that just ended may vanish under its feet.
disk_of() { { du -smx "$1" 2>/dev/null || true; } | tail -1 | cut -f1; }

# Nothing of the trial before may still be on its way to the disk; the registry's files are read once.
settle() {
    sync
    find "$BENCH_DIR/registry" -type f -name data -exec cat {} + >/dev/null 2>&1 || true
}

# --- the run --------------------------------------------------------------------------------------

parse_arguments() {
    while [ $# -gt 0 ]; do
        case "$1" in
        --quick) ROUNDS=1 STARTS=3 CRITERION=no ;;
        --rounds) ROUNDS="$2" && shift ;;
        --images) IMAGES="$2" && shift ;;
        --only) ONLY="$2" && shift ;;
        --setups) read -r -a CONTAINERD_SETUPS <<<"${2//,/ }" && shift ;;
        --no-criterion) CRITERION=no ;;
        --write) WRITE=yes ;;
        *) sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 64 ;;
        esac
        shift
    done
}

wanted() { case ",$ONLY," in *",$1,"*) return 0 ;; *) return 1 ;; esac; }

prepare() {
    "$REPO/scripts/install.sh" build test bench
    CONTAINERD_BIN="$("$REPO/scripts/tools.sh" containerd)"
    NEW_EROFS_UTILS="$TOOLS_CACHE/erofs-utils-trixie/bin"
    [ -d "$NEW_EROFS_UTILS" ] || NEW_EROFS_UTILS="$(dirname "$(command -v mkfs.erofs)")"
    IMC="${IMC_BIN:-}" OUR_INFLATE=""
    if [ -z "$IMC" ] && wanted imc; then
        step "building imc (cargo build --release)"
        (cd "$REPO" && cargo build --release --package cli)
        IMC="${CARGO_TARGET_DIR:-$REPO/target}/release/imc"
    fi
    if wanted limits; then
        (cd "$REPO" && cargo build --release --package inflate --example discard)
        OUR_INFLATE="${CARGO_TARGET_DIR:-$REPO/target}/release/examples/discard"
    fi
    export CONTAINERD_BIN NEW_EROFS_UTILS IMC OUR_INFLATE
    local image
    for image in ${IMAGES//,/ }; do "$REPO/scripts/images.sh" build "$image" >/dev/null; done
}

# Of this run, or of one before it that was killed.
remove_leftovers() {
    local folder
    for folder in "$BENCH_DIR"/*/; do remove_tree "${folder%/}"; done
    rm -f "$BENCH_DIR/disk"
}

serve_images() {
    local image
    mkdir -p "$BENCH_DIR"
    remove_leftovers
    on_exit remove_leftovers
    start_registry "$BENCH_DIR/registry" "$BENCH_DIR/registry.log"
    for image in ${IMAGES//,/ }; do "$REPO/scripts/images.sh" push "$image" "$REGISTRY"; done
}

describe_machine() {
    local cpu memory system versions
    cpu="$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
    memory="$(awk '/^MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo)"
    system="$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)"
    versions="containerd $("$CONTAINERD_BIN/containerd" --version | awk '{ print $3 }'), $(podman --version)"
    versions+=", umoci $(umoci --version | awk '{ print $3 }'), $(runc --version | head -1)"
    versions+=", $("$NEW_EROFS_UTILS/mkfs.erofs" --version 2>&1 | head -1), $(igzip --version 2>&1 | head -1)"
    note machine description text "$(date -u +%Y-%m-%d), $(nproc) cores (${cpu:-$(uname -m)}), $memory GB, \
Linux $(uname -r), $system, data on $(stat -f -c %T "$BENCH_DIR"); $versions."
}

one_round() {
    local image="$1" setup
    if wanted imc; then bench_imc "$image"; fi
    if wanted containerd; then
        for setup in "${CONTAINERD_SETUPS[@]}"; do bench_containerd "$setup" "$image"; done
    fi
    if wanted podman; then bench_podman "$image"; fi
    if wanted umoci; then bench_umoci "$image"; fi
}

main() {
    parse_arguments "$@"
    if [ "$(id -u)" -ne 0 ]; then
        # Everything below mounts and measures; a sudo for each command would be measured too.
        "$REPO/scripts/install.sh" build
        [ -n "${IMC_BIN:-}" ] || (cd "$REPO" && cargo build --release --package cli)
        export IMC_BIN="${IMC_BIN:-${CARGO_TARGET_DIR:-$REPO/target}/release/imc}" IMC_TOOLS="$TOOLS_CACHE"
        exec sudo --preserve-env "$0" "$@"
    fi
    prepare
    serve_images
    NOTES="$BENCH_DIR/notes.tsv"
    : >"$NOTES"
    describe_machine
    local image round
    for image in ${IMAGES//,/ }; do
        if wanted limits; then bench_limits "$image"; fi
        for ((round = 1; round <= ROUNDS; round++)); do
            step "$image, round $round of $ROUNDS"
            one_round "$image"
        done
    done
    if [ "$WRITE" = yes ]; then
        python3 "$REPO/scripts/bench/report.py" "$NOTES" --into "$REPO/docs/benchmarks.md"
    else
        python3 "$REPO/scripts/bench/report.py" "$NOTES"
    fi
    if [ "$CRITERION" = yes ]; then
        step "cargo bench: tar, inflate, EROFS writing, matching, a server with 100,000 caches"
        (cd "$REPO" && cargo bench --workspace)
    fi
}
main "$@"
