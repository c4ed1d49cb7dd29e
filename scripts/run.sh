#!/usr/bin/env bash
# `make run`: an image is pulled, verified and unpacked once, then containers start from it, registry off.
#
#   IMAGE=...         any reference, oci:DIR[:ref] or docker-archive:FILE; without it the script looks for itself
#   CONTAINER_CMD=... what the containers run, by /bin/sh in them
#   IMC_DATA_DIR=...  where blobs and records go (default: .cache/run of this checkout)
#   IMC_BIN=...       a ready-made imc instead of building one
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$REPO" || exit

CACHE=demo
DATA_DIR="${IMC_DATA_DIR:-$REPO/.cache/run}"
# The container's shell expands it, not this one.
# shellcheck disable=SC2016
HELLO='. /etc/os-release 2>/dev/null; echo "hello from ${PRETTY_NAME:-a container}"'
CONTAINER_CMD="${CONTAINER_CMD:-$HELLO}"
PUBLIC_REGISTRY=registry-1.docker.io
PUBLIC_IMAGE=docker.io/library/python:3-slim

imc() { as_root "$IMC" --data-dir "$DATA_DIR" "$@"; }

build_program() {
    "$REPO/scripts/install.sh" build
    if [ -n "${IMC_BIN:-}" ]; then
        IMC="$IMC_BIN"
        return
    fi
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

# A run before this one left its cache: everything is fetched anew, so that the time shown is a pull's.
forget_last_run() {
    if imc show "$CACHE" >/dev/null 2>&1; then
        step "deleting the cache of the last run, so that this one pulls again"
        imc --quiet delete "$CACHE"
        imc --quiet gc
    fi
}

create_cache() {
    local before
    step "imc create $CACHE $IMAGE_USED"
    before="$(now_ms)"
    imc create "$CACHE" "$IMAGE_USED" ${REGISTRY_ARGS[@]+"${REGISTRY_ARGS[@]}"}
    CREATE_MS=$(($(now_ms) - before))
}

# Sets START_MS. Arguments: what to start.
start_container() {
    local before
    step "imc run --rm $1"
    before="$(now_ms)"
    imc run --rm ${REGISTRY_ARGS[@]+"${REGISTRY_ARGS[@]}"} --entrypoint /bin/sh "$1" -- -c "$CONTAINER_CMD" ||
        die "the container failed; an image without a shell needs another CONTAINER_CMD (status $?)"
    START_MS=$(($(now_ms) - before))
}

main() {
    build_program
    # sudo asks for its password here and not inside a measurement.
    as_root true
    choose_image
    mkdir -p "$DATA_DIR"
    forget_last_run
    create_cache
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
        printf '%s\n' "Try: ${IMC#"$REPO"/} --data-dir ${DATA_DIR#"$REPO"/} run --rm -it $CACHE -- sh"
    }
}
main "$@"
