"""Tencent's Python client: every operation, pages, and every way to be refused."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.tke.v20180525 import models, tke_client

from common import *


def client(key=KEY, method="POST", region=TENCENT_REGION, **more):
    http = HttpProfile(endpoint=HOST, protocol="http", reqMethod=method)
    return tke_client.TkeClient(credential.Credential(*key), region, ClientProfile(httpProfile=http, **more))


ours = client()
mark = uuid.uuid4().hex[:6]


def call(action, by=None, **parameters):
    request = getattr(models, f"{action}Request")()
    request.from_json_string(json.dumps(parameters))
    return json.loads(getattr(by or ours, action)(request).to_json_string())


def refused(what, code, act):
    try:
        act()
    except TencentCloudSDKException as error:
        expect(f"{what} is refused with {code}", code, error.code)
        return expect_true(f"{what}: a request id comes with it", len(error.requestId or "") == 36, error.requestId)
    except Exception as error:  # noqa: BLE001, what it is instead is told
        failed(what, repr(error))
    failed(what, "it was done")


def create(name=None, by=None, **more):
    named = {"ImageCacheName": name} if name else {}
    return call("CreateImageCache", by, Images=[IMAGE], VpcId="vpc-1", SubnetId="subnet-1",
                RegistryHttpEndPointList=[REGISTRY], **named, **more)["ImageCacheId"]


def one(identity):
    return call("DescribeImageCaches", ImageCacheIds=[identity])["ImageCaches"][0]


identity = create(f"t-{mark}", ImageCacheSize=20, RetentionDays=7, AutoCreateEip=True,
                  Tags=[{"Key": "run", "Value": mark}], SecurityGroupIds=["sg-1"],
                  ImageRegistryCredentials=[{"Server": REGISTRY, "Username": "u", "Password": "p", "Name": "n"}])
eventually("a cache becomes Ready", lambda: one(identity)["Status"] == "Ready")
cache = one(identity)
expect("its name", f"t-{mark}", cache["ImageCacheName"])
expect("its images, as given", [IMAGE], cache["Images"])
expect("its size", 20, cache["ImageCacheSize"])
expect("its days", 7, cache["RetentionDays"])
expect("its tags", [{"Key": "run", "Value": mark}], cache["Tags"])
expect("its kind", ("manual", "overlay"), (cache["ImageCacheType"], cache["Snapshotter"]))
expect("its login, without the password",
       [{"Server": REGISTRY, "Username": "u", "Password": "", "Name": "n"}], cache["ImageRegistryCredentials"])
expect_true("its snapshot", cache["SnapshotId"].startswith("snap-"), cache["SnapshotId"])
reasons = [event["Reason"] for event in cache["Events"]]
expect_true("its events", {"EksciCreated", "DiskCreated", "SnapCreated"} <= set(reasons), reasons)

found = call("GetMostSuitableImageCache", Images=[IMAGE])
expect("the most suitable one is found", True, found["Found"])
expect("and is Ready", "Ready", found["ImageCache"]["Status"])
missed = call("GetMostSuitableImageCache", Images=["nowhere.example/none:1"])
expect("a miss is no error", (False, None), (missed["Found"], missed.get("ImageCache")))

nameless = create()
expect("without a name it has its id", nameless, one(nameless)["ImageCacheName"])
with ThreadPoolExecutor(8) as pool:
    more = list(pool.map(lambda number: create(f"p{number}-{mark}"), range(7)))
names = [f"p{number}-{mark}" for number in range(7)]
pages = [call("DescribeImageCaches", ImageCacheNames=names, Limit=3, Offset=offset) for offset in (0, 3, 6)]
expect("pages tell how many there are", [7, 7, 7], [page["TotalCount"] for page in pages])
seen = [cache["ImageCacheId"] for page in pages for cache in page["ImageCaches"]]
expect("pages have everything once", sorted(more), sorted(seen))
by_filter = call("DescribeImageCaches", Filters=[{"Name": "image-cache-name", "Values": names[:2]}])
expect("by filter", sorted(more[:2]), sorted(cache["ImageCacheId"] for cache in by_filter["ImageCaches"]))
by_get = call("DescribeImageCaches", client(method="GET"), ImageCacheIds=[identity], Limit=1)
expect("by GET", identity, by_get["ImageCaches"][0]["ImageCacheId"])
unsigned_payload = client()
unsigned_payload.profile.unsignedPayload = True
expect("with an unsigned payload", 1, call("DescribeImageCaches", unsigned_payload, ImageCacheIds=[identity])["TotalCount"])

call("UpdateImageCache", ImageCacheId=identity, ImageCacheName=f"u-{mark}", RetentionDays=0)
expect("changed in place", (f"u-{mark}", 0, ""), tuple(one(identity)[k] for k in ("ImageCacheName", "RetentionDays", "ExpireDateTime")))
call("UpdateImageCache", ImageCacheId=identity, Images=[IMAGE, SECOND_IMAGE])
eventually("built anew", lambda: one(identity)["Status"] == "Ready" and len(one(identity)["Images"]) == 2)

refused("a wrong secret", "AuthFailure.SignatureFailure", lambda: call("DescribeImageCaches", client((KEY[0], "wrong"))))
refused("an unknown key", "AuthFailure.SecretIdNotFound", lambda: call("DescribeImageCaches", client(("AKIDunknown000000000000", "x"))))
refused("a disabled key", "AuthFailure.SecretIdNotFound", lambda: call("DescribeImageCaches", client(DISABLED)))
refused("another region", "UnsupportedRegion", lambda: call("DescribeImageCaches", client(region="ap-nowhere")))
refused("the older signature", "AuthFailure.InvalidAuthorization", lambda: call("DescribeImageCaches", client(signMethod="HmacSHA256")))
refused("a limit", "InvalidParameter", lambda: call("DescribeImageCaches", Limit=51))
refused("no images", "MissingParameter", lambda: call("CreateImageCache", VpcId="v", SubnetId="s"))
refused("a size", "InvalidParameterValue", lambda: create("a", ImageCacheSize=1))
refused("an unknown cache", "ResourceNotFound", lambda: call("UpdateImageCache", ImageCacheId="imc-none"))
refused("one unknown of several", "ResourceNotFound", lambda: call("DeleteImageCaches", ImageCacheIds=[identity, "imc-none"]))
refused("a key that reads", "UnauthorizedOperation", lambda: call("DeleteImageCaches", client(READER), ImageCacheIds=[identity]))
expect("another account sees nothing", 0, call("DescribeImageCaches", client(OTHER))["TotalCount"])
refused("nor deletes it", "ResourceNotFound", lambda: call("DeleteImageCaches", client(OTHER), ImageCacheIds=[identity]))
call("DeleteImageCaches", ImageCacheIds=[identity, nameless, *more])
eventually("all are deleted", lambda: call("DescribeImageCaches", ImageCacheIds=[identity, nameless, *more])["TotalCount"] == 0)
finished()
