"""Alibaba's older Python client: RPC 1.0 by GET, every operation on caches, and what it takes apart itself."""

import json
import uuid

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkeci.request.v20180808 import (
    CreateImageCacheRequest, DeleteImageCacheRequest, DescribeContainerGroupsRequest, DescribeImageCachesRequest,
    DescribeRegionsRequest, ListUsageRequest, UpdateImageCacheRequest,
)

from common import *


def client(key=KEY):
    return AcsClient(key[0], key[1], REGION)


def call(module, client=None, **fields):
    request = getattr(module, module.__name__.rsplit(".", 1)[-1])()
    request.set_endpoint(HOST)
    request.set_protocol_type("http")
    for name, value in fields.items():
        getattr(request, f"set_{name}")(value)
    return json.loads((client or ours).do_action_with_exception(request))


def refused(what, code, status, act):
    try:
        act()
    except ServerException as error:
        return expect(f"{what} is refused with {code}", (code, status), (error.get_error_code(), error.get_http_status()))
    except Exception as error:  # noqa: BLE001, what it is instead is told
        failed(what, repr(error))
    failed(what, "it was done")


ours = client()
mark = uuid.uuid4().hex[:6]
credential = [{"Server": REGISTRY, "UserName": "u", "Password": "p&=+ %"}]
create = dict(
    ImageCacheName=f"old *~/ {mark}", Images=[IMAGE], PlainHttpRegistry=f'"{REGISTRY}"', ImageCacheSize=20,
    ImageRegistryCredentials=credential, Tags=[{"Key": "old", "Value": mark}], ClientToken=f"old {mark}",
    AutoMatchImageCache=True, OsType="Linux")
identity = call(CreateImageCacheRequest, **create)["ImageCacheId"]
passed("a cache is asked for")
expect("again with its token it is the same", identity, call(CreateImageCacheRequest, **create)["ImageCacheId"])
find = lambda **filters: call(DescribeImageCachesRequest, **filters)
one = lambda: find(ImageCacheId=identity)["ImageCaches"][0]
eventually("it becomes Ready", lambda: one()["Status"] == "Ready")
expect("its images, as given", [IMAGE], one()["Images"])
expect("found by tag", 1, find(Tags=[{"Key": "old", "Value": mark}])["TotalCount"])
call(UpdateImageCacheRequest, ImageCacheId=identity, ImageCacheName=f"older {mark}")
expect("found by its new name", identity, find(ImageCacheName=f"older {mark}")["ImageCaches"][0]["ImageCacheId"])
expect_true("usage", call(ListUsageRequest)["Attributes"]["UsedImageCacheCount"] >= 1)
expect("regions", REGION, call(DescribeRegionsRequest)["Regions"][0]["RegionId"])
expect("no groups", [], call(DescribeContainerGroupsRequest, ContainerGroupName="none")["ContainerGroups"])

# It compares what the server signed with its own, and then says itself what is wrong.
refused("a wrong secret", "InvalidAccessKeySecret", 400, lambda: call(ListUsageRequest, client((KEY[0], "wrong"))))
refused("an unknown key", "InvalidAccessKeyId.NotFound", 404, lambda: call(ListUsageRequest, client(("LTAIunknown0000000000000", "x"))))
refused("a disabled key", "InvalidAccessKeyId.Inactive", 400, lambda: call(ListUsageRequest, client(DISABLED)))
refused("a key that reads", "Forbidden.RAM", 403, lambda: call(DeleteImageCacheRequest, client(READER), ImageCacheId=identity))
refused("an unknown cache", "InvalidParameter.NotFound", 404, lambda: call(DeleteImageCacheRequest, ImageCacheId="imc-none"))
refused("no name", "MissingParameter", 400, lambda: call(CreateImageCacheRequest, Images=[IMAGE]))
call(DeleteImageCacheRequest, ImageCacheId=identity)
eventually("it is deleted", lambda: find(ImageCacheId=identity)["TotalCount"] == 0)
finished()
