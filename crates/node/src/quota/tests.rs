use model::InstanceId;

use super::*;
use crate::layout::Layout;
use crate::mount::{Lowers, Overlay, mount_overlay, unmount_path};
use crate::teardown::remove_directory;

#[test]
fn a_size_is_whole_blocks_and_never_no_limit() {
    assert_eq!(blocks(ByteSize::gib(1)), 1 << 20);
    assert_eq!(blocks(ByteSize::bytes(2047)), 1);
    assert_eq!(blocks(ByteSize::ZERO), 1);
}

#[test]
fn the_first_free_project_from_the_start_is_taken_around_the_end() {
    let taken = [FIRST + COUNT - 1, FIRST];
    let found = free_project(COUNT - 1, |project| Ok(!taken.contains(&project.get()))).unwrap();
    assert_eq!(found, Some(ProjectId(FIRST + 1)));
    assert_eq!(free_project(7, |_| Ok(true)).unwrap(), Some(ProjectId(FIRST + 7)));
}

#[test]
fn every_project_is_tried_once_and_no_other() {
    let mut seen = std::collections::BTreeSet::new();
    let found = free_project(start_of(Path::new("/x")), |project| {
        assert!(seen.insert(project.get()));
        Ok(false)
    });
    assert_eq!(found.unwrap(), None);
    assert_eq!(seen.first().zip(seen.last()), Some((&FIRST, &(FIRST + COUNT - 1))));
    assert_eq!(u32::try_from(seen.len()), Ok(COUNT));
}

#[test]
fn a_usage_that_cannot_be_asked_for_is_not_taken_for_free() {
    assert!(free_project(0, |_| Err(io::ErrorKind::PermissionDenied.into())).is_err());
}

#[test]
fn only_numbers_of_the_range_are_ours() {
    assert_eq!(ProjectId::ours(0), None);
    assert_eq!(ProjectId::ours(FIRST - 1), None);
    assert_eq!(ProjectId::ours(FIRST), Some(ProjectId(FIRST)));
    assert_eq!(ProjectId::ours(FIRST + COUNT), None);
}

#[test]
fn what_the_kernel_answers_is_told_apart() {
    let failed = |errno: Errno| enforced(Err(errno.into())).unwrap_err();
    assert!(matches!(failed(Errno::NOSYS), QuotaError::NoQuotas));
    assert!(matches!(failed(Errno::SRCH), QuotaError::NoProjects));
    assert!(matches!(failed(Errno::PERM), QuotaError::State(_)));
    assert!(matches!(enforced(Ok(0b1111)), Err(QuotaError::NoProjects)), "users' and groups' quotas only");
    assert!(matches!(enforced(Ok(1 << 4)), Err(QuotaError::NotEnforced)));
    assert!(enforced(Ok(1 << 4 | 1 << 5)).is_ok());
}

#[test]
fn a_directory_in_no_project_of_ours_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    if let Err(error) = lift(folder.path()) {
        assert!(matches!(Errno::from_io_error(&error), Some(Errno::NOTTY | Errno::OPNOTSUPP | Errno::NOSYS)));
    }
}

/// On a file system with project quotas (set IMC_TEST_DIR to one) the limit holds through an overlay, which is how instances
/// write; on any other it is refused as the probe says.
#[test]
fn a_limit_holds_through_an_overlay_where_the_probe_says_so() {
    if !testkit::privileged() {
        return;
    }
    let folder = testkit::data_dir();
    let dir = Layout::of(folder.path()).instance(InstanceId::generate());
    let lower = folder.path().join("lower");
    for path in [&dir.upper(), &dir.work(), &dir.merged(), &lower] {
        std::fs::create_dir_all(path).unwrap();
    }
    let limited = limit([&dir.upper(), &dir.work()], ByteSize::mib(2));
    if let Err(refused) = probe(folder.path()) {
        assert_eq!(limited.unwrap_err().to_string(), refused.to_string());
        return;
    }
    limited.unwrap();
    let project = sys::attributes(&open(&dir.upper()).unwrap()).unwrap().project;
    // Debian's kernel 6.1, where this was tried, knows no other way.
    let overlay = Overlay { lowers: &[lower], upper: &dir.upper(), work: &dir.work(), nodev: false };
    mount_overlay(&overlay, &dir.merged(), Lowers::OneString).unwrap();
    std::fs::write(dir.merged().join("fits"), vec![b'x'; 1 << 20]).unwrap();
    let error = std::fs::write(dir.merged().join("too-much"), vec![b'x'; 2 << 20]).unwrap_err();
    assert!(matches!(Errno::from_io_error(&error), Some(Errno::NOSPC | Errno::DQUOT)), "{error}");
    std::fs::write(folder.path().join("outside"), vec![b'x'; 4 << 20]).unwrap();
    // A second instance has a project of its own.
    let other = Layout::of(folder.path()).instance(InstanceId::generate());
    for path in [&other.upper(), &other.work()] {
        std::fs::create_dir_all(path).unwrap();
    }
    limit([&other.upper(), &other.work()], ByteSize::mib(2)).unwrap();
    assert_ne!(sys::attributes(&open(&other.upper()).unwrap()).unwrap().project, project);
    unmount_path(&dir.merged()).unwrap();
    let hard_blocks =
        |project| sys::usage(&open(folder.path()).unwrap(), ProjectId(project)).unwrap().hard_blocks;
    assert_eq!(hard_blocks(project), 2048);
    remove_directory(&dir).unwrap();
    assert_eq!(hard_blocks(project), 0);
}
