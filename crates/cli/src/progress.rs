//! The progress of a build: a bar per layer on a terminal, plain lines elsewhere.

use std::collections::HashMap;
use std::time::Duration;

use engine::{BuildHandle, BuildProgress, LayerPhase, LayerProgress};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use model::{ByteSize, DiffId};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::{Failure, INTERRUPTED};
use crate::printer::Printer;

/// Short enough to look alive, long enough to cost nothing.
const REFRESH: Duration = Duration::from_millis(100);

/// Waits for a build and shows how far it is. An interrupt cancels the build, which is then waited for; a second one does not wait.
pub(crate) async fn follow(build: &mut BuildHandle, printer: &Printer) -> Result<model::ImageCache, Failure> {
    let progress = build.progress.clone();
    let cancel = build.cancellation();
    let mut show: Box<dyn Show + Send> = match (printer.is_live(), printer.is_quiet()) {
        (true, _) => Box::new(Bars::new()),
        (false, true) => Box::new(Nothing),
        (false, false) => Box::new(Lines { printer: *printer, phases: HashMap::new() }),
    };
    let mut tick = tokio::time::interval(REFRESH);
    let mut interrupts = Interrupts::listen()?;
    let mut cancelled = false;
    let built = loop {
        tokio::select! {
            biased;
            built = build.finished() => break built,
            () = interrupts.next() => {
                if cancelled {
                    // The records say later that it was interrupted; nothing partial is visible.
                    std::process::exit(INTERRUPTED.into());
                }
                cancelled = true;
                printer.note("cancelling the build; finished layers are kept");
                cancel.cancel();
            }
            _ = tick.tick() => show.refresh(&progress),
        }
    };
    show.refresh(&progress);
    show.end();
    Ok(built?)
}

/// Ctrl-C and the signal of service managers, heard from now on.
struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::system("listen for signals", &error));
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

trait Show {
    fn refresh(&mut self, progress: &BuildProgress);
    fn end(&mut self) {}
}

struct Nothing;

impl Show for Nothing {
    fn refresh(&mut self, _: &BuildProgress) {}
}

/// `sha256:0123456789ab`, enough to recognise it.
pub(crate) fn short(digest: &model::BlobDigest) -> String {
    digest.to_string().chars().take(19).collect()
}

struct Bars {
    all: MultiProgress,
    /// Shown until the layers are known: a registry may take its time.
    resolving: ProgressBar,
    bars: HashMap<DiffId, ProgressBar>,
}

impl Bars {
    fn new() -> Self {
        let all = MultiProgress::new();
        let resolving = all.add(ProgressBar::new_spinner().with_message("resolving the images"));
        Self { all, resolving, bars: HashMap::new() }
    }

    fn bar(&mut self, layer: &LayerProgress) -> &ProgressBar {
        self.bars.entry(layer.diff_id).or_insert_with(|| {
            let bar = self.all.add(ProgressBar::new(layer.size.as_u64()));
            let style = ProgressStyle::with_template("{prefix} {bar:20} {bytes:>11}/{total_bytes:<11} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(short(&layer.digest));
            bar
        })
    }
}

impl Show for Bars {
    fn refresh(&mut self, progress: &BuildProgress) {
        let layers = progress.layers();
        if layers.is_empty() {
            self.resolving.tick();
        } else {
            self.resolving.finish_and_clear();
        }
        for layer in layers {
            let bar = self.bar(&layer);
            let (position, message) = match layer.phase {
                LayerPhase::Done => (layer.size, "done"),
                LayerPhase::Reused => (layer.size, "already here"),
                LayerPhase::Waiting => (ByteSize::ZERO, "waiting"),
                LayerPhase::Unpacking if layer.fetched >= layer.size => (layer.size, "finishing"),
                LayerPhase::Unpacking => (layer.fetched, "unpacking"),
            };
            bar.set_position(position.as_u64());
            bar.set_message(message);
        }
    }

    fn end(&mut self) {
        self.resolving.finish_and_clear();
        for bar in self.bars.values() {
            bar.abandon();
        }
    }
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
                LayerPhase::Unpacking => "fetching and unpacking".to_owned(),
                LayerPhase::Done => format!("done, {} unpacked", layer.unpacked),
                LayerPhase::Reused => "already here".to_owned(),
            };
            self.printer.note(&format!("layer {} ({}): {what}", short(&layer.digest), layer.size));
        }
    }
}
