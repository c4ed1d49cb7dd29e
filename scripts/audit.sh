#!/usr/bin/env bash
# `make audit`: licences, bans and sources of what is depended on, and known vulnerabilities in it, by cargo-deny.
#
# The vulnerabilities are RustSec's database, which cargo-deny fetches from its home; where that does not answer, it is said
# and the rest is checked all the same.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$REPO" || exit

VERSION=0.20.2
ADVISORIES=https://github.com/RustSec/advisory-db

install_cargo_deny() {
    [ -x "$1/bin/cargo-deny" ] && return
    step "building cargo-deny $VERSION (once; a few minutes)"
    rm -rf "$1.part"
    # Away from the workspace, whose settings are not meant for it.
    (cd / && CARGO_TARGET_DIR="$1.part/target" cargo install --quiet --locked --root "$1.part/root" "cargo-deny@$VERSION") >&2
    rm -rf "$1"
    mv "$1.part/root" "$1"
    rm -rf "$1.part"
}

main() {
    local folder="$TOOLS_CACHE/cargo-deny-$VERSION" checks=(bans licenses sources)
    with_lock cargo-deny install_cargo_deny "$folder"
    if timeout 20 git ls-remote "$ADVISORIES" HEAD >/dev/null 2>&1 </dev/null; then
        checks+=(advisories)
    else
        say "known vulnerabilities are not looked for: $ADVISORIES does not answer"
    fi
    step "cargo deny check ${checks[*]}"
    "$folder/bin/cargo-deny" --workspace --log-level warn check --hide-inclusion-graph "${checks[@]}"
}
main "$@"
