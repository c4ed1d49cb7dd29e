#!/usr/bin/env bash
# The clouds' own clients against a real server with real images: unmodified, their endpoint overridden.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# shellcheck source=../interop/clients.sh
. "$REPO/scripts/interop/clients.sh"

# A registry that demands a password which no call has: the operator names it, for the instance that a call names.
ROBOT=acr-robot PASSWORD='s3cret/of+the=robot'
start_registry "$SCRATCH/private" "$SCRATCH/private.log" "$ROBOT" "$PASSWORD"
PRIVATE="$REGISTRY"
skopeo copy --quiet --dest-tls-verify=false --dest-creds "$ROBOT:$PASSWORD" \
    "oci:$IMC_TEST_IMAGES/small:latest" "docker://$PRIVATE/team/private:1"
printf '%s\n' "$PASSWORD" >"$SCRATCH/acr.password"
printf '[cri-imctest]\ndomains = ["%s", "unused.example"]\nusername = "%s"\npassword_file = "%s"\n' \
    "$PRIVATE" "$ROBOT" "$SCRATCH/acr.password" >"$SCRATCH/acr.toml"
start_registry "$SCRATCH/registry" "$SCRATCH/registry.log"
push_image small team/small:1
push_image small-zstd team/small:zstd

log="$SCRATCH/serve.log"
as_root env IMC_ACR_FILE="$SCRATCH/acr.toml" "$IMC_BIN" --data-dir "$DATA" serve --listen 127.0.0.1:0 >"$log" 2>&1 &
WAITER=$!
eventually "the server serves" grep -q '^serving ' "$log"
SERVER="$(pgrep -f -- "--data-dir $DATA serve --listen 127.0.0.1:0" | tail -1)"
on_exit "as_root kill -KILL $SERVER"
IMC_HOST="$(grep -o 'http://[0-9.:]*' "$log" | head -1 | sed 's,http://,,')"
export IMC_HOST IMC_REGISTRY="$REGISTRY" IMC_PRIVATE_REGISTRY="$PRIVATE"

# key NAME ARGUMENT...: makes an access key and exports IMC_NAME_ID and IMC_NAME_SECRET.
key() {
    local name="$1" made
    shift
    made="$(imc -o json access-key create "$@")"
    export "IMC_${name}_ID=$(json 'document["id"]' <<<"$made")"
    export "IMC_${name}_SECRET=$(json 'document["secret"]' <<<"$made")"
}
imc account create other >/dev/null
key KEY --full
key READER --read-only
key OTHER --account other
key DISABLED
imc access-key disable "$IMC_DISABLED_ID" >/dev/null

run_client() {
    local what="$1"
    shift
    if "$@" >"$SCRATCH/client.out" 2>"$SCRATCH/client.err"; then
        passed "$what: $(grep -c '^ok ' "$SCRATCH/client.out") checks"
    else
        failed "$what" "$(tail -5 "$SCRATCH/client.out")
$(tail -15 "$SCRATCH/client.err")
$(grep -v 'http.path' "$log" | tail -5)"
    fi
}
python() { "$CLIENTS/bin/python" "$@"; }
# What becomes of every parameter is decided for those that this SDK has; the list is held against the table by a test of the crate.
LIST="$REPO/crates/clouds/tests/alibaba/sdk/parameters.txt"
# shellcheck disable=SC2046
expect "the list of the SDK's parameters is that of the pinned SDK" "$(cat "$LIST")" \
    "$(python "$INTEROP/parameters.py" $(sed -n 's/^## //p' "$LIST"))"
run_client "Alibaba's Python client, ACS3" python "$INTEROP/alibaba_new.py" v3
run_client "Alibaba's Python client, RPC 1.0" python "$INTEROP/alibaba_new.py" v2
run_client "Alibaba's older Python client" python "$INTEROP/alibaba_old.py"
run_client "Alibaba's Node client" env NODE_PATH="$CLIENTS/node_modules" node "$INTEROP/alibaba_node.cjs"
run_client "Tencent's Python client" python "$INTEROP/tencent.py"

# Its output is JSON; of a refusal it prints the code.
tccli() {
    HOME="$SCRATCH" TENCENTCLOUD_SECRET_ID="$IMC_KEY_ID" TENCENTCLOUD_SECRET_KEY="$IMC_KEY_SECRET" \
        "$CLIENTS/bin/tccli" tke "$@" --endpoint "http://$IMC_HOST" --region ap-guangzhou --version 2018-05-25 2>&1
}
field() { json "document[\"$1\"]"; }
made="$(tccli CreateImageCache --VpcId vpc-1 --SubnetId subnet-1 --Images "[\"$REGISTRY/team/small:1\"]" \
    --RegistryHttpEndPointList "[\"$REGISTRY\"]" --ImageCacheName tool)"
id="$(field ImageCacheId <<<"$made")"
expect_match "Tencent's command-line tool asks for a cache" '^imc-' "$id"
is_ready() { [ "$(tccli DescribeImageCaches --ImageCacheIds "[\"$id\"]" | json 'document["ImageCaches"][0]["Status"]')" = Ready ]; }
eventually "and sees it Ready" is_ready
expect "finds the most suitable one" True \
    "$(tccli GetMostSuitableImageCache --Images "[\"$REGISTRY/team/small:1\"]" | field Found)"
expect_match "changes it" RequestId "$(tccli UpdateImageCache --ImageCacheId "$id" --ImageCacheName other)"
expect_match "is refused by code" ResourceNotFound "$(tccli DeleteImageCaches --ImageCacheIds '["imc-none"]' || true)"
expect_match "and deletes it" RequestId "$(tccli DeleteImageCaches --ImageCacheIds "[\"$id\"]")"

expect "no password is in the log" "" "$(grep -F -e "$IMC_KEY_SECRET" -e 'p&=+' -e hidden-word -e "$PASSWORD" "$log" || true)"
as_root kill -TERM "$SERVER"
wait "$WAITER" || true
expect_match "the server ends in order" 'everything under way has ended' "$(cat "$log")"
expect_nothing_left
finished
