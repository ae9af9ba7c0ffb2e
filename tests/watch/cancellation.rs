//! A watch can be dropped at any moment, and a deployment cancelled in any time
//! that is left.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use sevalla_deploy::actions::deploy::cancel::{CancelResult, cancel};
use sevalla_deploy::deployment::{DeploymentId, Service as Deployed};
use sevalla_deploy::follow::LogMode;
use sevalla_deploy::http::{Request, Response, ResponseFuture, Transport, TransportError};
use sevalla_deploy::secret::ApiToken;
use sevalla_deploy::sevalla::Client;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::script::{Answer, Line, Script, Service, Trouble, millis, secs};

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_dropped_leaves_nothing_running() {
    let mut under_way = 0;
    for n in 0..400_u64 {
        // Spread over the run and the drain after it, in no step with it.
        let moment = millis(n * 7919 % 75_000);
        let log = (0..60).map(|n| Line::with_lag(secs(n), millis(800)));
        let script = Script::ending(50, "failed")
            .log(log)
            .looks(|request| match request.nth % 5 {
                3 => Answer::from(Trouble::Refused(503)).after(millis(900)),
                4 => Answer::from(Trouble::Hangs),
                _ => Answer::FINE.after(millis(1500)),
            });
        let service = Service::new(script.reads(|_| Answer::FINE.after(millis(1200))));
        let told = Cell::new(0);
        let tell = |_| told.set(told.get() + 1);
        tokio::select! {
            biased;
            open = async { sleep(moment).await; service.open() } => under_way += open,
            _ended = service.follow(LogMode::Live, &tell) => {}
        }
        let (made, events) = (service.made(), told.get());
        assert_eq!(service.open(), 0, "at {moment:?}");
        sleep(secs(600)).await;
        assert_eq!(
            (service.made(), told.get()),
            (made, events),
            "at {moment:?}"
        );
    }
    assert!(
        under_way > 50,
        "too few were dropped amid a request: {under_way}"
    );
}

/// Refuses to cancel, and takes its time for it.
struct Refusing(&'static str);

impl Transport for Refusing {
    fn exchange(&self, request: Request, limit: Duration) -> ResponseFuture<'_> {
        let (status, body) = match request.method {
            Method::POST => (409, r#"{"message":"Not now"}"#.to_owned()),
            _ => (
                200,
                format!(r#"{{"id":"{}","status":"inProgress"}}"#, self.0),
            ),
        };
        Box::pin(async move {
            let answer = timeout(limit, sleep(millis(120))).await;
            answer.map_err(|_| TransportError::TimedOut { limit })?;
            Ok(Response {
                status,
                headers: HeaderMap::new(),
                body: Ok(body.into_bytes()),
            })
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_given_up_for_an_answer_that_has_no_time_to_come() {
    const ID: &str = "5a1d0e8a-0000-4000-8000-000000000001";
    for left in (400..8000).step_by(10) {
        let (began, left) = (Instant::now(), millis(left));
        let client = Client::over(
            Box::new(Refusing(ID)),
            &"https://api.example/v3".parse().unwrap(),
            Some(&ApiToken::parse("svl_key").unwrap()),
            began + left,
            Rc::new(|_, _| {}),
        )
        .unwrap();
        let service = Deployed::application(Uuid::nil());
        let cancelled = cancel(&client, service, &DeploymentId(ID.to_owned()), &|_| {}).await;
        assert!(
            matches!(cancelled, CancelResult::Refused(_)),
            "{left:?}: {cancelled:?}"
        );
        assert!(began.elapsed() <= left + millis(120), "{left:?}");
    }
}
