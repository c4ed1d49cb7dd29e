//! The routes, a file per resource.

mod access_keys;
mod accounts;
mod begun;
mod cache;
mod caches;
mod changes;
mod checks;
mod collections;
mod exec;
mod instance;
mod instances;
mod logs;
mod matches;
mod paging;
mod predictions;
mod progress;
mod server;
mod tokens;
mod usage;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::edge::Edge;
use crate::peer::Peer;

/// Every route with its description.
pub(crate) fn described() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(caches::create, caches::list))
        .routes(routes!(cache::show, cache::update, cache::delete))
        .routes(routes!(cache::events))
        .routes(routes!(cache::roll_back))
        .routes(routes!(progress::watch))
        .routes(routes!(predictions::predict))
        .routes(routes!(matches::find))
        .routes(routes!(usage::show))
        .routes(routes!(instances::create, instances::list))
        .routes(routes!(instance::show, instance::delete))
        .routes(routes!(instance::stop))
        .routes(routes!(instance::events))
        .routes(routes!(logs::read))
        .routes(routes!(exec::run))
        .routes(routes!(changes::watch))
        .routes(routes!(tokens::create, tokens::list))
        .routes(routes!(tokens::revoke))
        .routes(routes!(accounts::create, accounts::list))
        .routes(routes!(access_keys::create, access_keys::list))
        .routes(routes!(access_keys::update, access_keys::delete))
        .routes(routes!(collections::collect))
        .routes(routes!(server::description))
        .routes(routes!(server::health))
        .routes(routes!(server::readiness))
        .routes(routes!(server::metrics))
}

/// The routes, with everything around them: a `tower` service.
pub fn router(edge: Edge) -> Router {
    let (router, _) = described().split_for_parts();
    let router = router.route(crate::clouds::ROUTE, axum::routing::any(crate::clouds::serve));
    router.layer(axum::middleware::from_fn_with_state(edge.clone(), crate::layers::around)).with_state(edge)
}

/// The routes for callers in this very process, who own the data.
pub fn in_process(edge: Edge) -> Router {
    router(edge).layer(axum::Extension(Peer::InProcess))
}
