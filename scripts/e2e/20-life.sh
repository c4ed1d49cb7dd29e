#!/usr/bin/env bash
# The life of a cache and of its instances, from a real registry that is switched off on the way.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

start_registry "$SCRATCH/registry" "$SCRATCH/registry.log"
push_image small team/small:1
push_image small-zstd team/small:zstd
reference="$REGISTRY/team/small:1"
digest="$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$reference")"

expect_status "create from a registry" 0 imc create small "$reference" --plain-http "$REGISTRY"
expect_status "create from zstd layers" 0 imc create small-zstd "$REGISTRY/team/small:zstd" --plain-http "$REGISTRY"
expect_status "create from an OCI layout" 0 imc create from-layout "oci:$IMC_TEST_IMAGES/small-plain:latest"
skopeo copy --quiet "oci:$IMC_TEST_IMAGES/small:latest" "docker-archive:$SCRATCH/saved.tar:team/small:1"
expect_status "create from a docker archive" 0 imc create from-archive "docker-archive:$SCRATCH/saved.tar"
expect_status "list" 0 imc list
expect_match "list has them" 'from-archive' "$OUTPUT"
expect_status "show" 0 imc show small
expect_match "show has the digest" "$digest" "$OUTPUT"
expect_status "events" 0 imc events small

stop_process "$REGISTRY_PID"

expect_status "start by name of the cache, registry off" 0 imc run --rm small
expect "entrypoint, command, user, groups, directory and environment of the image" \
    "user=1000:1000 groups=1000 2000 pwd=/home/app greeting=good day args=hello" "$OUTPUT"
expect_status "start by tag, registry off" 0 imc run --rm --plain-http "$REGISTRY" "$reference" -- one two
expect_match "with the arguments given" 'args=one two$' "$OUTPUT"
expect_status "start by digest, registry off" 0 imc run --rm "$REGISTRY/team/small@$digest"
expect_status "events again" 0 imc events small
expect_match "the event says that it was served as pinned" '[Pp]inned' "$OUTPUT"
expect_status "the exit status is passed on" 42 imc run --rm small -- exit 42
expect_status "a layer's change is seen" 0 imc run --rm --entrypoint /bin/cat small -- /etc/motd
expect "the highest layer wins" "of the third layer" "$OUTPUT"
expect_status "a whiteout hides" 1 imc run --rm --entrypoint /bin/cat small -- /etc/obsolete
for cache in small-zstd from-layout from-archive; do
    expect_status "start from $cache" 0 imc run --rm "$cache"
done
expect_status "start with runc" 0 imc run --rm --runtime runc small
# crun of Debian 12 knows no hosts with both cgroup hierarchies; that is no failure of ours.
if awk '$5 == "/sys/fs/cgroup/unified" { found = 1 } END { exit !found }' /proc/self/mountinfo; then
    printf '# skipped: crun does not run on hosts with both cgroup hierarchies\n'
else
    expect_status "start with crun" 0 imc run --rm --runtime crun small
fi

expect_status "a second cache over the same layers" 0 imc create second "oci:$IMC_TEST_IMAGES/small:latest"
expect_match "fetches nothing" '(^|[^0-9.])0 B fetched' "$OUTPUT"

# shellcheck disable=SC2016
expect_status "run with options" 0 imc run --rm -e GREETING=hi -w /tmp --user 0:0 --hostname box --network none \
    -v "$IMC_TEST_IMAGES/small:/given:ro" --memory 64m --cpus 0.5 --entrypoint /bin/sh small -- \
    -c 'echo "$GREETING $(pwd) $(id -u) $(hostname) $(ls /given/oci-layout)"'
expect "the options are honoured" "hi /tmp 0 box /given/oci-layout" "$OUTPUT"

expect_status "run in the background" 0 imc run -d --name waiting small -- wait
says_ready() { imc logs waiting | grep -q ready; }
eventually "it says that it is ready" says_ready
expect_status "ps" 0 imc ps
expect_match "ps has it" waiting "$OUTPUT"
expect_status "exec" 0 imc exec waiting -- /bin/echo inside
expect "exec runs inside" inside "$OUTPUT"
expect_status "a cache in use is not deleted" 75 imc delete small
expect_status "stop" 0 imc stop waiting
expect_status "logs of the ended one" 0 imc logs waiting
expect_match "the image's stop signal arrived" 'stopped by USR1' "$OUTPUT"
expect_status "rm" 0 imc rm waiting
expect_nothing_left

expect_status "delete" 0 imc delete small second small-zstd from-layout from-archive
expect_status "gc" 0 imc gc
expect "no blob is left" 0 "$(as_root find "$DATA/layers" -name '*.erofs' 2>/dev/null | wc -l)"
finished
