#!/usr/bin/env bash
# `make run`: an image is pulled, verified and unpacked once, then containers start from it, registry off.
#
#   IMAGE=...         any reference, oci:DIR[:ref] or docker-archive:FILE; without it the script looks for itself
#   CONTAINER_CMD=... what the containers run, by /bin/sh in them; word by word where the image has no shell
#   IMC_DATA_DIR=...  where blobs and records go (default: .cache/run of this checkout)
#   IMC_BIN=...       a ready-made imc instead of building one
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ -z "${IMC_BIN:-}" ] || IMC_BIN="$(realpath "$IMC_BIN")"
[ -z "${IMC_DATA_DIR:-}" ] || IMC_DATA_DIR="$(realpath -m "$IMC_DATA_DIR")"
cd "$REPO" || exit

CACHE=demo
OWN_DATA_DIR="$REPO/.cache/run"
DATA_DIR="${IMC_DATA_DIR:-$OWN_DATA_DIR}"
# Which cache the last run made in a data directory that is not ours alone.
MADE="$REPO/.cache/run-made/$(key_of "$DATA_DIR")"
# The container's shell expands it, not this one. A missing file would end a POSIX shell at the dot.
# shellcheck disable=SC2016
HELLO='[ -r /etc/os-release ] && . /etc/os-release; echo "hello from ${PRETTY_NAME:-a container}"'
PUBLIC_REGISTRY=registry-1.docker.io
PUBLIC_IMAGE=docker.io/library/python:3-slim

imc() { as_root "$IMC" --data-dir "$DATA_DIR" "$@"; }

build_program() {
    if [ -n "${IMC_BIN:-}" ]; then
        IMC="$IMC_BIN"
        return
    fi
    "$REPO/scripts/install.sh" build
    step "building imc (cargo build --release)"
    cargo build --release --package cli
    IMC="${CARGO_TARGET_DIR:-$REPO/target}/release/imc"
}

# Sets IMAGE_USED and, where the registry is ours, REGISTRY and REGISTRY_PID.
choose_image() {
    REGISTRY_ARGS=()
    if [ -n "${IMAGE:-}" ]; then
        IMAGE_USED="$IMAGE"
        step "image: $IMAGE_USED, as asked by IMAGE="
        return
    fi
    local answer
    answer="$(curl -s -o /dev/null -m 3 -w '%{http_code}' "https://$PUBLIC_REGISTRY/v2/" || true)"
    if [ "$answer" = 200 ] || [ "$answer" = 401 ]; then
        IMAGE_USED="$PUBLIC_IMAGE"
        step "image: $IMAGE_USED, since $PUBLIC_REGISTRY answered within 3 s"
        return
    fi
    step "image: a Debian system made of packages here, since $PUBLIC_REGISTRY did not answer within 3 s"
    serve_own_image
}

serve_own_image() {
    "$REPO/scripts/install.sh" test
    local layout
    layout="$("$REPO/scripts/images.sh" build debian)"
    make_scratch "${TMPDIR:-/tmp}"
    start_registry "$SCRATCH/registry" "$SCRATCH/registry.log"
    skopeo copy --quiet --dest-tls-verify=false "oci:$layout:latest" "docker://$REGISTRY/imc/debian:latest"
    IMAGE_USED="$REGISTRY/imc/debian:latest"
    REGISTRY_ARGS=(--plain-http "$REGISTRY")
    step "it is served by a registry of its own on $REGISTRY, so that the pull is a real one"
}

# Everything is fetched anew, so that the time shown is a pull's. In a data directory of somebody else's only the cache
# that the last run made there goes, and nothing is collected.
forget_last_run() {
    if [ "$DATA_DIR" = "$OWN_DATA_DIR" ]; then
        if imc show "$CACHE" >/dev/null 2>&1; then
            step "deleting the cache of the last run, so that this one pulls again"
            imc --quiet delete --all "$CACHE"
            imc --quiet gc
        fi
    elif [ -f "$MADE" ]; then
        step "deleting the cache of the last run; layers that are in $DATA_DIR are not pulled again"
        imc --quiet delete "$(cat "$MADE")" >/dev/null 2>&1 || true
        rm -f "$MADE"
    fi
}

# The ids of all caches of our name, our own or not.
cache_ids() { imc list | awk -v name="$CACHE" '$1 == name { print $2 }'; }

# What an attempt that came to nothing left in a data directory of somebody else's. Argument: the ids before it.
forget_attempt() {
    local id
    [ "$DATA_DIR" != "$OWN_DATA_DIR" ] || return 0
    for id in $(cache_ids); do
        grep -qxF "$id" <<<"$1" || imc --quiet delete "$id" >/dev/null || true
    done
}

# Sets CREATE_MS.
create_cache() {
    local before said ids status=0
    step "imc create $CACHE $IMAGE_USED"
    ids="$(cache_ids)"
    before="$(now_ms)"
    said="$(imc create "$CACHE" "$IMAGE_USED" ${REGISTRY_ARGS[@]+"${REGISTRY_ARGS[@]}"})" || status=$?
    if [ "$status" -ne 0 ]; then
        forget_attempt "$ids"
        return "$status"
    fi
    CREATE_MS=$(($(now_ms) - before))
    printf '%s\n' "$said"
    mkdir -p "$(dirname "$MADE")"
    sed -n 's/^cache [^ ]* (\(imc-[0-9a-f]*\)).*/\1/p' <<<"$said" >"$MADE"
}

# A registry that answers may still serve its blobs from a host that cannot be reached (69), let this address pull no more
# (75), or stand behind a proxy that forbids it (77).
create_cache_from_any() {
    local status=0
    create_cache || status=$?
    case "$status" in
    0) return ;;
    69 | 75 | 77) ;;
    *) exit "$status" ;;
    esac
    [ -z "${IMAGE:-}" ] && [ "$IMAGE_USED" = "$PUBLIC_IMAGE" ] || exit "$status"
    step "image: a Debian system made of packages here, since $PUBLIC_IMAGE could not be pulled"
    serve_own_image
    forget_last_run
    create_cache || exit
}

run_container() { imc run --rm ${REGISTRY_ARGS[@]+"${REGISTRY_ARGS[@]}"} "$@"; }

# Sets START_MS. Arguments: what to start.
start_container() {
    local before status=0 words=()
    step "imc run --rm $1"
    before="$(now_ms)"
    if [ -z "${SHELLLESS:-}" ]; then
        run_container --entrypoint /bin/sh "$1" -- -c "${CONTAINER_CMD:-$HELLO}" || status=$?
        # 127 may be the shell's own word.
        if [ "$status" -eq 127 ] && ! run_container --entrypoint /bin/sh "$1" -- -c : >/dev/null 2>&1; then
            SHELLLESS=yes status=0
            step "the image has no /bin/sh: ${CONTAINER_CMD:-its own command} instead"
            before="$(now_ms)"
        fi
    fi
    if [ -n "${SHELLLESS:-}" ]; then
        read -r -a words <<<"${CONTAINER_CMD:-}"
        if [ "${#words[@]}" -gt 0 ]; then
            run_container --entrypoint "" "$1" -- "${words[@]}" || status=$?
        else
            run_container "$1" || status=$?
        fi
    fi
    [ "$status" -eq 0 ] || die "the container failed (status $status); CONTAINER_CMD= runs another command"
    START_MS=$(($(now_ms) - before))
}

# What a user types for `imc` here.
imc_words() {
    local sudo=""
    [ "$(id -u)" -eq 0 ] || sudo="sudo "
    printf '%s%q --data-dir %q' "$sudo" "$IMC" "$DATA_DIR"
}

main() {
    # Before a build of minutes: without root nothing starts.
    as_root true
    build_program
    # sudo asks for its password here and not inside a measurement.
    as_root true
    choose_image
    mkdir -p "$DATA_DIR"
    forget_last_run
    create_cache_from_any
    if [ -n "${REGISTRY_PID:-}" ]; then
        stop_process "$REGISTRY_PID"
        step "the registry is switched off now"
    fi
    start_container "$CACHE"
    local first="$START_MS" second_target="$IMAGE_USED"
    start_container "$second_target"
    {
        printf '\n%-44s %8s\n' "what" "took"
        printf '%-44s %5d ms\n' "pull, verify and unpack (once)" "$CREATE_MS"
        printf '%-44s %5d ms\n' "first start, by the name of the cache" "$first"
        printf '%-44s %5d ms\n' "second start, by the name of the image" "$START_MS"
        [ -z "${REGISTRY_PID:-}" ] || printf '%s\n' "Both starts with the registry switched off."
        printf '\n%s\n' "The cache \`$CACHE\` stays in $DATA_DIR; \`make run\` again makes it anew."
        local try_command=" -- sh"
        [ -z "${SHELLLESS:-}" ] || try_command=""
        printf '%s\n' "Try: $(imc_words) run --rm -it $CACHE$try_command"
    }
}
main "$@"
