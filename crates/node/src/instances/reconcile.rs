//! Making the world match after deaths: of monitors, of starting processes, of the machine.
//!
//! An instance lives exactly as long as somebody holds its lock. One whose lock is free and whose end nobody has written
//! is ended here, with an unknown exit status, and everything that it held is given back.

use std::fs::{self, File};
use std::io;
use std::time::Duration;

use model::{Clock, ExitStatus, InstanceId, SystemClock};

use super::life::read_failed;
use super::{Instances, Reconciled};
use crate::InstanceError;
use crate::layout::InstanceDir;
use crate::lock::{is_free, try_exclusive, unlock};
use crate::mount::{is_mount_point, unmount_path};
use crate::state::{self, Ended, Record};
use crate::teardown::{remove_directory, take_down};

/// How long what is killed here may take to go. Every command waits for it, and the next one tries again.
const PATIENCE: Duration = Duration::from_millis(500);

impl Instances {
    /// Makes the world match: ends and cleans up instances whose monitor is gone (killed, or the machine was restarted),
    /// and unmounts what nobody uses. Cheap where there is nothing to do; call it at the start of every command that
    /// looks at instances or blobs.
    ///
    /// An instance that cannot be cleaned up is one of [`Reconciled::failed`] and in nobody else's way.
    ///
    /// # Errors
    ///
    /// Where the instances cannot be listed, or a mount that nobody uses does not go.
    pub fn reconcile(&self) -> Result<Reconciled, InstanceError> {
        let mut done = Reconciled::default();
        for id in self.ids()? {
            let answer = self.reconcile_one(id).and_then(|cleaned| {
                done.cleaned.extend(cleaned.then_some(id));
                self.inspect(id)
            });
            match answer {
                Ok(status) => done.instances.extend(status),
                Err(error) => {
                    done.instances.extend(self.inspect(id).ok().flatten());
                    done.failed.push((id, error));
                }
            }
        }
        // What could not be taken down still stands on its layers.
        let is_alive = |id| done.failed.iter().any(|(failed, _)| *failed == id) || self.is_alive(id);
        done.unmounted = self.mounts.sweep(&is_alive).map_err(|error| InstanceError::CleanUp {
            path: self.layout.mounts(),
            source: io::Error::other(error),
        })?;
        Ok(done)
    }

    /// Every instance that has a directory, the oldest first.
    fn ids(&self) -> Result<Vec<InstanceId>, InstanceError> {
        let path = self.layout.instances();
        let mut ids: Vec<InstanceId> = Vec::new();
        for entry in fs::read_dir(&path).map_err(read_failed(&path))? {
            let name = entry.map_err(read_failed(&path))?.file_name();
            ids.extend(name.to_str().and_then(|name| name.parse::<InstanceId>().ok()));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// Whether somebody holds the instance's lock. Where that cannot be told, it is taken for alive: nothing is
    /// unmounted under it.
    fn is_alive(&self, id: InstanceId) -> bool {
        match Self::open_lock(&self.layout.instance(id)) {
            Ok(Some(lock)) => !is_free(&lock).unwrap_or(false),
            Ok(None) => false,
            Err(_) => true,
        }
    }

    /// Whether there was something to clean up.
    fn reconcile_one(&self, id: InstanceId) -> Result<bool, InstanceError> {
        let dir = self.layout.instance(id);
        let global = self.global_lock()?;
        let Some(mut lock) = Self::open_lock(&dir)? else {
            // Its maker died before it was locked, or its remover before it was gone.
            return remove_directory(&dir).map(|()| true);
        };
        if !try_exclusive(&lock).map_err(read_failed(&dir.lock()))? {
            return Ok(false);
        }
        drop(global);
        let answer = self.clean_up(&dir, id, &mut lock);
        unlock(&lock).map_err(read_failed(&dir.lock()))?;
        answer
    }

    /// For an instance whose lock is held here.
    fn clean_up(&self, dir: &InstanceDir, id: InstanceId, lock: &mut File) -> Result<bool, InstanceError> {
        let ended = state::read_end(lock).map_err(read_failed(&dir.lock()))?;
        if ended.is_some() && !self.holds_something(dir, id)? {
            return Ok(false);
        }
        let Some(record) = state::read_json::<Record>(&dir.record())? else {
            // It never came to run, and its shares of the mounts are swept.
            unmount_path(&dir.merged()).map_err(|source| InstanceError::Attach { id, source })?;
            return remove_directory(dir).map(|()| true);
        };
        self.end_leftover(dir, id, PATIENCE)?;
        take_down(&self.mounts, dir, &record, PATIENCE)?;
        let never_ran = !dir.process().exists();
        if record.remove_on_exit || never_ran {
            return remove_directory(dir).map(|()| true);
        }
        let ended = Ended { status: ExitStatus::Unknown, finished: SystemClock.now() };
        state::write_end(lock, ended)
            .map_err(|source| InstanceError::WriteState { path: dir.lock(), source })?;
        Ok(true)
    }

    fn holds_something(&self, dir: &InstanceDir, id: InstanceId) -> Result<bool, InstanceError> {
        let mounted = is_mount_point(&dir.merged()).map_err(read_failed(&dir.merged()))?;
        Ok(mounted || dir.oci_root().join(id.to_string()).exists())
    }
}
