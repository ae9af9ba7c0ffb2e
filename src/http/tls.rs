//! Which certificates are trusted: Mozilla's roots, compiled in so that an
//! empty image works, and those that `SSL_CERT_FILE` adds.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use url::Url;

use crate::environment::Variables;
use crate::files;
use crate::lenient_json;

/// The variable that names a file of further root certificates, as OpenSSL
/// reads it.
const CERTIFICATE_FILE: &str = "SSL_CERT_FILE";

/// The most bytes of such a file; those of systems have less than one million.
const LARGEST_BUNDLE: u64 = 16 * 1024 * 1024;

/// The variable in which GitLab's runner names the certificates of GitLab's own
/// server (docs.gitlab.com, "Predefined CI/CD variables").
const GITLAB_CERTIFICATE_FILE: &str = "CI_SERVER_TLS_CA_FILE";

/// The variable that has the address of GitLab's own API.
const GITLAB_API: &str = "CI_API_V4_URL";

/// Chooses ring for the whole process; a second call changes nothing.
pub(crate) fn install_provider() {
    // An error only says that a provider is installed already.
    let _already = rustls::crypto::ring::default_provider().install_default();
}

/// A root certificate.
pub(crate) type TrustedRoot = CertificateDer<'static>;

/// All trusted roots. An error names the variable and the file.
pub(crate) fn roots(variables: &Variables) -> Result<Vec<TrustedRoot>, String> {
    let mut roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec();
    if let Some(path) = variables.text(CERTIFICATE_FILE) {
        let bundle = Bundle::read(path)
            .map_err(|reason| format!("{CERTIFICATE_FILE} is {path:?}: {reason}"))?;
        roots.extend(bundle.certificates);
    }
    Ok(roots)
}

/// The certificates of `SSL_CERT_FILE` that are skipped, each with its position.
pub(crate) fn warnings(variables: &Variables) -> Vec<String> {
    let Some(path) = variables.text(CERTIFICATE_FILE) else {
        return Vec::new();
    };
    let skipped = Bundle::read(path).map(|bundle| bundle.skipped);
    let reported = |skipped| format!("{CERTIFICATE_FILE} is {path:?}: skipped {skipped}");
    skipped
        .unwrap_or_default()
        .into_iter()
        .map(reported)
        .collect()
}

/// The address of GitLab's own API, and the certificates that its runner names
/// for it alone. What is wrong with them is not the user's to mend, so it is no
/// error.
pub(crate) fn gitlab(variables: &Variables) -> Option<(Url, Vec<TrustedRoot>)> {
    let api = Url::parse(variables.text(GITLAB_API)?).ok()?;
    let path = variables.text(GITLAB_CERTIFICATE_FILE)?;
    match Bundle::read(path) {
        Ok(bundle) => Some((api, bundle.certificates)),
        Err(reason) => {
            tracing::debug!(path, reason, "{GITLAB_CERTIFICATE_FILE} is not used");
            None
        }
    }
}

/// The content of a file of PEM certificates.
#[derive(Debug, Default)]
struct Bundle {
    certificates: Vec<TrustedRoot>,
    /// The others: position and reason.
    skipped: Vec<String>,
}

impl Bundle {
    /// Reads a file. An error if it has no certificate that can be read.
    fn read(path: &str) -> Result<Self, String> {
        let pem =
            files::read(Path::new(path), LARGEST_BUNDLE).map_err(|error| error.to_string())?;
        let bundle = Self::parse(&lenient_json::decode(&pem));
        match bundle.skipped.first() {
            _ if !bundle.certificates.is_empty() => Ok(bundle),
            None if pem.starts_with(b"\x30\x82") => Err(
                "it is in DER form. Convert it to PEM with `openssl x509 -inform der`".to_owned(),
            ),
            None => Err("it holds no PEM certificate".to_owned()),
            Some(first) => Err(format!("it holds no certificate that can be read: {first}")),
        }
    }

    /// Takes the certificates wherever they are: files that were joined or pasted
    /// may lack the line ends around the marks.
    fn parse(pem: &str) -> Self {
        let mut bundle = Self::default();
        let (mut nth, mut line, mut counted) = (0, 1, 0);
        for (at, begin) in pem.match_indices("-----BEGIN ") {
            let newlines = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
            line += pem.get(counted..at).map_or(0, newlines);
            counted = at;
            let rest = pem.get(at + begin.len()..).unwrap_or_default();
            let Some((label, rest)) = rest.split_once("-----") else {
                continue;
            };
            if !LABELS.contains(&label) {
                continue;
            }
            nth += 1;
            let (base64, mark) = rest.split_at(rest.find("-----").unwrap_or(rest.len()));
            let read = if mark.starts_with(&format!("-----END {label}-----")) {
                certificate(base64)
            } else {
                Err("its last line is missing".to_owned())
            };
            match read {
                Ok(certificate) => bundle.certificates.push(certificate),
                Err(reason) => bundle
                    .skipped
                    .push(format!("certificate {nth} (line {line}): {reason}")),
            }
        }
        bundle
    }
}

/// The names of certificates that OpenSSL takes.
const LABELS: [&str; 3] = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];

fn certificate(base64: &str) -> Result<TrustedRoot, String> {
    let text: String = base64.split_whitespace().collect();
    let der = STANDARD
        .decode(text)
        .map_err(|error| format!("it is not Base64: {error}"))?;
    let root = TrustedRoot::from(der);
    // As the TLS library will read it.
    RootCertStore::empty()
        .add(root.clone())
        .map_err(|error| error.to_string())?;
    Ok(root)
}

/// A connection to a server of this name, which these roots vouch for.
pub(crate) fn connection(
    roots: &[TrustedRoot],
    name: ServerName<'static>,
) -> Option<ClientConnection> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots.iter().cloned());
    let config = ClientConfig::builder()
        .with_root_certificates(store)
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), name).ok()
}
