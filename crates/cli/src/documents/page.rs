//! `docs/json.md` is a sample of every document. `IMC_UPDATE_DOCS=1` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use model::{
    AccountId, BlobKey, BuildFailure, ByteSize, CachePolicy, CacheState, Event, EventKind, EventReason,
    ExitStatus, ImageCache, InstanceState, NewImageCache, Origin, RegistryAccess, Subject, Timestamp,
};
use node::{Check, CheckResult};
use serde::Serialize;

use super::{
    Cache, CheckedConfig, Collection, Created, Instance, LoggedIn, LoggedOut, Matched, NewAccessKey,
    NewToken, Predicted, Rotated, Setting, Shown, all,
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
        notes: None,
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

fn told(state: CacheState, interrupted: bool) -> wire::Cache {
    wire::Cache::new(&cache(state), None, interrupted)
}

fn created() -> Created {
    let ready = told(CacheState::Ready, false);
    let fetched_bytes = ByteSize::mib(70);
    Created { cache: (&ready).into(), layers: 7, layers_reused: 1, fetched_bytes, seconds: 2.5 }
}

fn shown() -> Shown {
    let layer = wire::Layer {
        diff_id: DIGEST.to_owned(),
        digest: DIGEST.to_owned(),
        compressed_bytes: ByteSize::mib(28),
        unpacked_bytes: ByteSize::mib(74),
    };
    let image = wire::Image {
        source: "docker.io/library/nginx:1.27".parse().unwrap(),
        manifest_digest: DIGEST.to_owned(),
        index_digest: None,
        image_id: DIGEST.to_owned(),
        platform: "linux/arm64/v8".parse().unwrap(),
        is_merged: false,
        layers: vec![layer],
    };
    let sizes = wire::Sizes {
        unpacked_bytes: ByteSize::mib(190),
        exclusive_bytes: ByteSize::mib(116),
        shared_bytes: ByteSize::mib(74),
        generations_bytes: ByteSize::ZERO,
        compressed_bytes: ByteSize::mib(70),
    };
    let details = wire::CacheDetails {
        cache: told(CacheState::Ready, false),
        pinned: vec![image],
        pinned_at: Some(Timestamp::from_micros(1_764_000_000_000_000)),
        sizes: Some(sizes),
        cost: Some(wire::Cost {
            snapshot_gib_hours: 4.5,
            disk_gib_hours: 20.0,
            amount: 0.0,
            currency: Some("EUR".to_owned()),
        }),
        build: None,
        others_of_name: 0,
    };
    (&details).into()
}

fn token() -> wire::Token {
    let time = Timestamp::from_micros(1_764_000_000_000_000);
    wire::Token {
        id: "0a1b2c3d4e5f6071".to_owned(),
        label: "ci".to_owned(),
        account: "local".to_owned(),
        scopes: [wire::Scope::CachesWrite].into(),
        created: time,
        expires: Some(time.plus_micros(90 * 86_400 * 1_000_000)),
        revoked: None,
        last_used: None,
    }
}

fn account() -> wire::Account {
    let created = Timestamp::from_micros(1_764_000_000_000_000);
    wire::Account { id: "shop".to_owned(), label: "the web shop".to_owned(), created }
}

fn access_key() -> wire::AccessKey {
    wire::AccessKey {
        id: "LTAI5tExampleExampleXY01".parse().unwrap(),
        account: "shop".to_owned(),
        status: wire::KeyStatus::Enabled,
        label: "deploy".to_owned(),
        preset: Some(wire::PolicyPreset::Full),
        policy: serde_json::json!({"Version": "1", "Statement": [
            {"Effect": "Allow", "Action": ["eci:*", "tke:*"], "Resource": "*"}]}),
        created: Timestamp::from_micros(1_764_000_000_000_000),
        last_used: None,
    }
}

fn instance(state: InstanceState) -> model::Instance {
    let time = Timestamp::from_micros(1_764_000_000_000_000);
    let ended = state.has_ended();
    model::Instance {
        id: format!("ins-{HEX}").parse().unwrap(),
        name: "front".parse().unwrap(),
        account: AccountId::local(),
        image: "docker.io/library/nginx:1.27".parse().unwrap(),
        manifest_digest: DIGEST.parse().unwrap(),
        snapshot: format!("isn-{HEX}").parse().unwrap(),
        cache: Some(format!("imc-{HEX}").parse().unwrap()),
        group: None,
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

fn collected() -> Collection {
    let store = wire::Swept {
        deleted: vec![BlobKey::Layer(DIGEST.parse().unwrap())],
        freed_bytes: ByteSize::mib(74),
        kept: 6,
        ..wire::Swept::default()
    };
    let collection = wire::Collection {
        dry_run: false,
        store,
        standard: None,
        snapshots: vec![format!("isn-{HEX}").parse().unwrap()],
        free_bytes: ByteSize::gib(120),
        total_bytes: ByteSize::gib(500),
    };
    (&collection).into()
}

fn matched() -> Matched {
    let (image, name) = ("docker.io/library/nginx:1.27", "web".to_owned());
    let found = wire::ImageMatch {
        image: image.parse().unwrap(),
        is_whole: false,
        found: wire::Found::Layers,
        here_bytes: Some(ByteSize::mib(74)),
        of_bytes: Some(ByteSize::mib(190)),
    };
    let taken = wire::Taken {
        id: format!("imc-{HEX}").parse().unwrap(),
        name: name.clone(),
        state: wire::CacheState::Ready,
        is_perfect: false,
        images: vec![found],
        grade: wire::Grade::Content { perfect: false, saved_bytes: ByteSize::mib(74) },
        compared_bytes: ByteSize::mib(10),
    };
    let left = wire::Left {
        id: format!("imc-{HEX}").parse().unwrap(),
        name,
        state: wire::CacheState::Creating,
        because: wire::LeftBecause::State,
    };
    let ranking = wire::Ranking {
        taken: vec![taken],
        left: vec![left],
        taken_total: 1,
        left_total: 1,
        nothing_in_common: 5,
        by_name_only: Vec::new(),
    };
    let question = wire::FindMatches::of(vec![image.parse().unwrap()]);
    Matched::new(&question, &"linux/amd64".parse().unwrap(), &ranking)
}

fn predicted() -> Predicted {
    let unpacked = wire::Expected {
        low_bytes: ByteSize::mib(30),
        likely_bytes: ByteSize::mib(74),
        high_bytes: ByteSize::mib(150),
    };
    let totals = wire::Totals {
        compressed_bytes: ByteSize::mib(28),
        here_bytes: ByteSize::ZERO,
        to_fetch_bytes: ByteSize::mib(28),
        unpacked,
    };
    let layer = wire::PredictedLayer {
        diff_id: DIGEST.to_owned(),
        digest: DIGEST.to_owned(),
        compressed_bytes: ByteSize::mib(28),
        unpacked,
        evidence: "ratio".to_owned(),
        is_here: false,
    };
    let image = wire::PredictedImage {
        source: "docker.io/library/nginx:1.27".parse().unwrap(),
        manifest_digest: DIGEST.to_owned(),
        platform: "linux/amd64".parse().unwrap(),
        layers: vec![layer],
        totals,
    };
    let prediction =
        wire::Prediction { images: vec![image], totals, smallest_size_gib: 1, suggested_size_gib: 1 };
    (&prediction).into()
}

fn section<T: Serialize>(page: &mut String, title: &str, about: &str, document: &T) {
    let document = serde_json::to_string_pretty(document).unwrap();
    write!(page, "\n## {title}\n\n{about}\n\n```json\n{document}\n```\n").unwrap();
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    let caches: Vec<Cache> = all(&[told(CacheState::Creating, true), told(CacheState::Failed, false)]);
    let about = "The caches, oldest first. `interrupted` says that the build's process ended in the middle.";
    section(&mut page, "list", about, &caches);
    let about = "The cache as in `list`, and what its build took; `create --detach`, `update` of what is no image, and `rollback` \
                 say the cache alone.";
    section(&mut page, "create, update", about, &created());
    let about = "The cache as in `list`, and what its images were pinned to; none before it is built.";
    section(&mut page, "show", about, &shown());
    let deleted: Vec<Cache> = all(&[told(CacheState::Ready, false)]);
    let about = "The caches that were deleted, as they were last. Those that go once nothing uses them have `deleting` set.";
    section(&mut page, "delete", about, &deleted);
    let usage = wire::Usage { manual_caches: 3, manual_quota: 500, automatic_caches: 1, automatic_quota: 25 };
    section(&mut page, "usage", "How many caches the account has of each origin, and may have.", &usage);
    section(&mut page, "events", "What happened to the subject, oldest first.", &events());
    let about = "Which caches serve the images, best first, and which have something of them and may not be used. `match` is \
                 `exact`, `same-digest`, `all-layers`, `other-tag`, `some-layers` or `missing`; `policy` says whose rules ranked.";
    section(&mut page, "match", about, &matched());
    let about = "What images will take. `evidence` is what an unpacked size is known by: `unpacked` (it was unpacked before), \
                 `plain`, `gzip-trailer`, `zstd-header` or `ratio`.";
    section(&mut page, "predict", about, &predicted());
    let instances = [
        instance(InstanceState::Running),
        instance(InstanceState::Exited(ExitStatus::Code(0))),
        instance(InstanceState::Exited(ExitStatus::Signal(9))),
    ];
    let instances: Vec<wire::Instance> = instances.iter().map(wire::Instance::from).collect();
    let instances: Vec<Instance> = all(&instances);
    let about = "Instances: those that there are, that were stopped, that were removed. `exit` has a `code` or a `signal`, or \
                 neither where nobody saw the end. `run --detach` says the one that it started.";
    section(&mut page, "ps, stop, rm", about, &instances);
    section(
        &mut page,
        "gc",
        "What was deleted, or with `--dry-run` would be, and the room that there is.",
        &collected(),
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
    let about = "Every setting, a few of them here. A value is a number, `true` or `false`, a text, a list of texts, or `null` where \
                 it is unset; a price is a text, and a secret is `***`. `origin` is `default`, `file`, `environment` or `command-line`, and \
                 `place` the line, the variable or the option.";
    section(&mut page, "config show", about, &shown);
    let checked = CheckedConfig { file: "/etc/imc/imc.toml".to_owned(), settings: 1 };
    section(
        &mut page,
        "config check",
        "How many settings the file has; what is wrong is a failure each.",
        &checked,
    );
    let made = NewToken { token: &token(), secret: "imct_..." };
    section(&mut page, "token create", "The token, and what opens: it is told this once.", &made);
    section(&mut page, "token list, token revoke", "The tokens.", &[token()]);
    let account = account();
    section(&mut page, "account create", "The account.", &account);
    section(&mut page, "account list", "The accounts.", &[&account]);
    let made = NewAccessKey { key: &access_key(), secret: "..." };
    let about = "The access key, and its secret: it is told this once.";
    section(&mut page, "access-key create", about, &made);
    let about =
        "The access keys. `preset` is `full`, `read-only`, or `null` where it has a policy of its own.";
    section(
        &mut page,
        "access-key list, access-key enable, access-key disable, access-key delete",
        about,
        &[access_key()],
    );
    let rotated = Rotated {
        file: "/var/lib/imc/secret.key".to_owned(),
        key: "5f1d7a84db00d2fc".to_owned(),
        resealed: 12,
        keys_in_file: 2,
    };
    section(
        &mut page,
        "secrets rotate",
        "Which key seals from now on, and how much was sealed anew.",
        &rotated,
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
