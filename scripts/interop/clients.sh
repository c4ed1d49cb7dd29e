# shellcheck shell=bash
# The clouds' own clients, installed once: CLIENTS is where they are. Sourced by the end-to-end scripts.

INTEROP="$REPO/scripts/interop"

# Downloaded once; the key is what they are pinned to.
CLIENTS="$TOOLS_CACHE/interop-$(key_of "$INTEROP/requirements.txt" "$INTEROP/package.json")"
install_clients() {
    [ ! -e "$CLIENTS/complete" ] || return 0
    rm -rf "$CLIENTS"
    mkdir -p "$CLIENTS"
    python3 -m venv "$CLIENTS"
    "$CLIENTS/bin/pip" install --quiet --disable-pip-version-check -r "$INTEROP/requirements.txt"
    cp "$INTEROP/package.json" "$CLIENTS/"
    npm install --prefix "$CLIENTS" --no-audit --no-fund --silent
    touch "$CLIENTS/complete"
}
with_lock interop install_clients
