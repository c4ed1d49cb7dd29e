//! One fetch for equal layers: a layer's making is shared by every build of an account that wants it, and ends when nobody does.
//! What one account has fetched is no proof that another one may.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use layer::Control;
use model::{AccountId, DiffId};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::layer_job::{LayerFailure, LayerMade};

type Outcome = Result<LayerMade, Arc<LayerFailure>>;

/// A layer being made. Held by the builds that wait for it; when the last one lets go, the making is cancelled.
pub(super) struct Flight {
    control: Arc<Control>,
    outcome: watch::Receiver<Option<Outcome>>,
    _cancel_on_drop: DropGuard,
}

impl Flight {
    /// One that failed is not: its failure may have been another build's own (its size limit). Nor is one whose task ended
    /// without a word.
    fn is_worth_joining(&self) -> bool {
        match &*self.outcome.borrow() {
            Some(outcome) => outcome.is_ok(),
            None => self.outcome.has_changed().is_ok(),
        }
    }

    /// How far it is.
    pub(super) fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// Waits for the outcome.
    pub(super) async fn landed(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        let landed = outcome.wait_for(Option::is_some).await;
        match landed.ok().and_then(|outcome| outcome.clone()) {
            Some(outcome) => outcome,
            // The task went without a word: it panicked, or was aborted with its runtime.
            None => Err(Arc::new(LayerFailure::Aborted)),
        }
    }
}

/// The layers being made in this process.
#[derive(Default)]
pub(super) struct Flights {
    by_layer: Mutex<HashMap<(AccountId, bool, DiffId), Weak<Flight>>>,
}

impl Flights {
    /// Joins the making of that layer for the account, or starts it by `make` under that control. Whoever may take it from the store
    /// and whoever makes it whatever is there have each their own. The flag says whether it was started here.
    pub(super) fn join<F, M>(
        &self,
        (account, is_own): (&AccountId, bool),
        layer: DiffId,
        tracker: &TaskTracker,
        control: impl FnOnce() -> Control,
        make: M,
    ) -> (Arc<Flight>, bool)
    where
        M: FnOnce(Arc<Control>, CancellationToken) -> F,
        F: Future<Output = Result<LayerMade, LayerFailure>> + Send + 'static,
    {
        let key = (account.clone(), is_own, layer);
        let mut by_layer = self.by_layer.lock().unwrap_or_else(PoisonError::into_inner);
        by_layer.retain(|_, flight| flight.strong_count() > 0);
        if let Some(flight) = by_layer.get(&key).and_then(Weak::upgrade)
            && flight.is_worth_joining()
        {
            return (flight, false);
        }
        let token = CancellationToken::new();
        let (sender, outcome) = watch::channel(None);
        let control = Arc::new(control());
        let making = make(Arc::clone(&control), token.clone());
        tracker.spawn(async move {
            let outcome = making.await.map_err(Arc::new);
            // Nobody listens any more where every build was cancelled.
            let _ = sender.send(Some(outcome));
        });
        let flight = Arc::new(Flight { control, outcome, _cancel_on_drop: token.drop_guard() });
        by_layer.insert(key, Arc::downgrade(&flight));
        (flight, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{ByteSize, Digest};

    fn ours() -> AccountId {
        "ours".parse().unwrap()
    }

    fn made(diff_id: DiffId) -> LayerMade {
        LayerMade {
            diff_id,
            blob_size: ByteSize::bytes(1),
            tar_size: ByteSize::bytes(1),
            leans: layer::Leans::default(),
            fetched: None,
            warnings: Vec::new(),
        }
    }

    #[tokio::test]
    async fn two_builds_share_one_making() {
        let (flights, tracker) = (Flights::default(), TaskTracker::new());
        let layer = DiffId::new(Digest::sha256(b"layer"));
        let (release, held) = tokio::sync::oneshot::channel::<()>();
        let (first, started) =
            flights.join((&ours(), true), layer, &tracker, Control::new, |_, _| async move {
                let _ = held.await;
                Ok(made(layer))
            });
        assert!(started);
        let (second, started) = flights.join((&ours(), true), layer, &tracker, Control::new, |_, _| async {
            Err(LayerFailure::Cancelled)
        });
        assert!(!started);
        release.send(()).unwrap();
        assert_eq!(first.landed().await.unwrap().diff_id, layer);
        assert_eq!(second.landed().await.unwrap().diff_id, layer);
    }

    #[tokio::test]
    async fn another_account_makes_its_own() {
        let (flights, tracker) = (Flights::default(), TaskTracker::new());
        let layer = DiffId::new(Digest::sha256(b"layer"));
        let (_ours, _) = flights
            .join((&ours(), true), layer, &tracker, Control::new, |_, _| async move { Ok(made(layer)) });
        let theirs = "theirs".parse().unwrap();
        let (flight, started) = flights.join((&theirs, true), layer, &tracker, Control::new, |_, _| async {
            Err(LayerFailure::Aborted)
        });
        assert!(started && flight.landed().await.is_err());
    }

    #[tokio::test]
    async fn whoever_makes_it_anew_joins_nobody_who_may_find_it() {
        let (flights, tracker) = (Flights::default(), TaskTracker::new());
        let layer = DiffId::new(Digest::sha256(b"layer"));
        let (_found, _) = flights
            .join((&ours(), true), layer, &tracker, Control::new, |_, _| async move { Ok(made(layer)) });
        let anew = async || {
            let (flight, started) =
                flights.join((&ours(), false), layer, &tracker, Control::new, |_, _| async {
                    Err(LayerFailure::Aborted)
                });
            (flight.landed().await, started)
        };
        let (landed, started) = anew().await;
        assert!(started && landed.is_err());
    }

    #[tokio::test]
    async fn the_last_one_to_leave_cancels_it() {
        let (flights, tracker) = (Flights::default(), TaskTracker::new());
        let layer = DiffId::new(Digest::sha256(b"layer"));
        let (flight, _) =
            flights.join((&ours(), true), layer, &tracker, Control::new, |_, token| async move {
                token.cancelled().await;
                Err(LayerFailure::Cancelled)
            });
        let (other, _) = flights.join((&ours(), true), layer, &tracker, Control::new, |_, _| async {
            Err(LayerFailure::Cancelled)
        });
        drop(flight);
        assert!(other.outcome.borrow().is_none());
        drop(other);
        tracker.close();
        tracker.wait().await;
    }

    #[tokio::test]
    async fn one_that_failed_or_was_aborted_is_not_joined() {
        let (flights, tracker) = (Flights::default(), TaskTracker::new());
        let layer = DiffId::new(Digest::sha256(b"layer"));
        let (failed, _) = flights.join((&ours(), true), layer, &tracker, Control::new, |_, _| async {
            Err(LayerFailure::Aborted)
        });
        assert!(failed.landed().await.is_err());
        let (aborted, started) = flights
            .join((&ours(), true), layer, &tracker, Control::new, |_, _| async { panic!("as a bug would") });
        assert!(started);
        assert!(matches!(*aborted.landed().await.unwrap_err(), LayerFailure::Aborted));
        let (_, started) = flights
            .join((&ours(), true), layer, &tracker, Control::new, |_, _| async move { Ok(made(layer)) });
        assert!(started);
    }
}
