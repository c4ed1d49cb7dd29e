//! Creating an instance and starting its first process.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::fs::{XattrFlags, lgetxattr, llistxattr, lsetxattr};
use rustix::io::Errno;

use super::mount_points::check_place;
use super::{Attachment, InstanceSpec, Instances, StartTimings, Started, UpperLimit};
use crate::layout::InstanceDir;
use crate::lock::{lock_exclusive, wait_exclusive};
use crate::mount::{Lowers, Overlay, mount_overlay, unmount_path};
use crate::runtime::find_program;
use crate::teardown::{PATIENCE, remove_directory, take_down};
use crate::{InstanceError, RuntimeChoice, require_root, upper};

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

impl Instances {
    /// Mounts the image, starts the first process, and returns as soon as it runs.
    ///
    /// # Errors
    ///
    /// On failure nothing is left behind: no mount, no directory, no process.
    pub fn create_and_start(
        &self,
        spec: &InstanceSpec,
        attachment: Attachment,
    ) -> Result<Started, InstanceError> {
        require_root("start instances")?;
        check_input(spec)?;
        let dir = self.layout.instance(spec.id);
        let (lock, upper_limit) = self.make_directory(spec, &dir)?;
        let mut timings = StartTimings::default();
        let joined = match self.joined(spec, &dir) {
            Ok(joined) => joined,
            Err(error) => {
                self.undo(spec, &dir);
                return Err(error);
            }
        };
        let spec = &joined;
        let prepared = self.attach_image(spec, &dir, &mut timings).and_then(|()| {
            let begun = Instant::now();
            let prepared = self.prepare(spec, &dir)?;
            timings.config_us = micros(begun);
            Ok(prepared)
        });
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                self.undo(spec, &dir);
                return Err(error);
            }
        };
        let begun = Instant::now();
        match self.launch(spec, &prepared, &dir, lock, attachment) {
            Ok((pid, started, session)) => {
                timings.runtime_us = micros(begun);
                let warnings = prepared.warnings;
                Ok(Started { pid, started, timings, upper_limit, warnings, session })
            }
            Err(error) => {
                self.undo(spec, &dir);
                Err(error)
            }
        }
    }

    /// The directory with its lock held: from now on the instance is alive to all others.
    fn make_directory(
        &self,
        spec: &InstanceSpec,
        dir: &InstanceDir,
    ) -> Result<(File, UpperLimit), InstanceError> {
        let failed = |path: PathBuf| move |source| InstanceError::Directory { path, source };
        let global = self.global_lock()?;
        match DirBuilder::new().mode(0o700).create(dir.path()) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(InstanceError::Exists(spec.id));
            }
            other => other.map_err(failed(dir.path().to_owned()))?,
        }
        let lock = lock_exclusive(&dir.lock()).map_err(failed(dir.lock()))?;
        for path in [dir.upper(), dir.work(), dir.merged(), dir.oci_root()] {
            fs::create_dir(&path).map_err(failed(path))?;
        }
        // Under the lock of all, so that no two instances get the same project.
        let limit = upper::limit(dir, spec.size_limit);
        drop(global);
        Ok((lock, limit))
    }

    /// The lock under which instances' directories come to be, so that none is swept before it is locked itself.
    pub(crate) fn global_lock(&self) -> Result<File, InstanceError> {
        let path = self.layout.instances().join("lock");
        let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        open.and_then(|file| wait_exclusive(&file).map(|()| file))
            .map_err(|source| InstanceError::Directory { path, source })
    }

    fn attach_image(
        &self,
        spec: &InstanceSpec,
        dir: &InstanceDir,
        timings: &mut StartTimings,
    ) -> Result<(), InstanceError> {
        let id = spec.id;
        let begun = Instant::now();
        let mut lowers =
            self.mounts.attach(id, &spec.blobs).map_err(|source| InstanceError::Attach { id, source })?;
        timings.layers_us = micros(begun);
        let begun = Instant::now();
        if lowers.is_empty() {
            // An image without layers: overlayfs wants one lower at least.
            let empty = dir.path().join("empty");
            fs::create_dir(&empty)
                .map_err(|source| InstanceError::Directory { path: empty.clone(), source })?;
            lowers.push(empty);
        }
        let giver = spec.blobs.root.and_then(|root| lowers.get(root));
        like_root_of(&dir.upper(), giver.map(PathBuf::as_path))
            .map_err(|source| InstanceError::Directory { path: dir.upper(), source })?;
        let (upper, work) = (dir.upper(), dir.work());
        let nodev = !super::prepare::host_traits(&spec.runtime).device_rules;
        let overlay = Overlay { lowers: &lowers, upper: &upper, work: &work, nodev };
        mount_overlay(&overlay, &dir.merged(), Lowers::Best)
            .map_err(|source| InstanceError::Attach { id, source })?;
        timings.overlay_us = micros(begun);
        Ok(())
    }

    /// As if nothing had been. What fails here is found by the next reconciliation; the first error is what counts.
    fn undo(&self, spec: &InstanceSpec, dir: &InstanceDir) {
        let record = crate::state::read_json(&dir.record()).ok().flatten();
        let clean = match record {
            Some(record) => take_down(&self.mounts, dir, &record, PATIENCE).is_ok(),
            None => {
                unmount_path(&dir.merged()).is_ok()
                    && self.mounts.release(spec.id, spec.blobs.lowers.iter().map(|blob| &blob.key)).is_ok()
            }
        };
        if clean {
            let _ = remove_directory(dir);
        }
    }
}

/// The root directory of an overlay is its upper: give it the attributes that the image's root has, or those of a directory
/// that no layer says anything of.
fn like_root_of(upper: &Path, giver: Option<&Path>) -> io::Result<()> {
    let Some(giver) = giver else {
        chown(upper, Some(0), Some(0))?;
        return fs::set_permissions(upper, fs::Permissions::from_mode(0o755));
    };
    let found = fs::metadata(giver)?;
    chown(upper, Some(found.uid()), Some(found.gid()))?;
    fs::set_permissions(upper, fs::Permissions::from_mode(found.mode() & 0o7777))?;
    copy_xattrs(giver, upper)?;
    File::open(upper)?.set_modified(found.modified()?)
}

/// Copies extended attributes but overlayfs's own marks and the label that this machine gives every file.
fn copy_xattrs(from: &Path, to: &Path) -> io::Result<()> {
    let mut names = vec![0; 64 << 10];
    let length = match llistxattr(from, &mut names[..]) {
        Err(Errno::OPNOTSUPP) => 0,
        length => length?,
    };
    let mut value = vec![0; 64 << 10];
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        if name.starts_with(b"trusted.overlay.") || name == b"security.selinux" {
            continue;
        }
        let length = lgetxattr(from, name, &mut value[..])?;
        match lsetxattr(to, name, &value[..length], XattrFlags::empty()) {
            // A file system without such attributes: the instance is to start all the same.
            Ok(()) | Err(Errno::OPNOTSUPP) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// What can be told to be wrong before anything is made.
fn check_input(spec: &InstanceSpec) -> Result<(), InstanceError> {
    if let RuntimeChoice::Installed(name) = &spec.runtime
        && find_program(name).is_none()
    {
        let value = name.display().to_string();
        return Err(InstanceError::Option {
            option: "runtime",
            value,
            expected: "expected an installed program",
        });
    }
    if let Some(memory) = spec.options.memory.filter(|memory| memory.as_u64() == 0) {
        let (option, value) = ("memory", memory.to_string());
        return Err(InstanceError::Option { option, value, expected: "expected more than nothing" });
    }
    let shared = spec.options.group.iter().flat_map(|group| &group.mounts);
    shared.map(|mount| mount.container.as_path()).try_for_each(check_place)?;
    for volume in &spec.options.volumes {
        check_place(&volume.container)?;
        // Followed: a symlink to nothing cannot be mounted either.
        fs::metadata(&volume.host)
            .map_err(|source| InstanceError::Volume { path: volume.host.clone(), source })?;
    }
    Ok(())
}
