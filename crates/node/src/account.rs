//! The user of an instance, looked up in the image's own `/etc/passwd` and `/etc/group`.

use std::io;

use crate::rootfs::Rootfs;

/// Why a user cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Not `user`, `uid`, `user:group` or a mixture.
    #[error("failed to parse the user `{0}`: expected `user`, `uid`, `user:group` or `uid:gid`")]
    Form(String),
    /// A name that the image's `/etc/passwd` lacks.
    #[error("failed to find the user `{0}` in the image's /etc/passwd")]
    NoUser(String),
    /// A name that the image's `/etc/group` lacks.
    #[error("failed to find the group `{0}` in the image's /etc/group")]
    NoGroup(String),
    /// The file is there and cannot be read.
    #[error("failed to read the image's {file}")]
    Read {
        /// Which.
        file: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// A user as a process has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Supplementary groups, `gid` first: without it a file that forbids the group would let the process pass.
    pub(crate) groups: Vec<u32>,
    pub(crate) home: String,
}

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";
/// Files of real directories of users are far smaller.
const LONGEST_FILE: u64 = 8 << 20;
/// Source: setgroups(2), `NGROUPS_MAX`.
const MOST_GROUPS: usize = 65_536;

/// Finds the user that `wanted` names inside of `root`; empty is root.
///
/// The rules are Docker's: names are looked up in the image; a number needs no entry; a group that is given replaces all
/// others.
pub(crate) fn resolve(wanted: &str, root: &Rootfs) -> Result<Account, AccountError> {
    let (passwd, group) = (lines(root, PASSWD)?, lines(root, GROUP)?);
    resolve_in(wanted, &passwd, &group)
}

fn lines(root: &Rootfs, file: &'static str) -> Result<String, AccountError> {
    let bytes = root.read(file, LONGEST_FILE).map_err(|source| AccountError::Read { file, source })?;
    Ok(String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned())
}

struct User<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

/// Source: passwd(5).
fn users(passwd: &str) -> impl Iterator<Item = User<'_>> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.trim().split(':');
        let name = fields.next()?;
        let uid = number(fields.nth(1)?)?;
        let gid = number(fields.next()?)?;
        Some(User { name, uid, gid, home: fields.nth(1).unwrap_or_default() })
    })
}

/// Name, gid and members of each group. Source: group(5).
fn groups(group: &str) -> impl Iterator<Item = (&str, u32, &str)> {
    group.lines().filter_map(|line| {
        let mut fields = line.trim().split(':');
        let name = fields.next()?;
        Some((name, number(fields.nth(1)?)?, fields.next().unwrap_or_default()))
    })
}

/// Ids over 2^31 - 1 are refused, as the -1 of chown(2) and its like hide among them.
fn number(text: &str) -> Option<u32> {
    text.parse::<u32>().ok().filter(|id| i32::try_from(*id).is_ok())
}

fn resolve_in(wanted: &str, passwd: &str, group: &str) -> Result<Account, AccountError> {
    let (user_part, group_part) = match wanted.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (wanted, None),
    };
    if group_part.is_some_and(|group| group.is_empty() || group.contains(':')) {
        return Err(AccountError::Form(wanted.to_owned()));
    }
    let user_part = if user_part.is_empty() { "0" } else { user_part };
    let by_number = number(user_part);
    let entry = users(passwd)
        .find(|user| user.name == user_part)
        .or_else(|| users(passwd).find(|user| Some(user.uid) == by_number));
    let (uid, own_gid, name, home) = match (entry, by_number) {
        (Some(user), _) => (user.uid, user.gid, Some(user.name), user.home),
        (None, Some(uid)) => (uid, 0, None, ""),
        (None, None) => return Err(AccountError::NoUser(user_part.to_owned())),
    };
    let home = if home.is_empty() { "/" } else { home }.to_owned();
    if let Some(wanted) = group_part {
        let found = groups(group).find(|(name, ..)| *name == wanted).map(|(_, gid, _)| gid);
        let gid = found.or_else(|| number(wanted)).ok_or_else(|| AccountError::NoGroup(wanted.to_owned()))?;
        return Ok(Account { uid, gid, groups: vec![gid], home });
    }
    let mut all = vec![own_gid];
    if let Some(name) = name {
        let member_of =
            groups(group).filter(|(_, _, members)| members.split(',').any(|member| member == name));
        for (_, gid, _) in member_of.take(MOST_GROUPS - 1) {
            if !all.contains(&gid) {
                all.push(gid);
            }
        }
    }
    Ok(Account { uid, gid: own_gid, groups: all, home })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/sh\n\
        broken line\nno:x:numbers:here::/\n\
        web:x:1000:1001:Web:/srv/web:/bin/sh\nhomeless:x:1002:1002:::\n\
        1005:x:7:7::/odd:\nhigh:x:4294967295:0::/:\nweb:x:1:1::/second:\n";
    const GROUPS: &str =
        "root:x:0:\nstaff:x:50:other,web\nwebs:x:1001:web\ndocker:x:999:web,root\nbad:x:-1:web\nshort\n";

    fn found(wanted: &str) -> Account {
        resolve_in(wanted, USERS, GROUPS).unwrap()
    }

    fn account(uid: u32, gid: u32, groups: &[u32], home: &str) -> Account {
        Account { uid, gid, groups: groups.to_vec(), home: home.to_owned() }
    }

    #[test]
    fn names_numbers_and_mixtures() {
        assert_eq!(found(""), account(0, 0, &[0, 999], "/root"));
        assert_eq!(found("web"), account(1000, 1001, &[1001, 50, 999], "/srv/web"));
        assert_eq!(found("1000"), found("web"));
        assert_eq!(found("1234"), account(1234, 0, &[0], "/"));
        assert_eq!(found("web:staff"), account(1000, 50, &[50], "/srv/web"));
        assert_eq!(found("1234:4321"), account(1234, 4321, &[4321], "/"));
        assert_eq!(found(":staff"), account(0, 50, &[50], "/root"));
        assert_eq!(found("homeless").home, "/");
    }

    #[test]
    fn a_name_made_of_digits_is_a_name_first() {
        assert_eq!(found("1005"), account(7, 7, &[7], "/odd"));
    }

    #[test]
    fn what_is_not_there_is_an_error_and_no_other_user() {
        for (wanted, form) in [
            ("nobody", false),
            ("web:nogroup", false),
            ("-1", false),
            ("4294967295", false),
            ("high", false),
            ("web:", true),
            ("a:b:c", true),
        ] {
            let error = resolve_in(wanted, USERS, GROUPS).unwrap_err();
            assert_eq!(matches!(error, AccountError::Form(_)), form, "{wanted}: {error}");
        }
        assert!(resolve_in("web", "", "").is_err());
        assert_eq!(resolve_in("", "", "").unwrap(), account(0, 0, &[0], "/"));
    }

    #[test]
    fn a_passwd_that_is_a_way_out_of_the_image_is_not_followed_out() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("etc")).unwrap();
        std::os::unix::fs::symlink("../../../../../../etc/passwd", folder.path().join("etc/passwd")).unwrap();
        let root = Rootfs::open(folder.path()).unwrap();
        assert!(matches!(resolve("root", &root), Err(AccountError::NoUser(_))));
    }
}
