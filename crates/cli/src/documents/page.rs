//! `docs/json.md` is a sample of every document. `IMC_UPDATE_DOCS=1` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use engine::{CacheView, Collected, MatchAnswer, MatchQuestion};
use model::matching::{
    Grade, ImageMatch, Left, LeftBecause, MatchCondition, MatchPolicy, Ranking, Reason, Taken,
};
use model::prediction::{Evidence, ImagePrediction, LayerPrediction, Prediction};
use model::{
    AccountId, BlobKey, BuildFailure, ByteSize, CachePolicy, CacheState, Compression, Event, EventKind,
    EventReason, ExitStatus, ImageCache, InstanceState, LayerDescriptor, NewImageCache, Origin,
    RegistryAccess, SnapshotLayer, Subject, Timestamp,
};
use node::{Check, CheckResult};
use serde::Serialize;

use super::{
    Cache, CheckedConfig, Collection, Created, Image, Instance, LoggedIn, LoggedOut, Matched, Predicted,
    Setting, Shown, all,
};

const HEX: &str = "01a2086e6b2b734699def6a20c73d467";
const DIGEST: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

const HEAD: &str = "\
# What `--output json` says

Made from the program's own types by a test of `crates/cli`; `IMC_UPDATE_DOCS=1 cargo test -p cli page` writes it anew.

A command that succeeds writes one document to standard output. Sizes are bytes, times RFC 3339 in UTC, platforms
`OS/ARCH[/VARIANT]`, images as they were asked for. A field that has no value is `null`; further fields may be added.
`logs`, `completion`, `config example`, `exec` and `run` without `--detach` have no document: standard output is somebody else's.

Standard error has failures and warnings, a document for each, and what is logged, in lines (`IMC_LOG=off` for none); with
`exec` and `run` without `--detach` it is the container's as well. Where some of several targets fail, standard output says
what was done to the others.
";

fn cache(state: CacheState) -> ImageCache {
    let time = Timestamp::from_micros(1_764_000_000_000_000);
    let usable = state.is_usable();
    let new = NewImageCache {
        account: AccountId::local(),
        name: "web".parse().unwrap(),
        origin: Origin::Manual,
        images: vec!["docker.io/library/nginx:1.27".parse().unwrap()],
        platform: "linux/arm64".parse().unwrap(),
        size_limit: ByteSize::gib(20),
        policy: CachePolicy::default(),
        access: RegistryAccess::default(),
    };
    ImageCache {
        id: format!("imc-{HEX}").parse().unwrap(),
        state,
        snapshot: usable.then(|| format!("isn-{HEX}").parse().unwrap()),
        unpacked_size: usable.then(|| ByteSize::mib(190)),
        failure: (state == CacheState::Failed).then(|| BuildFailure {
            reason: "not-found".to_owned(),
            message: "failed to resolve the image docker.io/library/nginx:1.27".to_owned(),
        }),
        ..ImageCache::asked_for(new, time)
    }
}

fn view(state: CacheState, interrupted: bool) -> CacheView {
    CacheView { cache: cache(state), interrupted, expires: None }
}

fn created() -> Created {
    let ready = cache(CacheState::Ready);
    let fetched_bytes = ByteSize::mib(70);
    Created { cache: (&ready).into(), layers: 7, layers_reused: 1, fetched_bytes, seconds: 2.5 }
}

fn shown() -> Shown {
    let descriptor = LayerDescriptor {
        compression: Compression::Gzip,
        digest: DIGEST.parse().unwrap(),
        size: ByteSize::mib(28),
        urls: Vec::new(),
    };
    let diff_id = DIGEST.parse().unwrap();
    let layer = SnapshotLayer { diff_id, descriptor, blob_size: ByteSize::mib(74), root_is_given: true };
    let image = Image {
        image: "docker.io/library/nginx:1.27".to_owned(),
        manifest_digest: DIGEST.parse().unwrap(),
        platform: "linux/arm64/v8".to_owned(),
        merged: false,
        layers: vec![layer],
    };
    Shown { cache: (&view(CacheState::Ready, false)).into(), images_resolved: vec![image] }
}

fn instance(state: InstanceState) -> model::Instance {
    let time = Timestamp::from_micros(1_764_000_000_000_000);
    let ended = matches!(state, InstanceState::Exited(_));
    model::Instance {
        id: format!("ins-{HEX}").parse().unwrap(),
        name: "front".parse().unwrap(),
        account: AccountId::local(),
        image: "docker.io/library/nginx:1.27".parse().unwrap(),
        manifest_digest: DIGEST.parse().unwrap(),
        snapshot: format!("isn-{HEX}").parse().unwrap(),
        cache: Some(format!("imc-{HEX}").parse().unwrap()),
        command: vec!["nginx".to_owned(), "-g".to_owned(), "daemon off;".to_owned()],
        state,
        pid: (state == InstanceState::Running).then_some(4321),
        remove_on_exit: false,
        created: time,
        started: Some(time),
        finished: ended.then(|| time.plus_micros(5_000_000)),
    }
}

fn events() -> Vec<Event> {
    let subject = Subject::Cache(format!("imc-{HEX}").parse().unwrap());
    let time = Timestamp::from_micros(1_764_000_000_000_000);
    vec![Event::once(subject, EventKind::Normal, EventReason::Ready, "190.0 MiB unpacked", time)]
}

fn collected() -> Collected {
    let mut collected = Collected::default();
    collected.store.deleted = vec![BlobKey::Layer(DIGEST.parse().unwrap())];
    collected.store.freed = ByteSize::mib(74);
    collected.store.kept = 6;
    collected.snapshots = vec![format!("isn-{HEX}").parse().unwrap()];
    collected
}

fn matched() -> Matched {
    let size = ByteSize::mib(74);
    let taken = Taken {
        id: format!("imc-{HEX}").parse().unwrap(),
        reason: Reason {
            grade: Grade::Content { perfect: false, saved: size },
            wanted: 1,
            size: ByteSize::mib(10),
        },
        images: vec![ImageMatch::Layers { bytes: size, of: ByteSize::mib(190) }],
    };
    let left =
        Left { id: format!("imc-{HEX}").parse().unwrap(), because: LeftBecause::State(CacheState::Creating) };
    let ranking = Ranking {
        taken: vec![taken],
        left: vec![left],
        taken_in_all: 1,
        left_in_all: 1,
        nothing_in_common: 5,
    };
    let question = MatchQuestion {
        images: vec!["docker.io/library/nginx:1.27".parse().unwrap()],
        platform: "linux/amd64".parse().unwrap(),
        policy: MatchPolicy::Content,
        condition: MatchCondition::Any,
        space: None,
        limit: 20,
        registries: None,
    };
    let names = [(format!("imc-{HEX}").parse().unwrap(), "web".parse().unwrap())].into();
    Matched::new(&question, &MatchAnswer { ranking, by_name_only: Vec::new() }, &names)
}

fn predicted() -> Predicted {
    let (unpacked, evidence) = Evidence::of_served(Compression::Gzip, ByteSize::mib(28), None);
    let layer = LayerPrediction {
        diff_id: DIGEST.parse().unwrap(),
        digest: DIGEST.parse().unwrap(),
        compression: Compression::Gzip,
        compressed: ByteSize::mib(28),
        unpacked,
        evidence,
        is_here: false,
    };
    let source = "docker.io/library/nginx:1.27".parse().unwrap();
    let image =
        ImagePrediction::new(source, DIGEST.parse().unwrap(), "linux/amd64".parse().unwrap(), vec![layer]);
    (&Prediction::new(vec![image])).into()
}

fn section<T: Serialize>(page: &mut String, title: &str, about: &str, document: &T) {
    let document = serde_json::to_string_pretty(document).unwrap();
    write!(page, "\n## {title}\n\n{about}\n\n```json\n{document}\n```\n").unwrap();
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    let caches: Vec<Cache> = all(&[view(CacheState::Creating, true), view(CacheState::Failed, false)]);
    let about = "The caches, oldest first. `interrupted` says that the build's process ended in the middle.";
    section(&mut page, "list", about, &caches);
    section(&mut page, "create", "The cache as in `list`, and what its build took.", &created());
    let about = "The cache as in `list`, and what its images were pinned to; none before it is built.";
    section(&mut page, "show", about, &shown());
    let deleted: Vec<Cache> = all(&[cache(CacheState::Ready)]);
    section(&mut page, "delete", "The caches that were deleted, as they were last.", &deleted);
    section(&mut page, "events", "What happened to the subject, oldest first.", &events());
    let about = "Which caches serve the images, best first, and which have something of them and may not be used. `match` is \
                 `exact`, `same-digest`, `all-layers`, `other-tag`, `some-layers` or `missing`; `policy` says whose rules ranked.";
    section(&mut page, "match", about, &matched());
    let about = "What images will take. `evidence` is what an unpacked size is known by: `unpacked` (it was unpacked before), \
                 `plain`, `gzip-trailer`, `zstd-header` or `ratio`.";
    section(&mut page, "predict", about, &predicted());
    let instances: Vec<Instance> = all(&[
        instance(InstanceState::Running),
        instance(InstanceState::Exited(ExitStatus::Code(0))),
        instance(InstanceState::Exited(ExitStatus::Signal(9))),
    ]);
    let about = "Instances: those that there are, that were stopped, that were removed. `exit` has a `code` or a `signal`, or \
                 neither where nobody saw the end. `run --detach` says the one that it started.";
    section(&mut page, "ps, stop, rm", about, &instances);
    let room = Collection {
        collected: &collected(),
        free_space: ByteSize::gib(120),
        total_space: ByteSize::gib(500),
    };
    section(
        &mut page,
        "gc",
        "What was deleted, or with `--dry-run` would be, and the room that there is.",
        &room,
    );
    let (found, advice) = ("6.12.1".to_owned(), String::new());
    let check = [Check { name: "kernel", result: CheckResult::Ok, found, advice }];
    let about = "What was found out of the machine; `result` is `ok`, `warn` or `fail`.";
    section(&mut page, "doctor", about, &check);
    let loaded = settings::load(&settings::Sources {
        environment: vec![("IMC_MAX_CONNECTIONS".into(), "200".into())],
        file: Some(settings::File {
            path: "/etc/imc/imc.toml".into(),
            text: "[server]\nlisten = [\"0.0.0.0:7420\"]\n".to_owned(),
        }),
        ..settings::Sources::none(settings::Machine { processors: 4 })
    });
    let loaded = loaded.unwrap();
    let some = ["data_dir", "server.listen", "server.max_connections", "server.tls_cert_file"];
    let shown = loaded.entries.iter().filter(|entry| some.contains(&entry.key));
    let shown: Vec<Setting> = shown.map(Setting::from).collect();
    let about = "Every setting, a few of them here. A value is a number, a text, a list of texts, or `null` where it is unset; a \
                 price is a text, and a secret is `***`. `origin` is `default`, `file`, `environment` or `command-line`, and \
                 `place` the line, the variable or the option.";
    section(&mut page, "config show", about, &shown);
    let checked = CheckedConfig { file: "/etc/imc/imc.toml".to_owned(), settings: 1 };
    section(
        &mut page,
        "config check",
        "How many settings the file has; what is wrong is a failure each.",
        &checked,
    );
    let config = "/home/alice/.docker/config.json".to_owned();
    let logged_in =
        LoggedIn { registry: "registry.example".to_owned(), username: "alice".to_owned(), config };
    section(
        &mut page,
        "login",
        "Where the credentials are kept, itself or by the helper that it names.",
        &logged_in,
    );
    let logged_out = LoggedOut { registry: "registry.example".to_owned(), forgotten: true };
    section(&mut page, "logout", "`forgotten` is false where there were none.", &logged_out);
    let failure = crate::exit::Failure::not_found("failed to find `web`", "`imc list` shows the caches");
    let about = "What failed, on standard error. `kind` is a stable word; the exit statuses are those of `imc --help`.";
    section(&mut page, "Failures", about, &crate::printer::failure_document(&failure));
    let warning =
        crate::printer::warning_document("the start could not be recorded: no space left on device");
    let about = "What is not as it should be and did not stop the work, on standard error.";
    section(&mut page, "Warnings", about, &warning);
    page
}

#[test]
fn the_page_of_documents_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/json.md");
    let page = page();
    if std::env::var_os("IMC_UPDATE_DOCS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page, "docs/json.md is old: IMC_UPDATE_DOCS=1 cargo test -p cli page");
}
