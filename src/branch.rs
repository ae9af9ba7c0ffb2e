//! Names of git branches in the spellings that CIs and the service use.

/// What git and CIs write before the name of a branch.
const PREFIXES: [&str; 4] = [
    "refs/heads/",
    "refs/remotes/origin/",
    "remotes/origin/",
    "heads/",
];

/// The name without `refs/heads/` and the like. `origin/main` stays as it is,
/// since a branch may be called that.
pub fn short_name(name: &str) -> &str {
    let name = name.trim();
    PREFIXES
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name)
}

/// Whether two names mean the same branch: `refs/heads/main`, `origin/main` and
/// `main` do.
pub fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (short_name(one), short_name(other));
    let local = |name| str::strip_prefix(name, "origin/");
    one == other || local(one) == Some(other) || local(other) == Some(one)
}

/// Why the name cannot be that of a branch, in words that complete "it is …".
pub fn objection(name: &str) -> Option<&'static str> {
    let short = short_name(name);
    let is_ill_formed = !is_well_formed(short);
    // What names itself a reference twice is none of a branch.
    let twice = short.starts_with("refs/").then(|| other_reference(short));
    other_reference(name)
        .or(twice.flatten())
        .or(is_ill_formed.then_some("not a name that git allows for a branch"))
}

/// What else than a branch the name refers to, in words that complete "it is …".
pub fn other_reference(name: &str) -> Option<&'static str> {
    /// What code hosts keep the references of pull requests under.
    const REQUESTS: [&str; 3] = ["pull/", "merge-requests/", "pull-requests/"];
    let name = name.trim();
    // What git and CIs leave of `refs/pull/12/merge`.
    let rest = name.strip_prefix("remotes/").unwrap_or(name);
    let of_request = REQUESTS.iter().find_map(|kind| rest.strip_prefix(kind));
    let is_merge = of_request
        .unwrap_or(name)
        .split_once('/')
        .is_some_and(|(number, word)| {
            let is_word =
                matches!(word, "merge" | "head") || of_request.is_some() && word == "from";
            is_word && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        });
    if name.starts_with("refs/tags/") || name.starts_with("tags/") {
        Some("a tag, and Sevalla deploys branches")
    } else if is_merge
        || name
            .strip_prefix("refs/")
            .is_some_and(|rest| REQUESTS.iter().any(|kind| rest.starts_with(kind)))
    {
        Some("the reference of a pull request, and not its branch")
    } else if name.starts_with("refs/") && short_name(name) == name {
        Some("a git reference, and not a branch")
    } else {
        None
    }
}

/// The rules of `git check-ref-format --branch`.
fn is_well_formed(name: &str) -> bool {
    let is_forbidden = |c: char| {
        c.is_control() || c.is_whitespace() || matches!(c, '~' | '^' | ':' | '?' | '*' | '[' | '\\')
    };
    let is_component = |part: &str| {
        // `.lock` is git's own ending of files, whatever the file system.
        let ending = part.rsplit_once('.').map(|(_, ending)| ending);
        !part.is_empty() && !part.starts_with('.') && ending != Some("lock")
    };
    !name.contains(is_forbidden)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
        && !name.starts_with('-')
        && name != "@"
        && name != "HEAD"
        && name.split('/').all(is_component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_reference_and_the_name_are_the_same_branch() {
        for (text, name) in [
            ("main", "main"),
            ("refs/heads/main", "main"),
            ("refs/heads/feature/x", "feature/x"),
            ("refs/remotes/origin/main", "main"),
            ("origin/main", "origin/main"),
        ] {
            assert_eq!(short_name(text), name, "{text}");
        }
        for (one, other) in [
            ("main", "refs/heads/main"),
            ("origin/main", "main"),
            ("refs/heads/main", "refs/remotes/origin/main"),
        ] {
            assert!(is_same(one, other) && is_same(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("main", "Main"),
            ("main", "feature/main"),
            ("a/main", "main"),
        ] {
            assert!(!is_same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_branch_is_named_as_what_it_is() {
        for (text, word) in [
            ("refs/tags/v1", "a tag"),
            ("refs/pull/12/merge", "pull request"),
            ("12/merge", "pull request"),
            ("refs/merge-requests/3/head", "pull request"),
            ("pull/12/head", "pull request"),
            ("merge-requests/3/merge", "pull request"),
            ("pull-requests/3/from", "pull request"),
            ("remotes/pull/12/merge", "pull request"),
            ("refs/heads/refs/tags/v1", "a tag"),
            ("refs/notes/x", "a git reference"),
            ("", "git allows"),
            ("a b", "git allows"),
            ("a..b", "git allows"),
            ("a:b", "git allows"),
            ("-x", "git allows"),
            ("a.lock", "git allows"),
            ("HEAD", "git allows"),
        ] {
            let objection = objection(text).unwrap_or_else(|| panic!("{text} is no branch"));
            assert!(objection.contains(word), "{text}: {objection}");
        }
        for name in [
            "main",
            "refs/heads/main",
            "origin/main",
            "merge",
            "12",
            "feat/12/merge",
            "12/from",
            "pull/new/merge",
            "refs/heads/pull/12/head",
            "v1.2",
            "größe",
        ] {
            assert_eq!(objection(name), None, "{name}");
        }
    }
}
