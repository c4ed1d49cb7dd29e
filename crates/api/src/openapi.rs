//! The OpenAPI document of `/v1`: what the routes say of themselves, with what holds for all of them.

mod problems;

use std::sync::OnceLock;

use utoipa::PartialSchema as _;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem, Paths};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi, RefOr, Required, Response,
    schema::Type,
};
use wire::Problem;

/// The name of the security scheme.
const BEARER: &str = "bearer";
/// Accounts, as `model::AccountId` takes them.
const ACCOUNT: &str = "^[a-z0-9][a-z0-9_-]{0,63}$";

/// The OpenAPI document.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut document = crate::routes::described().into_openapi();
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    document.info = InfoBuilder::new()
        .title("imc")
        .version("1")
        .description(Some(
            "Image caches for containers. Times are RFC 3339 in UTC, sizes are bytes. Every answer that is no success is a \
             problem (RFC 9457). A request needs a bearer token, unless it comes over the server's unix socket from root or the \
             server's own user.",
        ))
        .license(Some(license))
        .build();
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        complete(operation);
    }
    let components = document.components.get_or_insert_with(|| ComponentsBuilder::new().build());
    components.schemas.insert("Problem".to_owned(), Problem::schema());
    components.examples.extend(problems::examples());
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("imct_...")
        .description(Some("A token of `imc token create` or `POST /v1/tokens`"))
        .build();
    components.security_schemes.insert(BEARER.to_owned(), SecurityScheme::Http(bearer).into());
    document
}

/// The document as text. It never changes while the program runs.
pub(crate) fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| openapi().to_pretty_json().expect("a description is plain data"))
}

/// The methods that a route knows.
pub(crate) fn methods(route: &str) -> impl Iterator<Item = &'static str> {
    static PATHS: OnceLock<Paths> = OnceLock::new();
    let paths = PATHS.get_or_init(|| crate::routes::described().into_openapi().paths);
    let item = paths.paths.get(route);
    let has =
        |operation: fn(&PathItem) -> &Option<Operation>| item.is_some_and(|item| operation(item).is_some());
    let get = has(|item| &item.get);
    let known = [
        ("GET", get),
        ("HEAD", get),
        ("POST", has(|item| &item.post)),
        ("PATCH", has(|item| &item.patch)),
        ("DELETE", has(|item| &item.delete)),
    ];
    known.into_iter().filter(|(_, is_known)| *is_known).map(|(method, _)| method)
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let all = [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete, &mut item.put];
    all.into_iter().filter_map(Option::as_mut)
}

/// What holds for every operation, or every one that needs a token.
fn complete(operation: &mut Operation) {
    let is_open = operation.security.is_some();
    if !is_open {
        operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(BEARER, [])]);
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(ACCOUNT)).build();
        let account = ParameterBuilder::new()
            .name("X-Imc-Account")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("The account to act for; needs the scope `admin`"))
            .schema(Some(text))
            .build();
        operation.parameters.get_or_insert_default().push(account.into());
    }
    operation.responses.responses.values_mut().for_each(describe_stream);
    let id = operation.operation_id.clone().unwrap_or_default();
    let has_body = operation.request_body.is_some();
    problems::add(&mut operation.responses, &id, has_body, is_open);
}

/// A stream is described by its events, as the schema of an event of `text/event-stream`; what their data are is said in them.
fn describe_stream(response: &mut RefOr<Response>) {
    let RefOr::T(response) = response else { return };
    let Some(RefOr::T(content)) = response.content.get_mut("text/event-stream") else { return };
    let Some(data) = content.schema.take() else { return };
    let data_schema = serde_json::to_value(&data).expect("a description is plain data");
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let event = ObjectBuilder::new()
        .description(Some("An event. `ready` and `end` have empty data; `problem` has a problem"))
        .property("event", text().description(Some("What it is")))
        .property("id", text().description(Some("For the header `Last-Event-ID` of whoever goes on with it")))
        .property(
            "data",
            text()
                .content_media_type("application/json")
                .extensions(Some(ExtensionsBuilder::new().add("x-schema", data_schema).build())),
        )
        .required("data")
        .build();
    content.schema = Some(event.into());
}
