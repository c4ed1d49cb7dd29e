//! The double's instances.

use api::service::{
    Feed, LogRequest, NewInstance, ServiceError, ServiceErrorKind, ServiceResult, StartedInstance,
};
use futures::{StreamExt as _, stream};
use model::{
    AccountId, ByteSize, Event, EventKind, EventReason, ImageSnapshotId, Instance, InstanceId, InstanceState,
    ManifestDigest, Subject,
};
use wire::{Choice, CommandEnded, Ended, Exec, ExecEvent, LogLine, Outcome, Output, OutputStream, PickCache};

use super::{State, now};

/// Three lines, of which the last is no text.
pub(super) fn log(request: LogRequest) -> Feed<LogLine> {
    let line = |number: u64| {
        let bytes = if number == 2 { vec![0xff, 0] } else { format!("line {number}").into_bytes() };
        Ok(LogLine { time: now(), output: Output::of(OutputStream::Stdout, bytes) })
    };
    let lines: Vec<ServiceResult<LogLine>> = (0..3u64).map(line).collect();
    let skip = request.tail.map_or(0, |tail| 3 - tail.min(3)) as usize;
    stream::iter(lines).skip(skip).boxed()
}

/// What a command printed: itself.
pub(super) fn output(exec: &Exec) -> Feed<ExecEvent> {
    let output = Output::of(OutputStream::Stdout, exec.command.join(" ").into_bytes());
    let last = match exec.command[0].as_str() {
        "broken" => Err(ServiceError::new(ServiceErrorKind::WrongState, "it ended in between")),
        _ => {
            Ok(ExecEvent::Ended(CommandEnded { ended: Ended { code: Some(3), signal: None }, is_cut: false }))
        }
    };
    stream::iter([Ok(ExecEvent::Output(output)), last]).boxed()
}

impl State {
    pub(super) fn create_instance(
        &mut self,
        account: &AccountId,
        new: NewInstance,
    ) -> ServiceResult<StartedInstance> {
        let cache = match &new.wish.cache {
            PickCache::Only(word) => {
                let index = self.cache(account, word).map_err(|error| error.about("cache"))?;
                Some(self.caches[index].id)
            }
            PickCache::Auto | PickCache::None => None,
        };
        let digest: ManifestDigest = format!("sha256:{}", "ab".repeat(32)).parse().unwrap();
        let id = new.id.unwrap_or_else(InstanceId::generate);
        let instance = Instance {
            id,
            name: new.wish.name.unwrap_or_else(|| format!("i{}", &id.to_string()[30..]).parse().unwrap()),
            account: account.clone(),
            image: new.wish.image.unwrap_or_else(|| "docker.io/library/a:1".parse().unwrap()),
            manifest_digest: digest,
            snapshot: ImageSnapshotId::generate(),
            cache,
            group: None,
            command: new.wish.command,
            state: InstanceState::Running,
            pid: Some(4711),
            remove_on_exit: new.wish.remove_on_exit,
            created: now(),
            started: Some(now()),
            finished: None,
        };
        let outcome = if cache.is_some() { Outcome::Hit } else { Outcome::Miss };
        let choice = Choice {
            outcome,
            cache,
            auto_created: None,
            auto_created_name: None,
            cache_name: None,
            fetched_bytes: ByteSize::ZERO,
            reason: "as the test wants".to_owned(),
        };
        let event = Event::once(Subject::Instance(id), EventKind::Normal, EventReason::Started, "", now());
        self.events.push((account.clone(), event));
        self.write(account, Subject::Instance(id), false);
        self.instances.push(instance.clone());
        Ok(StartedInstance { instance, choice, warnings: Vec::new() })
    }

    pub(super) fn delete_instance(
        &mut self,
        account: &AccountId,
        word: &str,
        force: bool,
    ) -> ServiceResult<Instance> {
        let index = self.instance(account, word)?;
        let runs = !self.instances[index].state.has_ended();
        if runs && !force {
            return Err(ServiceError::new(ServiceErrorKind::WrongState, "it runs"));
        }
        Ok(self.instances.remove(index))
    }

    pub(super) fn instance_events(&self, account: &AccountId, word: &str) -> ServiceResult<Vec<Event>> {
        let id = match word.parse() {
            Ok(id) => id,
            Err(_) => self.instances[self.instance(account, word)?].id,
        };
        let events = self.events.iter().map(|(_, event)| event);
        Ok(events.filter(|event| event.subject == Subject::Instance(id)).cloned().collect())
    }
}
