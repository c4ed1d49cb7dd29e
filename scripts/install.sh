#!/usr/bin/env bash
# Installs what building, testing and measuring need. Says nothing and takes no time where all is there.
#
#   scripts/install.sh [build] [test] [bench]        (default: build)
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The oldest compiler that the dependencies take: `rust-version` of Cargo.toml.
RUST_OLDEST="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$REPO/Cargo.toml")"
# Programs are looked for first: a machine that has them needs no package database at all.
BUILD=(cc:build-essential pkg-config:pkg-config curl:curl git:git /usr/include/seccomp.h:libseccomp-dev
    /etc/ssl/certs/ca-certificates.crt:ca-certificates)
# Of the major version that the distribution has: 15 in Debian 12, 17 in Debian 13. Debian keeps it off the PATH.
POSTGRESQL='/usr/lib/postgresql/*/bin/initdb'
TEST=(docker-registry:docker-registry skopeo:skopeo umoci:umoci mkfs.erofs:erofs-utils fsck.erofs:erofs-utils
    runc:runc crun:crun /bin/busybox:busybox-static mmdebstrap:mmdebstrap htpasswd:apache2-utils python3:python3
    node:nodejs npm:npm zstd:zstd shellcheck:shellcheck getfattr:attr openssl:openssl systemd-socket-activate:systemd
    /usr/share/keyrings/debian-archive-keyring.gpg:debian-archive-keyring
    "$POSTGRESQL:postgresql")
BENCH=(podman:podman igzip:isal hyperfine:hyperfine /usr/bin/time:time unzip:unzip)

packages_missing() {
    local item
    for item in "$@"; do
        case "$item" in
        /*) compgen -G "${item%%:*}" >/dev/null || printf '%s\n' "${item#*:}" ;;
        *) have "${item%%:*}" || printf '%s\n' "${item#*:}" ;;
        esac
    done | sort -u
}

install_packages() {
    local -a missing
    mapfile -t missing < <(packages_missing "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    have apt-get || die "this machine has no apt-get; install by hand what Debian calls: ${missing[*]}"
    step "installing Debian packages: ${missing[*]}"
    # Several people share a machine; wait for another apt instead of failing.
    local -a apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300)
    as_root "${apt[@]}" update -qq || say "apt-get update failed; trying with the lists that are there"
    as_root "${apt[@]}" install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
        die "apt-get could not install: ${missing[*]}"
}

# The tests start database servers of their own: the package is kept from making and starting one for the machine.
install_for_tests() {
    # Debian keeps what makes environments apart from the rest of Python.
    python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages "/nowhere:python3-venv"
    local settings=/etc/postgresql-common/createcluster.d/imc-tests.conf
    if compgen -G "$POSTGRESQL" >/dev/null; then
        install_packages "${TEST[@]}"
        return
    fi
    as_root mkdir -p "${settings%/*}"
    printf 'create_main_cluster = false\n' | as_root tee "$settings" >/dev/null
    on_exit "as_root rm -f '$settings'"
    install_packages "${TEST[@]}"
}

version_at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -1)" = "$1" ]; }

install_rust() {
    local installed=""
    if have cargo && have rustc; then
        installed="$(rustc --version | cut -d' ' -f2)"
        if version_at_least "$RUST_OLDEST" "$installed"; then
            return 0
        fi
    fi
    if have rustup; then
        step "Rust ${installed:-none} is here, $RUST_OLDEST or newer is needed: rustup toolchain install stable"
        rustup toolchain install stable --profile minimal --component rustfmt,clippy
        rustup default stable
        return 0
    fi
    step "installing the Rust toolchain by rustup (https://rustup.rs)"
    local script
    script="$(mktemp)"
    on_exit "rm -f '$script'"
    if curl --proto '=https' --tlsv1.2 -sSf -m 60 https://sh.rustup.rs -o "$script"; then
        sh "$script" -y -q --profile minimal --component rustfmt,clippy --default-toolchain stable >&2
    elif apt-cache policy rustup 2>/dev/null | grep -q 'Candidate: [0-9]'; then
        # Debian 13 and later have it as a package.
        install_packages rustup:rustup
        rustup toolchain install stable --profile minimal --component rustfmt,clippy
        rustup default stable
    else
        die "Rust $RUST_OLDEST or newer is needed (found: ${installed:-none}) and https://sh.rustup.rs does not answer.
Debian 12's own cargo is too old. Install a toolchain by hand (https://www.rust-lang.org/tools/install) and run this again."
    fi
    have cargo || die "rustup ran, but there is no cargo on the PATH: open a new shell and run this again"
}

install_go() {
    # The toolchain that go.mod asks for is fetched by Go itself (GOTOOLCHAIN=auto, Go 1.21 and later).
    if have go && version_at_least 1.21 "$(go env GOVERSION | sed 's/^go//')"; then
        return 0
    fi
    install_packages go:golang-go
    version_at_least 1.21 "$(go env GOVERSION | sed 's/^go//')" && return 0
    # Debian 12 has 1.19, which cannot fetch newer ones by itself; but the toolchains are modules like any other.
    step "fetching a newer Go through the module proxy"
    local proxy archive version=v0.0.1-go1.26.0.linux-amd64 target="$TOOLS_CACHE/go1.26.0"
    proxy="$(go env GOPROXY | sed 's/[,|].*//')"
    archive="$(mktemp)"
    on_exit "rm -f '$archive'"
    curl -sSf "$proxy/golang.org/toolchain/@v/$version.zip" -o "$archive" ||
        die "Go 1.21 or newer is needed for the peers of \`make bench\` and could not be fetched"
    mkdir -p "$target.part"
    unzip -q "$archive" -d "$target.part"
    mv "$target.part/golang.org/toolchain@$version" "$target"
    rm -rf "$target.part"
    chmod +x "$target/bin/"* "$target/pkg/tool/"*/*
}

# containerd's EROFS snapshotter wants mkfs.erofs 1.8 or newer; Debian 12 has 1.5. Newer Debian's program runs on its
# own libraries, unpacked beside each other: no chroot, nothing installed.
install_new_erofs_utils() {
    local folder="$TOOLS_CACHE/erofs-utils-trixie"
    [ -x "$folder/bin/mkfs.erofs" ] && return 0
    if version_at_least 1.8 "$(mkfs.erofs --version 2>/dev/null | grep -o '[0-9]\+\.[0-9.]*' | head -1)"; then
        return 0
    fi
    step "unpacking erofs-utils of Debian 13 into the cache"
    local part="$folder.part"
    as_root rm -rf "$part"
    mkdir -p "$part/bin"
    as_root mmdebstrap --quiet --variant=extract --include=erofs-utils trixie "$part/root" >&2
    cat >"$part/bin/mkfs.erofs" <<'EOF'
#!/bin/sh
# mkfs.erofs of Debian 13 with its own loader and libraries.
root="$(dirname "$(readlink -f "$0")")/../root"
lib="$root/usr/lib/$(uname -m)-linux-gnu"
loader="$(echo "$lib"/ld-linux-*.so.*)"
exec "$loader" --library-path "$lib" "$root/usr/bin/mkfs.erofs" "$@"
EOF
    chmod +x "$part/bin/mkfs.erofs"
    "$part/bin/mkfs.erofs" --version >/dev/null || die "mkfs.erofs of Debian 13 does not run here"
    rm -rf "$folder"
    mv "$part" "$folder"
}

main() {
    local group
    [ $# -gt 0 ] || set -- build
    for group in "$@"; do
        case "$group" in
        build)
            install_packages "${BUILD[@]}"
            install_rust
            ;;
        test)
            install_for_tests
            # For the clouds' own clients.
            python3 -c 'import ensurepip' 2>/dev/null || install_packages /usr/share/doc/python3-venv:python3-venv
            ;;
        bench)
            install_packages "${BENCH[@]}"
            install_go
            have pip3 || install_packages pip3:python3-pip
            install_new_erofs_utils
            ;;
        *) die "unknown group: $group (build, test, bench)" ;;
        esac
    done
}
main "$@"
