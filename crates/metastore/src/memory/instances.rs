//! Instances in memory.

use model::{AccountId, ExitStatus, Instance, InstanceId, Subject, Timestamp};

use super::Records;
use super::changes::Touch;
use crate::error::taken;
use crate::{ChangeKind, Error, InstanceRef, InstanceRemoval, Result, SnapshotRecord, rules};

impl Records {
    pub(super) fn instance(&self, id: InstanceId) -> Result<Instance> {
        self.instances.get(&id).cloned().ok_or(Error::NoInstance(id))
    }

    fn touch_instance(&mut self, instance: &Instance, kind: ChangeKind) {
        let at = instance.finished.or(instance.started).unwrap_or(instance.created);
        let touch = Touch { account: instance.account.clone(), kind, at };
        self.touched.insert(Subject::Instance(instance.id), touch);
    }

    fn put_instance(&mut self, instance: &Instance) {
        self.touch_instance(instance, ChangeKind::Put);
        self.instances.insert(instance.id, instance.clone());
    }

    pub(super) fn find_instance(&self, account: &AccountId, wanted: &InstanceRef) -> Result<Instance> {
        let mut theirs = self.instances.values().filter(|instance| instance.account == *account);
        match wanted {
            InstanceRef::Id(id) => {
                theirs.find(|instance| instance.id == *id).cloned().ok_or(Error::NoInstance(*id))
            }
            InstanceRef::Name(name) => {
                let named = theirs.find(|instance| instance.name == *name);
                named.cloned().ok_or_else(|| Error::NoInstanceOfName(name.clone()))
            }
        }
    }

    pub(super) fn create_instance_with_snapshot(
        &mut self,
        instance: &Instance,
        snapshot: &SnapshotRecord,
    ) -> Result<()> {
        rules::check_own_snapshot(instance, snapshot)?;
        if self.snapshots.contains_key(&snapshot.id) {
            return Err(taken("image snapshot", snapshot.id));
        }
        self.snapshots.insert(snapshot.id, snapshot.clone());
        self.create_instance(instance)
    }

    pub(super) fn create_instance(&mut self, instance: &Instance) -> Result<()> {
        rules::check_new_instance(instance)?;
        let mut theirs = self.instances.values().filter(|known| known.account == instance.account);
        if let Some(holder) = theirs.find(|known| known.name == instance.name) {
            return Err(Error::NameTaken { name: instance.name.clone(), by: holder.id });
        }
        if !self.snapshots.contains_key(&instance.snapshot) {
            return Err(Error::NoSnapshot(instance.snapshot));
        }
        if self.instances.contains_key(&instance.id) {
            return Err(taken("instance", instance.id));
        }
        self.put_instance(instance);
        Ok(())
    }

    pub(super) fn instance_started(&mut self, id: InstanceId, pid: u32, now: Timestamp) -> Result<Instance> {
        let instance = rules::instance_started(self.instance(id)?, pid, now)?;
        self.put_instance(&instance);
        Ok(instance)
    }

    /// The instance as it is now, and whether that was news.
    pub(super) fn instance_exited(
        &mut self,
        id: InstanceId,
        status: ExitStatus,
        now: Timestamp,
    ) -> Result<(Instance, bool)> {
        let known = self.instance(id)?;
        let Some(instance) = rules::instance_exited(&known, status, now) else { return Ok((known, false)) };
        self.put_instance(&instance);
        Ok((instance, true))
    }

    pub(super) fn remove_instance(&mut self, id: InstanceId) -> Result<InstanceRemoval> {
        let instance = self.instance(id)?;
        rules::check_removal(&instance)?;
        self.touch_instance(&instance, ChangeKind::Gone);
        self.departed.insert(Subject::Instance(id), instance.account.clone());
        self.instances.remove(&id);
        let released = self.release(&[instance.snapshot]).pop();
        Ok(InstanceRemoval { instance, released })
    }
}
