use testkit::TestCertificate;

use super::*;

fn host(text: &str) -> RegistryHost {
    text.parse().unwrap()
}

fn at(host: &str) -> Url {
    Url::parse(&format!("https://{host}/v2/")).unwrap()
}

fn find(root: &Path, name: &str) -> Result<Option<HostsToml>, Fault> {
    HostsToml::find(root, &host(name), &at(name))
}

fn parse(text: &str) -> Result<HostsToml, Fault> {
    let own = Url::parse("https://registry-1.docker.io/v2/").unwrap();
    HostsToml::parse(text.as_bytes(), Path::new("/etc/certs.d/docker.io/hosts.toml"), &own)
}

fn bases(entries: &[ServerEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.base.as_str()).collect()
}

#[test]
fn mirrors_keep_the_order_of_the_file() {
    let hosts = parse(
        r#"
        server = "https://registry-1.docker.io"

        [host."https://z-mirror.example"]
          capabilities = ["pull"]
        [host."http://10.0.0.1:5000/prefix"]
          capabilities = ["pull", "RESOLVE"]
        [host."https://a-mirror.example/api"]
          override_path = true
        [host."https://a-mirror.example/api".header]
          x-token = ["one", "two"]
          x-other = "three"
        "#,
    )
    .unwrap();
    assert_eq!(
        bases(&hosts.mirrors),
        ["https://z-mirror.example/v2/", "http://10.0.0.1:5000/prefix/v2/", "https://a-mirror.example/api/"]
    );
    let rights: Vec<_> = hosts.mirrors.iter().map(|m| (m.pulls, m.resolves)).collect();
    assert_eq!(rights, [(true, false), (true, true), (true, true)]);
    assert_eq!(hosts.mirrors[2].headers.get_all("x-token").iter().count(), 2);
    assert_eq!(hosts.mirrors[2].headers["x-other"], "three");
    assert_eq!(hosts.server.unwrap().base.as_str(), "https://registry-1.docker.io/v2/");
}

#[test]
fn without_a_server_the_registry_itself_comes_last() {
    let hosts = parse("skip_verify = true\n[host.\"mirror.example\"]\n").unwrap();
    assert_eq!(bases(&hosts.mirrors), ["https://mirror.example/v2/"]);
    let server = hosts.server.unwrap();
    assert_eq!(server.base.as_str(), "https://registry-1.docker.io/v2/");
    assert!(server.skip_verify && !hosts.mirrors[0].skip_verify);
}

#[test]
fn what_cannot_be_taken_names_the_file_and_no_value() {
    for text in [
        "server = 3",
        "server = \"ftp://x\"",
        "[host.\"https://user:secret@x\"]",
        "[host.\"https://x\"]\nskip_verify = \"secret\"",
        "[host.\"https://x\".header]\nAuthorization = \"secret\\n\"",
        "authorization = secret",
    ] {
        let Err(fault) = parse(text) else { panic!("{text} was taken") };
        assert!(matches!(fault, Fault::Settings { .. }), "{fault:?}");
        assert!(fault.to_string().contains("hosts.toml"), "{fault}");
        assert!(!fault.to_string().contains("secret"), "{fault}");
    }
}

#[test]
fn a_missing_certificate_file_is_named() {
    let Err(fault) = parse("ca = \"none.crt\"") else { panic!("taken") };
    assert!(
        matches!(&fault, Fault::Settings { path, .. } if path.ends_with("docker.io/none.crt")),
        "{fault:?}"
    );
}

#[test]
fn what_is_wrong_is_named_by_line_and_key() {
    for (text, says) in [
        (
            "server = \"https://x\"\n\n[host.\"https://m\"]\nskip_verify = \"yes\"",
            "line 4 is not what is expected there, the value of `skip_verify`",
        ),
        ("server = \"https://x\"\n[host", "line 2 "),
        (
            "[host.\"https://m\"]\ncapabilities = [\"pull\", \"resolv\"]",
            "`resolv` is not one of the capabilities",
        ),
    ] {
        let Err(fault) = parse(text) else { panic!("{text} was taken") };
        assert!(fault.to_string().contains(says), "{fault}");
    }
}

#[test]
fn a_certificate_file_without_a_certificate_is_named() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("r.example");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("ca.crt"), "garbage").unwrap();
    std::fs::write(dir.join("hosts.toml"), "ca = \"ca.crt\"").unwrap();
    let Err(fault) = find(root.path(), "r.example") else { panic!("taken") };
    assert!(matches!(&fault, Fault::Settings { path, .. } if path.ends_with("ca.crt")), "{fault:?}");
}

/// A directory for `r.example:5000` with a certificate, its key, and both in one file.
fn with_certificates(hosts_toml: Option<&str>) -> (tempfile::TempDir, TestCertificate) {
    let certificate = TestCertificate::generate();
    let (pem, key) = (certificate.certificate_pem(), certificate.key_pem());
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("r.example_5000_");
    std::fs::create_dir(&dir).unwrap();
    for (name, text) in [("c.pem", &pem), ("k.pem", &key), ("both.pem", &format!("{pem}{key}"))] {
        std::fs::write(dir.join(name), text).unwrap();
    }
    if let Some(text) = hosts_toml {
        std::fs::write(dir.join("hosts.toml"), text).unwrap();
    }
    (root, certificate)
}

#[test]
fn files_are_read_relative_to_the_directory() {
    let (root, certificate) = with_certificates(Some("ca = [\"c.pem\"]\nclient = [[\"c.pem\", \"k.pem\"]]"));
    let server = find(root.path(), "r.example:5000").unwrap().unwrap().server.unwrap();
    assert_eq!(server.base.as_str(), "https://r.example:5000/v2/");
    assert_eq!(server.roots, [certificate.certificate_pem().into_bytes()]);
    let both = format!("{}\n{}", certificate.certificate_pem(), certificate.key_pem());
    assert_eq!(server.identity.unwrap(), both.into_bytes());
}

#[test]
fn without_hosts_toml_the_certificate_files_count() {
    let (root, certificate) = with_certificates(None);
    let dir = root.path().join("r.example_5000_");
    for (from, to) in [("c.pem", "ca.crt"), ("c.pem", "client.cert"), ("k.pem", "client.key")] {
        std::fs::copy(dir.join(from), dir.join(to)).unwrap();
    }
    // Also where the directory is given relative to the working directory.
    let up = std::env::current_dir().unwrap().components().skip(1).map(|_| "..").collect::<PathBuf>();
    let relative = up.join(root.path().strip_prefix("/").unwrap());
    for root in [root.path(), &relative] {
        let server = find(root, "r.example:5000").unwrap().unwrap().server.unwrap();
        assert_eq!(server.roots, [certificate.certificate_pem().into_bytes()]);
        assert!(server.identity.unwrap().ends_with(certificate.key_pem().as_bytes()));
    }
}

#[test]
fn the_forms_of_client() {
    for text in [
        "client = \"both.pem\"",
        "client = [\"both.pem\"]",
        "client = [\"both.pem\", \"both.pem\"]",
        "client = [[\"both.pem\", \"\"]]",
        "client = [[\"both.pem\"], \"c.pem\"]",
        "client = [[\"c.pem\", \"k.pem\"], [\"both.pem\", \"\"]]",
    ] {
        let (root, _) = with_certificates(Some(text));
        let server = find(root.path(), "r.example:5000").unwrap().unwrap().server.unwrap();
        assert!(server.identity.is_some(), "{text}");
    }
    for (text, names) in [
        ("client = [\"c.pem\", \"k.pem\"]", "c.pem"),
        ("client = \"c.pem\"", "c.pem"),
        ("client = [[\"c.pem\", \"none.pem\"]]", "none.pem"),
        ("client = [[\"a\", \"b\", \"c\"]]", "hosts.toml"),
    ] {
        let (root, _) = with_certificates(Some(text));
        let Err(fault) = find(root.path(), "r.example:5000") else { panic!("{text} was taken") };
        assert!(matches!(&fault, Fault::Settings { path, .. } if path.ends_with(names)), "{text}: {fault}");
    }
}

#[test]
fn default_speaks_for_hosts_without_a_directory() {
    let root = tempfile::tempdir().unwrap();
    assert!(find(root.path(), "r.example").unwrap().is_none());
    std::fs::create_dir(root.path().join("_default")).unwrap();
    std::fs::write(root.path().join("_default/hosts.toml"), "[host.\"https://m.example\"]").unwrap();
    let hosts = find(root.path(), "r.example").unwrap().unwrap();
    assert_eq!(bases(&hosts.mirrors), ["https://m.example/v2/"]);
    assert_eq!(hosts.server.unwrap().base.as_str(), "https://r.example/v2/");
}

#[test]
fn any_bytes_end() {
    bolero::check!().with_max_len(300).for_each(|bytes: &[u8]| {
        let _ = HostsToml::parse(bytes, Path::new("/nowhere/hosts.toml"), &at("r.example"));
    });
}
