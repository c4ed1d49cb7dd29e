#!/usr/bin/env bash
# `make book`: the pages of docs/ as a book of HTML, by a pinned mdBook, which is built once.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$REPO" || exit

VERSION=0.5.4

install_mdbook() {
    [ -x "$1/bin/mdbook" ] && return
    step "building mdbook $VERSION (once; a few minutes)"
    rm -rf "$1.part"
    # Away from the workspace, whose settings are not meant for it. Neither watching nor serving is wanted of it.
    (cd / && CARGO_TARGET_DIR="$1.part/target" cargo install --quiet --locked --no-default-features --features search \
        --root "$1.part/root" "mdbook@$VERSION") >&2
    rm -rf "$1"
    mv "$1.part/root" "$1"
    rm -rf "$1.part"
}

main() {
    local folder="$TOOLS_CACHE/mdbook-$VERSION"
    with_lock mdbook install_mdbook "$folder"
    step "mdbook build"
    "$folder/bin/mdbook" build
    say "the book is target/book/index.html"
}
main "$@"
