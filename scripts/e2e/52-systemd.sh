#!/usr/bin/env bash
# The server as systemd's: sockets that it is handed, what it tells of its life, and that it listens nowhere else.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# What a service manager hears, a line a message.
HEARD="$SCRATCH/heard"
python3 - "$SCRATCH/notify" "$HEARD" >/dev/null <<'PYTHON' &
import socket, sys
listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listening.bind(sys.argv[1])
with open(sys.argv[2], "w", buffering=1) as heard:
    while True:
        heard.write(listening.recv(4096).decode().replace("\n", " ") + "\n")
PYTHON
LISTENER=$!
on_exit "kill $LISTENER"
eventually "a service manager listens" test -S "$SCRATCH/notify"

PORT="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
as_root env IMC_LOG=info NOTIFY_SOCKET="$SCRATCH/notify" WATCHDOG_USEC=400000 IMC_LISTEN=127.0.0.1:1 \
    systemd-socket-activate -E IMC_LOG -E NOTIFY_SOCKET -E WATCHDOG_USEC -E IMC_LISTEN \
    -l "127.0.0.1:$PORT" -l "$SCRATCH/handed.sock" \
    "$IMC_BIN" --data-dir "$DATA" serve >"$SCRATCH/serve.log" 2>&1 &
WAITER=$!
end_server() { as_root pkill "-$1" -f -- "--data-dir $DATA serve"; }
on_exit end_server KILL
code() { curl -s -m 10 -o /dev/null -w '%{http_code}' "$@"; }
answers() { [ "$(code "http://127.0.0.1:$PORT/readyz")" = 200 ]; }
eventually "whoever comes is kept waiting, and answered" answers
expect "the other socket is handed as well" 200 "$(as_root curl -s -m 10 -o /dev/null -w '%{http_code}' --unix-socket "$SCRATCH/handed.sock" http://localhost/v1/caches)"
expect_match "it says that it is ready, and where" '^READY=1.*STATUS=serving' "$(cat "$HEARD")"
eventually "it says that it lives" grep -q '^WATCHDOG=1' "$HEARD"
expect_match "and that it listens nowhere else, whatever is configured" 'systemd gave the sockets' "$(cat "$SCRATCH/serve.log")"
expect "the configured address is nobody's" 000 "$(code http://127.0.0.1:1/readyz || true)"

end_server TERM
wait "$WAITER" || true
expect_match "its end is told" 'STOPPING=1' "$(cat "$HEARD")"
expect_match "and in order" 'everything under way has ended' "$(cat "$SCRATCH/serve.log")"
expect_nothing_left
finished
