use super::canonical::canonical_text;
use super::*;

const SECRET_KEY: &[u8] = b"SecretKeyExample0000000000000000";
const BODY: &[u8] = br#"{"Images": ["nginx:1.25"]}"#;
const HOST: (&str, &[u8]) = ("host", b"127.0.0.1:18099");
const TIMESTAMP: (&str, &[u8]) = ("x-tc-timestamp", b"1795279870");
const ACTION: (&str, &[u8]) = ("x-tc-action", b"GetMostSuitableImageCache");
const JSON: (&str, &[u8]) = ("content-type", b"application/json");
const QUERY: &str =
    "ImageCacheIds.0=imc-a&ImageCacheIds.1=imc-b&Filters.0.Name=image-cache-name&Filters.0.Values.0=x+y";

fn post<'a>(headers: &'a [(&'a str, &'a [u8])], body: &'a [u8]) -> CloudRequest<'a> {
    CloudRequest { method: "POST", path: "/", query: "", headers, body }
}

#[test]
fn the_keys_of_a_day() {
    let date = keyed(b"TC3SecretKeyExample0000000000000000", b"2026-11-21");
    assert_eq!(hex::encode(date), "c06fb2212506bae8b981dab515e66fe8d5f3e7e4019d92d4624280679bcd2f14");
    let service = keyed(date.as_ref(), b"tke");
    assert_eq!(hex::encode(service), "5560835ffe0d39a906fd8ef4148e7eb64e4fb05257e2d5ee95dfe4675e008b44");
    let signing = signing_key(SECRET_KEY, "2026-11-21");
    assert_eq!(hex::encode(signing), "ea307f2c16a7b582b64d4c6e47540d2c81193e0f5a4c7fc358b89fd66ffb7ca3");
}

#[test]
fn the_canonical_form_of_the_captured_call() {
    let headers = [JSON, HOST, TIMESTAMP];
    let canonical = canonical_text(&post(&headers, BODY), "content-type;host");
    assert_eq!(
        canonical,
        "POST\n/\n\ncontent-type:application/json\nhost:127.0.0.1:18099\n\ncontent-type;host\n\
         d0f88058a7cc98e5ecc408b283bd7b8562ea729229efea3ea8247c904daf6f8d"
    );
}

/// Request, signed headers, hash of the canonical request, signature.
fn vector(request: &CloudRequest<'_>, signed_headers: &str, canonical_hash: &str, signature: &str) {
    let canonical = canonical_text(request, signed_headers);
    assert_eq!(sha256_hex(canonical.as_bytes()), canonical_hash);
    let header =
        authorize(request, "AKIDEXAMPLE0000000000000000000000000", SECRET_KEY, signed_headers).unwrap();
    assert_eq!(
        header,
        format!(
            "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE0000000000000000000000000/2026-11-21/tke/tc3_request, \
             SignedHeaders={signed_headers}, Signature={signature}"
        )
    );
    let authorization = Authorization::parse(&header).unwrap();
    assert_eq!(verify(request, &authorization, "1795279870", SECRET_KEY), Ok(()));
}

#[test]
fn a_call_of_the_sdk_by_post() {
    vector(
        &post(&[JSON, HOST, TIMESTAMP], BODY),
        "content-type;host",
        "428cb41951dc72a0abf4be637b1b678c56f7065ee5ddc539b036dd6fcd0136da",
        "3af081f29307293c4ff97e2870f6089f3332cfe1a87514a5ca496294b96a8a58",
    );
}

#[test]
fn a_call_of_the_sdk_by_get() {
    let headers = [("content-type", &b"application/x-www-form-urlencoded"[..]), HOST, TIMESTAMP];
    let request = CloudRequest { method: "GET", path: "/", query: QUERY, headers: &headers, body: b"" };
    vector(
        &request,
        "content-type;host",
        "55f2178f091e64962255f6511db28e1cc2451758811e24031535a0c7b6e90a34",
        "9d4640cb5312d2de523120545783106da06a26b6baa744b679aeee557b781c32",
    );
}

#[test]
fn a_call_that_signs_the_action() {
    let headers = [("content-type", &b"application/json; charset=utf-8"[..]), HOST, TIMESTAMP, ACTION];
    vector(
        &post(&headers, BODY),
        "content-type;host;x-tc-action",
        "600a15993ac7a8b176606319b1619461a8c0de7b3c1a83fcc461dfd80b4058ea",
        "1300520be6b36191a480453cf579e31086a33ba227a551642b7561a3a7d9c814",
    );
}

#[test]
fn a_call_with_a_body_that_is_not_signed() {
    let headers = [JSON, HOST, TIMESTAMP, ("x-tc-content-sha256", &b"UNSIGNED-PAYLOAD"[..])];
    vector(
        &post(&headers, b"{}"),
        "content-type;host",
        "d40444d9203e2b912de06236156710e636669653ba990a448cbf3ac3aa193286",
        "0a7823f0660269bcc9ef3d4b48e8f299c74cd2acb4052efba04a18eafb8bbb4e",
    );
}

#[test]
fn a_host_is_any_text() {
    let headers = [JSON, ("host", &b" http://127.0.0.1:18099 "[..]), TIMESTAMP];
    let canonical = canonical_text(&post(&headers, BODY), "content-type;host");
    assert!(canonical.contains("\nhost:http://127.0.0.1:18099\n"), "{canonical}");
}

#[test]
fn a_signed_header_is_there_once() {
    let signed = "content-type;host";
    for headers in [&[JSON, TIMESTAMP][..], &[JSON, HOST, TIMESTAMP, HOST]] {
        let error = authorize(&post(headers, BODY), "id", SECRET_KEY, signed).unwrap_err();
        assert_eq!(error.code(), Code::SignatureFailure);
    }
}

#[test]
fn an_authorization_is_of_the_form_of_tc3() {
    let good = "TC3-HMAC-SHA256 Credential=a/2026-11-21/tke/tc3_request, SignedHeaders=content-type;host, \
                Signature=3af081f29307293c4ff97e2870f6089f3332cfe1a87514a5ca496294b96a8a58";
    let parsed = Authorization::parse(good).unwrap();
    assert_eq!((parsed.secret_id, parsed.date), ("a", "2026-11-21"));
    // Other clients leave the blanks out, or turn the parts round.
    assert!(Authorization::parse(&good.replace(", ", ",")).is_ok());
    for (from, to) in [
        ("TC3-HMAC-SHA256", "TC3-HMAC-SHA512"),
        (good, "SKIP"),
        (good, ""),
        ("Credential=a", "Credential="),
        ("a/2026-11-21", "a/b/2026-11-21"),
        ("2026-11-21", "20261121"),
        ("2026-11-21", "2026-11-2x"),
        ("/tke/", "/cvm/"),
        ("tc3_request", "tc4_request"),
        ("content-type;host", "content-type"),
        ("content-type;host", "host"),
        ("content-type;host", "Content-Type;Host"),
        ("content-type;host", "content-type;host;host"),
        ("content-type;host", "content-type;;host"),
        ("3af081", "3AF081"),
        ("3af081", "3af08"),
        ("3af081", "3af0810"),
        ("SignedHeaders=", "Signed="),
        (", Signature", ", Signature=a, Signature"),
    ] {
        let error = Authorization::parse(&good.replace(from, to)).unwrap_err();
        assert_eq!(error.code(), Code::InvalidAuthorization, "{from} -> {to}");
    }
}

#[test]
fn any_authorization_ends() {
    bolero::check!().with_max_len(300).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let _ = Authorization::parse(&text);
        let _ = Authorization::parse(&format!("TC3-HMAC-SHA256 {text}"));
    });
}
