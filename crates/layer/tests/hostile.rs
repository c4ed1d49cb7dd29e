//! Layers that mean harm, a test each, named by what is hostile. Each ends in a clear error or in harmless data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use layer::{ConvertError, ErrorKind, Limit, Limits, WarningKind};
use support::tape::{Header, Tape};
use support::{convert, convert_limited, names, tree};

fn limit_of(tar: &[u8], limits: Limits) -> Limit {
    let error = convert_limited(tar, limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    error.limit().unwrap().0
}

fn reason(tar: &[u8]) -> String {
    match convert(tar).unwrap_err() {
        ConvertError::Malformed { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[test]
fn layer_with_dot_dot_paths() {
    let tar = Tape::new().file("../../etc/passwd", b"x").file("a/../../b", b"").dir("..").dir("c/..").end();
    assert_eq!(names(&tar), ["b", "etc", "etc/passwd"], "confined to the root");
}

#[test]
fn layer_with_absolute_paths() {
    let tar = Tape::new().file("/etc/shadow", b"x").file("//f", b"").hard_link("/h", "//f").end();
    assert_eq!(names(&tar), ["etc", "etc/shadow", "f", "h"]);
}

#[test]
fn layer_that_writes_through_a_symlink_out_of_the_root() {
    let tar = Tape::new()
        .symlink("out", "../../../../etc")
        .file("out/passwd", b"x")
        .symlink("abs", "/etc")
        .file("abs/group", b"x")
        .end();
    assert_eq!(
        names(&tar),
        ["abs", "etc", "etc/group", "etc/passwd", "out"],
        "followed inside the layer alone"
    );
}

#[test]
fn layer_with_a_symlink_loop() {
    let tar = Tape::new().symlink("a", "b").symlink("b", "a").file("a/f", b"").end();
    assert_eq!(reason(&tar), "too many symlinks on the way");
    let tar = Tape::new().symlink("a", "a/a/a/a").hard_link("h", "a/x").end();
    assert_eq!(reason(&tar), "too many symlinks on the way");
}

#[test]
fn layer_whose_symlinks_multiply() {
    // Each link names the one before it many times: followed naively that is 10^20 steps.
    let mut tape = Tape::new().dir("d");
    for i in 0..20 {
        let target =
            if i == 0 { "d".to_owned() } else { format!("{}d", format!("l{}/../", i - 1).repeat(10)) };
        tape = tape.symlink(&format!("l{i}"), &target);
    }
    assert_eq!(reason(&tape.file("l19/f", b"").end()), "too many symlinks on the way");
}

#[test]
fn layer_that_grows_deep_through_symlinks() {
    let limits = Limits { depth: 20, ..Limits::default() };
    let mut tape = Tape::new();
    let mut link = "s0".to_owned();
    for i in 1..6 {
        tape = tape.symlink(&link, "a/b/c/d/e");
        link = format!("{link}/s{i}");
    }
    assert_eq!(limit_of(&tape.file(&format!("{link}/f"), b"").end(), limits), Limit::Depth);
}

#[test]
fn layer_with_a_file_on_the_way() {
    assert_eq!(
        reason(&Tape::new().file("a", b"").file("a/b", b"").end()),
        "something on the way is not a directory"
    );
}

#[test]
fn layer_whose_root_is_a_symlink() {
    assert_eq!(reason(&Tape::new().symlink(".", "/etc").end()), "the root is not a directory");
    assert_eq!(reason(&Tape::new().file("/", b"").end()), "the root is not a directory");
    assert_eq!(reason(&Tape::new().file("", b"").end()), "a path is empty");
}

#[test]
fn layer_with_host_devices() {
    // Data of the blob, nothing on the host; whether a mount honours them is the mount's to say (nodev).
    let tar = Tape::new().entry(Header::new(b"sda", b'4', 0).device(8, 0), b"").end();
    assert!(tree(&tar)[1].starts_with("sda block:8:0 "));
}

#[test]
fn layer_with_device_numbers_out_of_range() {
    for (major, minor) in [(4096, 0), (0, 1 << 20), (0o777_7777, 0o777_7777)] {
        let tar = Tape::new().entry(Header::new(b"d", b'3', 0).device(major, minor), b"").end();
        assert!(reason(&tar).contains("out of range"));
    }
    let tar = Tape::new().entry(Header::new(b"d", b'3', 0).base256(329, 8, -1), b"").end();
    assert!(reason(&tar).contains("no number"));
}

#[test]
fn layer_with_a_literal_whiteout_device() {
    let tar = Tape::new().dir("d").entry(Header::new(b"d/hide", b'3', 0).device(0, 0), b"").end();
    assert_eq!(names(&tar), ["d"]);
    let warnings = convert(&tar).unwrap().1.warnings;
    assert_eq!(warnings.iter().next().unwrap().kind, WarningKind::WhiteoutDevice);
    let block = Tape::new().entry(Header::new(b"b", b'4', 0).device(0, 0), b"").end();
    assert_eq!(names(&block), ["b"], "a block device 0/0 means nothing to overlayfs");
}

#[test]
fn layer_with_overlayfs_xattrs() {
    let names = [
        "trusted.overlay.opaque",
        "trusted.overlay.redirect",
        "trusted.overlay.metacopy",
        "trusted.overlay.overlay.opaque",
        "user.overlay.opaque",
        "user.overlay.whiteout",
    ];
    for name in names {
        let key = format!("SCHILY.xattr.{name}");
        let tar = Tape::new().pax(&[(&key, b"y")]).dir("d").end();
        assert!(tree(&tar)[1].ends_with("links=2"), "{name}: {}", tree(&tar)[1]);
        let warnings = convert(&tar).unwrap().1.warnings;
        assert_eq!(warnings.iter().next().unwrap().kind, WarningKind::OverlayXattr);
    }
    let escaped = Tape::new().pax(&[("LIBARCHIVE.xattr.trusted.overl%61y.opaque", b"eQ==")]).dir("d").end();
    assert!(tree(&escaped)[1].ends_with("links=2"), "not by another notation either");
    let global = Tape::new().global_pax(&[("SCHILY.xattr.trusted.overlay.opaque", b"y")]).dir("d").end();
    assert!(tree(&global)[1].ends_with("links=2"));
}

#[test]
fn layer_with_xattrs_that_would_break_access() {
    let tar = Tape::new()
        .pax(&[("SCHILY.xattr.system.posix_acl_access", b"junk"), ("SCHILY.xattr.system.nfs4_acl", b"x")])
        .file("f", b"")
        .pax(&[("SCHILY.xattr.user.", b"x"), ("SCHILY.xattr.", b"x")])
        .file("g", b"")
        .end();
    let (_, converted) = convert(&tar).unwrap();
    assert!(tree(&tar)[1..].iter().all(|line| line.ends_with("links=1")));
    let warning = converted.warnings.iter().next().unwrap();
    assert_eq!((warning.kind, warning.count), (WarningKind::UnsupportedXattr, 4));
}

#[test]
fn layer_with_huge_xattrs() {
    let value = vec![b'x'; 40_000];
    let large = Tape::new().pax(&[("SCHILY.xattr.user.a", &value)]).file("f", b"").end();
    assert_eq!(limit_of(&large, Limits { xattr_value: 1000, ..Limits::default() }), Limit::XattrValue);
    let limits = Limits { xattr_value: usize::MAX, ..Limits::default() };
    let larger = Tape::new().pax(&[("SCHILY.xattr.user.a", &[b'x'; 65_536])]).file("f", b"").end();
    assert_eq!(limit_of(&larger, limits), Limit::XattrValue);
    let records: Vec<(String, &[u8])> =
        (0..4).map(|i| (format!("SCHILY.xattr.user.{i}"), &value[..])).collect();
    let records: Vec<(&str, &[u8])> = records.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    let many = Tape::new().pax(&records).dir("f").file("f/.wh..wh..opq", b"").end();
    assert_eq!(limit_of(&many, Limits::default()), Limit::XattrsPerEntry);
    let endless = Limits { xattrs_per_entry: usize::MAX, ..Limits::default() };
    assert_eq!(limit_of(&many, endless), Limit::XattrsPerEntry, "no limit lets an opaque mark find no room");
}

#[test]
fn layer_with_xattrs_on_every_file() {
    let tape = |distinct: bool| {
        (0..100).fold(Tape::new(), |tape, i| {
            let value = if distinct { i.to_string() } else { "same".to_owned() };
            tape.pax(&[("SCHILY.xattr.user.a", value.as_bytes())]).file(&format!("f{i}"), b"")
        })
    };
    let limits = Limits { xattrs_total: 1000, ..Limits::default() };
    assert_eq!(limit_of(&tape(true).end(), limits.clone()), Limit::XattrsTotal);
    assert!(convert_limited(&tape(false).end(), limits).is_ok());
}

#[test]
fn layer_with_endless_names() {
    let long = "n".repeat(300);
    let gnu = |name: &[u8]| Tape::new().extension(b'L', name).file("x", b"").end();
    assert_eq!(limit_of(&gnu(long.as_bytes()), Limits::default()), Limit::Name);
    assert_eq!(limit_of(&gnu(&b"d/".repeat(9000)), Limits::default()), Limit::Path);
    assert_eq!(limit_of(&gnu(&b"d/".repeat(600)), Limits::default()), Limit::Depth);
    assert_eq!(limit_of(&gnu(&vec![b'x'; 2 << 20]), Limits::default()), Limit::Extension);
    let target = Tape::new().pax(&[("linkpath", &[b't'; 4096])]).symlink("s", "").end();
    assert_eq!(limit_of(&target, Limits::default()), Limit::Symlink);
    let targets = Tape::new().pax(&[("linkpath", &[b't'; 4000])]).symlink("s", "").end();
    assert_eq!(limit_of(&targets, Limits { names_total: 3000, ..Limits::default() }), Limit::NamesTotal);
}

#[test]
fn layer_at_the_limits_of_names_and_depth() {
    let name = "n".repeat(255);
    let path = format!("{}{name}", "d/".repeat(511));
    let tar =
        Tape::new().pax(&[("path", path.as_bytes()), ("linkpath", &[b't'; 4095])]).symlink("s", "").end();
    assert_eq!(names(&tar).len(), 512);
}

#[test]
fn layer_of_many_entries() {
    let tape = (0..10).fold(Tape::new(), |tape, i| tape.file(&format!("f{i}"), b""));
    assert_eq!(limit_of(&tape.end(), Limits { entries: 9, ..Limits::default() }), Limit::Entries);
    let same = (0..10).fold(Tape::new(), |tape, _| tape.file("f", b""));
    assert_eq!(limit_of(&same.end(), Limits { entries: 9, ..Limits::default() }), Limit::Entries);
    let implied = Tape::new().file("a/b/c/d/e/f/g/h/i/j/k", b"").end();
    assert_eq!(limit_of(&implied, Limits { entries: 9, ..Limits::default() }), Limit::Entries);
}

#[test]
fn layer_with_names_of_equal_hash() {
    // The tree is ordered by bytes and nothing is keyed by a hash of a name: these are names like any other.
    let tape = (0..2000u32).fold(Tape::new(), |tape, i| {
        let name: String = (0..11).map(|bit| if i >> bit & 1 == 0 { "Aa" } else { "BB" }).collect();
        tape.file(&name, b"")
    });
    assert_eq!(names(&tape.end()).len(), 2000);
}

#[test]
fn layer_with_abusive_pax_headers() {
    for (what, raw) in [
        ("length beyond the header", &b"99 path=x\n"[..]),
        ("no newline", b"8 path=xx"),
        ("length zero", b"0 path=x\n"),
        ("no key", b"5 =x\n\n"),
        ("NUL in the key", b"8 a\0b=x\n"),
        ("NUL in the path", b"12 path=a\0b\n"),
        ("negative size", b"11 size=-5\n"),
        ("size over 64 bits", b"29 size=99999999999999999999\n"),
        ("owner over 32 bits", b"18 uid=4294967296\n"),
        ("time that is no number", b"14 mtime=soon\n"),
        ("attribute that is no base64", b"31 LIBARCHIVE.xattr.user.a=*=*=\n"),
        ("offset without a length", b"23 GNU.sparse.offset=5\n"),
        ("unknown sparse format", b"22 GNU.sparse.major=9\n"),
    ] {
        let tar = Tape::new().extension(b'x', raw).file("f", b"").end();
        assert!(matches!(convert(&tar), Err(ConvertError::Malformed { .. })), "{what}");
    }
}

#[test]
fn layer_whose_global_pax_records_cost_time_at_every_entry() {
    let globals = |count: usize, key: &str, value: &[u8]| {
        (0..count).fold(Tape::new(), |tape, i| tape.global_pax(&[(&format!("{key}{i}"), value)]))
    };
    for (count, value) in [(2, &[b'x'; 10_000][..]), (200, b"1")] {
        let tar = globals(count, "SCHILY.xattr.user.", value).file("f", b"").end();
        assert_eq!(limit_of(&tar, Limits::default()), Limit::Globals, "{count} records");
    }
    // Those that mean nothing are not kept at all.
    assert_eq!(names(&globals(100, "key", &[b'x'; 50_000]).file("f", b"").end()), ["f"]);
    // A record that is set again and again is one.
    let again = (0..1000).fold(Tape::new(), |tape, _| tape.global_pax(&[("uid", b"7")]));
    assert!(tree(&again.file("f", b"").end())[1].contains(" 7:0 "));
}

/// A symlink `S` to a directory whose path has `count` times 4 KiB.
fn far(count: usize) -> Tape {
    let part = vec!["n".repeat(250); 16].join("/");
    let target = [("linkpath", part.as_bytes())];
    let (mut tape, mut way) = (Tape::new(), String::new());
    for _ in 0..count {
        way.push('s');
        tape = tape.pax(&target).symlink(&way, "x");
        way.push('/');
    }
    tape.symlink("S", &way)
}

#[test]
fn layer_whose_symlinks_make_paths_longer_than_any_tar_has() {
    assert_eq!(limit_of(&far(5).dir("S/x").end(), Limits::default()), Limit::Path);
    assert!(convert(&far(4).dir("S/x").end()).is_ok());
}

#[test]
fn layer_that_leans_by_many_long_paths() {
    let limits = |leans_total| Limits { leans_total, ..Limits::default() };
    for entry in [
        |tape: Tape, i: usize| tape.file(&format!("S/x{i}/f"), b""),
        |tape: Tape, i: usize| tape.dir(&format!("S/x{i}")).file(&format!("S/x{i}/.wh.f"), b""),
        |tape: Tape, i: usize| tape.hard_link(&format!("S/x{i}"), "f"),
        |tape: Tape, i: usize| tape.hard_link(&format!("x{i}"), "S/f"),
    ] {
        assert!(convert_limited(&(0..2).fold(far(3), entry).end(), limits(1_000_000)).is_ok());
        let tar = (0..200).fold(far(3), entry).end();
        assert_eq!(limit_of(&tar, limits(1_000_000)), Limit::LeansTotal);
    }
    let short = (0..10_000).fold(Tape::new(), |tape, i| tape.file(&format!("{i}/f"), b"")).end();
    assert_eq!(limit_of(&short, limits(100_000)), Limit::LeansTotal, "each costs more than its bytes");
}

/// Symlinks `s0` to `s38`, each to the next by a long way, the last to the directory `d`.
fn long_way() -> Tape {
    let chain = (0..39).fold(Tape::new().dir("d").file("d/old", b""), |tape, i| {
        let next = if i < 38 { format!("s{}", i + 1) } else { "d".to_owned() };
        let target = format!("{}{next}/{}", "./".repeat(1000), "./".repeat(1000));
        tape.pax(&[("linkpath", target.as_bytes())]).symlink(&format!("s{i}"), "x")
    });
    chain.file("s0/new", b"")
}

#[test]
fn layer_whose_symlinks_are_followed_a_long_way() {
    assert!(names(&long_way().end()).contains(&"d/new".to_owned()));
    let limits = || Limits { followed_total: 1 << 20, ..Limits::default() };
    assert!(convert_limited(&long_way().end(), limits()).is_ok());
    for again in [
        |tape: Tape, i: usize| tape.file(&format!("s0/f{i}"), b""),
        |tape: Tape, i: usize| tape.hard_link(&format!("h{i}"), "s0/old"),
        |tape: Tape, _: usize| tape.file("s0/.wh.gone", b""),
    ] {
        let tar = (0..10).fold(long_way(), again).end();
        assert_eq!(limit_of(&tar, limits()), Limit::Followed);
    }
}

#[test]
fn layer_with_lying_sizes() {
    let huge = Tape::new().entry(&mut Header::new(b"f", b'0', 1 << 32), b"short").end();
    assert!(matches!(convert(&huge), Err(ConvertError::Truncated { .. })));
    let limits = Limits { expanded: 1 << 20, ..Limits::default() };
    let zeros = Tape::new().entry(&mut Header::new(b"f", b'0', 1 << 32), &vec![0; 2 << 20]).end();
    assert_eq!(limit_of(&zeros, limits), Limit::Expanded);
    let negative = Tape::new().entry(Header::new(b"f", b'0', 0).base256(124, 12, -1), b"").end();
    assert_eq!(reason(&negative), "the size is no number");
    let endless = Tape::new().entry(Header::new(b"f", b'0', 0).base256(124, 12, i64::MAX), b"").end();
    assert_eq!(limit_of(&endless, Limits::default()), Limit::File);
}

#[test]
fn layer_that_is_mostly_holes() {
    let sparse = |size: &str| {
        let records: &[(&str, &[u8])] =
            &[("GNU.sparse.size", size.as_bytes()), ("GNU.sparse.map", b"0,1,5000000,1")];
        Tape::new().pax(records).file("f", b"xy").end()
    };
    assert_eq!(limit_of(&sparse("99999999999999"), Limits::default()), Limit::File);
    let (blob, _) = convert(&sparse("8796093022208")).unwrap();
    assert!(blob.len() < 64 << 20, "{} bytes for 8 TiB of holes", blob.len());
}

#[test]
fn layer_that_is_no_tar() {
    for bytes in [&b"<!DOCTYPE html><html><body>503</body></html>"[..], &[b'x'; 4096]] {
        let error = convert(bytes).unwrap_err();
        assert!(
            matches!(error, ConvertError::Malformed { offset: 0, .. } | ConvertError::Truncated { .. }),
            "{error}"
        );
    }
}

#[test]
fn layer_with_a_second_tar_behind_a_lone_zero_block() {
    let mut tar = Tape::new().file("a", b"");
    tar.0.extend_from_slice(&[0; 512]);
    assert_eq!(reason(&tar.file("b", b"").end()), "a lone block of zeros is within the archive");
}

#[test]
fn layer_with_whiteouts_of_nothing() {
    for name in [".wh.", "d/.wh..", "d/.wh..."] {
        assert_eq!(reason(&Tape::new().file(name, b"").end()), "a whiteout names no file", "{name}");
    }
}

#[test]
fn layer_whose_messages_would_steer_a_terminal() {
    let tar = Tape::new().file("\u{1b}[2Jx", b"").file("\u{1b}[2Jx/y", b"").end();
    let text = convert(&tar).unwrap_err().to_string();
    assert!(!text.contains('\u{1b}'), "{text:?}");
}
