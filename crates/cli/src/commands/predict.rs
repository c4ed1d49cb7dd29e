//! `imc predict`: what images will take.

use std::collections::BTreeMap;
use std::process::ExitCode;

use engine::PredictRequest;
use model::RegistryAccess;
use model::prediction::{LayerPrediction, Prediction};

use super::create::absolute;
use crate::app::App;
use crate::args::PredictArgs;
use crate::documents;
use crate::exit::Failure;
use crate::printer::Printer;
use crate::progress::short;

pub(crate) async fn predict(app: &App, args: PredictArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let request = PredictRequest {
        images: args.images.into_iter().map(absolute).collect::<Result<_, _>>()?,
        platform: args.platform,
        access: RegistryAccess::default(),
        credentials: BTreeMap::new(),
    };
    let prediction = app.engine.predict(request).await?;
    printer.result(&documents::Predicted::from(&prediction), || lines(&prediction));
    Ok(ExitCode::SUCCESS)
}

fn lines(prediction: &Prediction) -> Vec<String> {
    let mut lines = Vec::new();
    for image in &prediction.images {
        let totals = &image.totals;
        lines.push(format!("{} ({}): {} unpacked", image.source, image.manifest_digest, totals.unpacked));
        lines.extend(image.layers.iter().map(layer_line));
    }
    let totals = &prediction.totals;
    lines.push(format!(
        "in all {} served, {} of it here, {} to fetch; {} unpacked",
        totals.compressed, totals.here, totals.to_fetch, totals.unpacked
    ));
    let (smallest, suggested) = (prediction.smallest_size_gib, prediction.suggested_size_gib);
    lines.push(match smallest == suggested {
        true => format!("smallest sufficient size: --size {smallest}"),
        false => {
            format!("smallest size that will likely do: --size {smallest}; to be sure: --size {suggested}")
        }
    });
    lines
}

fn layer_line(layer: &LayerPrediction) -> String {
    let here = if layer.is_here { "here" } else { "to fetch" };
    let (digest, evidence) = (short(&layer.digest), layer.evidence.as_str());
    format!("  {digest} {}, {here}: {} unpacked (by {evidence})", layer.compressed, layer.unpacked)
}
