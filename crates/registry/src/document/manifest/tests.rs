use super::*;
use crate::ErrorKind;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn parse(text: &str, content_type: Option<&str>) -> Result<Top, Fault> {
    parse_top(&text.replace("DIGEST", DIGEST).into_bytes(), content_type, &Digest::sha256(b""), "r.io")
}

const CONFIG: &str =
    r#""config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"DIGEST","size":2}"#;

#[test]
fn a_manifest_without_media_type_is_told_by_its_shape() {
    let text = format!(
        r#"{{"schemaVersion":2,{CONFIG},"layers":[{{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "digest":"DIGEST","size":3,"urls":["https://x/y","file:///etc/passwd"]}}]}}"#
    );
    for content_type in [None, Some("application/json"), Some("application/vnd.oci.image.manifest.v1+json")] {
        let Top::Manifest(manifest) = parse(&text, content_type).unwrap() else { panic!("an index") };
        assert_eq!(manifest.layers[0].urls, ["https://x/y"]);
        assert_eq!(manifest.compressed_size(), ByteSize::bytes(3));
    }
}

#[test]
fn an_index_drops_attestations_and_artifacts() {
    let text = r#"{"schemaVersion":2,"manifests":[
        {"digest":"DIGEST","size":1,"platform":{"os":"unknown","architecture":"unknown"}},
        {"digest":"DIGEST","size":2,"annotations":{"vnd.docker.reference.type":"attestation-manifest"}},
        {"digest":"DIGEST","size":3,"mediaType":"application/vnd.example.sbom+json"},
        {"digest":"DIGEST","size":4,"mediaType":"application/vnd.oci.image.manifest.v1+json","platform":{"os":"linux","architecture":"arm","variant":"v6"}},
        {"digest":"DIGEST","size":5,"mediaType":"application/vnd.oci.image.index.v1+json"}]}"#;
    let Top::Index(entries) = parse(text, None).unwrap() else { panic!("a manifest") };
    assert_eq!(entries.iter().map(|entry| entry.size).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(entries[0].platform.as_ref().unwrap().to_string(), "linux/arm/v6");
}

#[test]
fn what_is_no_image_is_unsupported() {
    let chart = CONFIG.replace("oci.image.config.v1", "cncf.helm.config.v1");
    let encrypted =
        r#"{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip+encrypted","digest":"DIGEST","size":1}"#;
    for (text, says) in [
        (r#"{"schemaVersion":1,"fsLayers":[],"name":"x"}"#.to_owned(), "schema 1"),
        (
            r#"{"mediaType":"application/vnd.docker.distribution.manifest.v1+prettyjws"}"#.to_owned(),
            "schema 1",
        ),
        (format!(r#"{{"schemaVersion":2,{chart},"layers":[]}}"#), "helm"),
        (format!(r#"{{"schemaVersion":2,{CONFIG},"layers":[{encrypted}]}}"#), "encrypted"),
        (r#"{"mediaType":"application/vnd.cncf.notary","blobs":[]}"#.to_owned(), "artifact"),
    ] {
        let fault = parse(&text, None).unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::Unsupported, "{text}");
        let Fault::Unsupported(why) = &fault else { panic!("{fault:?}") };
        assert!(why.to_string().contains(says), "{why}");
    }
}

#[test]
fn what_cannot_be_read_is_malformed() {
    let both = format!(r#"{{"manifests":[],{CONFIG},"layers":[]}}"#);
    let no_layers = format!("{{{CONFIG}}}");
    let negative = format!(
        r#"{{{CONFIG},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"DIGEST","size":-1}}]}}"#
    );
    let wrong_digest = format!(
        r#"{{{CONFIG},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:../../etc","size":1}}]}}"#
    );
    for text in [
        "",
        "null",
        "{}",
        "[]",
        "<!DOCTYPE html><html>",
        both.as_str(),
        no_layers.as_str(),
        negative.as_str(),
        wrong_digest.as_str(),
        r#"{"mediaType":"application/vnd.oci.image.index.v1+json"}"#,
        r#"{"manifests":[{"digest":"DIGEST"}]}"#,
    ] {
        assert_eq!(parse(text, None).unwrap_err().kind(), ErrorKind::Malformed, "{text}");
    }
    let page = parse(" <html>", Some("text/html")).unwrap_err();
    assert!(page.to_string().contains("web page"), "{page}");
}

#[test]
fn any_bytes_end() {
    bolero::check!().with_max_len(400).for_each(|bytes: &[u8]| {
        let _ = parse_top(bytes, None, &Digest::sha256(b""), "r.io");
    });
}
