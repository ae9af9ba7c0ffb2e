//! The files that differ between two commits.

use serde_json::{Value, json};
use sevalla_deploy::code_host::{ChangedFiles, Reason};

use crate::forge::{Forge, Trouble};

const OLD: &str = "1111111111111111111111111111111111111111";
const NEW: &str = "2222222222222222222222222222222222222222";
const FORK: &str = "3333333333333333333333333333333333333333";

fn github() -> Forge {
    Forge::github("https://api.github.com")
}

fn between(base: &str, files: &[&str]) -> Value {
    let files = files.iter().map(|file| json!({"filename": file}));
    json!({"merge_base_commit": {"sha": base}, "files": files.collect::<Value>()})
}

fn known(files: &[&str]) -> ChangedFiles {
    ChangedFiles::Known(files.iter().map(|file| (*file).to_owned()).collect())
}

#[tokio::test(start_paused = true)]
async fn of_a_descendant_they_are_read_once_and_renames_have_both_names() {
    let forge = github();
    let renamed = json!({"filename": "b", "previous_filename": "a", "status": "renamed"});
    let files = json!([renamed, {"filename": "c", "status": "removed"}]);
    let answer = json!({"merge_base_commit": {"sha": OLD}, "files": files});
    forge.compares(&format!("{OLD}...{NEW}"), answer);
    let files = forge.client().changed_files(OLD, NEW).await.unwrap();
    assert_eq!(files, known(&["a", "b", "c"]));
    assert_eq!(forge.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_another_branch_both_directions_are_read() {
    let forge = github();
    forge
        .compares(&format!("{OLD}...{NEW}"), between(FORK, &["new"]))
        .compares(&format!("{NEW}...{OLD}"), between(FORK, &["old"]));
    let files = forge.client().changed_files(OLD, NEW).await.unwrap();
    assert_eq!(files, known(&["new", "old"]));
    let of_request = forge.client().files_changed_since(OLD, NEW).await.unwrap();
    assert_eq!(of_request, known(&["new"]));
    // Each direction may be compared with another common ancestor.
    forge.compares(&format!("{NEW}...{OLD}"), between(OLD, &["old"]));
    let files = forge.client().changed_files(OLD, NEW).await.unwrap();
    assert!(matches!(files, ChangedFiles::Unknown(_)), "{files:?}");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_may_be_cut_is_unknown() {
    let many: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (count, is_known) in [(299, true), (300, false)] {
        let forge = github();
        forge.compares(&format!("{OLD}...{NEW}"), between(OLD, &many[..count]));
        let files = forge.client().changed_files(OLD, NEW).await.unwrap();
        assert_eq!(matches!(files, ChangedFiles::Known(_)), is_known, "{count}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_or_lacks_a_part_is_an_error() {
    let forge = github();
    let error = forge.client().changed_files(OLD, NEW).await.unwrap_err();
    assert_eq!(error.reason, Reason::NotFound);
    // Forgejo compares too, but has neither the ancestor nor the status.
    let forge = github();
    forge.trouble(
        reqwest::Method::GET,
        Trouble::Said(r#"{"files":[{"filename":"a"}]}"#),
    );
    let error = forge.client().changed_files(OLD, NEW).await.unwrap_err();
    assert!(matches!(error.reason, Reason::Unreadable(_)), "{error}");
    let forge = github();
    let refused = Trouble::Refused(403, &[], json!({"message": "Not accessible"}));
    forge.trouble(reqwest::Method::GET, refused);
    let error = forge.client().changed_files(OLD, NEW).await.unwrap_err();
    assert!(error.to_string().contains("contents: read"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn gitlab_compares_the_trees() {
    for (body, expected) in [
        (
            r#"{"diffs":[{"old_path":"a","new_path":"b"}],"compare_timeout":false}"#,
            Some(known(&["a", "b"])),
        ),
        (r#"{"diffs":[],"compare_timeout":false}"#, Some(known(&[]))),
        (r#"{"diffs":[]}"#, None),
    ] {
        let forge = Forge::gitlab("7");
        forge.trouble(reqwest::Method::GET, Trouble::Said(body));
        let files = forge.client().changed_files(OLD, NEW).await;
        assert_eq!(files.ok(), expected, "{body}");
        assert_eq!(forge.requests(), ["GET /projects/7/repository/compare"]);
    }
    let forge = Forge::gitlab("7");
    let body = r#"{"diffs":[{"old_path":"a","new_path":"a"}],"compare_timeout":true}"#;
    forge.trouble(reqwest::Method::GET, Trouble::Said(body));
    let files = forge.client().changed_files(OLD, NEW).await.unwrap();
    assert!(matches!(files, ChangedFiles::Unknown(_)), "{files:?}");
}
