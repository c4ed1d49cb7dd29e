//! Fuzz targets: a short run by `cargo test`, a long one by `cargo bolero test` on the stable toolchain.

use bolero::check;
use clouds::CloudRequest;
use clouds::alibaba::{Call, Caller, Format, OperationName, RequestId, SKEW_SECONDS};

use crate::support::{SECRET, WHEN, at, encode, pairs, query, rpc};

fn iterations(usual: usize) -> usize {
    std::env::var("IMC_FUZZ_ITERATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Everything that is done with a request, as far as it goes.
fn exhaust(request: CloudRequest<'_>) {
    let format = Call::format_of(&request);
    let caller = Caller { request_id: RequestId::from_bits(1), format, host: "h", troubleshooting: None };
    let refusal = match Call::read(request) {
        Err(refusal) => Some(refusal),
        Ok(call) => {
            assert!(!call.access_key_id().is_empty());
            let _ = call.operation().map(|operation| format!("{operation:?}"));
            call.verify(SECRET, at(WHEN.time), SKEW_SECONDS).err()
        }
    };
    let Some(refusal) = refusal else { return };
    assert!((400..=404).contains(&refusal.status()), "{refusal}");
    let reply = refusal.reply(&caller);
    if format == Format::Json {
        serde_json::from_slice::<serde_json::Value>(&reply.body).unwrap();
    }
}

#[test]
fn any_request() {
    check!()
        .with_iterations(iterations(1000))
        .with_type::<(bool, String, Vec<(u8, Vec<u8>)>, Vec<u8>)>()
        .for_each(|(get, query, headers, body)| {
            let names = [
                "authorization",
                "host",
                "x-acs-action",
                "x-acs-version",
                "x-acs-date",
                "x-acs-signature-nonce",
                "x-acs-content-sha256",
                "content-type",
            ];
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (names[usize::from(*name) % 8], value.as_slice()))
                .collect();
            let method = if *get { "GET" } else { "POST" };
            exhaust(CloudRequest { method, path: "/", query, headers: &headers, body });
        });
}

#[test]
fn any_authorization() {
    check!().with_iterations(iterations(1000)).with_type::<String>().for_each(|rest| {
        let header = format!("ACS3-HMAC-SHA256 {rest}");
        let headers = [
            ("authorization", header.as_bytes()),
            ("host", &b"h"[..]),
            ("x-acs-action", b"ListUsage"),
            ("x-acs-version", b"2018-08-08"),
            ("x-acs-date", b"2026-11-21T17:03:24Z"),
            ("x-acs-signature-nonce", b"n"),
            ("x-acs-content-sha256", b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ];
        exhaust(CloudRequest { method: "POST", path: "/", query: "", headers: &headers, body: b"" });
    });
}

/// Names that the operations have, with whatever the fuzzer likes behind them.
#[test]
fn any_parameters() {
    const NAMES: [&str; 16] = [
        "RegionId",
        "Image",
        "Tag.1.Key",
        "Tag.1.Value",
        "Container.1.Name",
        "Container.1.Image",
        "Container.1.EnvironmentVar.1.Key",
        "Volume.1.Type",
        "Volume.1.ConfigFileVolume.ConfigFileToPath.1.Content",
        "ContainerGroupIds",
        "PlainHttpRegistry",
        "Limit",
        "Cpu",
        "Container.1.LivenessProbe.HttpGet.Port",
        "AcrRegistryInfo.1Domain.1",
        "StartTime",
    ];
    check!().with_iterations(iterations(1000)).with_type::<(u8, Vec<(u8, String)>)>().for_each(
        |(which, given)| {
            let operation = OperationName::ALL[usize::from(*which) % OperationName::ALL.len()];
            let mut more =
                pairs(&[("ContainerGroupName", "web"), ("ImageCacheName", "web"), ("Image.1", "a")]);
            for (name, value) in given {
                let name = NAMES[usize::from(*name) % NAMES.len()];
                if more.iter().all(|(known, _)| known != name) {
                    more.push((name.to_owned(), value.clone()));
                }
            }
            let mut sent = rpc(operation.as_str(), "POST", true, crate::support::Place::Query, &[]);
            sent.query = format!("{}&{}", sent.query, query(&more, encode));
            sent.with(exhaust);
        },
    );
}
