//! The key goes into one header and nowhere else: no error and no diagnostic
//! of the client or of the libraries below it holds it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use sevalla_deploy::secret::{ApiToken, HookUrl};
use sevalla_deploy::sevalla::Patience;
use tracing_subscriber::fmt::MakeWriter;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::answers::application;
use crate::faults::{refuses_connections, resets_the_connection};
use crate::setup::{APP, KEY, below, client, plain_order};

/// Keeps what is written to it.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The part of the key that occurs nowhere else.
fn core() -> &'static str {
    &KEY[4..20]
}

#[test]
fn the_key_does_not_print_itself() {
    let key = ApiToken::parse(KEY).unwrap();
    assert!(!format!("{key:?} {key:#?}").contains(core()));
}

#[tokio::test]
async fn neither_errors_nor_the_most_detailed_diagnostics_hold_the_key_or_a_hook() {
    let kept = Kept::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(kept.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    // With one subscriber in the process, a call site that another thread meets
    // first is switched off for good; with two it is not.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());

    let refusing = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(401).set_body_string("no"))
        .mount(&refusing)
        .await;
    let resetting = resets_the_connection(&application()).await;
    let (_socket, refused) = refuses_connections();
    for address in [
        refusing.uri(),
        resetting.uri(),
        format!("http://{refused}"),
        format!("https://{}", resetting.address()),
    ] {
        let client = client(&below(&address));
        let hook = HookUrl::parse(&format!("{address}/apps/{APP}/deploy/h00ksecretxy")).unwrap();
        let errors = [
            client.get_application(APP, Patience::Once).await.err(),
            client
                .writes()
                .trigger_deployment(APP, &plain_order(), Patience::Once)
                .await
                .err(),
            client.writes().call_hook(&hook, Patience::Once).await.err(),
        ];
        for error in errors.into_iter().flatten() {
            let told = format!("{error} {error:?} {error:#?} {:?}", error.cause);
            assert!(!told.contains(core()), "{told}");
            assert!(!told.contains("h00ksecretxy"), "{told}");
        }
    }
    drop(guard);
    let diagnostics = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert!(
        diagnostics.contains("answered") || diagnostics.contains("failed"),
        "{diagnostics}"
    );
    for secret in [core(), "h00ksecretxy", "Bearer"] {
        let line = diagnostics.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}
