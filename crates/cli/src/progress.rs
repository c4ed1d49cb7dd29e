//! The progress of a build: a bar per layer on a terminal, plain lines elsewhere.

mod bars;

use std::collections::HashMap;
use std::time::Duration;

use engine::{BuildHandle, BuildProgress, LayerPhase};
use model::DiffId;

use bars::Bars;

use crate::exit::{Failure, INTERRUPTED};
use crate::interrupts::Interrupts;
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
            _ = tick.tick() => show.refresh(&progress),
        }
    };
    interrupts.end_the_process();
    show.refresh(&progress);
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
            _ = tick.tick() => show.refresh(progress),
        }
    };
    interrupts.end_the_process();
    show.refresh(progress);
    show.end();
    Ok(done)
}

fn show(printer: &Printer) -> Box<dyn Show + Send> {
    match (printer.is_live(), printer.is_silent()) {
        (true, _) => Box::new(Bars::new()),
        (false, true) => Box::new(Nothing),
        (false, false) => Box::new(Lines { printer: printer.clone(), phases: HashMap::new() }),
    }
}

trait Show {
    fn refresh(&mut self, progress: &BuildProgress);
    /// A line that stays, whatever moves below it.
    fn say(&mut self, text: &str);
    fn end(&mut self) {}
}

struct Nothing;

impl Show for Nothing {
    fn refresh(&mut self, _: &BuildProgress) {}
    fn say(&mut self, _: &str) {}
}

/// `sha256:0123456789ab`, enough to recognise it.
pub(crate) fn short(digest: &model::BlobDigest) -> String {
    digest.to_string().chars().take(19).collect()
}

struct Lines {
    printer: Printer,
    phases: HashMap<DiffId, LayerPhase>,
}

impl Show for Lines {
    fn refresh(&mut self, progress: &BuildProgress) {
        for layer in progress.layers() {
            if self.phases.insert(layer.diff_id, layer.phase) == Some(layer.phase) {
                continue;
            }
            let what = match layer.phase {
                LayerPhase::Waiting => continue,
                LayerPhase::Unpacking => "fetching and unpacking",
                // How much it takes is what `imc show` says: the tar's length that is known here is another number.
                LayerPhase::Done => "done",
                LayerPhase::Reused => "already here",
            };
            self.printer.note(&format!("layer {} ({}): {what}", short(&layer.digest), layer.size));
        }
    }

    fn say(&mut self, text: &str) {
        self.printer.note(text);
    }
}
