//! How entries of one layer act on each other, whiteouts included.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use layer::{ConvertError, Leans, WarningKind};
use support::tape::{Header, Tape};
use support::{convert, leans, names, tree};

/// Path, kind and content, without owners and times.
fn short(tar: &[u8]) -> Vec<String> {
    let brief = |line: &String| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    tree(tar)[1..].iter().map(brief).collect()
}

#[test]
fn the_last_entry_of_a_path_wins() {
    let tar = Tape::new().file("f", b"old").file("f", b"new").end();
    assert_eq!(short(&tar), ["f file=\"new\""]);
}

#[test]
fn the_last_wins_across_types() {
    let tar = Tape::new()
        .file("a", b"")
        .symlink("a", "x")
        .symlink("b", "x")
        .file("b", b"")
        .dir("c")
        .file("c/below", b"")
        .file("c", b"file")
        .end();
    assert_eq!(short(&tar), ["a ->x", "b file=\"\"", "c file=\"file\""]);
}

#[test]
fn a_directory_again_keeps_its_content_and_takes_the_attributes() {
    let tar = Tape::new().dir("d").file("d/f", b"").entry(Header::new(b"d", b'5', 0).mode(0o700), b"").end();
    let lines = tree(&tar);
    assert!(lines[1].starts_with("d dir 700 "));
    assert_eq!(lines.len(), 3);
    assert!(leans(&tar).is_empty());
}

#[test]
fn a_directory_over_a_file_hides_what_is_below_the_layer() {
    // Unpacking removes the directory below for the file, and then the file for the directory.
    let tar = Tape::new().file("d", b"").dir("d").file("d/f", b"").end();
    assert!(tree(&tar)[1].ends_with(" trusted.overlay.opaque=y"));
    let tar = Tape::new().symlink("d", "elsewhere").dir("d").end();
    assert!(tree(&tar)[1].starts_with("d dir ") && tree(&tar)[1].ends_with("opaque=y"));
}

#[test]
fn a_hard_link_keeps_what_its_target_was() {
    let tar = Tape::new().file("f", b"old").hard_link("h", "f").file("f", b"new").end();
    assert_eq!(short(&tar), ["f file=\"new\"", "h file=\"old\""]);
    assert!(tree(&tar).iter().all(|line| !line.contains("file") || line.contains("links=1")));
}

#[test]
fn hard_links_to_links() {
    let tar = Tape::new()
        .symlink("s", "nowhere")
        .hard_link("h", "s")
        .hard_link("i", "h")
        .hard_link("i", "./i")
        .end();
    assert_eq!(short(&tar), ["h ->nowhere", "i ->nowhere", "s ->nowhere"]);
    assert!(tree(&tar)[1].ends_with("links=3"));
}

#[test]
fn a_hard_links_target_may_come_through_a_symlink() {
    let tar = Tape::new().dir("usr").dir("usr/lib").file("usr/lib/f", b"x").symlink("lib", "usr/lib");
    let tar = tar.hard_link("h", "/lib/../lib/f").hard_link("i", "lib/f").end();
    assert_eq!(short(&tar)[..2], ["h file=\"x\"", "i file=\"x\""]);
    assert!(leans(&tar).lower_links.is_empty());
}

#[test]
fn hard_links_that_cannot_be() {
    for (what, tar) in [
        ("to a directory", Tape::new().dir("d").hard_link("h", "d").end()),
        ("to the root", Tape::new().hard_link("h", ".").end()),
        (
            "over its own target's directory",
            Tape::new().dir("d").file("d/f", b"").hard_link("d", "d/f").end(),
        ),
        ("without a target", Tape::new().hard_link("h", "").end()),
        ("at the root", Tape::new().file("f", b"").hard_link("./", "f").end()),
    ] {
        assert!(matches!(convert(&tar), Err(ConvertError::Malformed { .. })), "{what}");
    }
}

#[test]
fn a_symlink_on_the_way_is_followed_in_the_layer() {
    let tar = Tape::new()
        .dir("usr")
        .dir("usr/lib")
        .symlink("lib", "usr/lib")
        .file("lib/a", b"")
        .symlink("abs", "/usr/../usr/./lib")
        .file("abs/b", b"")
        .dir("abs/c")
        .end();
    assert_eq!(names(&tar), ["abs", "lib", "usr", "usr/lib", "usr/lib/a", "usr/lib/b", "usr/lib/c"]);
    assert!(leans(&tar).is_empty());
}

#[test]
fn a_symlink_to_nothing_makes_what_it_names() {
    let tar = Tape::new().symlink("s", "x/y").file("s/f", b"").end();
    assert_eq!(names(&tar), ["s", "x", "x/y", "x/y/f"]);
    assert_eq!(leans(&tar).implied_directories, [&b"x"[..], b"x/y"]);
}

#[test]
fn missing_parents_are_implied() {
    let tar = Tape::new().file("a/b/f", b"").dir("a/b").file("c/f", b"").end();
    assert_eq!(
        leans(&tar).implied_directories,
        [&b"a"[..], b"c"],
        "what gets its entry later is not implied"
    );
    assert!(!leans(&tar).root_is_given);
    assert!(tree(&tar)[1].starts_with("a dir 755 0:0 0.000000000"));
}

#[test]
fn links_below_the_layer_are_listed_and_left_out() {
    let tar = Tape::new()
        .dir("d")
        .hard_link("d/h", "bin/tool")
        .hard_link("i", "d/h")
        .hard_link("gone", "bin/tool")
        .file("gone", b"")
        .end();
    let links: Vec<_> = leans(&tar).lower_links.into_iter().map(|link| (link.path, link.target)).collect();
    assert_eq!(
        links,
        [(b"d/h".to_vec(), b"bin/tool".to_vec()), (b"i".to_vec(), b"bin/tool".to_vec())],
        "a link to a link leads to the same; what was replaced is no link"
    );
    assert_eq!(names(&tar), ["d", "gone"]);
}

#[test]
fn a_link_below_through_a_symlink_of_the_layer_is_resolved() {
    let tar = Tape::new().symlink("bin", "usr/bin").hard_link("h", "bin/tool").end();
    assert_eq!(leans(&tar).lower_links[0].target, b"usr/bin/tool");
}

#[test]
fn whiteouts_become_overlayfs_devices() {
    let tar = Tape::new().dir("d").file("d/.wh.gone", b"").end();
    assert_eq!(short(&tar), ["d dir", "d/gone char:0:0"]);
    assert_eq!(leans(&tar).whiteout_directories, [b"d"]);
    assert!(leans(&tar).is_empty(), "a deletion alone does not lean");
}

#[test]
fn whiteouts_in_any_order_delete_only_below() {
    for tar in [
        Tape::new().file(".wh.f", b"").file("f", b"x").end(),
        Tape::new().file("f", b"x").file(".wh.f", b"").end(),
    ] {
        assert_eq!(short(&tar), ["f file=\"x\""]);
    }
    for tar in [
        Tape::new().file(".wh.d", b"").dir("d").file("d/f", b"").end(),
        Tape::new().dir("d").file("d/f", b"").file(".wh.d", b"").end(),
        Tape::new().file("d/f", b"").file(".wh.d", b"").dir("d").end(),
    ] {
        assert_eq!(names(&tar), ["d", "d/f"]);
        assert!(tree(&tar)[1].ends_with("trusted.overlay.opaque=y"), "{:?}", tree(&tar));
        assert!(leans(&tar).is_empty());
    }
}

#[test]
fn a_deleted_and_implied_directory_is_new() {
    for tar in [
        Tape::new().file("d/f", b"").file(".wh.d", b"").end(),
        Tape::new().file(".wh.d", b"").file("d/f", b"").end(),
    ] {
        assert!(leans(&tar).is_empty());
        assert!(tree(&tar)[1].ends_with("trusted.overlay.opaque=y"));
    }
}

#[test]
fn opaque_directories_in_any_order() {
    for tar in [
        Tape::new().dir("d").file("d/.wh..wh..opq", b"").file("d/f", b"").end(),
        Tape::new().file("d/.wh..wh..opq", b"").file("d/f", b"").dir("d").end(),
        Tape::new().file("d/f", b"").dir("d").file("d/.wh..wh..opq", b"").file("d/.wh.useless", b"").end(),
    ] {
        assert_eq!(names(&tar), ["d", "d/f"]);
        assert!(tree(&tar)[1].ends_with("trusted.overlay.opaque=y"), "{:?}", tree(&tar));
        assert!(leans(&tar).is_empty());
    }
    let implied = Tape::new().file("d/.wh..wh..opq", b"").end();
    assert_eq!(leans(&implied).implied_directories, [b"d"], "its attributes are those below");
    let root = Tape::new().file(".wh..wh..opq", b"").file("a/.wh.b", b"").end();
    assert!(tree(&root)[0].ends_with("trusted.overlay.opaque=y"));
    assert_eq!(names(&root), [""; 0], "nothing is left to delete, and nothing to delete it from");
    assert_eq!(leans(&root), Leans { root_is_opaque: true, ..Leans::default() });
}

#[test]
fn the_files_of_aufs_are_left_out() {
    let tar = Tape::new().dir(".wh..wh.plnk").file(".wh..wh.plnk/1.2", b"x").file(".wh..wh.aufs", b"").end();
    assert!(names(&tar).is_empty());
    let warnings = convert(&tar).unwrap().1.warnings;
    assert_eq!(warnings.iter().map(|w| (w.kind, w.count)).collect::<Vec<_>>(), [(WarningKind::AufsEntry, 3)]);
}

#[test]
fn a_device_that_is_left_out_replaces_what_had_its_path() {
    let device = |tape: Tape| tape.entry(Header::new(b"x", b'3', 0).device(0, 0), b"");
    assert!(names(&device(Tape::new().file("x", b"old")).end()).is_empty());
    assert!(names(&device(Tape::new().dir("x").file("x/f", b"")).end()).is_empty());
    assert_eq!(names(&device(Tape::new()).file("x", b"new").end()), ["x"], "the last one counts");
    // What is deleted below stays deleted.
    let whiteout = "x char:0:0 0 0:0 0.000000000 links=1";
    for tape in [Tape::new().file(".wh.x", b""), Tape::new().file("x", b"").dir("x")] {
        assert_eq!(tree(&device(tape).end())[1..], [whiteout]);
    }
}
