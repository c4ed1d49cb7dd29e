//! Fuzz target over the whole way of a request of either cloud: bytes and requests in, a panic never, and every refusal in the words of
//! the cloud that was asked. A short run by `cargo test`, a long one by `cargo bolero test` on the stable toolchain; the corpus in
//! `__fuzz__` has a request of each form and is tried first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use bolero::check;
use clouds::{CloudRequest, alibaba, tencent};
use model::Timestamp;
use serde_json::Value;

const SECRET: &[u8] = b"SecretKeyExample0000000000000000";
const SECONDS: i64 = 1_795_279_870;

fn iterations(usual: usize) -> usize {
    std::env::var("IMC_FUZZ_ITERATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn now() -> Timestamp {
    Timestamp::from_micros(SECONDS * 1_000_000)
}

/// Everything that is done with a request before it is asked of a service, as the edge does it.
fn carry(request: &CloudRequest<'_>) {
    if tencent::speaks(request) { carry_tencent(request) } else { carry_alibaba(request) }
}

fn carry_tencent(request: &CloudRequest<'_>) {
    let id = tencent::RequestId::of_random([7; 16]);
    let asked = tencent::Call::read(request).and_then(|call| {
        assert!(!call.secret_id().is_empty());
        let signed = call.verify(SECRET, now(), tencent::SKEW_SECONDS)?;
        signed.operation(|region| region != "nowhere")
    });
    let Err(error) = asked else { return };
    let answer: Value = serde_json::from_slice(&error.print(tencent::Language::of(request), id)).unwrap();
    let told = &answer["Response"];
    assert!(told["Error"]["Code"].as_str().is_some_and(|code| !code.is_empty()), "{answer}");
    assert!(told["Error"]["Message"].is_string() && told["RequestId"].is_string(), "{answer}");
    assert!(!answer.to_string().contains("InternalError"), "{answer}");
}

fn carry_alibaba(request: &CloudRequest<'_>) {
    let format = alibaba::Call::format_of(request);
    let asked = alibaba::Call::read(*request).and_then(|call| {
        assert!(!call.access_key_id().is_empty());
        call.verify(SECRET, now(), alibaba::SKEW_SECONDS)?;
        call.operation()
    });
    let Err(refusal) = asked else { return };
    assert!((400..500).contains(&refusal.status()), "{refusal}");
    let caller = alibaba::Caller {
        request_id: alibaba::RequestId::from_bits(1),
        format,
        host: "h",
        troubleshooting: None,
    };
    let reply = refusal.reply(&caller);
    let text = std::str::from_utf8(&reply.body).unwrap();
    match format {
        alibaba::Format::Json => {
            let answer: Value = serde_json::from_str(text).unwrap();
            for field in ["Code", "Message", "RequestId"] {
                assert!(answer[field].as_str().is_some_and(|value| !value.is_empty()), "{answer}");
            }
        }
        alibaba::Format::Xml => assert!(text.contains("<Code>") && text.contains("<RequestId>"), "{text}"),
    }
}

/// Method, query, headers and body.
type Parts = (String, String, Vec<(String, Vec<u8>)>, Vec<u8>);

/// A request as text: `METHOD QUERY`, headers a line each, an empty line, the body. Whatever it is not, it is as good as it gets.
fn parsed(bytes: &[u8]) -> Parts {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((bytes, &b""[..]), |end| (&bytes[..end], &bytes[end + 2..]));
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (method, query) = first.split_once(' ').unwrap_or((&first, ""));
    let header = |line: &[u8]| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
        Some((name, line[colon + 1..].trim_ascii().to_vec()))
    };
    (method.to_owned(), query.to_owned(), lines.filter_map(header).collect(), body.to_vec())
}

fn with_request(bytes: &[u8], carry: impl FnOnce(&CloudRequest<'_>)) {
    let (method, query, headers, body) = parsed(bytes);
    let headers: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    carry(&CloudRequest { method: &method, path: "/", query: &query, headers: &headers, body: &body });
}

/// Bytes, from requests as they came from the SDKs on: the corpus is of these.
#[test]
fn any_bytes() {
    check!().with_iterations(iterations(2000)).for_each(|bytes: &[u8]| with_request(bytes, carry));
}

/// Parts that the parsers know, put together in any way and signed or not.
#[test]
fn any_parts() {
    const LINES: [&str; 24] = [
        "x-tc-action: DescribeImageCaches",
        "x-tc-action: CreateImageCache",
        "x-tc-version: 2018-05-25",
        "x-tc-timestamp: 1795279870",
        "x-tc-region: ap-guangzhou",
        "x-tc-language: zh-CN",
        "content-type: application/json",
        "content-type: application/x-www-form-urlencoded",
        "content-type: multipart/form-data; boundary=x",
        "host: h",
        "authorization: TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2026-11-21/tke/tc3_request, \
         SignedHeaders=content-type;host, Signature=0000000000000000000000000000000000000000000000000000000000000000",
        "authorization: TC3-HMAC-SHA256 Credential=,SignedHeaders=;;,Signature=x",
        "authorization: ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host;x-acs-action,Signature=00",
        "authorization: ACS3-HMAC-SHA256 ",
        "authorization: Bearer x",
        "x-acs-action: CreateContainerGroup",
        "x-acs-version: 2018-08-08",
        "x-acs-date: 2026-11-21T17:03:24Z",
        "x-acs-date: 2026-13-41T99:03:24Z",
        "x-acs-signature-nonce: n",
        "x-acs-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-content-sha256: zz",
        "x-tc-timestamp: 99999999999999999999",
        "x-tc-token: t",
    ];
    const QUERIES: [&str; 8] = [
        "",
        "Action=CreateImageCache&Version=2018-08-08&AccessKeyId=a&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0\
         &SignatureNonce=n&Timestamp=2026-11-21T17%3A03%3A24Z&Signature=AAAA",
        "Action=DescribeImageCaches&Format=XML",
        "Image.1=a&Image.0=b&Image.99999999999=c&Image.1.1.1=d",
        "Images.0=a&Images.0.0=b&Filters.0.Name=c",
        "%zz&=&&=x&a",
        "Format=json&Action=ListUsage&Version=1",
        "Tag.1.Key=&Tag.1.Value=%00&Container.1.Name=%FF",
    ];
    check!()
        .with_iterations(iterations(2000))
        .with_type::<(bool, u8, Vec<u8>, String, Vec<u8>, bool)>()
        .for_each(|(get, query, lines, more, body, signs)| {
            let query = format!("{}&{more}", QUERIES[usize::from(*query) % QUERIES.len()]);
            let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
            for line in lines {
                let (name, value) = LINES[usize::from(*line) % LINES.len()].split_once(": ").unwrap();
                if headers.iter().all(|(known, _)| known != name) {
                    headers.push((name.to_owned(), value.as_bytes().to_vec()));
                }
            }
            let method = if *get { "GET" } else { "POST" };
            let borrowed = |headers: &[(String, Vec<u8>)], carry: &mut dyn FnMut(&CloudRequest<'_>)| {
                let headers: Vec<(&str, &[u8])> =
                    headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
                carry(&CloudRequest { method, path: "/", query: &query, headers: &headers, body });
            };
            borrowed(&headers, &mut carry);
            if *signs {
                // Signed, what is behind the signature is reached as well.
                let mut signed = None;
                headers.retain(|(name, _)| name != "authorization");
                borrowed(&headers, &mut |request| {
                    signed = tencent::authorize(request, "AKIDEXAMPLE", SECRET, "content-type;host").ok();
                });
                headers.extend(signed.map(|value| ("authorization".to_owned(), value.into_bytes())));
                borrowed(&headers, &mut carry);
            }
        });
}

/// Bodies of Tencent's operations, signed: JSON of any form under names that the operations have, and bytes that are none.
#[test]
fn any_tencent_body() {
    const ACTIONS: [&str; 6] = [
        "CreateImageCache",
        "DescribeImageCaches",
        "UpdateImageCache",
        "DeleteImageCaches",
        "GetMostSuitableImageCache",
        "Nothing",
    ];
    const NAMES: [&str; 12] = [
        "Images",
        "VpcId",
        "ImageCacheName",
        "Limit",
        "Offset",
        "Filters",
        "Name",
        "Values",
        "Tags",
        "Server",
        "RetentionDays",
        "ImageRegistryCredentials",
    ];
    const VALUES: [&str; 10] =
        ["null", "[]", "{}", "\"a\"", "1", "-1", "1e400", "[[[[{}]]]]", "true", "\"\\ud800\""];
    check!()
        .with_iterations(iterations(2000))
        .with_type::<(u8, Vec<(u8, u8, Vec<u8>)>, Option<Vec<u8>>)>()
        .for_each(|(action, pairs, bytes)| {
            let pairs = pairs.iter().map(|(name, value, text)| {
                let name = NAMES[usize::from(*name) % NAMES.len()];
                let value = match VALUES.get(usize::from(*value)) {
                    Some(value) => (*value).to_owned(),
                    None => Value::from(String::from_utf8_lossy(text)).to_string(),
                };
                format!("\"{name}\":{value}")
            });
            let document = format!("{{{}}}", pairs.collect::<Vec<_>>().join(",")).into_bytes();
            let body = bytes.as_ref().unwrap_or(&document);
            let action = ACTIONS[usize::from(*action) % ACTIONS.len()].as_bytes();
            let mut headers: Vec<(&str, &[u8])> = vec![
                ("content-type", b"application/json"),
                ("host", b"h"),
                ("x-tc-action", action),
                ("x-tc-version", b"2018-05-25"),
                ("x-tc-timestamp", b"1795279870"),
                ("x-tc-region", b"ap-guangzhou"),
            ];
            let request = CloudRequest { method: "POST", path: "/", query: "", headers: &headers, body };
            let signed = tencent::authorize(&request, "AKIDEXAMPLE", SECRET, "content-type;host").unwrap();
            headers.push(("authorization", signed.as_bytes()));
            carry(&CloudRequest { method: "POST", path: "/", query: "", headers: &headers, body });
        });
}
