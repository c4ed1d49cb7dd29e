//! The rule: what is to be done next for a group.

use std::collections::BTreeMap;

use crate::{EventKind, EventReason, ExitStatus, Instance, InstanceId, InstanceState, Timestamp};

use super::{
    Attempt, ContainerPlace, ContainerState, Group, GroupPhase, GroupStatus, ImagesFailure, RestartPolicy,
    Run,
};

/// The first wait before a container starts again, and the longest, in seconds. Source: Kubernetes' kubelet, as the others here.
const FIRST_WAIT: u64 = 10;
const LONGEST_WAIT: u64 = 300;
/// Whatever ran that long waits as if it had never ended before.
const LONG_RUN_MICROS: u64 = 10 * 60 * 1_000_000;
/// What a container has ended with that could not start.
const START_ERROR: ExitStatus = ExitStatus::Code(128);

/// Something to do for a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupAction {
    /// Choose what its containers start from.
    ChooseImages,
    /// Start that container, as a new instance.
    Start(ContainerPlace),
    /// End that instance.
    Stop(InstanceId),
    /// End that instance where it runs, and remove it.
    Remove(InstanceId),
    /// Remove the group: nothing of it is left.
    Forget,
}

/// Something that is told of a group.
pub type GroupNews = (EventKind, EventReason, String);

/// What comes next for a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextStep {
    /// How it is, as far as its instances tell.
    pub status: GroupStatus,
    /// What to do now, in this order.
    pub actions: Vec<GroupAction>,
    /// When there will be something to do without anything else happening.
    pub due: Option<Timestamp>,
    /// What to tell.
    pub news: Vec<GroupNews>,
}

/// A container could not be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartFailure {
    /// As which instance.
    pub instance: InstanceId,
    /// Why, for people.
    pub message: String,
}

/// How many groups are kept that have ended, in each region. Source: Alibaba's documentation of `DescribeContainerGroups`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptGroups {
    /// All, for so many seconds.
    pub seconds: u64,
    /// Of those that ended earlier the newest so many of each region of an account; those of which no region is known count
    /// together.
    pub most: usize,
}

impl Default for KeptGroups {
    fn default() -> Self {
        Self { seconds: 3600, most: 100 }
    }
}

impl KeptGroups {
    /// Those of an account's groups whose record goes now.
    #[must_use]
    pub fn over<'a>(&self, groups: impl IntoIterator<Item = &'a Group>, now: Timestamp) -> Vec<&'a Group> {
        let ended = |group: &&Group| group.status.phase.has_ended() && group.status.deleting.is_none();
        let mut ended: Vec<&Group> = groups.into_iter().filter(ended).collect();
        let end = |group: &Group| group.status.ended.unwrap_or(group.updated);
        ended.sort_by_key(|group| std::cmp::Reverse((end(group), group.id)));
        let old = |group: &&Group| now.micros_since(end(group)) >= self.seconds.saturating_mul(1_000_000);
        let mut newer: BTreeMap<Option<&'a str>, usize> = BTreeMap::new();
        let is_beyond = |group: &&'a Group| {
            let newer = newer.entry(group.region()).or_default();
            *newer += 1;
            *newer > self.most
        };
        ended.into_iter().filter(is_beyond).filter(old).collect()
    }
}

/// How long is waited after so many ends in a row: not at all after the first.
fn wait_micros(delays: u32) -> i64 {
    let Some(doublings) = delays.checked_sub(1) else { return 0 };
    let seconds = FIRST_WAIT.checked_shl(doublings).filter(|_| doublings < 16);
    let seconds = seconds.map_or(LONGEST_WAIT, |seconds| seconds.min(LONGEST_WAIT));
    i64::try_from(seconds * 1_000_000).expect("at most 300 s")
}

impl Group {
    /// What is to be done, where these are the records of all its instances.
    #[must_use]
    pub fn next(&self, instances: &[Instance], now: Timestamp) -> NextStep {
        let mut step = Step::of(self, instances, now);
        step.observe();
        match (step.status.deleting, step.status.phase.has_ended()) {
            (Some(_), _) => step.take_apart(),
            (None, true) => step.stop_all(),
            (None, false) => step.go_on(),
        }
        if step.status.deleting.is_none() {
            step.remove_the_old();
        }
        NextStep { status: step.status, actions: step.actions, due: step.due, news: step.news }
    }

    /// How it is once that container could not be started.
    #[must_use]
    pub fn start_failed(
        &self,
        place: ContainerPlace,
        failure: StartFailure,
        now: Timestamp,
    ) -> (GroupStatus, Vec<GroupNews>) {
        let mut step = Step::of(self, &[], now);
        let StartFailure { instance, message } = failure;
        let run = Run { instance, status: START_ERROR, started: None, finished: now, message: Some(message) };
        step.ended(place, run);
        (step.status, step.news)
    }

    /// How it is once its images could not be had; `is_final`: asking again would change nothing.
    #[must_use]
    pub fn images_failed(
        &self,
        message: String,
        is_final: bool,
        now: Timestamp,
    ) -> (GroupStatus, Vec<GroupNews>) {
        let mut status = self.status.clone();
        if is_final {
            let news = (EventKind::Warning, EventReason::StartFailed, message.clone());
            status.phase = GroupPhase::ScheduleFailed;
            (status.reason, status.message) = (Some("StartFailed".to_owned()), Some(message));
            (status.images, status.ended) = (None, Some(now));
            return (status, vec![news]);
        }
        let tries = status.images.as_ref().map_or(0, |failure| failure.tries).saturating_add(1);
        let news = (EventKind::Warning, EventReason::ImagesFailed, message.clone());
        status.images = Some(ImagesFailure { message, tries, next: now.plus_micros(wait_micros(tries)) });
        (status, vec![news])
    }
}

impl GroupStatus {
    /// That container is being started as that instance.
    pub fn begin(&mut self, place: ContainerPlace, instance: InstanceId, now: Timestamp) {
        self.started.get_or_insert(now);
        let Some(container) = self.container_mut(place) else { return };
        if matches!(container.state, ContainerState::BackOff { .. }) {
            container.restarts = container.restarts.saturating_add(1);
        }
        container.state = ContainerState::Starting(Attempt { instance, since: now });
    }
}

/// One look at a group.
struct Step<'a> {
    group: &'a Group,
    instances: &'a [Instance],
    now: Timestamp,
    status: GroupStatus,
    actions: Vec<GroupAction>,
    due: Option<Timestamp>,
    news: Vec<GroupNews>,
}

impl<'a> Step<'a> {
    fn of(group: &'a Group, instances: &'a [Instance], now: Timestamp) -> Self {
        let status = group.status.clone();
        Self { group, instances, now, status, actions: Vec::new(), due: None, news: Vec::new() }
    }

    fn places(&self) -> Vec<ContainerPlace> {
        self.group.spec.all().map(|(place, _)| place).collect()
    }

    /// Takes over what the records of the instances say.
    fn observe(&mut self) {
        for place in self.places() {
            let Some(container) = self.status.container(place) else { continue };
            let (attempt, ran) = match &container.state {
                ContainerState::Starting(attempt) => (*attempt, false),
                ContainerState::Running(attempt) => (*attempt, true),
                _ => continue,
            };
            let instance = self.instances.iter().find(|one| one.id == attempt.instance);
            match instance.map(|one| (one, one.state)) {
                Some((_, InstanceState::Creating)) => {}
                Some((one, InstanceState::Running)) => {
                    let attempt = Attempt { since: one.started.unwrap_or(attempt.since), ..attempt };
                    self.set(place, ContainerState::Running(attempt));
                }
                Some((one, InstanceState::Exited(status))) if ran || one.started.is_some() => {
                    let finished = one.finished.unwrap_or(self.now);
                    let started = Some(one.started.unwrap_or(attempt.since));
                    let run = Run { instance: one.id, status, started, finished, message: None };
                    self.ended(place, run);
                }
                None if ran => {
                    let run = Run {
                        instance: attempt.instance,
                        status: ExitStatus::Unknown,
                        started: Some(attempt.since),
                        finished: self.now,
                        message: None,
                    };
                    self.ended(place, run);
                }
                // Whoever was starting it died over it: it never ran.
                Some((_, InstanceState::Exited(_))) | None => self.set(place, ContainerState::Waiting),
            }
        }
    }

    fn set(&mut self, place: ContainerPlace, state: ContainerState) {
        if let Some(container) = self.status.container_mut(place) {
            container.state = state;
        }
    }

    fn ended(&mut self, place: ContainerPlace, run: Run) {
        let again = match (self.group.spec.restart_policy, place) {
            (RestartPolicy::Never, _) => false,
            (RestartPolicy::Always, ContainerPlace::Main(_)) => true,
            (RestartPolicy::OnFailure | RestartPolicy::Always, _) => !run.is_good(),
        };
        let is_over =
            self.status.phase.has_ended() || self.status.deleting.is_some() || self.is_past_its_time();
        let Some(container) = self.status.container_mut(place) else { return };
        if !again || is_over {
            container.state = ContainerState::Ended(run);
            return;
        }
        if run.started.is_some_and(|started| run.finished.micros_since(started) >= LONG_RUN_MICROS) {
            container.delays = 0;
        }
        let wait = wait_micros(container.delays);
        let until = run.finished.plus_micros(wait);
        container.delays = container.delays.saturating_add(1);
        container.last = Some(run);
        container.state = ContainerState::BackOff { until };
        let name = self.group.spec.container(place).map(|one| one.name.to_string()).unwrap_or_default();
        if wait > 0 {
            let message = format!("the container `{name}` starts again after {} s", wait / 1_000_000);
            self.news.push((EventKind::Warning, EventReason::BackOff, message));
        }
    }

    fn take_apart(&mut self) {
        self.actions.extend(self.instances.iter().map(|one| GroupAction::Remove(one.id)));
        if self.instances.is_empty() {
            self.actions.push(GroupAction::Forget);
        }
    }

    fn stop_all(&mut self) {
        let running = self.instances.iter().filter(|one| !one.state.has_ended());
        self.actions.extend(running.map(|one| GroupAction::Stop(one.id)));
    }

    fn go_on(&mut self) {
        if self.is_past_its_time() {
            return self.end_what_runs();
        }
        if let Some(deadline) = self.deadline() {
            self.look_out(deadline);
        }
        if self.status.choice.is_none() {
            return self.choose();
        }
        let waiting = self.status.init_containers.iter().position(|one| !one.is_done());
        if let Some(index) = waiting {
            self.status.phase = GroupPhase::Pending;
            if matches!(self.status.init_containers[index].state, ContainerState::Ended(_)) {
                return self.end(GroupPhase::Failed, EventReason::GroupEnded, self.now);
            }
            return self.start_when_due(ContainerPlace::Init(index));
        }
        for index in 0..self.status.containers.len() {
            self.start_when_due(ContainerPlace::Main(index));
        }
        self.conclude();
    }

    fn deadline(&self) -> Option<Timestamp> {
        let seconds = i64::try_from(self.group.spec.deadline_seconds?).unwrap_or(i64::MAX);
        Some(self.status.started?.plus_micros(seconds.saturating_mul(1_000_000)))
    }

    fn is_past_its_time(&self) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= self.now)
    }

    /// It is over once nothing of it runs: whoever dies in between finds it still to be ended.
    fn end_what_runs(&mut self) {
        match self.instances.iter().any(|one| !one.state.has_ended()) {
            true => self.stop_all(),
            false => self.end(GroupPhase::Failed, EventReason::DeadlineExceeded, self.now),
        }
    }

    fn look_out(&mut self, for_then: Timestamp) {
        if for_then > self.now {
            self.due = Some(self.due.map_or(for_then, |due| due.min(for_then)));
        }
    }

    fn choose(&mut self) {
        self.status.phase = GroupPhase::Scheduling;
        match &self.status.images {
            Some(failure) if failure.next > self.now => self.look_out(failure.next),
            _ => self.actions.push(GroupAction::ChooseImages),
        }
    }

    fn start_when_due(&mut self, place: ContainerPlace) {
        let state = self.status.container(place).map(|container| &container.state);
        match state {
            Some(ContainerState::BackOff { until }) if *until > self.now => self.look_out(*until),
            Some(ContainerState::Waiting | ContainerState::BackOff { .. }) => {
                self.actions.push(GroupAction::Start(place));
            }
            _ => {}
        }
    }

    /// Init containers have ended: whether the others run, or are over.
    fn conclude(&mut self) {
        let runs: Vec<&Run> = self.status.containers.iter().filter_map(|one| ended(&one.state)).collect();
        if runs.len() == self.status.containers.len() {
            let is_good = runs.iter().all(|run| run.is_good());
            let last = runs.iter().map(|run| run.finished).max().unwrap_or(self.now);
            let phase = if is_good { GroupPhase::Succeeded } else { GroupPhase::Failed };
            return self.end(phase, EventReason::GroupEnded, last);
        }
        let has_begun =
            |state: &ContainerState| !matches!(state, ContainerState::Waiting | ContainerState::Starting(_));
        // One that is started again ran already.
        let runs = self.status.phase == GroupPhase::Running
            || self.status.containers.iter().any(|one| has_begun(&one.state));
        self.status.phase = if runs { GroupPhase::Running } else { GroupPhase::Pending };
    }

    fn end(&mut self, phase: GroupPhase, reason: EventReason, at: Timestamp) {
        (self.status.phase, self.status.ended) = (phase, Some(at));
        self.actions.retain(|action| !matches!(action, GroupAction::Start(_) | GroupAction::ChooseImages));
        self.due = None;
        let kind = if phase == GroupPhase::Succeeded { EventKind::Normal } else { EventKind::Warning };
        let message = match reason {
            EventReason::DeadlineExceeded => {
                self.status.reason = Some("DeadlineExceeded".to_owned());
                "it ran for as long as it was to, and was ended".to_owned()
            }
            _ => format!("it ended: {phase:?}"),
        };
        if phase == GroupPhase::Failed {
            self.status.message = Some(message.clone());
        }
        self.news.push((kind, reason, message));
    }

    /// Of each container the present run and the one before are kept, for their logs.
    fn remove_the_old(&mut self) {
        let kept: Vec<InstanceId> = self
            .status
            .all()
            .flat_map(|one| one.instance().into_iter().chain(one.last.as_ref().map(|run| run.instance)))
            .collect();
        let old = self.instances.iter().filter(|one| !kept.contains(&one.id));
        self.actions.extend(old.map(|one| GroupAction::Remove(one.id)));
    }
}

fn ended(state: &ContainerState) -> Option<&Run> {
    match state {
        ContainerState::Ended(run) => Some(run),
        _ => None,
    }
}
