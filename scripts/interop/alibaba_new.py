"""Alibaba's newer Python client (Tea), by both of its signatures: every operation, pages, and every way to be refused."""

import base64
import os
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

from alibabacloud_eci20180808 import models
from alibabacloud_eci20180808.client import Client
from alibabacloud_tea_openapi import utils_models
from alibabacloud_tea_openapi.exceptions import ClientException

from common import *

SCHEME = sys.argv[1]  # v2: RPC 1.0; v3: ACS3


def client(key=KEY, **more):
    config = utils_models.Config(
        access_key_id=key[0], access_key_secret=key[1], endpoint=HOST, protocol="http", region_id=REGION,
        signature_algorithm="v2" if SCHEME == "v2" else None, **more,
    )
    return Client(config)


def refused(what, code, status, call):
    try:
        call()
    except ClientException as error:
        expect(f"{what} is refused with {code}", (code, status), (error.code, error.status_code))
        expect_true(f"{what}: a request id comes with it", len(error.request_id or "") == 36, error.request_id)
        return error
    except Exception as error:  # noqa: BLE001, what it is instead is told
        failed(what, repr(error))
    failed(what, "it was done")


ours = client()
mark = f"{SCHEME}-{uuid.uuid4().hex[:6]}"


def create(name, client=ours, **more):
    request = models.CreateImageCacheRequest(
        region_id=REGION, image_cache_name=name, image=[IMAGE], plain_http_registry=REGISTRY, **more)
    return client.create_image_cache(request).body


def describe(client=ours, **filters):
    return client.describe_image_caches(models.DescribeImageCachesRequest(region_id=REGION, **filters)).body


def one(identity):
    caches = describe(image_cache_id=identity).image_caches
    return caches[0] if caches else None


# --- a cache from its wish to its end ------------------------------------------------------------
tags = [models.CreateImageCacheRequestTag(key="run", value=mark), models.CreateImageCacheRequestTag(key="empty", value="")]
name = f"demo *~/é {mark}"
created = create(
    name, tag=tags, image_cache_size=20, retention_days=7, elimination_strategy="LRU", resource_group_id="rg-1",
    auto_match_image_cache=True, v_switch_id="vsw-1,vsw-2", security_group_id="sg-1", client_token=f"t-{mark}",
    image_registry_credential=[models.CreateImageCacheRequestImageRegistryCredential(
        server=REGISTRY, user_name="u", password="p&=+ %")])
expect_true("a cache is asked for", created.image_cache_id.startswith("imc-"), created)
expect_true("its transit instance is named", created.container_group_id.startswith("eci-"), created)
again = create(
    name, tag=tags, image_cache_size=20, retention_days=7, elimination_strategy="LRU", resource_group_id="rg-1",
    auto_match_image_cache=True, v_switch_id="vsw-1,vsw-2", security_group_id="sg-1", client_token=f"t-{mark}",
    image_registry_credential=[models.CreateImageCacheRequestImageRegistryCredential(
        server=REGISTRY, user_name="u", password="p&=+ %")])
expect("the same request with its token makes no second one", created.image_cache_id, again.image_cache_id)
refused("another request with that token", "IdempotentParameterMismatch", 400,
        lambda: create("other", client_token=f"t-{mark}"))
identity = created.image_cache_id
ready = eventually("it becomes Ready", lambda: (lambda cache: cache if cache.status == "Ready" else None)(one(identity)))
expect("its name", name, ready.image_cache_name)
expect("its images, as given", [IMAGE], ready.images)
expect("its size", 20, ready.image_cache_size)
expect("its progress", "100%", ready.progress)
expect("its strategy", "LRU", ready.elimination_strategy)
expect("its resource group", "rg-1", ready.resource_group_id)
expect("its region", REGION, ready.region_id)
expect("its tags", {"run": mark, "empty": ""}, {tag.key: tag.value for tag in ready.tags})
expect_true("its snapshot", ready.snapshot_id.startswith("s-"), ready.snapshot_id)
expect_true("when it expires", ready.expire_date_time > ready.creation_time, ready.expire_date_time)
expect_true("its events", any(event.message == f"Successfully pulled image {IMAGE}" for event in ready.events), ready.events)

# --- filters and pages ---------------------------------------------------------------------------
found = lambda **filters: [cache.image_cache_id for cache in describe(**filters).image_caches]
expect("by name", [identity], found(image_cache_name=name))
expect("by snapshot", [identity], found(snapshot_id=ready.snapshot_id))
run_tag = lambda value: [models.DescribeImageCachesRequestTag(key="run", value=value)]
expect("by tag", [identity], found(tag=run_tag(mark)))
expect("by a tag that none has", [], found(tag=run_tag("none")))
expect_true("by image", identity in found(image=IMAGE))
expect("by a resource group that none has", [], found(resource_group_id="rg-none"))
expect("by an id that none has", [], found(image_cache_id="imc-bp195erqe9o2pb090000"))
expect_true("by what matches best", identity in found(match_image=[IMAGE], image_full_match=True))
expect("by what none matches", [], found(match_image=["nowhere.example/none:1"]))

with ThreadPoolExecutor(8) as pool:
    more = list(pool.map(
        lambda number: create(f"{mark}-{number}", tag=[models.CreateImageCacheRequestTag(key="page", value=mark)]).image_cache_id,
        range(7)))
expect("seven at once are seven", 7, len(set(more)))
page_tag = [models.DescribeImageCachesRequestTag(key="page", value=mark)]
seen, token = [], None
while True:
    page = describe(tag=page_tag, limit=3, next_token=token)
    expect("a page tells how many there are", 7, page.total_count)
    seen += [cache.image_cache_id for cache in page.image_caches]
    token = page.next_token
    if not token:
        break
expect("pages have everything once", sorted(more), sorted(seen))

# --- a registry whose password no call has -------------------------------------------------------
PRIVATE = os.environ["IMC_PRIVATE_REGISTRY"]  # demands a password; that of its instance is the server's
private_image = f"{PRIVATE}/team/private:1"


def create_private(instance=None, domains=None):
    info = [models.CreateImageCacheRequestAcrRegistryInfo(instance_id=instance, region_id=REGION, domain=domains)]
    return ours.create_image_cache(models.CreateImageCacheRequest(
        region_id=REGION, image_cache_name=f"private {mark}", image=[private_image], plain_http_registry=PRIVATE,
        acr_registry_info=info if instance else None)).body.image_cache_id


private = [create_private("cri-imctest", [PRIVATE]), create_private("cri-imctest")]
for which, cache in zip(("its instance and domain", "its instance alone"), private):
    eventually(f"a cache of a registry with a password becomes Ready by {which}", lambda: one(cache).status == "Ready")
private.append(create_private())
eventually("and fails without", lambda: one(private[-1]).status == "Failed")
refused("an unknown instance", "InvalidParameter.NotFound", 404, lambda: create_private("cri-none"))
refused("a domain that is not the instance's", "InvalidParameter", 400, lambda: create_private("cri-imctest", [REGISTRY]))
expect_true("the password is in no answer", "s3cret" not in str([one(cache).to_map() for cache in private]))

# --- changes, tags, quotas, regions --------------------------------------------------------------
update = lambda **more: ours.update_image_cache(
    models.UpdateImageCacheRequest(region_id=REGION, image_cache_id=identity, **more))
refused("an update without a change", "NoNeedUpdate", 400, lambda: update())
update(image_cache_name=f"new {mark}", retention_days=9)
expect("a new name", f"new {mark}", one(identity).image_cache_name)
update(image=[IMAGE, SECOND_IMAGE])
eventually("it is updated", lambda: one(identity).status == "Ready" and len(one(identity).images) == 2)
expect_true("its snapshot is another one", one(identity).snapshot_id != ready.snapshot_id)

ours.tag_resources(models.TagResourcesRequest(
    region_id=REGION, resource_type="ImageCache", resource_id=[identity, more[0]],
    tag=[models.TagResourcesRequestTag(key="later", value="v")]))
listed = ours.list_tag_resources(models.ListTagResourcesRequest(
    region_id=REGION, resource_type="ImageCache", resource_id=[identity])).body.tag_resources
expect("a tag is put on", {"run": mark, "empty": "", "later": "v"}, {tag.tag_key: tag.tag_value for tag in listed})
ours.untag_resources(models.UntagResourcesRequest(
    region_id=REGION, resource_type="ImageCache", resource_id=[identity], tag_key=["later"]))
expect("and taken off", [more[0]], found(tag=[models.DescribeImageCachesRequestTag(key="later", value="v")]))
usage = ours.list_usage(models.ListUsageRequest(region_id=REGION)).body.attributes
expect_true("usage and quota", usage["UsedImageCacheCount"] >= 8 and usage["MaxImageCacheCount"] >= 8, usage)
regions = ours.describe_regions(models.DescribeRegionsRequest()).body.regions
expect_true("regions", REGION in [region.region_id for region in regions], regions)

# --- a container group ---------------------------------------------------------------------------
group = ours.create_container_group(models.CreateContainerGroupRequest(
    region_id=REGION, container_group_name=f"web-{mark}", restart_policy="Never", cpu=0.5, memory=0.5,
    image_snapshot_id=identity, plain_http_registry=REGISTRY, termination_grace_period_seconds=1,
    tag=[models.CreateContainerGroupRequestTag(key="run", value=mark)],
    container=[models.CreateContainerGroupRequestContainer(
        name="main", image=IMAGE, command=["/bin/sh", "-c"], arg=["echo mode=$MODE at=$AT; sleep 600"],
        environment_var=[
            models.CreateContainerGroupRequestContainerEnvironmentVar(key="MODE", value="test"),
            models.CreateContainerGroupRequestContainerEnvironmentVar(
                key="AT", field_ref=models.CreateContainerGroupRequestContainerEnvironmentVarFieldRef(
                    field_path="status.podIP"))])],
)).body.container_group_id


def one_group():
    request = models.DescribeContainerGroupsRequest(
        region_id=REGION, container_group_ids=f'["{group}"]', with_event=True)
    groups = ours.describe_container_groups(request).body.container_groups
    return groups[0] if groups else None


running = eventually("a container group runs",
                     lambda: (lambda found: found if found and found.status == "Running" else None)(one_group()))
expect("its container too", "Running", running.containers[0].current_state.state)
reasons = [event.reason for event in running.events]
expect_true("it hit the cache", "SuccessfulHitImageCache" in reasons, reasons)
log = lambda: ours.describe_container_log(models.DescribeContainerLogRequest(
    region_id=REGION, container_group_id=group, container_name="main")).body.content
eventually("its log, with its address", lambda: f"mode=test at={running.intranet_ip}\n" in log())
status = ours.describe_container_group_status(models.DescribeContainerGroupStatusRequest(
    region_id=REGION, container_group_ids=f'["{group}"]')).body.data
expect("its status as a pod", ("Running", running.intranet_ip),
       (status[0].pod_status.phase, status[0].pod_status.pod_ip))
events = ours.describe_container_group_events(models.DescribeContainerGroupEventsRequest(
    region_id=REGION, container_group_ids=f'["{group}"]')).body.data
expect("its events", group, events[0].events[0].involved_object.uid)
ours.tag_resources(models.TagResourcesRequest(
    region_id=REGION, resource_type="ContainerGroup", resource_id=[group],
    tag=[models.TagResourcesRequestTag(key="later", value="v")]))
expect("a tag is put on it", {"run": mark, "later": "v"}, {tag.key: tag.value for tag in one_group().tags})
ours.untag_resources(models.UntagResourcesRequest(
    region_id=REGION, resource_type="ContainerGroup", resource_id=[group], tag_key=["run"]))
expect("and another taken off", {"later": "v"}, {tag.key: tag.value for tag in one_group().tags})
ours.delete_container_group(models.DeleteContainerGroupRequest(region_id=REGION, container_group_id=group))
expect("it is deleted", None, one_group())
# --- a whole group: init container, volumes, restarts --------------------------------------------
G = "CreateContainerGroupRequest"
part = lambda name: getattr(models, G + name)
content = base64.b64encode(b"from the config file\n").decode()
mounted = lambda kind, name, path, **more: part(f"{kind}VolumeMount")(name=name, mount_path=path, **more)
whole = models.CreateContainerGroupRequest(
    region_id=REGION, container_group_name=f"whole-{mark}", restart_policy="OnFailure", auto_match_image_cache=True,
    plain_http_registry=REGISTRY, client_token=f"whole-{mark}", termination_grace_period_seconds=1,
    volume=[
        part("Volume")(name="data", type="EmptyDirVolume"),
        part("Volume")(name="memory", type="EmptyDirVolume",
                       empty_dir_volume=part("VolumeEmptyDirVolume")(medium="Memory", size_limit="1Mi")),
        part("Volume")(name="conf", type="ConfigFileVolume", config_file_volume=part("VolumeConfigFileVolume")(
            config_file_to_path=[part("VolumeConfigFileVolumeConfigFileToPath")(path="deep/app.conf", content=content)])),
    ],
    init_container=[
        part("InitContainer")(
            name="prepare", image=IMAGE, command=["/bin/sh", "-c"], arg=["echo prepared > /data/file; echo init done"],
            volume_mount=[mounted("InitContainer", "data", "/data")]),
        part("InitContainer")(
            name="second", image=IMAGE, command=["/bin/sh", "-c"], arg=["cat /data/file; echo more >> /data/file"],
            volume_mount=[mounted("InitContainer", "data", "/data")]),
    ],
    container=[
        part("Container")(
            name="main", image=IMAGE, command=["/bin/sh", "-c"],
            arg=["cat /data/file /etc/app/app.conf; echo x > /etc/app/no || echo read-only; echo there > /memory/word; "
                 "echo secret=${#SECRET}; sleep 600"],
            environment_var=[part("ContainerEnvironmentVar")(key="SECRET", value="hidden-word")], environment_var_hide=True,
            volume_mount=[mounted("Container", "data", "/data"), mounted("Container", "memory", "/memory"),
                          mounted("Container", "conf", "/etc/app", sub_path="deep", read_only=True)]),
        part("Container")(
            name="side", image=IMAGE, command=["/bin/sh", "-c"], cpu=0.25, memory=0.125,
            arg=["if [ -e /memory/began ]; then until [ -e /memory/word ]; do sleep 0.1; done; cat /memory/word; sleep 600; fi; "
                 "echo began > /memory/began; echo first time; exit 3"],
            volume_mount=[mounted("Container", "memory", "/memory")]),
    ],
)
identity_of_whole = ours.create_container_group(whole).body.container_group_id
expect("asked again with its token it is the same", identity_of_whole,
       ours.create_container_group(whole).body.container_group_id)


def group_of(identity):
    request = models.DescribeContainerGroupsRequest(
        region_id=REGION, container_group_ids=f'["{identity}"]', with_event=True)
    groups = ours.describe_container_groups(request).body.container_groups
    return groups[0] if groups else None


def log_of(identity, container, **more):
    return ours.describe_container_log(models.DescribeContainerLogRequest(
        region_id=REGION, container_group_id=identity, container_name=container, **more)).body.content


def all_run():
    found = group_of(identity_of_whole)
    states = [one.current_state.state for one in found.containers]
    is_whole = states == ["Running", "Running"] and found.containers[1].restart_count == 1
    return found if found.status == "Running" and is_whole else None


found = eventually("its containers run", all_run)
expect("its init containers have ended", [("prepare", "Completed"), ("second", "Completed")],
       [(one.name, one.current_state.reason) for one in found.init_containers])
shared = ["prepared", "more", "from the config file", "read-only", "secret=11"]
eventually("what they share", lambda: [line for line in log_of(identity_of_whole, "main").split("\n") if line in shared] == shared)
expect("the log of an init container", "init done\n", log_of(identity_of_whole, "prepare"))
side = found.containers[1]
expect("what failed was started again", (1, "Terminated", 3),
       (side.restart_count, side.previous_state.state, side.previous_state.exit_code))
eventually("and shares memory", lambda: log_of(identity_of_whole, "side") == "there\n")
expect("what it wrote before", "first time\n", log_of(identity_of_whole, "side", last_time=True))
expect("hidden variables do not come back", [], found.containers[0].environment_vars)
expect("its volumes", ["data", "memory", "conf"], [volume.name for volume in found.volumes])
reasons = [event.reason for event in found.events]
expect_true("it was matched", {"SuccessfulHitImageCache", "ImageCacheMissed"} & set(reasons), reasons)
delete = lambda identity: ours.delete_container_group(models.DeleteContainerGroupRequest(
    region_id=REGION, container_group_id=identity))
delete(identity_of_whole)
expect("the whole group is deleted", None, group_of(identity_of_whole))

# --- deleted while it starts ---------------------------------------------------------------------
starting = ours.create_container_group(models.CreateContainerGroupRequest(
    region_id=REGION, container_group_name=f"starting-{mark}", plain_http_registry="192.0.2.1:5000",
    container=[part("Container")(name="main", image="192.0.2.1:5000/team/never:1")])).body.container_group_id
expect_true("a group that waits for a registry starts", group_of(starting).status in ("Scheduling", "Pending"), group_of(starting).status)
delete(starting)
expect("it is deleted while it starts", None, group_of(starting))

dry = models.CreateContainerGroupRequest(
    region_id=REGION, container_group_name="dry", dry_run=True,
    container=[models.CreateContainerGroupRequestContainer(name="a", image=IMAGE)])
further = models.CreateContainerGroupRequest(
    region_id=REGION, container_group_name="further", share_process_namespace=True, spot_strategy="SpotAsPriceGo",
    container=[models.CreateContainerGroupRequestContainer(name="a", image=IMAGE)])
refused("what would change what runs", "UnsupportedParameter", 400, lambda: ours.create_container_group(further))
refused("a dry run", "DryRunOperation", 400, lambda: ours.create_container_group(dry))

# --- every way to be refused ---------------------------------------------------------------------
refused("a wrong secret", "SignatureDoesNotMatch", 400, lambda: describe(client((KEY[0], "wrong"))))
refused("an unknown key", "InvalidAccessKeyId.NotFound", 404, lambda: describe(client(("LTAIunknown0000000000000", "x"))))
refused("a disabled key", "InvalidAccessKeyId.Inactive", 400, lambda: describe(client(DISABLED)))
refused("no name", "MissingParameter", 400, lambda: create(None))
refused("no image", "MissingParameter", 400, lambda: ours.create_image_cache(
    models.CreateImageCacheRequest(region_id=REGION, image_cache_name="a")))
refused("no such image name", "InvalidParameter", 400, lambda: ours.create_image_cache(
    models.CreateImageCacheRequest(region_id=REGION, image_cache_name="a", image=["A B"])))
refused("another region", "InvalidParameter", 400, lambda: ours.describe_image_caches(
    models.DescribeImageCachesRequest(region_id="cn-nowhere")))
refused("a token of another listing", "InvalidParameter", 400, lambda: describe(next_token="x"))
refused("an unknown cache", "InvalidParameter.NotFound", 404, lambda: ours.delete_image_cache(
    models.DeleteImageCacheRequest(region_id=REGION, image_cache_id="imc-none")))
reader = client(READER)
expect_true("a key that reads sees it", [c.image_cache_id for c in describe(reader, image_cache_id=identity).image_caches] == [identity])
denied = refused("a key that reads changes nothing", "Forbidden.RAM", 403, lambda: create("a", client=reader))
expect_true("and is told why", "AccessDeniedDetail" in (denied.data or {}), denied.data)
expect("another account sees nothing", 0, describe(client(OTHER)).total_count)
refused("nor deletes it", "InvalidParameter.NotFound", 404, lambda: client(OTHER).delete_image_cache(
    models.DeleteImageCacheRequest(region_id=REGION, image_cache_id=identity)))

# --- and its end ---------------------------------------------------------------------------------
for gone in [identity, *more, *private]:
    ours.delete_image_cache(models.DeleteImageCacheRequest(region_id=REGION, image_cache_id=gone))
eventually("all are deleted", lambda: describe(tag=page_tag).total_count == 0 and one(identity) is None)
finished()
