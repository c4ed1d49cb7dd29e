#!/usr/bin/env bash
# Formatting, lints, the rules of the house, the scripts themselves.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$REPO" || exit

step "cargo fmt --check"
cargo fmt --all -- --check
step "cargo clippy"
cargo clippy --workspace --all-targets --quiet -- -D warnings
step "cargo xtask check"
cargo run --quiet --package xtask -- check
if have shellcheck; then
    step "shellcheck"
    shellcheck -x scripts/*.sh scripts/*/*.sh .ci/run
fi
