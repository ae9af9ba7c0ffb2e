//! A web server for what a run visits: on loopback, raw, with a journal of the
//! requests and a test's own idea of each answer.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::KeyPair;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    /// How many came before it.
    pub(crate) number: usize,
    pub(crate) method: String,
    /// Path and query, as sent.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

/// What to do about a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Send these bytes, and take the next request on the connection.
    Send(Vec<u8>),
    /// Send these bytes, then go on sending the last of them without end.
    Flood(Vec<u8>),
    /// Send these bytes, then nothing more.
    Hang(Vec<u8>),
    /// Send these bytes, then close.
    Close(Vec<u8>),
    /// Reset the connection.
    Reset,
}

/// An answer with a body.
pub(crate) fn answer(status: u16, body: &str) -> Act {
    with_headers(status, &[], body)
}

/// The same with further headers.
pub(crate) fn with_headers(status: u16, headers: &[(&str, &str)], body: &str) -> Act {
    let mut text = format!("HTTP/1.1 {status} Whatever\r\n");
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    write!(text, "content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    Act::Send(text.into_bytes())
}

/// A redirect.
pub(crate) fn redirect(status: u16, location: &str) -> Act {
    with_headers(status, &[("location", location)], "elsewhere")
}

/// The head of an answer that promises more than comes.
pub(crate) fn head_of_a_long_answer() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\nready".to_vec()
}

type Script = Arc<dyn Fn(&Visit) -> Act + Send + Sync>;

/// A running server. Dropping it closes its port.
pub(crate) struct Web {
    address: SocketAddr,
    visits: Arc<Mutex<Vec<Visit>>>,
    certificate: Option<String>,
    task: JoinHandle<()>,
}

impl Web {
    /// A server that does with each request what `script` says.
    pub(crate) async fn start(script: impl Fn(&Visit) -> Act + Send + Sync + 'static) -> Self {
        Self::listen(Arc::new(script), None).await
    }

    /// A server that does one after the other; the last for all that follow.
    pub(crate) async fn acts(acts: impl Into<Vec<Act>>) -> Self {
        let acts = acts.into();
        Self::start(move |visit| acts.get(visit.number).or(acts.last()).unwrap().clone()).await
    }

    /// The same over TLS, with a certificate for `localhost` that nobody has
    /// signed.
    pub(crate) async fn secure(script: impl Fn(&Visit) -> Act + Send + Sync + 'static) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key: &KeyPair = &made.signing_key;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![made.cert.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let mut web = Self::listen(Arc::new(script), Some(acceptor)).await;
        web.certificate = Some(made.cert.pem());
        web
    }

    async fn listen(script: Script, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let visits = Arc::new(Mutex::new(Vec::new()));
        let journal = Arc::clone(&visits);
        let task = tokio::spawn(async move {
            // They end with the server.
            let mut served = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                served.spawn(meet(
                    stream,
                    tls.clone(),
                    Arc::clone(&script),
                    Arc::clone(&journal),
                ));
            }
        });
        Self {
            address,
            visits,
            certificate: None,
            task,
        }
    }

    /// The address of a path on it.
    pub(crate) fn url(&self, path: &str) -> String {
        match self.certificate {
            Some(_) => format!("https://localhost:{}{path}", self.address.port()),
            None => format!("http://{}{path}", self.address),
        }
    }

    /// The same, where its host is called by this name.
    pub(crate) fn url_at(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.address.port())
    }

    /// The certificate, as a file for it holds it.
    pub(crate) fn certificate(&self) -> &str {
        self.certificate.as_deref().unwrap()
    }

    pub(crate) fn visits(&self) -> Vec<Visit> {
        self.visits.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.visits.lock().unwrap().len()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn meet(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    script: Script,
    journal: Arc<Mutex<Vec<Visit>>>,
) {
    match tls {
        None => {
            let resets = serve(stream, &script, &journal).await;
            if let Some(stream) = resets {
                stream.set_zero_linger().unwrap();
            }
        }
        // A client that does not trust us hangs up.
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, &script, &journal).await;
            }
        }
    }
}

/// Serves a connection to its end; gives it back where it is to be reset. A
/// client that goes away in the middle is no trouble of the server's.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    script: &Script,
    journal: &Mutex<Vec<Visit>>,
) -> Option<S> {
    loop {
        let head = read_head(&mut stream).await?;
        let act = {
            let mut visits = journal.lock().unwrap();
            let visit = parse(visits.len(), &head);
            visits.push(visit.clone());
            script(&visit)
        };
        match act {
            Act::Send(bytes) => send(&mut stream, &bytes).await?,
            Act::Flood(bytes) => {
                send(&mut stream, &bytes).await?;
                let more = vec![*bytes.last().unwrap(); 64 * 1024];
                loop {
                    send(&mut stream, &more).await?;
                }
            }
            Act::Hang(bytes) => {
                send(&mut stream, &bytes).await?;
                // Longer than any test.
                tokio::time::sleep(Duration::from_secs(600)).await;
            }
            Act::Close(bytes) => {
                send(&mut stream, &bytes).await?;
                stream.shutdown().await.ok()?;
                return None;
            }
            Act::Reset => return Some(stream),
        }
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Option<()> {
    stream.write_all(bytes).await.ok()?;
    stream.flush().await.ok()
}

/// One request, which has no body; `None` once the other side has closed.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut some = [0; 4096];
        let read = stream.read(&mut some).await.ok().filter(|read| *read > 0)?;
        bytes.extend(some.iter().take(read));
    }
    Some(String::from_utf8(bytes).unwrap())
}

fn parse(number: usize, head: &str) -> Visit {
    let mut lines = head.trim_end().split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    Visit {
        number,
        method: first.next().unwrap().to_owned(),
        target: first.next().unwrap().to_owned(),
        headers: lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect(),
    }
}
