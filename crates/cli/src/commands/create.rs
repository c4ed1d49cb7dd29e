//! `imc create`: a cache from images, with progress.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use engine::{BuildHandle, LayerPhase, NewCacheRequest};
use model::{ByteSize, ImageCache, ImageSource};

use crate::app::App;
use crate::args::CreateArgs;
use crate::documents::Created;
use crate::exit::Failure;
use crate::printer::Printer;
use crate::progress;

/// A cache and what its build took.
struct Built {
    cache: ImageCache,
    layers: usize,
    layers_reused: usize,
    fetched_bytes: ByteSize,
    seconds: f64,
}

impl Built {
    fn document(&self) -> Created {
        let Self { cache, layers, layers_reused, fetched_bytes, seconds } = self;
        Created {
            cache: cache.into(),
            layers: *layers,
            layers_reused: *layers_reused,
            fetched_bytes: *fetched_bytes,
            seconds: *seconds,
        }
    }
}

/// `imc` is how a further command over the same data directory begins.
pub(crate) async fn create(
    app: &App,
    args: CreateArgs,
    imc: &str,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let images = args.images.into_iter().map(absolute).collect::<Result<_, _>>()?;
    let new = NewCacheRequest {
        size_limit: Some(ByteSize::gib(args.size)),
        ..NewCacheRequest::new(app.account.clone(), args.name, images, args.platform)
    };
    let created = match app.engine.create_cache(new).await {
        Ok(build) => follow(build, printer).await,
        Err(error) => Err(error.into()),
    };
    // A cancelled build cleans up after itself before the process ends.
    app.shut_down().await;
    let created = created?;
    printer.result(&created.document(), || vec![sentence(&created)]);
    printer.note(&format!("start from it: {imc} run --rm -it {}", created.cache.name));
    Ok(ExitCode::SUCCESS)
}

/// Shows the progress of a build, to its end.
async fn follow(mut build: BuildHandle, printer: &Printer) -> Result<Built, Failure> {
    let begun = Instant::now();
    let cache = progress::follow(&mut build, printer).await?;
    let layers = build.progress.layers();
    let reused = layers.iter().filter(|layer| layer.phase == LayerPhase::Reused);
    Ok(Built {
        cache,
        layers: layers.len(),
        layers_reused: reused.count(),
        fetched_bytes: layers.iter().fold(ByteSize::ZERO, |sum, layer| sum.plus(layer.fetched)),
        seconds: begun.elapsed().as_secs_f64(),
    })
}

fn sentence(created: &Built) -> String {
    let Built { cache, layers, layers_reused, fetched_bytes, seconds } = created;
    format!(
        "cache {} ({}) is {}: {} unpacked, {layers} layers ({layers_reused} were here), {fetched_bytes} fetched in {seconds:.2} s",
        cache.name,
        cache.id,
        cache.state,
        cache.unpacked_size.unwrap_or_default(),
    )
}

/// Local sources by the path that holds wherever the record is read, and is the same however it was said.
pub(crate) fn absolute(source: ImageSource) -> Result<ImageSource, Failure> {
    let whole = |path: &Path| -> Result<PathBuf, Failure> {
        // What is not there, or not for us to see, is told later, by its name.
        path.canonicalize()
            .or_else(|_| std::path::absolute(path))
            .map_err(|error| Failure::system(format_args!("find {}", path.display()), &error))
    };
    Ok(match source {
        ImageSource::OciLayout { dir, name } => ImageSource::OciLayout { dir: whole(&dir)?, name },
        ImageSource::DockerArchive { file, name } => ImageSource::DockerArchive { file: whole(&file)?, name },
        registry @ ImageSource::Registry(_) => registry,
    })
}
