# shellcheck shell=bash
# What every script here shares. Source it: `. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"`.

set -euo pipefail
# Without it a failure inside "$(...)" goes unnoticed.
shopt -s inherit_errexit

REPO="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# Survives runs, so that only the first one downloads and builds.
TOOLS_CACHE="${IMC_TOOLS:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/imc-tools}"
export REPO TOOLS_CACHE
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:${HOME:-/root}/.cargo/bin:/usr/local/go/bin"
# Only where install.sh had to fetch one.
[ ! -d "$TOOLS_CACHE/go1.26.0/bin" ] || PATH="$TOOLS_CACHE/go1.26.0/bin:$PATH"

say() { printf '%s\n' "$*" >&2; }
step() { printf '==> %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# What our programs and their tools read.
KEPT_BY_SUDO=(PATH HOME TERM NO_COLOR CLICOLOR_FORCE XDG_CACHE_HOME CARGO_HOME RUSTUP_HOME CARGO_TERM_COLOR CARGO_INCREMENTAL
    GOTOOLCHAIN IMC_DATA_DIR IMC_TOOLS IMC_TEST_PRIVILEGED IMC_PLAIN_HTTP IMC_INSECURE_REGISTRY IMC_CA_FILE IMC_CERTS_D
    IMC_LOG DOCKER_CONFIG http_proxy https_proxy no_proxy all_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY)

# Runs a command as root: as it is for root, else by sudo with the variables that our programs read.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo --preserve-env="$(
            IFS=,
            printf '%s' "${KEPT_BY_SUDO[*]}"
        )" "$@"
    else
        die "this step needs root (mounts, packages) and there is no sudo: run it as root: $*"
    fi
}

# --- things to undo on every way out -------------------------------------------------------------
# Commands are kept as one line each and run last in, first out.
UNDO=()
on_exit() { UNDO+=("$*"); }
run_undo() {
    local status=$? index
    set +e
    for ((index = ${#UNDO[@]} - 1; index >= 0; index--)); do
        eval "${UNDO[index]}" >/dev/null 2>&1
    done
    exit "$status"
}
trap run_undo EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# A private folder that goes away with the script, mounts inside it first.
make_scratch() {
    local parent="$1"
    mkdir -p "$parent"
    SCRATCH="$(mktemp -d "$parent/imc.XXXXXX")"
    on_exit "remove_tree '$SCRATCH'"
}

# Unmounts everything at or below a folder, deepest first.
unmount_below() {
    local target
    while read -r target; do
        as_root umount -l "$target" 2>/dev/null || true
    done < <(awk -v top="$1" '{ p = $5; gsub(/\\040/, " ", p); if (p == top || index(p, top "/") == 1) print p }' \
        /proc/self/mountinfo | sort -r)
}

remove_tree() {
    [ -e "$1" ] || return 0
    unmount_below "$1"
    rm -rf "$1" 2>/dev/null || as_root rm -rf --one-file-system "$1"
}

# Ends a process that we started and waits until it is gone.
stop_process() {
    local process="$1" waited=0
    kill -TERM "$process" 2>/dev/null || as_root kill -TERM "$process" 2>/dev/null || return 0
    while kill -0 "$process" 2>/dev/null && [ "$waited" -lt 100 ]; do
        sleep 0.1
        waited=$((waited + 1))
    done
    kill -KILL "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Asks a URL until it answers 200 or 401; fails after the given number of seconds.
wait_for_url() {
    local url="$1" seconds="${2:-20}" deadline code
    deadline=$(($(date +%s) + seconds))
    while :; do
        code="$(curl -s -o /dev/null -m 2 -w '%{http_code}' "$url" || true)"
        case "$code" in 200 | 401) return 0 ;; esac
        [ "$(date +%s)" -lt "$deadline" ] || return 1
        sleep 0.05
    done
}

# Starts Debian's registry on a free port of loopback: sets REGISTRY (host:port), REGISTRY_PID.
# Arguments: storage folder, file for its log, and where it is to demand them a user and a password.
start_registry() {
    local storage="$1" log="$2" user="${3:-}" password="${4:-}" port config
    have docker-registry || die "docker-registry is not installed: run scripts/install.sh test"
    port="$(free_port)"
    config="$storage.yml"
    mkdir -p "$storage"
    cat >"$config" <<EOF
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: $storage}
  delete: {enabled: true}
http: {addr: 127.0.0.1:$port}
EOF
    if [ -n "$user" ]; then
        have htpasswd || die "htpasswd is not installed: run scripts/install.sh test"
        htpasswd -nbB "$user" "$password" >"$storage.htpasswd"
        echo "auth: {htpasswd: {realm: imc-test, path: $storage.htpasswd}}" >>"$config"
    fi
    docker-registry serve "$config" >"$log" 2>&1 &
    REGISTRY_PID=$!
    REGISTRY="127.0.0.1:$port"
    export REGISTRY REGISTRY_PID
    on_exit "stop_process $REGISTRY_PID"
    if ! wait_for_url "http://$REGISTRY/v2/" 20; then
        cat "$log" >&2
        die "the registry did not start on $REGISTRY"
    fi
}

# A lock per work item, so that two runs do not build the same thing into the cache at once.
with_lock() {
    local lock_file="$TOOLS_CACHE/locks/$1"
    shift
    mkdir -p "$TOOLS_CACHE/locks"
    (
        # What is to undo inside belongs to this subshell.
        UNDO=()
        trap run_undo EXIT
        exec 9>"$lock_file"
        flock 9
        "$@" 9>&-
    )
}

# Digest over files and words, short: the key of a thing in the cache.
key_of() {
    local item
    for item in "$@"; do
        if [ -f "$item" ]; then cat "$item"; else printf '%s\n' "$item"; fi
    done | sha256sum | cut -c1-16
}

# Time in milliseconds.
now_ms() { date +%s%3N; }
