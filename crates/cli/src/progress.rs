//! The progress of a build: a bar per layer on a terminal, plain lines elsewhere.

mod bars;

use std::collections::HashMap;
use std::time::Duration;

use api::{BuiltHere, layers};
use client::ProgressWatch;
use engine::{BuildHandle, BuildProgress};
use model::CacheState;
use wire::{Cache, LayerPhase, LayerProgress, ProblemKind};

use bars::Bars;

use crate::exit::{Failure, INTERRUPTED};
use crate::interrupts::{self, Interrupts};
use crate::printer::Printer;

/// Short enough to look alive, long enough to cost nothing.
const REFRESH: Duration = Duration::from_millis(100);

/// Waits for a build and shows how far it is. An interrupt cancels the build, which is then waited for; a second one does not
/// wait. After the build an interrupt ends the process again.
pub(crate) async fn follow(build: &mut BuildHandle, printer: &Printer) -> Result<model::ImageCache, Failure> {
    let progress = build.progress.clone();
    let cancel = build.cancellation();
    let mut show = show(printer);
    let mut tick = tokio::time::interval(REFRESH);
    let mut interrupts = Interrupts::listen()?;
    let mut cancelled = false;
    let built = loop {
        tokio::select! {
            biased;
            built = build.finished() => break built,
            _ = interrupts.next() => {
                if cancelled {
                    // The records say later that it was interrupted; nothing partial is visible.
                    std::process::exit(INTERRUPTED.into());
                }
                cancelled = true;
                show.say("cancelling the build; finished layers are kept");
                cancel.cancel();
            }
            _ = tick.tick() => show.refresh(&layers(&progress)),
        }
    };
    interrupts.end_the_process();
    show.refresh(&layers(&progress));
    show.end();
    Ok(built?)
}

/// Waits for work that brings layers, and shows how far it is. `None` where an interrupt came first: the work is dropped then.
pub(crate) async fn watch<T>(
    progress: &BuildProgress,
    work: impl Future<Output = T>,
    printer: &Printer,
) -> Result<Option<T>, Failure> {
    let mut show = show(printer);
    let mut tick = tokio::time::interval(REFRESH);
    let mut interrupts = Interrupts::listen()?;
    let mut work = std::pin::pin!(work);
    let done = loop {
        tokio::select! {
            biased;
            done = &mut work => break Some(done),
            _ = interrupts.next() => {
                show.say("cancelling the start; finished layers are kept");
                break None;
            }
            _ = tick.tick() => show.refresh(&layers(progress)),
        }
    };
    interrupts.end_the_process();
    show.refresh(&layers(progress));
    show.end();
    Ok(done)
}

/// Waits for the start of an instance. Where this process fetches, it shows how far that is, and an interrupt cancels it; else an
/// interrupt leaves it to the server.
pub(crate) async fn watch_start<T>(
    here: Option<&BuiltHere>,
    work: impl Future<Output = T>,
    printer: &Printer,
) -> Result<T, Failure> {
    let mut show = show(printer);
    let mut tick = tokio::time::interval(REFRESH);
    let mut interrupts = Interrupts::listen()?;
    let mut work = std::pin::pin!(work);
    let mut cancelled = false;
    let done = loop {
        tokio::select! {
            biased;
            done = &mut work => break Ok(done),
            kind = interrupts.next() => match here {
                None => {
                    let advice = "the server goes on with it; `imc ps` shows what runs".to_owned();
                    let left = Failure::cancelled("the start was not waited for");
                    break Err(Failure { advice: Some(advice), ..left });
                }
                Some(_) if cancelled => std::process::exit(INTERRUPTED.into()),
                Some(here) if here.cancel_fetching() => {
                    cancelled = true;
                    show.say("cancelling the start; finished layers are kept");
                }
                // Nothing is to be put in order: the next command finds what was begun.
                Some(_) => interrupts::obey(kind),
            },
            _ = tick.tick() => here.iter().for_each(|here| show.refresh(&layers(here.fetching()))),
        }
    };
    interrupts.end_the_process();
    here.iter().for_each(|here| show.refresh(&layers(here.fetching())));
    show.end();
    done
}

/// Waits for a build that a server runs, and shows how far it is; its layers, as far as they were told. An interrupt leaves it
/// to the server.
pub(crate) async fn follow_elsewhere(
    mut watch: ProgressWatch,
    cache: &Cache,
    printer: &Printer,
) -> Result<Vec<LayerProgress>, Failure> {
    let mut show = show(printer);
    let mut interrupts = Interrupts::listen()?;
    let mut layers = Vec::new();
    let ended = loop {
        tokio::select! {
            biased;
            _ = interrupts.next() => {
                let advice = "the server goes on with it; `imc show NAME` tells how far it is".to_owned();
                let left = Failure::cancelled("the build was not waited for");
                break Err(Failure { advice: Some(advice), ..left });
            }
            told = watch.next() => match told {
                Ok(Some(progress)) => {
                    if !progress.layers.is_empty() {
                        layers = progress.layers;
                        show.refresh(&layers);
                    }
                    // What is copied elsewhere afterwards is nothing to wait for.
                    if !CacheState::from(progress.state).is_building() {
                        break Ok(());
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(unless_gone(error, cache)),
            }
        }
    };
    interrupts.end_the_process();
    show.end();
    ended.map(|()| layers)
}

/// Why a cache that was asked for cannot be looked at. A client token is answered as the first time, also where the cache of
/// that time was deleted since.
pub(crate) fn unless_gone(error: client::Error, cache: &Cache) -> Failure {
    match error.problem_kind() {
        Some(ProblemKind::NotFound) => Failure::not_found(
            format!(
                "failed to wait for the cache `{}` ({}): it was deleted since it was asked for",
                cache.name, cache.id
            ),
            "create it again, with another `--client-token` where one was said",
        ),
        _ => error.into(),
    }
}

fn show(printer: &Printer) -> Box<dyn Show + Send> {
    match (printer.is_live(), printer.is_silent()) {
        (true, _) => Box::new(Bars::new()),
        (false, true) => Box::new(Nothing),
        (false, false) => Box::new(Lines { printer: printer.clone(), phases: HashMap::new() }),
    }
}

trait Show {
    fn refresh(&mut self, layers: &[LayerProgress]);
    /// A line that stays, whatever moves below it.
    fn say(&mut self, text: &str);
    fn end(&mut self) {}
}

struct Nothing;

impl Show for Nothing {
    fn refresh(&mut self, _: &[LayerProgress]) {}
    fn say(&mut self, _: &str) {}
}

/// `sha256:0123456789ab`, enough to recognise it.
pub(crate) fn short(digest: &str) -> String {
    digest.chars().take(19).collect()
}

struct Lines {
    printer: Printer,
    phases: HashMap<String, LayerPhase>,
}

impl Show for Lines {
    fn refresh(&mut self, layers: &[LayerProgress]) {
        for layer in layers {
            if self.phases.insert(layer.diff_id.clone(), layer.phase) == Some(layer.phase) {
                continue;
            }
            let what = match layer.phase {
                LayerPhase::Waiting => continue,
                LayerPhase::Unpacking => "fetching and unpacking",
                // How much it takes is what `imc show` says: the tar's length that is known here is another number.
                LayerPhase::Done => "done",
                LayerPhase::Reused => "already here",
            };
            self.printer.note(&format!(
                "layer {} ({}): {what}",
                short(&layer.digest),
                layer.compressed_bytes
            ));
        }
    }

    fn say(&mut self, text: &str) {
        self.printer.note(text);
    }
}
