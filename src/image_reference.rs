//! References to container images, by the grammar of the distribution project:
//! `[registry[:port]/]path[:tag][@algorithm:digest]`.
//!
//! Source: github.com/distribution/reference, `reference.go` and
//! `normalize.go`. A parser of our own, because the service chooses some of
//! these texts: it must not panic on any of them.

use std::fmt;

/// The registry of a reference that names none.
const DEFAULT_REGISTRY: &str = "docker.io";
/// An older name of the same registry.
const LEGACY_REGISTRY: &str = "index.docker.io";
/// The namespace of a path of one component in [`DEFAULT_REGISTRY`].
const OFFICIAL_NAMESPACE: &str = "library/";
/// The tag of a reference that has neither tag nor digest.
const DEFAULT_TAG: &str = "latest";
/// The longest path, in bytes.
const LONGEST_PATH: usize = 255;
/// The longest tag, in bytes.
const LONGEST_TAG: usize = 128;

/// A reference to an image in its normal form: two spellings of the same image
/// are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageReference {
    registry: String,
    path: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// Why a text is not a reference to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImageReferenceError {
    /// There is nothing.
    #[error("it is empty")]
    Empty,
    /// It contains white space, as two references do.
    #[error("it contains white space: give exactly one reference")]
    WhiteSpace,
    /// It begins with `https://` or the like.
    #[error("a reference has no scheme: remove everything up to and including ://")]
    Scheme,
    /// The registry is no host with an optional port.
    #[error("the registry before the first / is not a host name with an optional port")]
    Registry,
    /// It is a digest alone.
    #[error("it is only a digest: write the name of the image and @ before it")]
    NoName,
    /// The path has upper case.
    #[error("the path of an image is lower case")]
    UpperCase,
    /// The path is missing or has another character that is not allowed.
    #[error(
        "the path consists of lower case letters and digits, separated by single . _ - or /, \
         at most 255 characters"
    )]
    Path,
    /// The tag is empty, too long, or has a character that is not allowed.
    #[error(
        "the tag after : has 1 to 128 letters, digits, _ . or -, and begins with a letter, digit or _"
    )]
    Tag,
    /// The digest is not `algorithm:hex`, or has the wrong length.
    #[error("the digest after @ is not of the form sha256: and 64 hexadecimal digits")]
    Digest,
}

/// What is known of two references that need not be equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageComparison {
    /// They are the same image.
    Same,
    /// They have the same registry and path, and one of them names a digest
    /// where the other names only a tag: nothing shows whether they agree.
    Unknown,
    /// They differ in registry, path, tag or digest.
    Different,
}

impl ImageReference {
    /// Parses a reference and brings it into its normal form: the registry in
    /// lower case, the default registry, namespace and tag written out.
    pub fn parse(text: &str) -> Result<Self, ImageReferenceError> {
        use ImageReferenceError as Error;
        if text.is_empty() {
            return Err(Error::Empty);
        }
        if text.contains(char::is_whitespace) {
            return Err(Error::WhiteSpace);
        }
        if text.contains("://") {
            return Err(Error::Scheme);
        }
        if normal_digest(text).is_ok() {
            return Err(Error::NoName);
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(normal_digest(digest)?)),
            None => (text, None),
        };
        let (registry, rest) = split_registry(name)?;
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        check_path(path)?;
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(Error::Tag);
        }
        let is_official = registry == DEFAULT_REGISTRY && !path.contains('/');
        let namespace = if is_official { OFFICIAL_NAMESPACE } else { "" };
        let tag = tag.or_else(|| digest.is_none().then_some(DEFAULT_TAG));
        Ok(Self {
            registry,
            path: format!("{namespace}{path}"),
            tag: tag.map(str::to_owned),
            digest,
        })
    }

    /// The digest, which names exactly one content for ever; a tag can move.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Whether both name the same tag of the same image, with a digest or
    /// without.
    pub fn has_tag_of(&self, other: &Self) -> bool {
        let image = |of: &Self| (of.registry.clone(), of.path.clone(), of.tag.clone());
        self.tag.is_some() && image(self) == image(other)
    }

    /// Compares two references. A digest decides where both have one.
    pub fn likeness(&self, other: &Self) -> ImageComparison {
        if (&self.registry, &self.path) != (&other.registry, &other.path) {
            return ImageComparison::Different;
        }
        let is_same = match (&self.digest, &other.digest) {
            (Some(one), Some(another)) => one == another,
            (None, None) => self.tag == other.tag,
            (Some(_), None) | (None, Some(_)) => return ImageComparison::Unknown,
        };
        if is_same {
            ImageComparison::Same
        } else {
            ImageComparison::Different
        }
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

/// The registry in its normal form, and what follows it. The first component
/// is a registry only if it cannot be a path: it has a dot, a port, upper case,
/// or is `localhost`.
fn split_registry(name: &str) -> Result<(String, &str), ImageReferenceError> {
    let default = || DEFAULT_REGISTRY.to_owned();
    let Some((first, rest)) = name.split_once('/') else {
        return Ok((default(), name));
    };
    let is_upper = first.bytes().any(|byte| byte.is_ascii_uppercase());
    if !first.contains(['.', ':']) && first != "localhost" && !is_upper {
        return Ok((default(), name));
    }
    if !is_registry(first) {
        return Err(ImageReferenceError::Registry);
    }
    let registry = first.to_ascii_lowercase();
    let registry = if registry == LEGACY_REGISTRY {
        default()
    } else {
        registry
    };
    Ok((registry, rest))
}

fn is_registry(text: &str) -> bool {
    let after_address = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = match after_address {
        Some((address, port)) => {
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            ("", port)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_label = |label: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty()
            && label.bytes().all(is_allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_host = after_address.is_some() || host.split('.').all(is_label);
    let is_port = match port.strip_prefix(':') {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    };
    is_host && is_port
}

fn check_path(path: &str) -> Result<(), ImageReferenceError> {
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(ImageReferenceError::UpperCase);
    }
    if path.len() > LONGEST_PATH || !path.split('/').all(is_component) {
        return Err(ImageReferenceError::Path);
    }
    Ok(())
}

/// Letters and digits, separated by one dot, one or two underscores, or any
/// number of hyphens.
fn is_component(text: &str) -> bool {
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_separator =
        |part: &str| matches!(part, "" | "." | "_" | "__") || part.bytes().all(|b| b == b'-');
    text.starts_with(is_alphanumeric)
        && text.ends_with(is_alphanumeric)
        && text.split(is_alphanumeric).all(is_separator)
}

fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_allowed = |byte: u8| is_word(byte) || matches!(byte, b'.' | b'-');
    (1..=LONGEST_TAG).contains(&text.len())
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(is_allowed)
}

fn normal_digest(text: &str) -> Result<String, ImageReferenceError> {
    let error = ImageReferenceError::Digest;
    let (algorithm, hex) = text.split_once(':').ok_or(error)?;
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err(error),
    };
    let is_hex = hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex {
        return Err(error);
    }
    Ok(text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn parsed(text: &str) -> ImageReference {
        ImageReference::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn spellings_of_one_image_have_one_normal_form() {
        for (text, normal) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1.28", "docker.io/library/nginx:1.28"),
            ("docker.io/nginx:1.28", "docker.io/library/nginx:1.28"),
            (
                "Docker.IO/library/nginx:1.28",
                "docker.io/library/nginx:1.28",
            ),
            (
                "index.docker.io/library/nginx:1.28",
                "docker.io/library/nginx:1.28",
            ),
            ("acme/shop", "docker.io/acme/shop:latest"),
            ("GHCR.io/acme/shop:V2", "ghcr.io/acme/shop:V2"),
            ("localhost/shop:1", "localhost/shop:1"),
            ("registry:5000/team/app:2", "registry:5000/team/app:2"),
            ("[::1]:5000/app:2", "[::1]:5000/app:2"),
            (
                "us-central1-docker.pkg.dev/p/r/image:abc123",
                "us-central1-docker.pkg.dev/p/r/image:abc123",
            ),
        ] {
            assert_eq!(parsed(text).to_string(), normal, "{text}");
        }
        let both = parsed(&format!("acme/shop:2@{DIGEST}"));
        assert_eq!(both.to_string(), format!("docker.io/acme/shop:2@{DIGEST}"));
        assert_eq!(parsed(&format!("shop@{DIGEST}")).digest(), Some(DIGEST));
    }

    #[test]
    fn what_is_no_reference_is_refused_with_the_reason() {
        use ImageReferenceError as Error;
        for (text, error) in [
            ("", Error::Empty),
            ("nginx:1 redis:7", Error::WhiteSpace),
            ("nginx\n", Error::WhiteSpace),
            ("https://ghcr.io/acme/shop:1", Error::Scheme),
            ("docker://nginx", Error::Scheme),
            ("Nginx", Error::UpperCase),
            ("ghcr.io/Acme/shop", Error::UpperCase),
            ("ghcr.io/", Error::Path),
            ("ghcr.io//shop", Error::Path),
            ("acme/shop-", Error::Path),
            ("acme/a..b", Error::Path),
            ("acme/shop,other", Error::Path),
            ("ghcr.io:x/shop", Error::Registry),
            ("-a.b/shop", Error::Registry),
            ("[zz]:5/shop", Error::Registry),
            ("shop:", Error::Tag),
            ("shop:-a", Error::Tag),
            ("shop:a:b", Error::Tag),
            ("shop:größe", Error::Tag),
            ("shop@", Error::Digest),
            (DIGEST, Error::NoName),
            ("shop@sha256:00", Error::Digest),
            ("shop@md5:0123456789abcdef0123456789abcdef", Error::Digest),
        ] {
            assert_eq!(ImageReference::parse(text), Err(error), "{text}");
        }
        let long = format!("acme/{}", "a".repeat(300));
        assert_eq!(ImageReference::parse(&long), Err(Error::Path));
    }

    #[test]
    fn a_digest_decides_and_a_tag_does_not_stand_for_one() {
        let other_digest = DIGEST.replace("0123", "ffff");
        let tagged = parsed("acme/shop:2");
        let pinned = parsed(&format!("acme/shop@{DIGEST}"));
        for (one, other, likeness) in [
            (
                &tagged,
                &parsed("docker.io/acme/shop:2"),
                ImageComparison::Same,
            ),
            (&tagged, &parsed("acme/shop:3"), ImageComparison::Different),
            (
                &tagged,
                &parsed("ghcr.io/acme/shop:2"),
                ImageComparison::Different,
            ),
            (&tagged, &pinned, ImageComparison::Unknown),
            (
                &pinned,
                &parsed(&format!("acme/shop:9@{DIGEST}")),
                ImageComparison::Same,
            ),
            (
                &pinned,
                &parsed(&format!("acme/shop@{other_digest}")),
                ImageComparison::Different,
            ),
        ] {
            assert_eq!(one.likeness(other), likeness, "{one} {other}");
            assert_eq!(other.likeness(one), likeness, "{other} {one}");
        }
    }
}
