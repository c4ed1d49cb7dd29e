//! Which problems an operation may answer with.

use std::collections::BTreeMap;

use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder, Responses};
use wire::{Problem, ProblemKind};

use ProblemKind as P;

/// Of every operation.
const ALWAYS: &[P] = &[P::UnknownParameter, P::InvalidParameter, P::Timeout, P::Internal, P::Busy];
/// Of those that need a token.
const SECURED: &[P] = &[P::Unauthorized, P::Forbidden, P::InvalidHeader, P::RecordsUnavailable];
/// Of those with a body.
const WITH_BODY: &[P] = &[
    P::InvalidBody,
    P::InvalidField,
    P::MissingField,
    P::UnknownField,
    P::BodyTooLarge,
    P::UnsupportedMediaType,
];
/// Of those that ask registries.
const REGISTRIES: &[P] = &[P::BadImage, P::RegistryUnauthorized, P::RegistryUnavailable];

/// What else each operation may answer with.
pub(super) const OWN: &[(&str, &[P])] = &[
    ("create_cache", &[P::QuotaReached, P::KeyReused, P::NoSpace, P::Unsupported]),
    ("list_caches", &[P::PageToken]),
    ("show_cache", &[P::NotFound]),
    (
        "update_cache",
        &[
            P::NotFound,
            P::Ambiguous,
            P::Building,
            P::Deleting,
            P::WrongState,
            P::KeyReused,
            P::NoSpace,
            P::Unsupported,
        ],
    ),
    ("delete_cache", &[P::NotFound, P::Ambiguous, P::InUse, P::Building, P::KeyReused]),
    ("cache_events", &[P::NotFound]),
    ("roll_back_cache", &[P::NotFound, P::Ambiguous, P::Building, P::Deleting, P::WrongState, P::KeyReused]),
    ("watch_cache", &[P::NotFound]),
    ("predict_size", &[]),
    ("match_images", &[]),
    ("show_usage", &[]),
    (
        "create_instance",
        &[P::NotFound, P::NameTaken, P::WrongState, P::SizeTooSmall, P::NoSpace, P::KeyReused],
    ),
    ("list_instances", &[P::PageToken]),
    ("show_instance", &[P::NotFound]),
    ("delete_instance", &[P::NotFound, P::WrongState, P::KeyReused]),
    ("stop_instance", &[P::NotFound, P::KeyReused]),
    ("instance_events", &[P::NotFound]),
    ("instance_logs", &[P::NotFound]),
    ("exec", &[P::NotFound, P::WrongState]),
    ("watch_changes", &[]),
    ("create_token", &[P::KeyReused, P::Unsupported]),
    ("list_tokens", &[]),
    ("revoke_token", &[P::NotFound, P::KeyReused]),
    ("create_account", &[P::NameTaken, P::KeyReused]),
    ("list_accounts", &[]),
    ("create_access_key", &[P::NotFound, P::Unsupported, P::KeyReused]),
    ("list_access_keys", &[]),
    ("update_access_key", &[P::NotFound, P::KeyReused]),
    ("delete_access_key", &[P::NotFound, P::KeyReused]),
    ("collect", &[P::KeyReused]),
    ("describe_api", &[]),
    ("health", &[]),
    ("readiness", &[]),
    ("metrics", &[]),
];

/// The operations that ask registries.
const ASKING_REGISTRIES: &[&str] = &["predict_size", "create_instance"];

pub(super) fn add(responses: &mut Responses, operation: &str, has_body: bool, is_open: bool) {
    let own = OWN.iter().find(|(id, _)| *id == operation).map_or(&[][..], |(_, kinds)| kinds);
    let mut kinds: Vec<P> = ALWAYS.iter().chain(own).copied().collect();
    if !is_open {
        kinds.extend(SECURED);
    }
    if has_body {
        kinds.extend(WITH_BODY);
    }
    if ASKING_REGISTRIES.contains(&operation) {
        kinds.extend(REGISTRIES);
    }
    let mut by_status: BTreeMap<u16, Vec<P>> = BTreeMap::new();
    for kind in kinds {
        by_status.entry(kind.status()).or_default().push(kind);
    }
    for (status, kinds) in by_status {
        responses.responses.entry(status.to_string()).or_insert_with(|| response(&kinds).into());
    }
}

fn response(kinds: &[P]) -> utoipa::openapi::Response {
    let titles: Vec<&str> = kinds.iter().map(|kind| kind.title()).collect();
    let examples = kinds.iter().map(|kind| {
        let word = kind.word();
        (word, RefOr::<Example>::Ref(Ref::new(format!("#/components/examples/{word}"))))
    });
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build();
    ResponseBuilder::new().description(titles.join("; ")).content(Problem::MEDIA_TYPE, content).build()
}

/// An example of every problem, by its word.
pub(super) fn examples() -> impl Iterator<Item = (String, RefOr<Example>)> {
    P::ALL.iter().map(|kind| {
        let problem = serde_json::to_value(Problem::of(*kind)).expect("a problem is plain data");
        let example = ExampleBuilder::new().summary(kind.title()).value(Some(problem)).build();
        (kind.word().to_owned(), example.into())
    })
}
