#!/usr/bin/env bash
# The API by its own document: schemathesis makes requests of every shape that the document allows and of many that it does
# not, and holds each answer against it.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

PYTHON="$("$REPO/scripts/tools.sh" python schemathesis)"

: >"$SCRATCH/serve.log"
# Images of everywhere are asked for: no registry of the world is to hear of it.
as_root env IMC_LOG=warn HTTPS_PROXY=http://127.0.0.1:9 "$IMC_BIN" --data-dir "$DATA" serve --listen 127.0.0.1:0 >"$SCRATCH/serve.log" 2>&1 &
WAITER=$!
eventually "the server serves" grep -q '^serving ' "$SCRATCH/serve.log"
SERVER="$(pgrep -f -- "--data-dir $DATA serve --listen 127.0.0.1:0" | tail -1)"
on_exit "as_root kill -KILL $SERVER"
URL="$(grep -o 'http://[0-9.:]*' "$SCRATCH/serve.log" | head -1)"
IMC_TOKEN="$(imc -q token create --label schemathesis --scope admin --hours 1)"
export IMC_TOKEN

# Revoking is left out: it would revoke the token that all this is asked with.
expect_status "every answer is as the document says" 0 \
    env -C "$SCRATCH" "$PYTHON/bin/schemathesis" --config-file "$REPO/tools/schemathesis/schemathesis.toml" run "$URL/openapi.json" --no-color \
    --exclude-operation-id revoke_token
expect_match "to every operation" 'Tested: [0-9]+' "$OUTPUT"
expect "no handler panicked" "" "$(grep -i 'panicked' "$SCRATCH/serve.log" || true)"
as_root kill -TERM "$SERVER"
wait "$WAITER" || true
expect_match "the server ends in order" 'everything under way has ended' "$(cat "$SCRATCH/serve.log")"
expect_nothing_left
finished
