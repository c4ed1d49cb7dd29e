//! A server whose answers are a script: what registries, proxies and attackers do, on demand.

mod reply;
mod serve;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

pub use reply::Reply;

use crate::server::Server;
use crate::{Request, TestCertificate};

/// Waiting for something that the code under test should do ends here.
const PATIENCE: Duration = Duration::from_secs(20);

/// A scripted HTTP server on loopback.
///
/// Each path has a queue of replies, used up one per request ([`script`](Self::script)), and one that answers for ever
/// after ([`always`](Self::always)). What has neither is a 404 as registries give it. Queries are recorded, and ignored
/// for choosing.
pub struct FaultServer {
    server: Server,
    shared: Arc<Shared>,
    certificate: Option<TestCertificate>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    routes: HashMap<String, Route>,
    requests: Vec<Request>,
    authorization: Option<Demand>,
    in_flight: usize,
    peak: usize,
    released: bool,
}

#[derive(Default)]
struct Route {
    script: VecDeque<Reply>,
    always: Option<Reply>,
}

/// Every request has to carry this, or gets 401 with that challenge.
struct Demand {
    authorization: String,
    challenge: String,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }
}

impl FaultServer {
    /// Plain HTTP.
    #[must_use]
    pub fn start() -> Self {
        Self::launch(None)
    }

    /// HTTPS with a certificate of its own.
    #[must_use]
    pub fn start_tls() -> Self {
        Self::start_tls_with(TestCertificate::generate())
    }

    /// HTTPS with this certificate.
    #[must_use]
    pub fn start_tls_with(certificate: TestCertificate) -> Self {
        Self::launch(Some(certificate))
    }

    fn launch(certificate: Option<TestCertificate>) -> Self {
        let shared = Arc::new(Shared::default());
        let tls = certificate.as_ref().map(TestCertificate::server_config);
        let handler = Arc::new({
            let shared = Arc::clone(&shared);
            move |request: &Request, connection: &mut _| serve::answer(&shared, request, connection)
        });
        Self { server: Server::start(tls, handler), shared, certificate }
    }

    /// `127.0.0.1:<port>`, as the host of a reference.
    #[must_use]
    pub fn host(&self) -> String {
        self.server.address().to_string()
    }

    /// The URL of a path here.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.host())
    }

    /// The certificate, as PEM, where it speaks TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<String> {
        self.certificate.as_ref().map(TestCertificate::certificate_pem)
    }

    /// Answers the next requests for a path with these replies, one each.
    pub fn script(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        self.shared.lock().routes.entry(path.to_owned()).or_default().script.extend(replies);
    }

    /// Answers every request for a path with this, as soon as its script is used up.
    pub fn always(&self, path: &str, reply: Reply) {
        self.shared.lock().routes.entry(path.to_owned()).or_default().always = Some(reply);
    }

    /// From now on a request below `/v2/` without exactly this `Authorization` gets 401 and that `WWW-Authenticate`.
    pub fn require(&self, authorization: &str, challenge: &str) {
        let demand = Demand { authorization: authorization.to_owned(), challenge: challenge.to_owned() };
        self.shared.lock().authorization = Some(demand);
    }

    /// All that was asked so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.lock().requests.clone()
    }

    /// What was asked for one path.
    #[must_use]
    pub fn requests_for(&self, path: &str) -> Vec<Request> {
        self.shared.lock().requests.iter().filter(|request| request.path == path).cloned().collect()
    }

    /// The largest number of requests that were being answered at one time.
    #[must_use]
    pub fn peak_requests(&self) -> usize {
        self.shared.lock().peak
    }

    /// Waits until a path was asked that many times.
    ///
    /// # Panics
    ///
    /// After 20 seconds.
    pub fn wait_for_requests(&self, path: &str, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shared.lock();
        while state.requests.iter().filter(|request| request.path == path).count() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{path} was not asked {count} times within {PATIENCE:?}");
            state = self.shared.changed.wait_timeout(state, left).expect("no holder panics").0;
        }
    }

    /// Lets every [held](Reply::held) reply go, those to come included.
    pub fn release(&self) {
        self.shared.lock().released = true;
        self.shared.changed.notify_all();
    }

    /// Breaks every connection and refuses new ones: the registry is off.
    pub fn stop(&mut self) {
        self.release();
        self.server.stop();
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.stop();
    }
}
