// Alibaba's Node client: ACS3, a name that it leaves raw in the query and signs encoded, and a refusal.
const { default: Eci, CreateImageCacheRequest, DescribeImageCachesRequest, DeleteImageCacheRequest, ListUsageRequest,
  UpdateImageCacheRequest, UpdateImageCacheRequestTag } = require("@alicloud/eci20180808");
const { Config } = require("@alicloud/openapi-client").$OpenApiUtil
  ? require("@alicloud/openapi-client").$OpenApiUtil
  : require("@alicloud/openapi-client");
const env = process.env;
let checks = 0;
const expect = (what, wanted, found) => {
  if (JSON.stringify(wanted) !== JSON.stringify(found)) {
    console.log(`not ok ${checks + 1} - ${what}\n#   expected ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}`);
    process.exit(1);
  }
  console.log(`ok ${++checks} - ${what}`);
};
const client = (id, secret) => new Eci(new Config({
  accessKeyId: id, accessKeySecret: secret, endpoint: env.IMC_HOST, protocol: "http", regionId: "cn-hangzhou" }));
const ours = client(env.IMC_KEY_ID, env.IMC_KEY_SECRET);
const region = { regionId: "cn-hangzhou" };
const image = `${env.IMC_REGISTRY}/team/small:1`;
const refused = async (what, code, act) => {
  let found = "it was done";
  try { await act(); } catch (error) { found = error.code; }
  expect(`${what} is refused`, code, found);
};
(async () => {
  const name = "my cache*~/é!'() " + process.pid;
  const create = new CreateImageCacheRequest({ ...region, imageCacheName: name, image: [image],
    plainHttpRegistry: env.IMC_REGISTRY, autoMatchImageCache: true });
  const id = (await ours.createImageCache(create)).body.imageCacheId;
  expect("a cache is asked for", true, id.startsWith("imc-"));
  const find = async (more) => (await ours.describeImageCaches(new DescribeImageCachesRequest({ ...region, ...more }))).body;
  let cache;
  for (let look = 0; look < 400 && (!cache || cache.status !== "Ready"); look++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    cache = (await find({ imageCacheId: id })).imageCaches[0];
  }
  expect("it becomes Ready", "Ready", cache.status);
  expect("its name", name, cache.imageCacheName);
  expect("found by its name", 1, (await find({ imageCacheName: name })).totalCount);
  await ours.updateImageCache(new UpdateImageCacheRequest({ ...region, imageCacheId: id, retentionDays: 3,
    tag: [new UpdateImageCacheRequestTag({ key: "k", value: "é" })] }));
  cache = (await find({ imageCacheId: id })).imageCaches[0];
  expect("it expires by now", true, Boolean(cache.expireDateTime));
  expect("and has a tag", "é", cache.tags[0].value);
  expect("usage", true, (await ours.listUsage(new ListUsageRequest(region))).body.attributes.UsedImageCacheCount >= 1);
  const wrong = client(env.IMC_KEY_ID, "wrong");
  await refused("a wrong secret", "SignatureDoesNotMatch", () => wrong.listUsage(new ListUsageRequest(region)));
  const reader = client(env.IMC_READER_ID, env.IMC_READER_SECRET);
  const gone = new DeleteImageCacheRequest({ ...region, imageCacheId: id });
  await refused("a key that reads", "Forbidden.RAM", () => reader.deleteImageCache(gone));
  await ours.deleteImageCache(gone);
  expect("it is deleted", 0, (await find({ imageCacheId: id })).totalCount);
  console.log(`1..${checks}`);
})().catch((error) => { console.log(`not ok - ${error.stack}`); process.exit(1); });
