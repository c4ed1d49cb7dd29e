"""Steps of a container group's life, for a script that kills the server between them."""

import sys

from alibabacloud_eci20180808 import models
from alibabacloud_eci20180808.client import Client
from alibabacloud_tea_openapi import utils_models

from common import *

ours = Client(utils_models.Config(access_key_id=KEY[0], access_key_secret=KEY[1], endpoint=HOST, protocol="http",
                                  region_id=REGION))
part = lambda name: getattr(models, f"CreateContainerGroupRequest{name}")


def shell(kind, name, script, **more):
    mount = part(f"{kind}VolumeMount")(name="data", mount_path="/data")
    return part(kind)(name=name, image=IMAGE, command=["/bin/sh", "-c"], arg=[script], volume_mount=[mount], **more)


def of_address(name):
    field = part("ContainerEnvironmentVarFieldRef")(field_path="status.podIP")
    return part("ContainerEnvironmentVar")(key=name, field_ref=field)


def create():
    """A group whose init container takes a while, and whose containers meet at the group's address."""
    return ours.create_container_group(models.CreateContainerGroupRequest(
        region_id=REGION, container_group_name="survivor", restart_policy="Always", plain_http_registry=REGISTRY,
        termination_grace_period_seconds=1, cpu=1.5, memory=0.25,
        volume=[part("Volume")(name="data", type="EmptyDirVolume")],
        init_container=[shell("InitContainer", "prepare", "echo run >> /data/init; sleep 1")],
        container=[
            shell("Container", "main", "mkdir -p /data/www; cp /data/init /data/www/index.html; "
                  "exec httpd -f -p $ADDRESS:8099 -h /data/www", environment_var=[of_address("ADDRESS")]),
            shell("Container", "side", "until wget -q -O - http://$ADDRESS:8099/index.html; do sleep 0.1; done; sleep 600",
                  environment_var=[of_address("ADDRESS")]),
        ])).body.container_group_id


def found(identity):
    request = models.DescribeContainerGroupsRequest(region_id=REGION, container_group_ids=f'["{identity}"]')
    groups = ours.describe_container_groups(request).body.container_groups
    return groups[0] if groups else None


def runs(identity, restarts):
    group = found(identity)
    states = [(one.current_state.state, one.restart_count) for one in group.containers]
    return group if group.status == "Running" and states == [("Running", restarts), ("Running", 0)] else None


step, rest = sys.argv[1], sys.argv[2:]
if step == "create":
    print(create())
elif step == "first":
    request = models.DescribeContainerGroupsRequest(region_id=REGION)
    print(ours.describe_container_groups(request).body.container_groups[0].container_group_id)
elif step == "runs":
    group = eventually("it runs", lambda: runs(rest[0], int(rest[1])))
    expect("its init container ran once", (0, "Completed"),
           (group.init_containers[0].restart_count, group.init_containers[0].current_state.reason))
    main = group.containers[0].environment_vars[0]
    expect("its address is the host's alone, and told as it was asked for", ("127.0.0.1", "ADDRESS", "status.podIP"),
           (group.intranet_ip, main.key, main.value_from.field_ref.field_path))
    status = ours.describe_container_group_status(models.DescribeContainerGroupStatusRequest(
        region_id=REGION, container_group_ids=f'["{rest[0]}"]')).body.data[0].pod_status
    expect("its status has the same", ("127.0.0.1", "127.0.0.1", ["127.0.0.1"]),
           (status.pod_ip, status.host_ip, [one.ip for one in status.pod_ips]))
elif step == "log":
    log = lambda: ours.describe_container_log(models.DescribeContainerLogRequest(
        region_id=REGION, container_group_id=rest[0], container_name="side")).body.content
    eventually("its containers reach each other", lambda: log() == "run\n")
elif step == "delete":
    ours.delete_container_group(models.DeleteContainerGroupRequest(region_id=REGION, container_group_id=rest[0]))
    expect("it is shown no more", None, found(rest[0]))
