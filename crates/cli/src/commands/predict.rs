//! `imc predict`: what images will take.

use std::process::ExitCode;

use model::ImageSource;
use wire::{Expected, PredictSize, PredictedLayer, Prediction};

use super::create::absolute;
use crate::args::PredictArgs;
use crate::documents;
use crate::exit::Failure;
use crate::printer::Printer;
use crate::progress::short;
use crate::session::Session;

pub(crate) async fn predict(
    session: &Session,
    args: PredictArgs,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let images: Vec<ImageSource> = args.images.into_iter().map(absolute).collect::<Result<_, _>>()?;
    let access = session.access(&images).await?;
    let request = PredictSize {
        images,
        platform: Some(args.platform),
        plain_http: access.plain_http,
        insecure: access.insecure,
        credentials: access.credentials,
    };
    let prediction = session.client.predict_size(&request).await?;
    printer.result(&documents::Predicted::from(&prediction), || lines(&prediction));
    Ok(ExitCode::SUCCESS)
}

fn lines(prediction: &Prediction) -> Vec<String> {
    let mut lines = Vec::new();
    for image in &prediction.images {
        let unpacked = size(image.totals.unpacked);
        lines.push(format!("{} ({}): {unpacked} unpacked", image.source, image.manifest_digest));
        lines.extend(image.layers.iter().map(layer_line));
    }
    let totals = &prediction.totals;
    lines.push(format!(
        "in all {} served, {} of it here, {} to fetch; {} unpacked",
        totals.compressed_bytes,
        totals.here_bytes,
        totals.to_fetch_bytes,
        size(totals.unpacked)
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

/// As the model has it.
fn size(expected: Expected) -> String {
    let Expected { low_bytes, likely_bytes, high_bytes } = expected;
    match expected.is_exact() {
        true => likely_bytes.to_string(),
        false => format!("about {likely_bytes} ({low_bytes} to {high_bytes})"),
    }
}

fn layer_line(layer: &PredictedLayer) -> String {
    let here = if layer.is_here { "here" } else { "to fetch" };
    let (digest, unpacked) = (short(&layer.digest), size(layer.unpacked));
    format!("  {digest} {}, {here}: {unpacked} unpacked (by {})", layer.compressed_bytes, layer.evidence)
}
