//! No body of an answer, of whatever status, makes the client panic; what it
//! says about it is short and on one line.

#![no_main]

use std::rc::Rc;
use std::time::Duration;

use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use sevalla_deploy::deployment::{DeploymentId, Service};
use sevalla_deploy::http::{Request, Response, ResponseFuture, Transport};
use sevalla_deploy::secret::HookUrl;
use sevalla_deploy::sevalla::{ApiError, Client, LogWindow, Patience};
use url::Url;
use uuid::Uuid;

struct Always(u16, Vec<u8>);

impl Transport for Always {
    fn exchange(&self, _request: Request, _limit: Duration) -> ResponseFuture<'_> {
        let mut headers = HeaderMap::new();
        for name in ["x-request-id", "location", "retry-after"] {
            if let Ok(value) = self.1.as_slice().try_into() {
                headers.insert(name, value);
            }
        }
        let reply = Response {
            status: self.0,
            headers,
            body: Ok(self.1.clone()),
        };
        Box::pin(async move { Ok(reply) })
    }
}

fn check<T>(result: Result<T, ApiError>) {
    let Err(error) = result else { return };
    let reported = error.to_string();
    assert!(reported.len() < 8000 && !reported.contains(['\n', '\r', '\u{1b}']), "{reported:?}");
}

fuzz_target!(|input: &[u8]| {
    let Some((first, body)) = input.split_first() else {
        return;
    };
    let status = [200, 201, 204, 302, 400, 401, 403, 404, 409, 429, 500, 503][usize::from(*first) % 12];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = Client::over(
            Box::new(Always(status, body.to_vec())),
            &Url::parse("https://api.example.com/v3").unwrap(),
            None,
            tokio::time::Instant::now() + Duration::from_secs(3600),
            Rc::new(|_, _| {}),
        )
        .unwrap();
        let id = Uuid::nil();
        let app = Service::application(id);
        let site = Service::static_site(id);
        let deployment = DeploymentId("d".to_owned());
        check(client.get_application(id, Patience::Once).await);
        check(client.get_static_site(id, Patience::Once).await);
        check(client.deployments(app, 5, Patience::Once).await);
        check(client.deployments(site, 5, Patience::Once).await);
        let window = LogWindow {
            from_micros: 0,
            to_micros: None,
            limit: 5,
            severity: None,
        };
        check(client.deployment_logs(app, &deployment, window).await);
        let _expires = client.key_expires_at().await;
        let _capabilities = client.key_capabilities().await;
        let _host = client.application_host(id, Patience::Once).await;
        let hook = HookUrl::parse("https://hook.example.com/apps/x/deploy/0123456789ab").unwrap();
        check(client.writes().call_hook(&hook, Patience::Once).await);
    });
});
