//! `imc serve`: the use-cases over the native API, and the reconcilers behind them, until it is told to stop.

mod clouds;
mod life;
mod listeners;
mod lock;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use api::serve::ServeLimits;
use api::{Edge, Limits, Metrics, PageKey, Parts};
use engine::{Daemon, Groups};
use model::AccountId;
use prometheus_client::registry::Registry as Numbers;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use settings::{Flag, Loaded, Settings};
use tokio_util::sync::CancellationToken;

use crate::app::{App, Logins, Opening, Room};
use crate::args::{RegistryArgs, ServeArgs};
use crate::configuration::{self, Said};
use crate::exit::Failure;
use crate::interrupts::Interrupts;
use crate::printer::Printer;
use crate::session::over_engine;
use crate::systemd::{Activated, Notifier, activated};
use crate::telemetry;

use life::Life;
use lock::Lock;

/// What is left when everything has been drained is cut after that long.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// Where the server is reached.
#[derive(Serialize)]
struct Serving {
    data_dir: String,
    listening: Vec<String>,
}

pub(crate) fn serve(said: &Said, args: &ServeArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    // Before anything else opens files: the numbers of these are given.
    let activated = activated()?;
    let loaded = configuration::read_with(said, flags(args), printer)?;
    let telemetry = telemetry::of_server(&loaded)?;
    let notifier = Notifier::of_environment()?;
    let runtime = super::runtime()?;
    let served = runtime.block_on(run(&loaded, activated, &notifier, printer));
    runtime.shutdown_timeout(LAST_PATIENCE);
    telemetry.shut_down();
    served
}

/// What the command line says over the configuration.
fn flags(args: &ServeArgs) -> Vec<Flag> {
    let mut flags = Vec::new();
    let mut flag = |key, option, values: Vec<OsString>| flags.push(Flag { key, option, values });
    if args.no_listen {
        flag("server.listen", "--no-listen", Vec::new());
    } else if !args.listen.is_empty() {
        flag(
            "server.listen",
            "--listen",
            args.listen.iter().map(|address| address.to_string().into()).collect(),
        );
    }
    let paths = [
        ("server.socket_file", "--socket", &args.socket),
        ("server.tls_cert_file", "--tls-cert", &args.tls_cert),
        ("server.tls_key_file", "--tls-key", &args.tls_key),
    ];
    for (key, option, path) in paths {
        if let Some(path) = path {
            flag(key, option, vec![path.clone().into_os_string()]);
        }
    }
    flags
}

async fn run(
    loaded: &Loaded,
    activated: Vec<Activated>,
    notifier: &Notifier,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let settings = &loaded.settings;
    notifier.status("opening the records");
    // From here on a signal ends the server in order, whatever it is at.
    let interrupts = Interrupts::listen()?;
    let registries = RegistryArgs::default().or(&settings.registries);
    let app = App::open(Opening {
        settings,
        account: AccountId::local(),
        registries: &registries,
        room: Room::Takes,
        logins: Logins::None,
    })
    .await?;
    let lock = Lock::take(settings)?;
    let stopping = CancellationToken::new();
    let edge = edge(&app, settings, stopping.clone())?;
    let (listeners, listening) = listeners::open(settings, activated).await?;
    let groups = Groups::new(app.use_cases.clone());
    let daemon = Daemon::start_with_groups(groups, app.in_use()).await?;
    let data_dir = settings.data_dir.display().to_string();
    let status = format!("serving {data_dir} on {}", listening.join(", "));
    printer.result(&Serving { data_dir, listening: listening.clone() }, || vec![status.clone()]);
    printer.note("whoever comes by TCP needs a token: imc token create --label NAME --scope caches:write");
    notifier.ready(&status);
    let life = Life { app: &app, edge: &edge, daemon, stopping, notifier, interrupts };
    let ended = life.live(listeners, serve_limits(settings), printer).await;
    app.keep_room();
    drop(lock);
    Ok(ended)
}

fn edge(app: &App, settings: &Settings, stopping: CancellationToken) -> Result<Edge, Failure> {
    let mut numbers = Numbers::default();
    let metrics = Metrics::register(&mut numbers);
    // Read at the start, so that a server without its keys says so before it takes credentials.
    let keys = app.keys.ring().map_err(|error| {
        let advice = "check secrets.key_file and its permissions, or IMC_SECRET_KEY";
        Failure::configuration(engine::chain(&error), advice)
    })?;
    Ok(Edge::new(Parts {
        service: Arc::new(over_engine(app, settings)),
        clock: Arc::clone(&app.clock),
        page_key: PageKey::derived_from(keys.to_text().expose_secret().as_bytes()),
        metrics,
        registry: Arc::new(numbers),
        limits: Limits {
            max_body_bytes: usize::try_from(settings.server.max_request.as_u64()).unwrap_or(usize::MAX),
            request_timeout: settings.server.request_timeout,
            ..Limits::default()
        },
        clouds: clouds::settings(&settings.clouds)?,
        stopping,
        join_trace: telemetry::join_trace(),
    }))
}

fn serve_limits(settings: &Settings) -> ServeLimits {
    ServeLimits {
        max_connections: settings.server.max_connections,
        header_timeout: settings.server.header_timeout,
        shutdown_deadline: settings.server.shutdown_deadline,
        ..ServeLimits::default()
    }
}
