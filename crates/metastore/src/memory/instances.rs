//! Instances in memory.

use model::{Instance, InstanceId, Timestamp};

use super::Records;
use crate::{Error, InstanceRef, InstanceRemoval, Result, rules};

impl Records {
    pub(super) fn instance(&self, wanted: &InstanceRef) -> Result<Instance> {
        match wanted {
            InstanceRef::Id(id) => self.instances.get(id).cloned().ok_or(Error::NoInstance(*id)),
            InstanceRef::Name(name) => {
                let named = self.instances.values().find(|instance| instance.name == *name);
                named.cloned().ok_or_else(|| Error::NoInstanceOfName(name.clone()))
            }
        }
    }

    pub(super) fn create_instance(&mut self, instance: &Instance) -> Result<()> {
        rules::check_new_instance(instance)?;
        if let Some(holder) = self.instances.values().find(|known| known.name == instance.name) {
            return Err(Error::NameTaken { name: instance.name.clone(), by: holder.id });
        }
        if !self.snapshots.contains_key(&instance.snapshot) {
            return Err(Error::NoSnapshot(instance.snapshot));
        }
        if self.instances.contains_key(&instance.id) {
            let why = format!("the id {} is taken", instance.id);
            return Err(Error::Conflict { object: "instance", why });
        }
        self.instances.insert(instance.id, instance.clone());
        Ok(())
    }

    pub(super) fn instance_started(&mut self, id: InstanceId, pid: u32, now: Timestamp) -> Result<Instance> {
        let instance = rules::instance_started(self.instance(&InstanceRef::Id(id))?, pid, now)?;
        self.instances.insert(id, instance.clone());
        Ok(instance)
    }

    pub(super) fn remove_instance(&mut self, id: InstanceId) -> Result<InstanceRemoval> {
        let instance = self.instance(&InstanceRef::Id(id))?;
        rules::check_removal(&instance)?;
        self.instances.remove(&id);
        let released = self.release(Some(instance.snapshot));
        Ok(InstanceRemoval { instance, released })
    }
}
