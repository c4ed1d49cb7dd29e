#!/usr/bin/env bash
# Builds real images into the cache folder, as OCI layouts, and can push them to a registry.
#
#   scripts/images.sh build NAME...       builds what is not there; prints a path per image
#   scripts/images.sh folder              builds every test image; prints the folder that holds them by name
#   scripts/images.sh push NAME HOST      copies one to HOST/imc/NAME:latest (plain HTTP)
#
# Names: small, small-zstd, small-plain, odd, odd-zstd, odd-plain, debian      (tests, make run)
#        torch, many                                                        (make bench)
#
# The key of an image is its recipe: a changed recipe makes a new one, an unchanged one costs nothing.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

RECIPES="$REPO/scripts/images"
SUITE=bookworm
TEST_IMAGES=(small small-zstd small-plain odd odd-zstd odd-plain debian)

# --- recipes: all a recipe depends on is in its own words and files -------------------------------
DEBIAN_PACKAGES=(ca-certificates procps less python3-minimal perl)
# Large shared objects: PyPI's torch wheel, alone (what it depends on is another 2 GB of CUDA), with NumPy.
TORCH_WHEELS=(torch==2.9.1 numpy==2.3.5)
TORCH_PACKAGES=(python3 ca-certificates)
# Small files: several language runtimes with their libraries.
MANY_PACKAGES_1=(python3 python3-sympy python3-django python3-scipy python3-pandas python3-pip perl perl-doc)
MANY_PACKAGES_2=(nodejs npm ruby-full golang-src)
MANY_PACKAGES_3=(php-cli texlive-base)

key_of_image() {
    case "$1" in
    small*) key_of "$RECIPES/small.py" "$RECIPES/oci.py" /bin/busybox "$1" ;;
    odd*) key_of "$RECIPES/odd.py" "$RECIPES/oci.py" /bin/busybox "$1" ;;
    debian) key_of "$RECIPES/tree.py" "$RECIPES/oci.py" "$SUITE ${DEBIAN_PACKAGES[*]}" ;;
    torch) key_of "$RECIPES/tree.py" "$RECIPES/oci.py" "$SUITE ${TORCH_PACKAGES[*]} ${TORCH_WHEELS[*]}" ;;
    many) key_of "$RECIPES/tree.py" "$RECIPES/oci.py" \
        "$SUITE ${MANY_PACKAGES_1[*]} / ${MANY_PACKAGES_2[*]} / ${MANY_PACKAGES_3[*]}" ;;
    *) die "unknown image: $1" ;;
    esac
}

compression_of() {
    case "$1" in
    *-zstd) echo zstd ;;
    *-plain) echo none ;;
    *) echo gzip ;;
    esac
}

architecture() { dpkg --print-architecture; }

layout() {
    python3 "$RECIPES/oci.py" "$1" --compression "$2" --architecture "$(architecture)" --config "$3" "${@:4}"
}

build_small() {
    python3 "$RECIPES/small.py" "$WORK/tars"
    layout "$WORK/image" "$(compression_of "$1")" '{
        "Entrypoint": ["/usr/local/bin/app"], "Cmd": ["hello"], "User": "app", "WorkingDir": "/home/app",
        "Env": ["PATH=/usr/local/bin:/bin:/usr/bin", "GREETING=good day"], "StopSignal": "SIGUSR1"
    }' "$WORK"/tars/*.tar
}

build_odd() {
    python3 "$RECIPES/odd.py" "$WORK/tars"
    layout "$WORK/image" "$(compression_of "$1")" '{"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]}' "$WORK"/tars/*.tar
}

# A Debian root that grows by a layer for each further argument: a list of packages, or `wheels:` and a list.
build_from_debian() {
    local suite="$1" settings="$2" number=2 group hooks=() tree="$RECIPES/tree.py"
    shift 2
    mkdir -p "$WORK/tars"
    python3 -c "import pickle, sys; pickle.dump({}, open(sys.argv[1], 'wb'))" "$WORK/state"
    hooks+=("--customize-hook=python3 '$tree' layer \"\$1\" '$WORK/state' '$WORK/tars/1-base.tar'")
    for group in "$@"; do
        case "$group" in
        wheels:*)
            local where="usr/local/lib/python3/dist-packages"
            fetch_wheels "$WORK/wheels" "${group#wheels:}"
            hooks+=("--customize-hook=mkdir -p \"\$1/$where\" && for wheel in '$WORK'/wheels/*.whl; do python3 -m zipfile -e \"\$wheel\" \"\$1/$where\"; done")
            ;;
        *) hooks+=("--customize-hook=APT_CONFIG=\$MMDEBSTRAP_APT_CONFIG apt-get -qq -y --no-install-recommends -o DPkg::Use-Pty=0 -o DPkg::Chroot-Directory=\"\$1\" install $group >/dev/null") ;;
        esac
        hooks+=("--customize-hook=python3 '$tree' layer \"\$1\" '$WORK/state' '$WORK/tars/$number-layer.tar'")
        number=$((number + 1))
    done
    as_root env DEBIAN_FRONTEND=noninteractive mmdebstrap --quiet --mode=root --variant=minbase \
        --skip=output/dev,output/mknod "${hooks[@]}" "$suite" "$WORK/root" >&2
    as_root chown -R "$(id -u):$(id -g)" "$WORK/tars"
    as_root rm -rf --one-file-system "$WORK/root" "$WORK/wheels"
    layout "$WORK/image" gzip "$settings" "$WORK"/tars/*.tar
}

fetch_wheels() {
    local folder="$1" wheels
    read -r -a wheels <<<"$2"
    step "downloading wheels: ${wheels[*]}"
    python3 -m pip download --quiet --no-deps --dest "$folder" --python-version 3.11 --only-binary=:all: \
        --platform "manylinux_2_28_$(uname -m)" --platform "manylinux_2_27_$(uname -m)" "${wheels[@]}" >&2
}

DEBIAN_SETTINGS='{"Cmd": ["bash"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}'
PYTHON_SETTINGS='{"Cmd": ["python3"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH=/usr/local/lib/python3/dist-packages"]}'

build_image() {
    local name="$1" target="$2"
    step "building the image $name (once)"
    WORK="$TOOLS_CACHE/work.$$"
    on_exit "remove_tree '$WORK'"
    mkdir -p "$WORK"
    case "$name" in
    small*) build_small "$name" ;;
    odd*) build_odd "$name" ;;
    debian) build_from_debian "$SUITE" "$DEBIAN_SETTINGS" "${DEBIAN_PACKAGES[*]}" ;;
    torch) build_from_debian "$SUITE" "$PYTHON_SETTINGS" "${TORCH_PACKAGES[*]}" "wheels:${TORCH_WHEELS[*]}" ;;
    many) build_from_debian "$SUITE" "$DEBIAN_SETTINGS" "${MANY_PACKAGES_1[*]}" "${MANY_PACKAGES_2[*]}" "${MANY_PACKAGES_3[*]}" ;;
    esac
    mkdir -p "$(dirname "$target")"
    mv "$WORK/image" "$target"
    remove_tree "$WORK"
}

ensure_image() {
    local name="$1" target
    target="$TOOLS_CACHE/images/$name-$(key_of_image "$name")"
    build_if_missing() { [ -d "$target" ] || build_image "$name" "$target"; }
    with_lock "image-$name" build_if_missing >&2
    printf '%s\n' "$target"
}

# A folder with a symlink per name, so that tests need not know the keys.
ensure_folder() {
    local name target folder="$TOOLS_CACHE/test-images"
    mkdir -p "$folder"
    for name in "${TEST_IMAGES[@]}"; do
        target="$(ensure_image "$name")"
        [ "$(readlink "$folder/$name" || true)" = "$target" ] || ln -sfn "$target" "$folder/$name"
    done
    printf '%s\n' "$folder"
}

main() {
    local action="${1:-}" name
    case "$action" in
    build)
        shift
        for name in "$@"; do ensure_image "$name"; done
        ;;
    folder) ensure_folder ;;
    push)
        [ $# -eq 3 ] || die "usage: scripts/images.sh push NAME HOST"
        skopeo copy --quiet --dest-tls-verify=false "oci:$(ensure_image "$2"):latest" \
            "docker://$3/imc/$2:latest"
        ;;
    *) sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 64 ;;
    esac
}
main "$@"
