//! [`Repository`]: the repository of a run, and the API of its code host. Made
//! by the hosts' facts; used by [`crate::code_host`].

use url::Url;

use crate::secret::is_https_or_loopback;

/// A repository, as the CI system reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// `OWNER/NAME`; on GitLab with the groups in between.
    pub slug: String,
    /// The API of its code host, if that is known.
    pub api: Option<Api>,
}

/// The API of a code host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Api {
    /// GitHub's REST API, or one that imitates it.
    GitHub {
        /// `https://api.github.com`, or `https://HOST/api/v3` of a GitHub
        /// Enterprise Server.
        base: Url,
    },
    /// GitLab's REST API.
    GitLab {
        /// `https://HOST/api/v4`.
        base: Url,
        /// The project's number or its whole path.
        project: String,
    },
}

impl Repository {
    pub(crate) fn new(slug: &str, api: Option<Api>) -> Self {
        Self {
            slug: slug.to_owned(),
            api,
        }
    }

    /// The repository with this address for cloning, in any of git's forms.
    pub(crate) fn cloned_from(address: &str) -> Option<Self> {
        let (host, path) = match address.split_once("://") {
            Some((_scheme, rest)) => rest.split_once('/')?,
            None => address.split_once(':')?,
        };
        let host = host.rsplit_once('@').map_or(host, |(_user, host)| host);
        let host = host.split_once(':').map_or(host, |(host, _port)| host);
        let path = path.trim_matches('/');
        let slug = path.strip_suffix(".git").unwrap_or(path);
        if !slug.contains('/') {
            return None;
        }
        // Only of these two is the API's place known by the host's name.
        let api = match host {
            "github.com" => Api::github("https://api.github.com"),
            "gitlab.com" => Api::gitlab("https://gitlab.com/api/v4", slug),
            _ => None,
        };
        Some(Self::new(slug, api))
    }

    /// The page of a commit, where the address of the API shows that of the pages.
    pub(crate) fn commit_page(&self, commit: &str) -> Option<String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        let is_commit = !commit.is_empty() && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        // Where it goes up, it leads to another repository.
        let goes_up = |part: &str| matches!(part, "." | "..");
        if !is_commit || !self.slug.chars().all(is_plain) || self.slug.split('/').any(goes_up) {
            return None;
        }
        let (base, folder) = match self.api.as_ref()? {
            Api::GitHub { base } => (base, "commit"),
            Api::GitLab { base, .. } => (base, "-/commit"),
        };
        let base = base.as_str().trim_end_matches('/');
        let base = match base {
            "https://api.github.com" => "https://github.com",
            base => base.rsplit_once("/api/v")?.0,
        };
        Some(format!("{base}/{}/{folder}/{commit}", self.slug))
    }
}

impl Api {
    /// `None` for an address to which no token may be sent.
    pub(crate) fn github(base: &str) -> Option<Self> {
        let base = address(base)?;
        Some(Self::GitHub { base })
    }

    /// `None` for an address to which no token may be sent.
    pub(crate) fn gitlab(base: &str, project: &str) -> Option<Self> {
        Some(Self::GitLab {
            base: address(base)?,
            project: project.to_owned(),
        })
    }
}

fn address(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(is_https_or_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_code_host_has_a_page_for_each_commit() {
        let commit = "59507fa69c0e4f7a8b6d5c4e3f2a1b0c9d8e7f60";
        for (address, page) in [
            (
                "https://github.com/acme/shop.git",
                Some("https://github.com/acme/shop/commit/"),
            ),
            (
                "https://x:token@gitlab.com/acme/web/shop",
                Some("https://gitlab.com/acme/web/shop/-/commit/"),
            ),
            ("https://git.example/acme/shop", None),
        ] {
            let found = Repository::cloned_from(address)
                .unwrap()
                .commit_page(commit);
            assert_eq!(found, page.map(|page| format!("{page}{commit}")));
        }
    }

    #[test]
    fn a_repository_is_known_by_its_address_for_cloning() {
        let github = Api::github("https://api.github.com");
        let gitlab = Api::gitlab("https://gitlab.com/api/v4", "acme/web/shop");
        for (address, slug, api) in [
            ("https://github.com/acme/shop", "acme/shop", &github),
            ("https://github.com/acme/shop.git", "acme/shop", &github),
            (
                "https://x:token@github.com/acme/shop.git",
                "acme/shop",
                &github,
            ),
            ("git@github.com:acme/shop.git", "acme/shop", &github),
            (
                "ssh://git@github.com:22/acme/shop.git",
                "acme/shop",
                &github,
            ),
            ("git://github.com/acme/shop.git", "acme/shop", &github),
            ("git@gitlab.com:acme/web/shop.git", "acme/web/shop", &gitlab),
            (
                "https://github.com.evil.example/acme/shop",
                "acme/shop",
                &None,
            ),
            ("https://git.example/acme/shop.git", "acme/shop", &None),
        ] {
            let expected = Repository::new(slug, api.clone());
            assert_eq!(
                Repository::cloned_from(address),
                Some(expected),
                "{address}"
            );
        }
        for address in [
            "",
            "shop",
            "https://github.com",
            "https://github.com/shop",
            "/srv/git/shop",
        ] {
            assert_eq!(Repository::cloned_from(address), None, "{address}");
        }
    }

    #[test]
    fn a_commit_has_a_page_where_the_api_shows_its_address() {
        let github = |base| Repository::new("acme/shop", Api::github(base));
        for (repository, page) in [
            (
                github("https://api.github.com"),
                Some("https://github.com/acme/shop/commit/7d3f0c2"),
            ),
            (
                github("https://git.example/api/v3"),
                Some("https://git.example/acme/shop/commit/7d3f0c2"),
            ),
            (
                Repository::new(
                    "a/b/c",
                    Api::gitlab("https://gitlab.example/sub/api/v4", "1"),
                ),
                Some("https://gitlab.example/sub/a/b/c/-/commit/7d3f0c2"),
            ),
            (github("https://api.github.example"), None),
            (Repository::new("acme/shop", None), None),
            (
                Repository::new("a/b?c#d", Api::github("https://api.github.com")),
                None,
            ),
            (
                Repository::new("a/../../phish/x", Api::github("https://api.github.com")),
                None,
            ),
        ] {
            assert_eq!(repository.commit_page("7d3f0c2").as_deref(), page);
            assert_eq!(repository.commit_page("7d3f0c2/../x"), None);
            assert_eq!(repository.commit_page(""), None);
        }
    }

    #[test]
    fn no_token_goes_over_plain_http() {
        assert_eq!(Api::github("http://github.example/api/v3"), None);
        assert_eq!(Api::gitlab("not an address", "1"), None);
        assert!(Api::github("http://127.0.0.1:8080").is_some());
    }
}
