//! Captured requests of the unmodified SDKs, with the signatures that they computed.

use clouds::alibaba::request::CreateImageCache;
use clouds::alibaba::{Call, Format, Operation, OperationName};
use model::Elimination;

use crate::support::{KEY, Sent, at};

/// The older Python SDK: RPC 1.0, GET.
const LEGACY: &str = r#"GET /?ImageCacheName=demo%20%2A~%2Fx&Image.1=registry.example%3A5000%2Fa%2Fnginx%3A1.25&ImageCacheSize=20&AutoMatchImageCache=True&ClientToken=tok-old&ImageRegistryCredential.1.Server=registry.example%3A5000&ImageRegistryCredential.1.UserName=u&ImageRegistryCredential.1.Password=p%26%3D%2B%20%25&Tag.1.Key=k1&Tag.1.Value=v1&Version=2018-08-08&Action=CreateImageCache&Format=JSON&RegionId=cn-hangzhou&Timestamp=2026-11-21T17%3A03%3A24Z&SignatureMethod=HMAC-SHA1&SignatureType=&SignatureVersion=1.0&SignatureNonce=859f1a1608b7af0a5ceeb7c63faddefc&AccessKeyId=testak&Signature=FXy3Y2z8BekUu6z%2B2Pgb02Qu8O0%3D HTTP/1.1
Host: 127.0.0.1:18912
Accept-Encoding: identity
Accept: */*
Connection: keep-alive
x-acs-action: CreateImageCache
x-acs-version: 2018-08-08
x-sdk-invoke-type: normal
x-sdk-client: python/2.0.0"#;

const LEGACY_STRING_TO_SIGN: &str = r#"GET&%2F&AccessKeyId%3Dtestak%26Action%3DCreateImageCache%26AutoMatchImageCache%3DTrue%26ClientToken%3Dtok-old%26Format%3DJSON%26Image.1%3Dregistry.example%253A5000%252Fa%252Fnginx%253A1.25%26ImageCacheName%3Ddemo%2520%252A~%252Fx%26ImageCacheSize%3D20%26ImageRegistryCredential.1.Password%3Dp%2526%253D%252B%2520%2525%26ImageRegistryCredential.1.Server%3Dregistry.example%253A5000%26ImageRegistryCredential.1.UserName%3Du%26RegionId%3Dcn-hangzhou%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3D859f1a1608b7af0a5ceeb7c63faddefc%26SignatureType%3D%26SignatureVersion%3D1.0%26Tag.1.Key%3Dk1%26Tag.1.Value%3Dv1%26Timestamp%3D2026-11-21T17%253A03%253A24Z%26Version%3D2018-08-08"#;

/// The newer Python SDK: ACS3, POST with an empty body.
const TEA: &str = r#"POST /?AcrRegistryInfo.1.Domain.1=a.example&AcrRegistryInfo.1.Domain.2=b.example&AcrRegistryInfo.1.InstanceId=cri-1&AcrRegistryInfo.1.RegionId=cn-beijing&AutoMatchImageCache=True&ClientToken=tok-v3&Image.1=registry.example%3A5000%2Fa%2Fnginx%3A1.25&Image.2=registry.example%3A5000%2Fa%2Fbusybox%3A1&ImageCacheName=demo+%2A~%2Fx&ImageCacheSize=20&ImageRegistryCredential.1.Password=p%26%3D%2B+%25&ImageRegistryCredential.1.Server=registry.example%3A5000&ImageRegistryCredential.1.UserName=u&RegionId=cn-hangzhou&RetentionDays=7&Tag.1.Key=k1&Tag.1.Value=v1&Tag.2.Key=k2&Tag.2.Value= HTTP/1.1
Accept-Encoding: identity
host: 127.0.0.1:18912
x-acs-version: 2018-08-08
x-acs-action: CreateImageCache
user-agent: AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2
x-acs-date: 2026-11-21T17:03:25Z
x-acs-signature-nonce: b3d78e0eb02e85e60d0f3ed4192eeaf0
accept: application/json
x-acs-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
x-acs-credentials-provider: static_ak
Authorization: ACS3-HMAC-SHA256 Credential=testak,SignedHeaders=accept;host;user-agent;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=5616ba37813a29404cdef369e3367cb4e25661e5aab7ed871d54575f97a6ca85
Content-Length: 0"#;

const TEA_CANONICAL_REQUEST: &str = r#"POST
/
AcrRegistryInfo.1.Domain.1=a.example&AcrRegistryInfo.1.Domain.2=b.example&AcrRegistryInfo.1.InstanceId=cri-1&AcrRegistryInfo.1.RegionId=cn-beijing&AutoMatchImageCache=True&ClientToken=tok-v3&Image.1=registry.example%3A5000%2Fa%2Fnginx%3A1.25&Image.2=registry.example%3A5000%2Fa%2Fbusybox%3A1&ImageCacheName=demo%20%2A~%2Fx&ImageCacheSize=20&ImageRegistryCredential.1.Password=p%26%3D%2B%20%25&ImageRegistryCredential.1.Server=registry.example%3A5000&ImageRegistryCredential.1.UserName=u&RegionId=cn-hangzhou&RetentionDays=7&Tag.1.Key=k1&Tag.1.Value=v1&Tag.2.Key=k2&Tag.2.Value=
accept:application/json
host:127.0.0.1:18912
user-agent:AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2
x-acs-action:CreateImageCache
x-acs-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
x-acs-credentials-provider:static_ak
x-acs-date:2026-11-21T17:03:25Z
x-acs-signature-nonce:b3d78e0eb02e85e60d0f3ed4192eeaf0
x-acs-version:2018-08-08

accept;host;user-agent;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"#;

/// The newer Python SDK told to use the older scheme.
const TEA_RPC: &str = r#"POST /?Action=CreateImageCache&Format=json&Version=2018-08-08&Timestamp=2026-11-21T17%3A03%3A26Z&SignatureNonce=085b6d8ea46b95ebf90dd1bf1dccb1bd&AcrRegistryInfo.1.Domain.1=a.example&AcrRegistryInfo.1.Domain.2=b.example&AcrRegistryInfo.1.InstanceId=cri-1&AcrRegistryInfo.1.RegionId=cn-beijing&AutoMatchImageCache=True&ClientToken=tok-v2&Image.1=registry.example%3A5000%2Fa%2Fnginx%3A1.25&Image.2=registry.example%3A5000%2Fa%2Fbusybox%3A1&ImageCacheName=demo+%2A~%2Fx&ImageCacheSize=20&ImageRegistryCredential.1.Password=p%26%3D%2B+%25&ImageRegistryCredential.1.Server=registry.example%3A5000&ImageRegistryCredential.1.UserName=u&RegionId=cn-hangzhou&RetentionDays=7&Tag.1.Key=k1&Tag.1.Value=v1&Tag.2.Key=k2&Tag.2.Value=&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&AccessKeyId=testak&Signature=z%2FysNTV5z%2FsX2cbwAayy7FuAsAA%3D HTTP/1.1
host: 127.0.0.1:18912
x-acs-version: 2018-08-08
x-acs-action: CreateImageCache
x-acs-credentials-provider: static_ak
Content-Length: 0"#;

/// The Node SDK: ACS3, with reserved characters left raw in the query.
const NODE: &str = r#"POST /?AcrRegistryInfo.1.Domain.1=a.example&AcrRegistryInfo.1.InstanceId=cri-1&AutoMatchImageCache=true&Image.1=nginx%3A1.25&ImageCacheName=my%20cache*~%2F%C3%A9!%27()&ImageRegistryCredential.1.Password=p%26%3D%2B%20%25&ImageRegistryCredential.1.Server=reg.local%3A5000&ImageRegistryCredential.1.UserName=u&RegionId=cn-hangzhou&Tag.1.Key=k&Tag.1.Value=v HTTP/1.1
host: 127.0.0.1:18911
x-acs-version: 2018-08-08
x-acs-action: CreateImageCache
user-agent: AlibabaCloud (linux; x64) Node.js/v20.20.2 Core/1.0.1 TeaDSL/1
x-acs-date: 2026-11-21T16:58:02Z
x-acs-signature-nonce: 33448c71d641d3799a536468e19ea3f5
accept: application/json
x-acs-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
x-acs-credentials-provider: static_ak
Authorization: ACS3-HMAC-SHA256 Credential=testak,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=53d8d712b299465e46bff5df5588346e2cb41e6709a803cbaf7cdd5eda3a22cb
Content-Length: 0"#;

const TEA_HASH: &str = "2b9c9e74fdbdbc92dd59b06b81ca07cfb5755697d7d722ef7cd5deb616e5823d";
const NODE_HASH: &str = "1a4f6d10e72d3e7dddb7a2439d02748448fb1b6e8b15c984d81d4b6a680ba58d";

#[test]
fn every_captured_request_verifies() {
    for (captured, time, nonce, format) in [
        (LEGACY, "2026-11-21T17:03:24Z", "859f1a1608b7af0a5ceeb7c63faddefc", Format::Json),
        (TEA, "2026-11-21T17:03:25Z", "b3d78e0eb02e85e60d0f3ed4192eeaf0", Format::Json),
        (TEA_RPC, "2026-11-21T17:03:26Z", "085b6d8ea46b95ebf90dd1bf1dccb1bd", Format::Json),
        (NODE, "2026-11-21T16:58:02Z", "33448c71d641d3799a536468e19ea3f5", Format::Json),
    ] {
        let sent = Sent::captured(captured);
        let signed = sent.verify(at(time)).unwrap();
        assert_eq!((signed.access_key_id.as_str(), signed.nonce.as_str()), (KEY, nonce));
        assert_eq!(signed.signed_at, at(time));
        sent.with(|request| {
            let call = Call::read(request).unwrap();
            assert_eq!(call.operation_name(), OperationName::CreateImageCache);
            assert_eq!((call.access_key_id(), call.format()), (KEY, format));
            assert_eq!(Call::format_of(&request), format);
        });
    }
}

/// The older SDK splits the message at its colon and compares what comes behind with its own string: if they are the same, it reports
/// that the secret is wrong.
#[test]
fn a_wrong_secret_is_told_with_what_the_server_signed() {
    let message = |captured: &str, time: &str| {
        Sent::captured(captured).with(|request| {
            let call = Call::read(request).unwrap();
            let refusal = call.verify(b"another", at(time), 900).unwrap_err();
            assert_eq!((refusal.code().as_str(), refusal.status()), ("SignatureDoesNotMatch", 400));
            let loggable = format!("{refusal:?} {refusal}");
            assert!(!loggable.contains("nginx") && !loggable.contains("p%26"), "{loggable}");
            refusal.message().into_owned()
        })
    };
    let legacy = message(LEGACY, "2026-11-21T17:03:24Z");
    let parts: Vec<&str> = legacy.split(':').collect();
    assert_eq!(
        parts,
        [
            "Specified signature is not matched with our calculation. server string to sign is",
            LEGACY_STRING_TO_SIGN
        ]
    );
    assert_eq!(
        message(TEA, "2026-11-21T17:03:25Z"),
        format!(
            "Specified signature does not match our calculation. server StringToSign is [ACS3-HMAC-SHA256\n{TEA_HASH}] \
             server CanonicalRequest is [{TEA_CANONICAL_REQUEST}]"
        )
    );
    assert!(
        message(TEA_RPC, "2026-11-21T17:03:26Z")
            .contains(":POST&%2F&AccessKeyId%3Dtestak%26AcrRegistryInfo.1.Domain.1%3Da.example")
    );
    let node = message(NODE, "2026-11-21T16:58:02Z");
    assert!(node.contains(NODE_HASH));
    assert!(node.contains("&ImageCacheName=my%20cache%2A~%2F%C3%A9%21%27%28%29&"));
}

fn create(captured: &str) -> CreateImageCache {
    match Sent::captured(captured).operation().unwrap() {
        Operation::CreateImageCache(create) => *create,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_captured_request_is_understood() {
    let legacy = create(LEGACY);
    assert_eq!((legacy.region.as_str(), legacy.name.as_str()), ("cn-hangzhou", "demo *~/x"));
    assert_eq!(legacy.images.len(), 1);
    assert_eq!(legacy.images[0].text, "registry.example:5000/a/nginx:1.25");
    assert_eq!(legacy.parameters.size_gib, Some(20));
    assert_eq!(legacy.parameters.reuse_layers, Some(true));
    assert_eq!(legacy.client_token.unwrap().as_str(), "tok-old");
    let credential = &legacy.access.credentials[0];
    assert_eq!((credential.server.as_str(), credential.user_name.as_str()), ("registry.example:5000", "u"));
    assert_eq!(credential.password.expose(), "p&=+ %");
    assert!(!format!("{credential:?}").contains("p&"));
    for captured in [TEA, TEA_RPC] {
        let tea = create(captured);
        assert_eq!(tea.images.len(), 2);
        assert_eq!(tea.parameters.retention.unwrap().get(), 7);
        assert_eq!(tea.parameters.elimination, None::<Elimination>);
        let tags = tea.parameters.tags.unwrap();
        assert_eq!((tags.get("k1"), tags.get("k2")), (Some("v1"), Some("")));
        let acr = &tea.access.acr[0];
        assert_eq!(
            (acr.instance_id.as_str(), acr.region.as_ref().unwrap().as_str()),
            ("cri-1", "cn-beijing")
        );
        assert_eq!(
            acr.domains.iter().map(|host| host.as_str()).collect::<Vec<_>>(),
            ["a.example", "b.example"]
        );
    }
    let node = create(NODE);
    assert_eq!(node.name.as_str(), "my cache*~/é!'()");
    assert_eq!(node.images[0].reference.to_string(), "docker.io/library/nginx:1.25");
}

#[test]
fn a_captured_request_with_one_letter_changed_does_not_verify() {
    for (captured, time) in
        [(LEGACY, "2026-11-21T17:03:24Z"), (TEA, "2026-11-21T17:03:25Z"), (NODE, "2026-11-21T16:58:02Z")]
    {
        let mut sent = Sent::captured(captured);
        sent.query = sent.query.replace("nginx", "nginy");
        assert_eq!(sent.verify(at(time)).unwrap_err().0.as_str(), "SignatureDoesNotMatch");
        let mut sent = Sent::captured(captured);
        sent.method = if sent.method == "GET" { "POST" } else { "GET" }.to_owned();
        assert_eq!(sent.verify(at(time)).unwrap_err().0.as_str(), "SignatureDoesNotMatch");
    }
}
