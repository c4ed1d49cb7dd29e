//! Layers that lean on each other, merged: the tree as unpacking them in order makes it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use erofs::Image;
use layer::{Control, Leans, MergeError, MergeLayer, merge, needs_merge, needs_merge_exactly};
use support::tape::{Header, Tape};
use support::{convert, describe_image};

type Layer = (Vec<u8>, Leans);

fn layers(tars: &[Vec<u8>]) -> Vec<Layer> {
    tars.iter().map(|tar| convert(tar).map(|(blob, converted)| (blob, converted.leans)).unwrap()).collect()
}

fn inputs(layers: &[Layer]) -> Vec<MergeLayer<'_, Vec<u8>>> {
    layers.iter().map(|(blob, leans)| MergeLayer { blob, leans }).collect()
}

/// The merged tree, content read through the devices.
fn merged(tars: &[Vec<u8>]) -> Vec<String> {
    let layers = layers(tars);
    let mut image = Vec::new();
    let done = merge(&inputs(&layers), &mut image, &Control::new()).unwrap();
    assert_eq!(done.size.as_u64(), image.len() as u64);
    let devices = layers.iter().map(|(blob, _)| blob).collect();
    describe_image(&Image::open_with_devices(&image, devices).unwrap())
}

fn short(tars: &[Vec<u8>]) -> Vec<String> {
    merged(tars)[1..].iter().map(|line| line.split(' ').take(3).collect::<Vec<_>>().join(" ")).collect()
}

fn exactly(tars: &[Vec<u8>]) -> bool {
    needs_merge_exactly(&inputs(&layers(tars))).unwrap()
}

fn cheaply(tars: &[Vec<u8>]) -> bool {
    let layers = layers(tars);
    needs_merge(&layers.iter().map(|(_, leans)| leans).collect::<Vec<_>>())
}

/// The odd image that three unpackers were tried on.
fn odd() -> [Vec<u8>; 3] {
    let base = Tape::new()
        .dir("usr")
        .dir("usr/lib")
        .file("usr/lib/libc", b"libc")
        .symlink("lib", "usr/lib")
        .entry(Header::new(b"tmp", b'5', 0).mode(0o1777), b"")
        .entry(Header::new(b"home", b'5', 0).mode(0o700).octal(108, 8, 1000), b"")
        .end();
    let leaning = Tape::new().file("lib/foo", b"foo").file("tmp/bar", b"bar").file("home/x", b"x").end();
    let linking = Tape::new().hard_link("etc/libc", "usr/lib/libc").end();
    [base, leaning, linking]
}

#[test]
fn attributes_are_kept_symlinks_followed_links_found() {
    assert_eq!(
        merged(&odd()),
        [
            "/ dir 755 0:0 0.000000000 links=6",
            "etc dir 755 0:0 0.000000000 links=2",
            "etc/libc file=\"libc\" 644 0:0 1000000000.000000000 links=2",
            "home dir 700 1000:0 1000000000.000000000 links=2",
            "home/x file=\"x\" 644 0:0 1000000000.000000000 links=1",
            "lib ->usr/lib 777 0:0 1000000000.000000000 links=1",
            "tmp dir 1777 0:0 1000000000.000000000 links=2",
            "tmp/bar file=\"bar\" 644 0:0 1000000000.000000000 links=1",
            "usr dir 755 0:0 1000000000.000000000 links=3",
            "usr/lib dir 755 0:0 1000000000.000000000 links=2",
            "usr/lib/foo file=\"foo\" 644 0:0 1000000000.000000000 links=1",
            "usr/lib/libc file=\"libc\" 644 0:0 1000000000.000000000 links=2",
        ]
    );
    assert!(cheaply(&odd()) && exactly(&odd()));
}

#[test]
fn an_upper_layer_replaces_and_removes() {
    let below = Tape::new()
        .dir("d")
        .file("d/kept", b"")
        .file("d/gone", b"")
        .dir("o")
        .file("o/hidden", b"")
        .file("f", b"old")
        .dir("t")
        .file("t/x", b"")
        .file("u", b"")
        .end();
    let above = Tape::new()
        .entry(Header::new(b"d", b'5', 0).mode(0o700), b"")
        .file("d/.wh.gone", b"")
        .dir("o")
        .file("o/.wh..wh..opq", b"")
        .file("o/new", b"")
        .file("f", b"new")
        .file("t", b"file")
        .dir("u")
        .end();
    assert_eq!(
        short(&[below.clone(), above.clone()]),
        [
            "d dir 700",
            "d/kept file=\"\" 644",
            "f file=\"new\" 644",
            "o dir 755",
            "o/new file=\"\" 644",
            "t file=\"file\" 644",
            "u dir 755",
        ]
    );
    assert!(!merged(&[below.clone(), above.clone()]).iter().any(|line| line.contains("overlay")));
    assert!(!cheaply(&[below.clone(), above.clone()]) && !exactly(&[below, above]));
}

#[test]
fn hard_links_within_layers_stay_links() {
    let below = Tape::new().file("a", b"one").hard_link("b", "a").hard_link("c", "a").end();
    let above = Tape::new().file("b", b"two").hard_link("d/e", "b").end();
    assert_eq!(
        merged(&[below, above])[1..],
        [
            "a file=\"one\" 644 0:0 1000000000.000000000 links=2",
            "b file=\"two\" 644 0:0 1000000000.000000000 links=2",
            "c file=\"one\" 644 0:0 1000000000.000000000 links=2",
            "d dir 755 0:0 0.000000000 links=2",
            "d/e file=\"two\" 644 0:0 1000000000.000000000 links=2",
        ]
    );
}

#[test]
fn a_link_below_survives_its_target() {
    let below = Tape::new().dir("bin").file("bin/tool", b"old").end();
    for above in [
        Tape::new().hard_link("kept", "bin/tool").file("bin/.wh.tool", b"").end(),
        Tape::new().hard_link("kept", "bin/tool").file(".wh..wh..opq", b"").end(),
        Tape::new().hard_link("kept", "bin/tool").file("bin/tool", b"new").end(),
    ] {
        let lines = merged(&[below.clone(), above]);
        assert!(
            lines.contains(&"kept file=\"old\" 644 0:0 1000000000.000000000 links=1".to_owned()),
            "{lines:?}"
        );
        assert!(!lines.iter().any(|line| line.starts_with(".wh")), "{lines:?}");
    }
}

#[test]
fn a_link_through_a_symlink_below() {
    let [base, _, _] = odd();
    let above = Tape::new().hard_link("lib/copy", "lib/libc").end();
    assert!(short(&[base, above]).contains(&"usr/lib/copy file=\"libc\" 644".to_owned()));
}

#[test]
fn a_link_to_what_the_same_layer_put_behind_a_symlink_below() {
    let [base, _, _] = odd();
    let above =
        Tape::new().dir("usr").dir("usr/lib").file("usr/lib/new", b"new").hard_link("h", "lib/new").end();
    assert!(short(&[base, above]).contains(&"h file=\"new\" 644".to_owned()));
}

#[test]
fn a_link_to_nothing_is_an_error_that_names_it() {
    let error = |tars: &[Vec<u8>]| merge(&inputs(&layers(tars)), Vec::new(), &Control::new()).unwrap_err();
    let lone = Tape::new().hard_link("h", "bin/tool").end();
    assert!(cheaply(std::slice::from_ref(&lone)) && exactly(std::slice::from_ref(&lone)));
    let failed = error(std::slice::from_ref(&lone));
    assert!(
        matches!(&failed, MergeError::MissingTarget { index: 0, path, target } if path == "h" && target == "bin/tool")
    );
    assert!(matches!(
        error(&[Tape::new().dir("bin/tool").end(), lone]),
        MergeError::MissingTarget { index: 1, .. }
    ));
}

#[test]
fn a_file_below_where_a_directory_is_implied_is_an_error() {
    let tars = [Tape::new().file("a", b"").end(), Tape::new().file("a/b", b"").end()];
    let error = merge(&inputs(&layers(&tars)), Vec::new(), &Control::new()).unwrap_err();
    assert!(matches!(&error, MergeError::NotADirectory { index: 1, path } if path == "a"), "{error}");
}

#[test]
fn symlinks_below_stay_in_the_root_and_loops_end() {
    let below =
        Tape::new().symlink("out", "../../../etc").symlink("loop", "loop").symlink("dangling", "x/y").end();
    let above = Tape::new().file("out/f", b"").file("dangling/g", b"").end();
    let lines = short(&[below.clone(), above]);
    assert!(
        lines.contains(&"etc/f file=\"\" 644".to_owned())
            && lines.contains(&"x/y/g file=\"\" 644".to_owned())
    );
    let looping = [below, Tape::new().file("loop/f", b"").end()];
    assert!(matches!(
        merge(&inputs(&layers(&looping)), Vec::new(), &Control::new()),
        Err(MergeError::NotADirectory { .. })
    ));
}

#[test]
fn symlinks_below_lead_neither_too_far_nor_too_deep() {
    let below = (0..39).fold(Tape::new().file("f", b""), |tape, i| {
        let target =
            format!("{}{}", "./".repeat(2000), if i < 38 { format!("s{}", i + 1) } else { "".into() });
        tape.pax(&[("linkpath", target.as_bytes())]).symlink(&format!("s{i}"), "x")
    });
    let links =
        |count: usize| (0..count).fold(Tape::new(), |tape, i| tape.hard_link(&format!("h{i}"), "s0/f")).end();
    let below = below.end();
    assert!(short(&[below.clone(), links(3)]).contains(&"h2 file=\"\" 644".to_owned()));
    let error = merge(&inputs(&layers(&[below, links(1800)])), Vec::new(), &Control::new()).unwrap_err();
    assert!(matches!(error, MergeError::TooFar { index: 1, .. }), "{error}");

    let target = "d/".repeat(600);
    let deep = Tape::new().pax(&[("linkpath", target.as_bytes())]).symlink("s", "x").end();
    let error =
        merge(&inputs(&layers(&[deep, Tape::new().file("s/f", b"").end()])), Vec::new(), &Control::new())
            .unwrap_err();
    assert!(matches!(&error, MergeError::TooDeep { index: 1, path } if path == "s"), "{error}");
}

#[test]
fn an_opaque_directory_behind_a_symlink_below_hides_what_was_there() {
    let below = || {
        let tape = Tape::new().dir("usr").dir("usr/lib").file("usr/lib/libc", b"libc").dir("usr/lib/deep");
        tape.file("usr/lib/deep/old", b"").symlink("lib", "usr/lib").symlink("top", "/").file("kept", b"")
    };
    let above = Tape::new().file("lib/.wh..wh..opq", b"").file("lib/foo", b"foo").end();
    assert_eq!(
        short(&[below().end(), above]),
        [
            "kept file=\"\" 644",
            "lib ->usr/lib 777",
            "top ->/ 777",
            "usr dir 755",
            "usr/lib dir 755",
            "usr/lib/foo file=\"foo\" 644"
        ]
    );
    // What the same layer puts there by the other name stays, and links find what is hidden.
    let above = Tape::new()
        .file("usr/lib/deep/new", b"")
        .file("lib/.wh..wh..opq", b"")
        .hard_link("usr/lib/linked", "usr/lib/libc")
        .end();
    let lines = short(&[below().end(), above]);
    assert_eq!(
        lines[3..],
        [
            "usr dir 755",
            "usr/lib dir 755",
            "usr/lib/deep dir 755",
            "usr/lib/deep/new file=\"\" 644",
            "usr/lib/linked file=\"libc\" 644",
        ]
    );
    let above = Tape::new().file("top/.wh..wh..opq", b"").hard_link("linked", "kept").end();
    assert_eq!(short(&[below().end(), above]), ["linked file=\"\" 644"]);
}

#[test]
fn a_deletion_where_nothing_is_makes_no_directory() {
    let below = Tape::new().symlink("s", "nowhere").dir("d").file("f", b"").end();
    let above = Tape::new()
        .file("new/deep/.wh.x", b"")
        .file("s/.wh.y", b"")
        .file("d/e/.wh..wh..opq", b"")
        .file("f/.wh.z", b"")
        .end();
    assert_eq!(short(&[below, above]), ["d dir 755", "f file=\"\" 644", "s ->nowhere 777"]);
}

#[test]
fn the_roots_attributes_are_the_last_given() {
    let given = |mode| Tape::new().entry(Header::new(b"./", b'5', 0).mode(mode), b"").end();
    let silent = Tape::new().file("f", b"").end();
    assert!(merged(&[given(0o711), given(0o700), silent.clone()])[0].starts_with("/ dir 700 "));
    assert!(merged(&[silent])[0].starts_with("/ dir 755 "));
}

#[test]
fn which_images_need_it() {
    let plain = Tape::new().dir("d").file("d/f", b"").end();
    let implies_new = Tape::new().file("new/f", b"").end();
    let implies_old = Tape::new().file("d/g", b"").end();
    let deletes_first = Tape::new().dir("d").file("d/.wh.f", b"").end();
    assert!(!cheaply(&[]) && !exactly(&[]));
    assert!(!cheaply(std::slice::from_ref(&implies_new)), "the first layer has nothing below");
    assert!(cheaply(&[plain.clone(), implies_new.clone()]) && !exactly(&[plain.clone(), implies_new]));
    assert!(cheaply(&[plain.clone(), implies_old.clone()]) && exactly(&[plain.clone(), implies_old]));
    assert!(cheaply(std::slice::from_ref(&deletes_first)) && exactly(std::slice::from_ref(&deletes_first)));
    assert!(!exactly(&[plain.clone(), deletes_first.clone()]));
    let hides_all = Tape::new().file(".wh..wh..opq", b"").file("f", b"").end();
    assert!(!exactly(std::slice::from_ref(&hides_all)), "there is nothing below the first layer");
    assert!(cheaply(&[plain.clone(), hides_all.clone()]) && exactly(&[plain.clone(), hides_all]));
    let hides_nothing = Tape::new().file("e/.wh..wh..opq", b"").end();
    assert!(exactly(&[plain.clone(), hides_nothing]), "its directory would show");
    let deletes_nothing = Tape::new().dir("e").file("e/.wh.f", b"").end();
    assert!(exactly(&[plain, deletes_nothing]), "its deletion would show as a name");
}

#[test]
fn what_a_sidecar_says_must_fit_its_blob() {
    let (blob, _) = layers(&[Tape::new().file("f", b"").end()]).remove(0);
    let leans = Leans { implied_directories: vec![b"f".to_vec()], ..Leans::default() };
    let error = merge(&[MergeLayer { blob: &blob, leans: &leans }], Vec::new(), &Control::new()).unwrap_err();
    assert!(matches!(error, MergeError::Sidecar { index: 0, .. }));
    let error = merge(&[MergeLayer { blob: &vec![0u8; 4096], leans: &leans }], Vec::new(), &Control::new())
        .unwrap_err();
    assert!(matches!(error, MergeError::Read { index: 0, .. }));
}

#[test]
fn the_same_layers_give_the_same_bytes() {
    let layers = layers(&odd());
    let (mut a, mut b) = (Vec::new(), Vec::new());
    merge(&inputs(&layers), &mut a, &Control::new()).unwrap();
    merge(&inputs(&layers), &mut b, &Control::new()).unwrap();
    assert!(a == b);
}

#[test]
fn leans_survive_json() {
    let leans = Leans {
        implied_directories: vec![b"a%b\xff\n/c".to_vec()],
        whiteout_directories: vec![Vec::new()],
        root_is_given: true,
        root_is_opaque: true,
        lower_links: vec![layer::LowerLink { path: b"\x00x".to_vec(), target: "\u{e9}".as_bytes().to_vec() }],
    };
    let text = serde_json::to_string(&leans).unwrap();
    assert!(text.contains("a%25b%FF%0A/c"), "{text}");
    assert_eq!(serde_json::from_str::<Leans>(&text).unwrap(), leans);
    assert_eq!(serde_json::from_str::<Leans>("{}").unwrap(), Leans::default());
    assert!(serde_json::from_str::<Leans>(r#"{"implied_directories":["%4"]}"#).is_err());
}
