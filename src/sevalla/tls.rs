//! Which certificates are trusted: Mozilla's roots, compiled in so that an
//! empty image works, and whatever `SSL_CERT_FILE` adds.

use std::path::Path;

use reqwest::Certificate;

use crate::files;
use crate::process::Variables;

/// The variable that names a file of further root certificates, as OpenSSL
/// reads it.
const CERTIFICATE_FILE: &str = "SSL_CERT_FILE";

/// The most bytes of such a file; those of systems have less than one million.
const LARGEST_BUNDLE: u64 = 16 * 1024 * 1024;

/// Chooses ring for the whole process; a second call changes nothing.
pub(super) fn install_provider() {
    // An error only says that a provider is installed already.
    let _already = rustls::crypto::ring::default_provider().install_default();
}

/// All trusted roots. An error names the variable and the file.
pub(super) fn roots(variables: &Variables) -> Result<Vec<Certificate>, String> {
    let mut roots = Vec::new();
    for der in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        roots.extend(Certificate::from_der(der));
    }
    if let Some(path) = variables.text(CERTIFICATE_FILE) {
        roots.extend(
            read(path).map_err(|reason| format!("{CERTIFICATE_FILE} is {path:?}: {reason}"))?,
        );
    }
    Ok(roots)
}

fn read(path: &str) -> Result<Vec<Certificate>, String> {
    let pem = files::read(Path::new(path), LARGEST_BUNDLE).map_err(|error| error.to_string())?;
    let certificates = Certificate::from_pem_bundle(&pem)
        .map_err(|_| "it is not a file of PEM certificates".to_owned())?;
    if certificates.is_empty() {
        return Err("it holds no PEM certificate".to_owned());
    }
    Ok(certificates)
}
