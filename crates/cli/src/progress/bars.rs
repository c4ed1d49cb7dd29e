//! Progress on a terminal: a bar for each layer that is being unpacked, and a line for all of them.
//!
//! Layers that wait or are finished have no bar, so that however many there are the moving ones fit the rows.

use std::collections::HashMap;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use model::ByteSize;
use wire::{LayerPhase, LayerProgress};

use super::{Show, short};
use crate::printer::printable;

/// A bar of some use and what stands beside it fit into so many columns.
const COLUMNS_FOR_A_BAR: u16 = 72;

pub(super) struct Bars {
    all: MultiProgress,
    /// The first row, since the last ones are left out where a terminal has too few. Before the layers are known it says
    /// so: a registry may take its time.
    total: ProgressBar,
    unpacking: HashMap<String, ProgressBar>,
    style: ProgressStyle,
    /// Whether the terminal has room for a bar.
    wide: bool,
}

impl Bars {
    pub(super) fn new() -> Self {
        let all = MultiProgress::new();
        let total = all.add(ProgressBar::new_spinner());
        // Cut at the terminal's edge: a row that wraps is never cleared.
        total.set_style(style("{spinner} {wide_msg}"));
        total.set_message("resolving the images");
        let wide = rustix::termios::tcgetwinsize(rustix::stdio::stderr())
            .is_ok_and(|size| size.ws_col >= COLUMNS_FOR_A_BAR);
        let template = match wide {
            true => "{prefix} {wide_bar} {bytes:>11}/{total_bytes:<11} {msg:<9}",
            false => "{wide_msg}",
        };
        Self { all, total, unpacking: HashMap::new(), style: style(template), wide }
    }

    fn show_layer(&mut self, layer: &LayerProgress) {
        let bar = self.unpacking.entry(layer.diff_id.clone()).or_insert_with(|| {
            let bar = self.all.add(ProgressBar::new(layer.compressed_bytes.as_u64()));
            bar.set_style(self.style.clone());
            bar.set_prefix(short(&layer.digest));
            bar
        });
        let whole = layer.fetched_bytes >= layer.compressed_bytes;
        let doing = if whole { "finishing" } else { "unpacking" };
        bar.set_position(layer.fetched_bytes.as_u64());
        bar.set_message(match self.wide {
            true => doing.to_owned(),
            false => format!(
                "{} {} of {}, {doing}",
                short(&layer.digest),
                layer.fetched_bytes,
                layer.compressed_bytes
            ),
        });
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// `3 of 12 layers, 4 already here, 1.2 MiB fetched of 3.4 MiB`
fn sum(layers: &[LayerProgress]) -> String {
    let count = |phase| layers.iter().filter(|layer| layer.phase == phase).count();
    let (done, reused) = (count(LayerPhase::Done), count(LayerPhase::Reused));
    let wanted = || layers.iter().filter(|layer| layer.phase != LayerPhase::Reused);
    let bytes = |each: fn(&LayerProgress) -> ByteSize| {
        wanted().fold(ByteSize::ZERO, |sum, layer| sum.plus(each(layer)))
    };
    let here = if reused > 0 { format!(", {reused} already here") } else { String::new() };
    let (fetched, size) = (bytes(|layer| layer.fetched_bytes), bytes(|layer| layer.compressed_bytes));
    format!("{} of {} layers{here}, {fetched} of {size} fetched", done + reused, layers.len())
}

impl Show for Bars {
    fn refresh(&mut self, layers: &[LayerProgress]) {
        for layer in layers {
            match layer.phase {
                LayerPhase::Unpacking => self.show_layer(layer),
                LayerPhase::Waiting => {}
                LayerPhase::Done | LayerPhase::Reused => {
                    if let Some(bar) = self.unpacking.remove(&layer.diff_id) {
                        bar.finish_and_clear();
                        self.all.remove(&bar);
                    }
                }
            }
        }
        if !layers.is_empty() {
            self.total.set_message(sum(layers));
        }
        self.total.tick();
    }

    fn say(&mut self, text: &str) {
        // Above the bars: written past them it would be overwritten, or leave rows behind.
        let _ = self.all.println(printable(text));
    }

    fn end(&mut self) {
        for (_, bar) in self.unpacking.drain() {
            bar.finish_and_clear();
        }
        self.total.finish_and_clear();
    }
}
