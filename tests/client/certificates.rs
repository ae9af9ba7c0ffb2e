//! Which servers are trusted over TLS, with an authority made for the test.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use sevalla_deploy::environment::Variables;
use sevalla_deploy::http::{Http, Request, Transport, TransportError, ignored_network_settings};
use sevalla_deploy::sevalla::{ApiError, ApiErrorKind, RetryDecision};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use url::Url;

use crate::answers::{application, application_deployment};
use crate::server::{Server, answer, good, read_request};
use crate::setup::{APP, KEY, PATIENT, below, client_with, plain_order};

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A file that holds the authority's certificate.
pub(crate) fn file_of(authority: &Authority) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(authority.pem().as_bytes()).unwrap();
    file
}

/// A server over TLS, and how often it was connected to.
pub(crate) struct Secure {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Secure {
    /// Answers everything with `body` under a certificate for `name`.
    async fn start(authority: &Authority, name: &str, expired: bool, body: String) -> Self {
        Self::answering(authority, name, expired, answer("200 OK", &body)).await
    }

    /// Answers everything with these bytes.
    pub(crate) async fn answering(
        authority: &Authority,
        name: &str,
        expired: bool,
        answer: Vec<u8>,
    ) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        if expired {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }
        let certificate = params.signed_by(&key, authority).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                // A client that does not trust us hangs up.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                while let Some(request) = read_request(&mut stream).await {
                    // A proxy must not see it.
                    assert_eq!(request.contains(KEY), !request.starts_with("CONNECT"));
                    stream.write_all(&answer).await.unwrap();
                    stream.flush().await.unwrap();
                }
            }
        });
        Self {
            address,
            connections,
        }
    }

    fn api(&self) -> Url {
        below(&format!("https://{}", self.address))
    }
}

fn trusting(file: &NamedTempFile) -> Variables {
    Variables::from([("SSL_CERT_FILE", file.path().to_str().unwrap())])
}

#[tokio::test]
async fn an_authority_of_the_users_own_is_trusted() {
    let authority = authority();
    let file = file_of(&authority);
    let mut body = application_deployment();
    body["id"] = APP.to_string().into();
    let server = Secure::start(&authority, "127.0.0.1", false, body.to_string()).await;
    let client = client_with(&server.api(), &trusting(&file));
    client.get_application(APP, PATIENT).await.unwrap();
    client
        .writes()
        .trigger_deployment(APP, &plain_order(), PATIENT)
        .await
        .unwrap();
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_file_may_hold_several_authorities() {
    let (one, other) = (authority(), authority());
    let mut file = file_of(&one);
    file.write_all(b"\n# a comment between them\n").unwrap();
    file.write_all(other.pem().as_bytes()).unwrap();
    let body = application().to_string();
    for authority in [&one, &other] {
        let server = Secure::start(authority, "127.0.0.1", false, body.clone()).await;
        let read = client_with(&server.api(), &trusting(&file))
            .get_application(APP, PATIENT)
            .await;
        assert!(read.is_ok(), "{read:?}");
    }
}

/// Certificates that cannot be read, and what is said of each.
const BROKEN: [(&str, &str); 4] = [
    (
        "-----BEGIN CERTIFICATE-----\nno base 64!\n-----END CERTIFICATE-----\n",
        "it is not Base64",
    ),
    (
        "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
        "BadEncoding",
    ),
    (
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "BadEncoding",
    ),
    (
        "-----BEGIN CERTIFICATE-----\naGVsbG8=\n",
        "its last line is missing",
    ),
];

#[tokio::test]
async fn one_certificate_that_cannot_be_read_costs_itself_and_is_named() {
    let authority = authority();
    let body = application().to_string();
    let server = Secure::start(&authority, "127.0.0.1", false, body).await;
    for (broken, reason) in BROKEN {
        for before in [true, false] {
            let good = authority.pem();
            let (bundle, nth, line) = if before {
                (format!("{broken}{good}"), 1, 1)
            } else {
                (format!("{good}{broken}"), 2, 1 + good.lines().count())
            };
            let mut file = NamedTempFile::new().unwrap();
            file.write_all(bundle.as_bytes()).unwrap();
            let variables = trusting(&file);
            let read = client_with(&server.api(), &variables)
                .get_application(APP, PATIENT)
                .await;
            assert!(read.is_ok(), "{read:?}");
            let ignored = ignored_network_settings(&variables);
            let [told] = ignored.as_slice() else {
                panic!("{ignored:?}");
            };
            let expected = format!("skipped certificate {nth} (line {line}): ");
            assert!(told.starts_with("SSL_CERT_FILE is "), "{told}");
            assert!(told.contains(&expected) && told.contains(reason), "{told}");
        }
    }
}

#[tokio::test]
async fn a_file_may_have_a_mark_other_line_ends_and_other_names() {
    let authority = authority();
    let body = application().to_string();
    let server = Secure::start(&authority, "127.0.0.1", false, body).await;
    let pem = authority.pem();
    let utf_16 = format!("\u{feff}{pem}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for bytes in [
        [b"\xef\xbb\xbf", pem.as_bytes()].concat(),
        pem.replace('\n', "\r\n").into_bytes(),
        pem.replace(" CERTIFICATE", " TRUSTED CERTIFICATE")
            .into_bytes(),
        [b"Gr\xfc\xdfe\n", pem.as_bytes()].concat(),
        // Joined without a line end, and pasted without any.
        format!("{}{pem}", self::authority().pem().trim_end()).into_bytes(),
        pem.replace('\n', " ").into_bytes(),
        pem.replace('\n', "\r").into_bytes(),
        utf_16,
    ] {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        let variables = trusting(&file);
        let read = client_with(&server.api(), &variables)
            .get_application(APP, PATIENT)
            .await;
        assert!(read.is_ok(), "{read:?}");
        assert!(ignored_network_settings(&variables).is_empty());
    }
}

#[test]
fn a_file_without_a_certificate_that_can_be_read_is_refused() {
    let told = |path: &str| {
        let variables = Variables::from([("SSL_CERT_FILE", path)]);
        assert!(ignored_network_settings(&variables).is_empty());
        Http::new(&variables).err().unwrap().to_string()
    };
    for (broken, reason) in BROKEN {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(broken.as_bytes()).unwrap();
        let told = told(file.path().to_str().unwrap());
        assert!(told.starts_with("SSL_CERT_FILE is "), "{told}");
        assert!(
            told.contains("certificate 1 (line 1)") && told.contains(reason),
            "{told}"
        );
    }
    assert!(told(env!("CARGO_MANIFEST_DIR")).contains("not a regular file"));
    assert!(told("/dev/null").contains("no PEM certificate"));
}

/// One read of this address, as the code host's client makes it.
async fn read(url: &Url, variables: &Variables) -> Result<u16, TransportError> {
    let request = Request {
        method: reqwest::Method::GET,
        url: url.clone(),
        accept: "application/json",
        authorization: Some(format!("Bearer {KEY}").parse().unwrap()),
        body: None,
        body_limit: 4096,
        reach: sevalla_deploy::http::Reach::Anywhere,
        is_fresh: false,
    };
    let http = Http::new(variables).unwrap();
    let reply = http
        .exchange(request, std::time::Duration::from_secs(30))
        .await;
    reply.map(|reply| reply.status)
}

#[tokio::test]
async fn what_gitlabs_runner_names_is_trusted_for_gitlabs_own_api_alone() {
    let authority = authority();
    let file = file_of(&authority);
    let server = Secure::start(&authority, "127.0.0.1", false, "{}".to_owned()).await;
    let gitlab = format!("https://{}/api/v4", server.address);
    let path = file.path().to_str().unwrap();
    let variables = Variables::from([
        ("CI_API_V4_URL", gitlab.as_str()),
        ("CI_SERVER_TLS_CA_FILE", path),
    ]);
    let url = |path: &str| Url::parse(&format!("https://{}{path}", server.address)).unwrap();
    assert_eq!(
        read(&url("/api/v4/projects/1"), &variables).await.ok(),
        Some(200)
    );
    for (path, variables) in [
        // Another address of the same machine, and another API.
        ("/v3/applications", &variables),
        ("/api/v44/projects/1", &variables),
        (
            "/api/v4/projects/1",
            &Variables::from([("CI_SERVER_TLS_CA_FILE", path)]),
        ),
    ] {
        let refused = read(&url(path), variables).await.unwrap_err().to_string();
        assert!(refused.contains("certificate"), "{refused}");
    }
    // What cannot be read there is not the user's fault.
    let missing = Variables::from([
        ("CI_API_V4_URL", gitlab.as_str()),
        ("CI_SERVER_TLS_CA_FILE", "/nonexistent/ca.pem"),
    ]);
    assert!(Http::new(&missing).is_ok() && ignored_network_settings(&missing).is_empty());
}

/// One attempt, nothing sent, no hope, and the certificate is named.
fn check(error: &ApiError, server: &Secure, attempts: usize) {
    assert!(
        matches!(
            error.cause,
            ApiErrorKind::Transport(TransportError::NotConnected {
                may_heal: false,
                ..
            })
        ),
        "{error:?}"
    );
    assert_eq!((error.next(), error.attempts), (RetryDecision::Fatal, 1));
    let told = error.to_string();
    assert!(told.contains("certificate"), "{told}");
    assert_eq!(server.connections.load(Ordering::SeqCst), attempts);
}

#[tokio::test]
async fn a_certificate_that_is_not_good_is_not_tried_again() {
    let authority = authority();
    let file = file_of(&authority);
    let (trusted, untrusted) = (trusting(&file), Variables::default());
    for (name, expired, variables) in [
        ("127.0.0.1", false, &untrusted),
        ("api.example.com", false, &trusted),
        ("127.0.0.1", true, &trusted),
    ] {
        let body = application_deployment().to_string();
        let server = Secure::start(&authority, name, expired, body).await;
        let client = client_with(&server.api(), variables);
        let read = client.get_application(APP, PATIENT).await.unwrap_err();
        check(&read, &server, 1);
        let write = client
            .writes()
            .trigger_deployment(APP, &plain_order(), PATIENT)
            .await
            .unwrap_err();
        check(&write, &server, 2);
    }
}

#[tokio::test]
async fn a_proxy_carries_what_it_cannot_read() {
    let authority = authority();
    let file = file_of(&authority);
    let body = application().to_string();
    let server = Secure::start(&authority, "127.0.0.1", false, body).await;
    let target = server.address;
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy_uri = format!("http://{}", proxy.local_addr().unwrap());
    let heard = tokio::spawn(async move {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let request = read_request(&mut stream).await.unwrap();
        let established = b"HTTP/1.1 200 Connection established\r\n\r\n";
        stream.write_all(established).await.unwrap();
        let mut onward = TcpStream::connect(target).await.unwrap();
        // How the client ends the connection is its own affair.
        let _ended = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
        request
    });
    let variables = Variables::from([
        ("HTTPS_PROXY", proxy_uri.as_str()),
        ("SSL_CERT_FILE", file.path().to_str().unwrap()),
    ]);
    client_with(&server.api(), &variables)
        .get_application(APP, PATIENT)
        .await
        .unwrap();
    let heard = heard.await.unwrap();
    assert!(
        heard.starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")),
        "{heard}"
    );
    assert!(!heard.contains(KEY));
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_gets_no_key() {
    let server = Server::start([good(&application())]).await;
    let base = below(&format!("https://{}", server.address()));
    let error = client_with(&base, &Variables::default())
        .get_application(APP, sevalla_deploy::sevalla::Patience::Once)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error.cause,
            ApiErrorKind::Transport(TransportError::NotConnected { .. })
        ),
        "{error:?}"
    );
    assert!(server.requests().concat().is_empty());
}
