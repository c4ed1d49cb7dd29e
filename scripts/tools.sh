#!/usr/bin/env bash
# Builds the programs pinned under tools/ into the cache folder and prints where they are.
#
#   scripts/tools.sh containerd        -> a folder with containerd, containerd-shim-runc-v2, ctr
#   scripts/tools.sh python NAME       -> a Python environment with what tools/NAME/requirements.txt names
#
# The key is what pins them and the version of Go or Python: nothing is built twice. `IMC_<NAME>_BIN` points at
# ready-made Go programs instead.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Raise it where a build function below changes what it makes.
RECIPE=1

build_containerd() {
    local out="$1" version
    version="$(cd "$REPO/tools/containerd" && go list -m -f '{{.Version}}' github.com/containerd/containerd/v2)"
    step "building containerd $version (once; about one to three minutes)"
    local stage="$out.part.$$"
    rm -rf "$stage"
    mkdir -p "$stage"
    # No cgo: nothing of the host's C library is needed, and the btrfs headers are not either.
    (cd "$REPO/tools/containerd" && CGO_ENABLED=0 nice go build -trimpath -o "$stage/" \
        -ldflags "-s -w -X github.com/containerd/containerd/v2/version.Version=${version#v}" \
        github.com/containerd/containerd/v2/cmd/containerd \
        github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2 \
        github.com/containerd/containerd/v2/cmd/ctr)
    rm -rf "$out"
    mv "$stage" "$out"
}

python_environment() {
    local name="$1" pins="$REPO/tools/$1/requirements.txt" out
    [ -f "$pins" ] || die "there is no tools/$name/requirements.txt"
    # Its own programs name the folder that they are in: it is made where it stays.
    out="$TOOLS_CACHE/$name-$(key_of "$pins" "$RECIPE" "$(python3 --version)")"
    ensure() {
        [ ! -f "$out/complete" ] || return 0
        step "installing $name from PyPI (once)" >&2
        rm -rf "$out"
        python3 -m venv "$out" >&2
        "$out/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$pins" >&2
        touch "$out/complete"
    }
    with_lock "$name" ensure
    printf '%s\n' "$out"
}

main() {
    if [ "${1:-}" = python ]; then
        python_environment "${2:?which environment: a folder of tools/}"
        return
    fi
    local name="${1:?which tool: containerd, python NAME}" ready out go_version
    ready="IMC_$(printf '%s' "$name" | tr 'a-z-' 'A-Z_')_BIN"
    if [ -n "${!ready:-}" ]; then
        printf '%s\n' "${!ready}"
        return
    fi
    [ -f "$REPO/tools/$name/go.mod" ] || die "there is no tool $name under tools/"
    have go || die "go is not installed: run scripts/install.sh bench"
    go_version="$(cd "$REPO/tools/$name" && go env GOVERSION)"
    out="$TOOLS_CACHE/$name-$(key_of "$REPO/tools/$name/go.sum" "$RECIPE" "$go_version")"
    ensure() { [ -d "$out" ] || "build_$name" "$out" >&2; }
    with_lock "$name" ensure
    printf '%s\n' "$out"
}
main "$@"
