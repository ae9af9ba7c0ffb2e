//! A client as the tests want it, and the ids they ask for.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use sevalla_deploy::deployment::{DeploySource, DeploymentId};
use sevalla_deploy::environment::Variables;
use sevalla_deploy::secret::ApiToken;
use sevalla_deploy::sevalla::{ApiError, Client, LogWindow, OnWait, Patience};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::Instant;
use url::Url;
use uuid::{Uuid, uuid};
use wiremock::MockServer;

/// The key. Its middle part occurs nowhere else, so a search for it is sharp.
pub(crate) const KEY: &str = "svl_5ecretkey0123456789abcdef0123456789abcdef0123456789abcdef012345";

pub(crate) const APP: Uuid = uuid!("fb5e5168-4281-4bec-94c5-0d1584e9e657");
pub(crate) const SITE: Uuid = uuid!("0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11");
pub(crate) const PIPELINE: Uuid = uuid!("54fb80af-576c-4fdc-ba4f-b596c83f15a1");
pub(crate) const DATABASE: Uuid = uuid!("b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22");
pub(crate) const DEPLOYMENT: &str = "6a1bbd1c-2f0f-4a5e-9d2f-3a9f5b7f0c22";

/// Longer than any test may take. A test that meets it has failed.
pub(crate) const PLENTY: Duration = Duration::from_secs(30);

/// For a call that is to be repeated until it succeeds.
pub(crate) const PATIENT: Patience = Patience::For(PLENTY);

pub(crate) fn deployment() -> DeploymentId {
    DeploymentId(DEPLOYMENT.to_owned())
}

/// The order for a deployment of the application's default branch.
pub(crate) fn plain_order() -> DeploySource {
    DeploySource {
        branch: None,
        docker_image: None,
        restart: false,
    }
}

/// From a moment in 2026 on, a hundred lines.
pub(crate) fn window() -> LogWindow {
    LogWindow {
        from_micros: 1_772_000_000_123_456,
        to_micros: None,
        limit: 100,
        severity: None,
    }
}

/// The address of the API on a mock server, below a path as in production.
pub(crate) fn api(server: &MockServer) -> Url {
    below(&server.uri())
}

/// The address of the API on a server.
pub(crate) fn below(server: &str) -> Url {
    Url::parse(server).unwrap().join("/v3").unwrap()
}

/// A client for the API at `base` with plenty of time and no variables.
pub(crate) fn client(base: &Url) -> Client {
    client_with(base, &Variables::default())
}

pub(crate) fn client_with(base: &Url, variables: &Variables) -> Client {
    build(base, variables, PLENTY, Rc::new(|_, _| ()))
}

/// A client whose time is over after `time`, which begins now.
pub(crate) fn client_for(time: Duration, base: &Url) -> (Client, Instant) {
    // Reading the root certificates takes its time too.
    let patient = client(base);
    let began = Instant::now();
    (patient.until(began + time), began)
}

pub(crate) fn build(base: &Url, variables: &Variables, time: Duration, on_wait: OnWait) -> Client {
    let key = ApiToken::parse(KEY).unwrap();
    Client::new(base, Some(&key), variables, Instant::now() + time, on_wait).unwrap()
}

/// A client and the waits it reports.
pub(crate) fn client_that_tells(base: &Url, time: Duration) -> (Client, Waits) {
    let waits = Waits::default();
    let heard = Rc::clone(&waits.0);
    let on_wait: OnWait = Rc::new(move |error, wait| {
        heard.borrow_mut().push((error.clone(), wait));
    });
    (build(base, &Variables::default(), time, on_wait), waits)
}

/// What a client reported before each wait.
#[derive(Default)]
pub(crate) struct Waits(Rc<RefCell<Vec<(ApiError, Duration)>>>);

impl Waits {
    pub(crate) fn lengths(&self) -> Vec<Duration> {
        self.0.borrow().iter().map(|(_, wait)| *wait).collect()
    }

    /// What was said of each failure before it was repeated.
    pub(crate) fn errors(&self) -> Vec<String> {
        let heard = self.0.borrow();
        heard.iter().map(|(error, _)| error.to_string()).collect()
    }
}

/// Runs checks at the same time, so that their waits do not add up.
pub(crate) async fn together<C>(checks: impl IntoIterator<Item = C>)
where
    C: Future<Output = ()> + 'static,
{
    let set = LocalSet::new();
    let mut running = JoinSet::new();
    for check in checks {
        running.spawn_local_on(check, &set);
    }
    set.run_until(async {
        while let Some(ended) = running.join_next().await {
            if let Err(error) = ended {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    })
    .await;
}
