//! What tars hold, in every notation, arrives in the blob.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use layer::WarningKind;
use support::tape::{Header, Tape};
use support::{convert, names, tree};

fn below_root(tar: &[u8]) -> Vec<String> {
    tree(tar)[1..].to_vec()
}

#[test]
fn every_type_of_file() {
    let tar = Tape::new()
        .dir("./")
        .dir("d/")
        .file("d/f", b"content")
        .symlink("d/s", "../f")
        .hard_link("d/h", "d/f")
        .entry(Header::new(b"c", b'3', 0).device(1, 3), b"")
        .entry(Header::new(b"b", b'4', 0).device(259, 300), b"")
        .entry(&mut Header::new(b"p", b'6', 0), b"")
        .end();
    assert_eq!(
        tree(&tar),
        [
            "/ dir 755 0:0 1000000000.000000000 links=3",
            "b block:259:300 644 0:0 1000000000.000000000 links=1",
            "c char:1:3 644 0:0 1000000000.000000000 links=1",
            "d dir 755 0:0 1000000000.000000000 links=2",
            "d/f file=\"content\" 644 0:0 1000000000.000000000 links=2",
            "d/h file=\"content\" 644 0:0 1000000000.000000000 links=2",
            "d/s ->../f 777 0:0 1000000000.000000000 links=1",
            "p fifo 644 0:0 1000000000.000000000 links=1",
        ]
    );
}

#[test]
fn an_empty_tar_in_every_form() {
    for tar in [vec![], vec![0; 512], vec![0; 1024], vec![0; 10240]] {
        assert_eq!(tree(&tar), ["/ dir 755 0:0 0.000000000 links=2"]);
    }
}

#[test]
fn setuid_setgid_and_sticky() {
    let tar = Tape::new()
        .entry(Header::new(b"s", b'0', 0).mode(0o104_755), b"")
        .entry(Header::new(b"tmp", b'5', 0).mode(0o3777), b"")
        .end();
    let lines = below_root(&tar);
    assert!(lines[0].contains(" 4755 "), "{lines:?}");
    assert!(lines[1].contains(" 3777 "), "{lines:?}");
}

#[test]
fn numbers_in_base_256() {
    let mut header = Header::new(b"f", b'0', 0);
    header.base256(108, 8, 0xffff_fffe).base256(116, 8, 70_000).base256(136, 12, -315_619_200);
    let tar = Tape::new().entry(&mut header, b"").end();
    assert_eq!(below_root(&tar), ["f file=\"\" 644 4294967294:70000 -315619200.000000000 links=1"]);
}

#[test]
fn a_size_in_base_256() {
    let tar =
        Tape::new().entry(Header::new(b"f", b'0', 0).base256(124, 12, 5), b"hello").file("g", b"").end();
    assert!(below_root(&tar)[0].starts_with("f file=\"hello\""));
}

#[test]
fn the_prefixes_of_ustar_and_star() {
    let long = "p".repeat(90);
    let ustar = Tape::new().entry(Header::new(b"name", b'0', 0).bytes(345, long.as_bytes()), b"").end();
    assert!(below_root(&ustar)[1].starts_with(&format!("{long}/name ")));
    let mut star = Header::new(b"name", b'0', 0);
    // star has times where ustar's prefix goes on.
    star.bytes(345, b"pre").bytes(476, b"00000000000 00000000000 ").bytes(508, b"tar\0");
    assert!(below_root(&Tape::new().entry(&mut star, b"").end())[1].starts_with("pre/name "));
}

#[test]
fn the_oldest_tars_mark_directories_by_a_slash() {
    let mut header = Header::new(b"d/", 0, 0);
    header.bytes(257, &[0; 8]);
    assert!(below_root(&Tape::new().entry(&mut header, b"").end())[0].starts_with("d dir "));
}

#[test]
fn a_header_checksum_summed_signed() {
    let mut header = Header::new("\u{e9}".as_bytes(), b'0', 0);
    header.block();
    header.0[148..156].fill(b' ');
    let sum: i64 = header.0.iter().map(|b| i64::from(b.cast_signed())).sum();
    header.bytes(148, format!("{sum:06o}\0 ").as_bytes());
    let mut tar = header.0.to_vec();
    tar.extend_from_slice(&[0; 1024]);
    assert!(below_root(&tar)[0].starts_with("\\xc3\\xa9 "));
}

#[test]
fn gnu_long_names_and_links() {
    let (name, target) = ("n/".repeat(150) + "f", "t".repeat(3000));
    let tar = Tape::new()
        .extension(b'K', format!("{target}\0").as_bytes())
        .extension(b'L', format!("{name}\0").as_bytes())
        .entry(Header::new(b"cut off", b'2', 0).gnu().link(b"cut off"), b"")
        .end();
    assert!(below_root(&tar).iter().any(|line| line.starts_with(&format!("{name} ->{target} "))));
}

#[test]
fn pax_records_override_the_header() {
    let tar = Tape::new()
        .pax(&[
            ("path", "d\u{fc}r/f".as_bytes()),
            ("uid", b"100000"),
            ("gid", b"4294967294"),
            ("mtime", b"1350244992.023960108"),
            ("size", b"3"),
            ("atime", b"not looked at"),
        ])
        .entry(&mut Header::new(b"x", b'0', 0), b"abc")
        .pax(&[("linkpath", b"elsewhere"), ("mtime", b"-1.5")])
        .symlink("s", "x")
        .end();
    let lines = below_root(&tar);
    assert_eq!(
        lines[1..],
        [
            "d\\xc3\\xbcr/f file=\"abc\" 644 100000:4294967294 1350244992.023960108 links=1",
            "s ->elsewhere 777 0:0 -2.500000000 links=1",
        ]
    );
}

#[test]
fn global_pax_records_hold_until_taken_back() {
    let tar = Tape::new()
        .global_pax(&[("uid", b"7"), ("comment", b"a commit's name")])
        .file("a", b"")
        .pax(&[("uid", b"8")])
        .file("b", b"")
        .pax(&[("uid", b"")])
        .file("c", b"")
        .global_pax(&[("uid", b"")])
        .file("d", b"")
        .end();
    let owners: Vec<_> =
        below_root(&tar).iter().map(|line| line.split(' ').nth(3).unwrap().to_owned()).collect();
    assert_eq!(owners, ["7:0", "8:0", "0:0", "0:0"]);
}

#[test]
fn a_lone_global_header_ends_a_tar() {
    let tar = Tape::new().file("a", b"").global_pax(&[("uid", b"7")]).end();
    assert_eq!(below_root(&tar).len(), 1);
}

#[test]
fn xattrs_in_both_notations() {
    let capability = b"\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    let acl = b"\x02\x00\x00\x00\x01\x00\x06\x00\xff\xff\xff\xff\x04\x00\x04\x00\xff\xff\xff\xff\x20\x00\x04\x00\xff\xff\xff\xff";
    let tar = Tape::new()
        .pax(&[
            ("SCHILY.xattr.security.capability", capability),
            ("SCHILY.xattr.system.posix_acl_access", acl),
            ("SCHILY.xattr.user.newline\nand=sign", b"\0\n"),
            ("LIBARCHIVE.xattr.user.name%3Dof%25it", b"dmFsdWU"),
        ])
        .file("f", b"")
        .end();
    let (_, converted) = convert(&tar).unwrap();
    assert!(
        converted.warnings.iter().all(|w| w.kind == WarningKind::UnsupportedXattr),
        "{:?}",
        converted.warnings
    );
    let line = &below_root(&tar)[0];
    for part in [
        " user.name=of%it=value",
        " security.capability=\\x01\\x00\\x00\\x02\\x00 ",
        " system.posix_acl_access=\\x02\\x00\\x00\\x00\\x01\\x00\\x06",
    ] {
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn names_that_are_not_utf_8() {
    let tar = Tape::new().entry(&mut Header::new(b"\xff\xfe\x01", b'0', 0), b"").end();
    assert!(below_root(&tar)[0].starts_with("\\xff\\xfe\\x01 file"));
}

#[test]
fn dots_and_slashes_around_names() {
    let tar = Tape::new().dir("./d//").file(".//d/./f", b"").file("d/g/", b"").end();
    let names: Vec<_> =
        below_root(&tar).iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["d", "d/f", "d/g"]);
}

#[test]
fn links_have_no_content_whatever_their_size_says() {
    let mut link = Header::new(b"h", b'1', 5);
    let tar = Tape::new().file("f", b"hello").entry(link.link(b"f"), b"").file("g", b"").end();
    assert_eq!(below_root(&tar).len(), 3);
    assert!(below_root(&tar)[2].contains("links=2"));
}

#[test]
fn what_is_no_file_is_left_out_with_a_warning() {
    let tar = Tape::new()
        .entry(&mut Header::new(b"label", b'V', 0), b"")
        .entry(&mut Header::new(b"part", b'M', 700), &[1; 700])
        .entry(&mut Header::new(b"contiguous", b'7', 2), b"ok")
        .entry(Header::new(b"dump", b'D', 6).gnu(), b"Yname\0")
        .end();
    let (_, converted) = convert(&tar).unwrap();
    let warnings: Vec<_> = converted.warnings.iter().map(|w| (w.kind, w.count, w.first.as_str())).collect();
    assert_eq!(warnings, [(WarningKind::UnknownEntry, 2, "label")]);
    assert!(below_root(&tar)[0].starts_with("contiguous file=\"ok\""));
    assert!(below_root(&tar)[1].starts_with("dump dir"));
}

#[test]
fn without_the_last_padding_or_the_end_blocks() {
    let whole = Tape::new().file("a", b"").file("f", b"hello").0;
    let cut = whole.len() - 512 + 5;
    for tar in [&whole[..], &whole[..cut], &whole[..cut + 1]] {
        assert!(below_root(tar)[1].starts_with("f file=\"hello\""));
    }
}

#[test]
fn whatever_comes_after_the_end_is_padding() {
    let mut tar = Tape::new().file("a", b"").end();
    tar.extend_from_slice(b"garbage that belongs to nobody");
    assert_eq!(below_root(&tar).len(), 1);
}

#[test]
fn a_directory_of_100000_entries() {
    let mut tape = Tape::new().dir("d");
    for i in 0..100_000 {
        tape = tape.file(&format!("d/{i:06}"), b"");
    }
    let lines = below_root(&tape.end());
    assert_eq!(lines.len(), 100_001);
    assert!(lines[100_000].starts_with("d/099999 "));
}

#[test]
fn an_old_directory_whose_name_comes_from_an_extension() {
    let long = format!("{}/", "n".repeat(150));
    let old = || Header::new(&long.as_bytes()[..100], 0, 0);
    let tars = [
        Tape::new().extension(b'L', format!("{long}\0").as_bytes()).entry(&mut old(), b"").end(),
        Tape::new().pax(&[("path", long.as_bytes())]).entry(&mut old(), b"").end(),
    ];
    for tar in tars {
        assert!(tree(&tar)[1].starts_with(&format!("{} dir ", "n".repeat(150))), "{:?}", tree(&tar));
    }
    // And a file whose cut name ends like a directory's.
    let tar = Tape::new().pax(&[("path", b"d/f")]).entry(&mut Header::new(b"d/", 0, 1), b"x").end();
    assert_eq!(names(&tar), ["d", "d/f"]);
}

#[test]
fn a_prefix_where_gnu_has_times_as_go_once_wrote_it() {
    let header = |prefix: &[u8]| {
        let mut header = Header::new(b"name", b'0', 0);
        header.gnu().bytes(345, prefix);
        names(&Tape::new().entry(&mut header, b"").end())
    };
    assert_eq!(
        header(b"some/long/prefix"),
        ["some", "some/long", "some/long/prefix", "some/long/prefix/name"]
    );
    // Times are no prefix, nor is what is no text.
    assert_eq!(header(b"14531250540\x0014531250540\0"), ["name"]);
    assert_eq!(header(b"\x80\0\0\0\0\0\0\0\x55\x55\x55\x55"), ["name"]);
    assert_eq!(header(b"caf\xc3\xa9/x"), ["name"]);
    assert_eq!(header(b""), ["name"]);
}
