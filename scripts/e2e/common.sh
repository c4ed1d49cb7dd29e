# shellcheck shell=bash
# What every end-to-end script shares. A script sources it and calls `imc` like a user does.
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

[ -n "${IMC_BIN:-}" ] || die "IMC_BIN has to name the imc to test (scripts/test.sh sets it)"
[ -n "${IMC_TEST_IMAGES:-}" ] || die "IMC_TEST_IMAGES has to name the folder of test images (scripts/test.sh sets it)"

# Below the checkout and not in /tmp, which may be a tmpfs: an overlay's upper wants a real file system.
make_scratch "${IMC_TEST_DIR:-$REPO/.cache/e2e}"
DATA="$SCRATCH/data"
CHECKS=0

imc() { as_root "$IMC_BIN" --data-dir "$DATA" "$@"; }

passed() {
    CHECKS=$((CHECKS + 1))
    printf 'ok %d - %s\n' "$CHECKS" "$1"
}

failed() {
    printf 'not ok %d - %s\n' "$((CHECKS + 1))" "$1"
    [ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/#   /'
    exit 1
}

# expect WHAT EXPECTED ACTUAL
expect() {
    if [ "$2" = "$3" ]; then passed "$1"; else failed "$1" "expected: $2
found: $3"; fi
}

# expect_match WHAT REGULAR-EXPRESSION TEXT
expect_match() {
    if grep -Eq -- "$2" <<<"$3"; then passed "$1"; else failed "$1" "expected to match: $2
found: $3"; fi
}

# expect_status WHAT STATUS COMMAND...; leaves its output in OUTPUT and its messages in MESSAGES.
expect_status() {
    local what="$1" wanted="$2" status=0
    shift 2
    "$@" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" </dev/null || status=$?
    OUTPUT="$(cat "$SCRATCH/stdout")"
    MESSAGES="$(cat "$SCRATCH/stderr")"
    if [ "$status" -eq "$wanted" ]; then passed "$what"; else failed "$what" "expected status $wanted, got $status
$OUTPUT
$MESSAGES"; fi
}

push_image() { skopeo copy --quiet --dest-tls-verify=false "oci:$IMC_TEST_IMAGES/$1:latest" "docker://$REGISTRY/$2"; }

json() { python3 -c "import json, sys; document = json.load(sys.stdin); print($1)"; }

# Waits until a command succeeds; 20 seconds at most.
eventually() {
    local what="$1" deadline=$(($(now_ms) + 20000))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(now_ms)" -lt "$deadline" ] || failed "$what" "not within 20 s: $*"
        sleep 0.05
    done
    passed "$what"
}

expect_nothing_left() {
    local left
    left="$(awk -v top="$SCRATCH/" 'index($5, top) == 1 { print $5 }' /proc/self/mountinfo)"
    expect "no mount is left" "" "$left"
}

finished() { printf '1..%d\n' "$CHECKS"; }
