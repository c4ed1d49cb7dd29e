//! Calls of the reference, and what is wrong with others, in the order in which it is looked for.

use clouds::CloudRequest;
use clouds::tencent::{Call, Code, Language, Operation, Password, SKEW_SECONDS, speaks};

use super::client::{SECONDS, SECRET_ID, SECRET_KEY, Sent, at};

#[test]
fn the_captured_call_of_the_sdk() {
    let authorization = "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE0000000000000000000000000/2026-11-21/tke/tc3_request, \
                         SignedHeaders=content-type;host, \
                         Signature=3af081f29307293c4ff97e2870f6089f3332cfe1a87514a5ca496294b96a8a58";
    let headers: [(&str, &[u8]); 15] = [
        ("user-agent", b"python-requests/2.34.2"),
        ("accept-encoding", b"gzip, deflate"),
        ("accept", b"*/*"),
        ("connection", b"keep-alive"),
        ("x-tc-traceid", b"baf1b51c-afed-414a-887d-7e653a0f3129"),
        ("content-type", b"application/json"),
        ("host", b"127.0.0.1:18099"),
        ("x-tc-action", b"GetMostSuitableImageCache"),
        ("x-tc-requestclient", b"SDK_PYTHON_3.1.193"),
        ("x-tc-timestamp", b"1795279870"),
        ("x-tc-version", b"2018-05-25"),
        ("x-tc-region", b"ap-guangzhou"),
        ("x-tc-language", b"zh-CN"),
        ("authorization", authorization.as_bytes()),
        ("content-length", b"26"),
    ];
    let body = br#"{"Images": ["nginx:1.25"]}"#;
    let request = CloudRequest { method: "POST", path: "/", query: "", headers: &headers, body };
    assert!(speaks(&request));
    assert_eq!(Language::of(&request), Language::Chinese);
    let call = Call::read(&request).unwrap();
    assert_eq!(call.secret_id(), SECRET_ID);
    let signed = call.verify(SECRET_KEY, at(SECONDS + 2), SKEW_SECONDS).unwrap();
    assert_eq!(
        (signed.secret_id(), signed.region(), signed.time()),
        (SECRET_ID, "ap-guangzhou", at(SECONDS))
    );
    assert_eq!(signed.signature()[..3], [0x3a, 0xf0, 0x81]);
    assert!(!signed.covers_action() && signed.covers_parameters());
    let Operation::GetMostSuitableImageCache(wanted) = signed.operation(|_| true).unwrap() else { panic!() };
    assert_eq!(wanted.images[0].text, "nginx:1.25");
    assert_eq!(wanted.images[0].reference.to_string(), "docker.io/library/nginx:1.25");
    assert_eq!(wanted.snapshotter, None);
}

#[test]
fn the_captured_query_of_the_sdk() {
    let query =
        "ImageCacheIds.0=imc-a&ImageCacheIds.1=imc-b&Filters.0.Name=image-cache-name&Filters.0.Values.0=x+y";
    let sent = Sent::get("DescribeImageCaches", query);
    let signature = "9d4640cb5312d2de523120545783106da06a26b6baa744b679aeee557b781c32";
    let authorization = sent.headers.iter().find(|(name, _)| name == "authorization").unwrap();
    assert!(authorization.1.ends_with(signature.as_bytes()));
    let Operation::DescribeImageCaches(describe) = sent.arrives().unwrap() else { panic!() };
    let ids: Vec<String> = describe.image_cache_ids.unwrap().into_iter().map(|id| id.text).collect();
    assert_eq!(ids, ["imc-a", "imc-b"]);
    assert_eq!(describe.filters, [clouds::tencent::Filter::ImageCacheName(vec!["x y".to_owned()])]);
}

/// Examples of the API description and the SDK's full creation.
#[test]
fn the_published_bodies() {
    for (action, body) in [
        (
            "CreateImageCache",
            r#"{"VpcId": "vpc-508ctkfb", "SubnetId": "subnet-8ah75lo8", "Images": ["nginx:latest"], "ImageCacheSize": 50}"#,
        ),
        (
            "CreateImageCache",
            r#"{"Images": ["nginx:1.25"], "SubnetId": "subnet-0a1b2c3d", "VpcId": "vpc-0a1b2c3d", "ImageCacheName": "demo", "ImageRegistryCredentials": [{"Server": "r.example.com", "Username": "u", "Password": "p", "Name": "n"}], "AutoCreateEip": true, "AutoCreateEipAttribute": {"DeletePolicy": "", "InternetMaxBandwidthOut": 2}, "ImageCacheSize": 20, "RetentionDays": 7, "Tags": [{"Key": "k", "Value": "v"}]}"#,
        ),
        ("DescribeImageCaches", r#"{"ImageCacheIds": ["imc-xxx"], "Offset": 0, "Limit": 10}"#),
        ("UpdateImageCache", r#"{"ImageCacheName": "modified-imc-name", "ImageCacheId": "imc-xxx"}"#),
        ("DeleteImageCaches", r#"{"ImageCacheIds": ["imc-xxx"]}"#),
        ("GetMostSuitableImageCache", r#"{"Images": ["nginx:latest"]}"#),
        ("GetMostSuitableImageCache", r#"{"Images": ["redis:8.6.1-trixie"]}"#),
        ("DescribeImageCaches", "{}"),
    ] {
        let operation = Sent::post(action, body).arrives().unwrap();
        assert_eq!(operation.name().as_str(), action);
    }
}

#[test]
fn an_id_of_another_form_is_of_no_cache() {
    let Operation::UpdateImageCache(update) =
        Sent::post("UpdateImageCache", r#"{"ImageCacheId": "imc-xxx"}"#).arrives().unwrap()
    else {
        panic!()
    };
    assert_eq!((update.image_cache_id.text.as_str(), update.image_cache_id.id), ("imc-xxx", None));
}

/// Each request has the fault and every later one, so that the codes also tell the order.
#[test]
fn faults_are_found_in_the_order_of_the_reference() {
    use Code::*;
    let body = r#"{"Images": [], "Colour": 1}"#;
    let sent = |version: &str, action: &str, region: &str, token: &str| {
        Sent::unsigned("POST", action, "", body.into())
            .header("x-tc-version", version)
            .header("x-tc-region", region)
            .header("x-tc-token", token)
            .signed("content-type;host")
    };
    let spoilt = |mut sent: Sent| {
        let (_, value) = sent.headers.iter_mut().find(|(name, _)| name == "authorization").unwrap();
        let last = value.last_mut().unwrap();
        *last = if *last == b'0' { b'1' } else { b'0' };
        sent
    };
    let all_wrong = || spoilt(sent("2017-01-01", "Colour", "nowhere", "token"));
    let late = SECONDS + 301;
    let no_region = || all_wrong().header("x-tc-region", "");
    let with_method = |method: &str, mut sent: Sent| {
        sent.method = method.to_owned();
        sent
    };
    let dated = || no_region().header("x-tc-timestamp", &(SECONDS + 86_400).to_string());
    for (sent, now, code) in [
        (with_method("PUT", dated().header("authorization", "")), late, UnsupportedProtocol),
        (with_method("post", sent("2018-05-25", "x", "x", "")), late, UnsupportedProtocol),
        (dated().header("authorization", ""), late, InvalidAuthorization),
        (dated().header("authorization", "SKIP"), late, InvalidAuthorization),
        (dated(), late, SignatureFailure),
        (no_region(), late, MissingParameter),
        (all_wrong(), late, SignatureExpire),
        (all_wrong(), SECONDS - 301, SignatureExpire),
        (all_wrong(), SECONDS + 300, SignatureFailure),
        (sent("2017-01-01", "Colour", "nowhere", "token"), SECONDS - 300, TokenFailure),
        (sent("2017-01-01", "Colour", "nowhere", ""), SECONDS, NoSuchVersion),
        (sent("2018-05-25", "Colour", "nowhere", ""), SECONDS, InvalidAction),
        (sent("2018-05-25", "CreateImageCache", "nowhere", ""), SECONDS, UnsupportedRegion),
        (sent("2018-05-25", "CreateImageCache", "ap-guangzhou", ""), SECONDS, UnknownParameter),
    ] {
        assert_eq!(sent.arrives_at(now).unwrap_err().code(), code, "{sent:?}");
    }
}

#[test]
fn what_is_missing_is_named_as_the_gateway_names_it() {
    for (header, name) in [
        ("x-tc-action", "Action"),
        ("x-tc-version", "Version"),
        ("x-tc-timestamp", "Timestamp"),
        ("x-tc-region", "Region"),
    ] {
        let error = Sent::post("DescribeImageCaches", "{}").header(header, "").arrives().unwrap_err();
        assert_eq!(error.code(), Code::MissingParameter);
        let message = format!("The request is missing a required parameter `{name}`.");
        assert_eq!(error.message(Language::English), message);
    }
    for timestamp in ["now", "-1", "+1795279870", "1795279870.5", "99999999999999999999", "999999999999999"] {
        let sent = Sent::post("DescribeImageCaches", "{}").header("x-tc-timestamp", timestamp);
        let error = sent.arrives().unwrap_err();
        assert_eq!(error.message(Language::English), "Parameter `Timestamp` type error.", "{timestamp}");
    }
}

#[test]
fn a_body_is_a_json_object() {
    for (body, code) in [
        ("", Code::InvalidRequest),
        ("{", Code::InvalidRequest),
        ("{}{}", Code::InvalidRequest),
        ("\u{feff}{}", Code::InvalidRequest),
        ("Limit=1", Code::InvalidRequest),
        ("[]", Code::InvalidParameter),
        ("null", Code::InvalidParameter),
        ("\"{}\"", Code::InvalidParameter),
    ] {
        assert_eq!(Sent::post("DescribeImageCaches", body).arrives().unwrap_err().code(), code, "{body}");
    }
    assert_eq!(
        Sent::post("DescribeImageCaches", b"{\"\xff\":1}").arrives().unwrap_err().code(),
        Code::InvalidRequest
    );
    let deep = format!("{{\"Filters\":{}", "[".repeat(100_000));
    assert_eq!(Sent::post("DescribeImageCaches", deep).arrives().unwrap_err().code(), Code::InvalidRequest);
    let typed = |content_type: &str| {
        let sent = Sent::unsigned("POST", "DescribeImageCaches", "", b"{}".to_vec());
        sent.header("content-type", content_type).signed("content-type;host").arrives().map(drop)
    };
    assert_eq!(typed("application/json; charset=utf-8"), Ok(()));
    assert_eq!(typed("Application/JSON"), Ok(()));
    assert_eq!(typed("multipart/form-data; boundary=x").unwrap_err().code(), Code::InvalidRequest);
    let large = Sent::post("DescribeImageCaches", vec![b' '; 10 * 1024 * 1024 + 1]);
    assert_eq!(large.arrives().unwrap_err().code(), Code::RequestSizeLimitExceeded);
}

#[test]
fn the_older_signature_is_refused_and_known() {
    let form = "Action=DescribeImageCaches&Nonce=1&Region=ap-guangzhou&SecretId=AKID&SignatureMethod=HmacSHA256\
                &Timestamp=1795279870&Version=2018-05-25&Signature=x";
    let headers: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")];
    for (method, query, body) in [("GET", form, &b""[..]), ("POST", "", form.as_bytes())] {
        let request = CloudRequest { method, path: "/", query, headers: &headers, body };
        assert!(speaks(&request));
        let error = Call::read(&request).unwrap_err();
        assert_eq!(error.code(), Code::InvalidAuthorization);
        assert!(error.message(Language::Chinese).contains("TC3-HMAC-SHA256"));
    }
    let other =
        CloudRequest { method: "GET", path: "/", query: "Version=2018-08-08", headers: &[], body: b"" };
    assert!(!speaks(&other));
}

#[test]
fn what_a_signature_covers_is_said() {
    let covers = |sent: &Sent| {
        sent.with(|request| {
            let signed = Call::read(request).unwrap().verify(SECRET_KEY, at(SECONDS), SKEW_SECONDS).unwrap();
            (signed.covers_action(), signed.covers_parameters())
        })
    };
    let unsigned = || Sent::unsigned("POST", "DescribeImageCaches", "", b"{}".to_vec());
    assert_eq!(covers(&unsigned().signed("content-type;host;x-tc-action")), (true, true));
    let bare = unsigned().header("x-tc-content-sha256", "UNSIGNED-PAYLOAD").signed("content-type;host");
    assert_eq!(covers(&bare), (false, false));
}

#[test]
fn a_password_is_never_printed() {
    let body = r#"{"Images": ["a"], "VpcId": "v", "SubnetId": "s", "ImageRegistryCredentials": [{"Password": "hush"}]}"#;
    let operation = Sent::post("CreateImageCache", body).arrives().unwrap();
    assert!(!format!("{operation:?}").contains("hush"));
    let Operation::CreateImageCache(create) = operation else { panic!() };
    let password: &Password = &create.image_registry_credentials[0].password;
    assert_eq!(password.expose(), "hush");
    let wrong = body.replace("\"hush\"", "[\"hush\"]");
    let error = Sent::post("CreateImageCache", wrong).arrives().unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hush"));
    let long = body.replace("hush", &"hush".repeat(10_000));
    let error = Sent::post("CreateImageCache", long).arrives().unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hush"));
}
