#!/usr/bin/env bash
# `make test`: everything, on a fresh Debian-like machine.
#
#   scripts/test.sh                          all of it, in order
#   scripts/test.sh check|audit|unit|e2e     one part
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$REPO" || exit

STARTED="$(date +%s)"
after() { printf '%s (%d s since the start)' "$1" $(($(date +%s) - STARTED)); }

# One run of cargo test covers units and privileged suites. Cargo itself never runs as root for another user: only the
# test programs do, by sudo as their runner.
cargo_tests() {
    local images triple
    images="$("$REPO/scripts/images.sh" folder)"
    export IMC_TEST_PRIVILEGED=1 IMC_TEST_IMAGES="$images"
    if [ "$(id -u)" -ne 0 ]; then
        triple="$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')"
        as_root true
        export "CARGO_TARGET_${triple}_RUNNER=sudo --preserve-env"
        # Documentation tests need no privilege and take no runner with arguments.
        cargo test --workspace --lib --bins --tests --no-fail-fast
        unset "CARGO_TARGET_${triple}_RUNNER" IMC_TEST_PRIVILEGED
        cargo test --workspace --doc --no-fail-fast
    else
        cargo test --workspace --no-fail-fast
    fi
}

# With the program that cargo made last.
end_to_end() {
    local script failed=()
    export IMC_BIN="${CARGO_TARGET_DIR:-$REPO/target}/debug/imc"
    IMC_TEST_IMAGES="$("$REPO/scripts/images.sh" folder)"
    export IMC_TEST_IMAGES
    for script in "$REPO"/scripts/e2e/[0-9]*.sh; do
        step "$(after "end to end: $(basename "$script" .sh)")"
        "$script" || failed+=("$(basename "$script")")
    done
    [ "${#failed[@]}" -eq 0 ] || die "end-to-end scripts failed: ${failed[*]}"
}

main() {
    "$REPO/scripts/install.sh" build test
    case "${1:-all}" in
    check) "$REPO/scripts/check.sh" ;;
    audit) "$REPO/scripts/audit.sh" ;;
    unit) cargo_tests ;;
    e2e)
        cargo build --package cli
        end_to_end
        ;;
    all)
        "$REPO/scripts/check.sh"
        "$REPO/scripts/audit.sh"
        step "$(after "cargo test, privileged suites included")"
        cargo_tests
        end_to_end
        step "$(after "all tests passed")"
        ;;
    *) die "unknown part: $1 (check, audit, unit, e2e)" ;;
    esac
}
main "$@"
