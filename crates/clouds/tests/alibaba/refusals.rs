//! What is no call is refused before any operation, with the code that says why.

use clouds::alibaba::{Call, Caller, Format, RequestId};
use serde_json::{Value, json};

use crate::support::{Place, Sent, acs3, pairs, rpc};

fn sent() -> Sent {
    rpc("ListUsage", "GET", false, Place::Query, &pairs(&[("RegionId", "cn-a")]))
}

fn edited(edit: impl FnOnce(&mut Sent)) -> Sent {
    let mut sent = sent();
    edit(&mut sent);
    sent
}

fn queried(from: &str, to: &str) -> Sent {
    edited(|sent| {
        assert!(sent.query.contains(from), "{from}");
        sent.query = sent.query.replace(from, to);
    })
}

/// Status, code and message of the refusal.
fn refused(sent: &Sent) -> (u16, &'static str, String) {
    sent.with(|request| {
        let refusal = match Call::read(request) {
            Ok(call) => call.operation().unwrap_err(),
            Err(refusal) => refusal,
        };
        (refusal.status(), refusal.code().as_str(), refusal.message().into_owned())
    })
}

#[test]
fn before_any_operation() {
    let missing = |name: &str| {
        format!(
            "The input parameter \"{name}\" that is mandatory for processing this request is not supplied."
        )
    };
    let invalid = |name: &str| format!("The specified parameter \"{name}\" is not valid.");
    let unknown = "Specified api is not found, please check your url and method.".to_owned();
    for (sent, status, code, message) in [
        (
            edited(|sent| sent.method = "PUT".to_owned()),
            400,
            "UnsupportedHTTPMethod",
            "This http method is not supported.".to_owned(),
        ),
        (edited(|sent| sent.path = "/x".to_owned()), 404, "InvalidAction.NotFound", unknown.clone()),
        (queried("Action=ListUsage", "Action=RunInstances"), 404, "InvalidAction.NotFound", unknown),
        (queried("Action=ListUsage&", ""), 400, "MissingParameter", missing("Action")),
        (queried("Version=2018-08-08&", ""), 400, "MissingParameter", missing("Version")),
        (
            queried("2018-08-08", "2018-08-09"),
            400,
            "InvalidVersion",
            "Specified parameter Version is not valid.".to_owned(),
        ),
        (
            queried("Format=JSON", "Format=YAML"),
            400,
            "InvalidParameter.Format",
            "Specified parameter format is not valid.".to_owned(),
        ),
        (queried("AccessKeyId=testak&", ""), 400, "MissingParameter", missing("AccessKeyId")),
        (queried("&Signature=", "&Sig="), 400, "MissingParameter", missing("Signature")),
        (
            queried("HMAC-SHA1", "HMAC-MD5"),
            400,
            "InvalidSignatureMethod",
            "Specified signature method is not valid.".to_owned(),
        ),
        (
            queried("SignatureVersion=1.0", "SignatureVersion=2.0"),
            400,
            "InvalidParameter",
            invalid("SignatureVersion"),
        ),
        (
            queried("SignatureNonce=n-1", "SignatureNonce="),
            400,
            "MissingParameter",
            missing("SignatureNonce"),
        ),
        (
            queried("SignatureNonce=n-1", &format!("SignatureNonce={}", "n".repeat(129))),
            400,
            "InvalidParameter",
            invalid("SignatureNonce"),
        ),
        (
            queried("RegionId=cn-a", "SignatureType=BEARERTOKEN"),
            400,
            "InvalidParameter",
            invalid("SignatureType"),
        ),
        (queried("RegionId=cn-a", "Action=ListUsage"), 400, "InvalidParameter", invalid("Action")),
        (
            queried("RegionId=cn-a", "RegionId=%ff"),
            400,
            "InvalidParameter",
            "The encoding of a parameter is not valid.".to_owned(),
        ),
        (queried("RegionId=cn-a", "Other=1"), 400, "MissingParameter", missing("RegionId")),
    ] {
        assert_eq!(refused(&sent), (status, code, message), "{}", sent.query);
    }
}

#[test]
fn a_time_of_another_form() {
    for time in ["2026-11-21T17%3A03%3A24", "yesterday"] {
        let sent = queried("2026-11-21T17%3A03%3A24Z", time);
        let (code, message) = sent.verify(crate::support::at("2026-11-21T17:03:24Z")).unwrap_err();
        assert_eq!(code.as_str(), "InvalidTimeStamp.Format");
        assert_eq!(message, "Specified time stamp or date value is not well formatted.");
    }
}

#[test]
fn another_algorithm_in_the_header() {
    let mut sent = acs3("ListUsage", "POST", Place::Query, &[]);
    let header = sent.header_mut("authorization");
    *header = header.replace("HMAC-SHA256", "RSA-SHA256");
    assert_eq!(refused(&sent).1, "InvalidSignatureMethod");
}

fn caller(format: Format) -> Caller<'static> {
    let request_id = RequestId::from_bits(0x7463_B73D_35CC_4D19_A010_6B8D_65D2_42EF);
    Caller { request_id, format, host: "eci.cn-hangzhou.example", troubleshooting: None }
}

#[test]
fn the_document_of_a_refusal() {
    let refusal =
        edited(|sent| sent.method = "PUT".to_owned()).with(|request| Call::read(request).err().unwrap());
    let reply = refusal.reply(&caller(Format::Json));
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.headers,
        [
            ("content-type", "application/json;charset=utf-8".to_owned()),
            ("x-acs-request-id", "7463B73D-35CC-4D19-A010-6B8D65D242EF".to_owned()),
            ("x-acs-trace-id", "7463b73d35cc4d19a0106b8d65d242ef".to_owned()),
        ]
    );
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(
        body,
        json!({
            "RequestId": "7463B73D-35CC-4D19-A010-6B8D65D242EF",
            "HostId": "eci.cn-hangzhou.example",
            "Code": "UnsupportedHTTPMethod",
            "Message": "This http method is not supported.",
        })
    );
    let xml =
        refusal.reply(&Caller { troubleshooting: Some("https://help.example/"), ..caller(Format::Xml) });
    assert_eq!(xml.headers[0].1, "text/xml;charset=utf-8");
    assert_eq!(
        String::from_utf8(xml.body).unwrap(),
        "<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>7463B73D-35CC-4D19-A010-6B8D65D242EF</RequestId>\
         <HostId>eci.cn-hangzhou.example</HostId><Code>UnsupportedHTTPMethod</Code>\
         <Message>This http method is not supported.</Message>\
         <Recommend>https://help.example/?q=UnsupportedHTTPMethod</Recommend></Error>"
    );
}

#[test]
fn how_a_refused_call_wants_its_answer() {
    let format = |sent: &Sent| sent.with(|request| Call::format_of(&request));
    assert_eq!(format(&queried("Format=JSON", "Format=xml")), Format::Xml);
    assert_eq!(format(&queried("Format=JSON&", "")), Format::Xml);
    assert_eq!(format(&queried("Format=JSON", "Format=json")), Format::Json);
    assert_eq!(format(&queried("Format=JSON", "Format=x")), Format::Json);
    assert_eq!(format(&queried("RegionId=cn-a", "a=%")), Format::Json);
    assert_eq!(format(&acs3("ListUsage", "POST", Place::Query, &pairs(&[("Format", "XML")]))), Format::Json);
}
