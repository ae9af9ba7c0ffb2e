use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;

use serde_json::json;
use tempfile::TempDir;

use super::*;

const KEY: &str = "svl_0123456789abcdef";

fn token(text: &str) -> ApiToken {
    ApiToken::parse(text).unwrap()
}

fn run(key: &str) -> RunIdentity {
    RunIdentity {
        key: key.to_owned(),
        action: "deploy-app".to_owned(),
        target: "application 1".to_owned(),
        attempt: Some("1".to_owned()),
    }
}

fn open_once(folder: &TempDir, identity: RunIdentity) -> Result<Opening, JournalError> {
    Journal::open(&folder.path().join("state"), &token(KEY), identity)
}

/// A process that another test starts has the lock too until it executes its program.
fn open_as(folder: &TempDir, identity: &RunIdentity) -> Result<Opening, JournalError> {
    loop {
        match open_once(folder, identity.clone()) {
            Err(JournalError::InUse(_)) => std::thread::yield_now(),
            opened => return opened,
        }
    }
}

fn open(folder: &TempDir, key: &str) -> Result<Opening, JournalError> {
    open_as(folder, &run(key))
}

fn fresh(folder: &TempDir, key: &str) -> Journal {
    match open(folder, key).unwrap() {
        Opening::Fresh(journal) => journal,
        other => panic!("{other:?}"),
    }
}

fn send(journal: &Journal, name: &str) {
    journal
        .sending(&[(name.to_owned(), json!({"known": ["a"]}))], Some(7))
        .unwrap();
}

fn settle(journal: &Journal, name: &str, effect: Effect) {
    journal.settle(&[(name.to_owned(), effect)]).unwrap();
}

fn made(id: &str) -> Effect {
    Effect::Made { id: id.to_owned() }
}

fn not_ours(result: Result<Opening, JournalError>) -> String {
    match result {
        Err(JournalError::NotOurs(_, why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unfinished_write_is_found_by_the_same_run_alone() {
    let folder = TempDir::new().unwrap();
    let journal = fresh(&folder, "one");
    assert!(!folder.path().join("state").exists());
    send(&journal, "deploy");
    send(&journal, "deploy");
    drop(journal);
    let Ok(Opening::Unfinished(journal)) = open(&folder, "one") else {
        panic!("it is resumed");
    };
    let write = journal.write_named("deploy").unwrap();
    assert_eq!((write.sent, write.at), (2, Some(7)));
    assert_eq!(write.before, json!({"known": ["a"]}));
    assert_eq!(write.effect, Effect::Unknown);
    settle(&journal, "deploy", made("d"));
    drop(journal);
    assert!(not_ours(open(&folder, "two")).contains("another run"));
    // The next attempt at the same run is the same run.
    let again = RunIdentity {
        attempt: Some("2".to_owned()),
        ..run("one")
    };
    let Ok(Opening::Unfinished(journal)) = open_as(&folder, &again) else {
        panic!("it is resumed");
    };
    assert_eq!(journal.write_named("deploy").unwrap().effect, made("d"));
}

#[test]
fn a_write_without_effect_leaves_nothing_to_resume() {
    let folder = TempDir::new().unwrap();
    let journal = fresh(&folder, "one");
    send(&journal, "deploy");
    settle(&journal, "deploy", Effect::Nothing);
    assert_eq!(journal.write_named("deploy").unwrap().sent, 0);
    drop(journal);
    fresh(&folder, "two");
}

#[test]
fn what_is_followed_is_continued_by_the_same_run_and_blocks_no_other() {
    let folder = TempDir::new().unwrap();
    let journal = fresh(&folder, "one");
    journal
        .follow("deploy", &json!(null), "d".to_owned())
        .unwrap();
    drop(journal);
    let Ok(Opening::Unfinished(journal)) = open(&folder, "one") else {
        panic!("it is resumed");
    };
    let write = journal.write_named("deploy").unwrap();
    let id = "d".to_owned();
    assert_eq!((write.sent, write.effect), (0, Effect::Followed { id }));
    drop(journal);
    fresh(&folder, "two");
}

#[test]
fn a_finished_run_is_known_to_its_own_attempt_and_replaced_by_every_other() {
    let folder = TempDir::new().unwrap();
    let journal = fresh(&folder, "one");
    send(&journal, "deploy");
    let end = EndRecord {
        result: "success".to_owned(),
        ..EndRecord::default()
    };
    journal.finish(end.clone()).unwrap();
    drop(journal);
    match open(&folder, "one").unwrap() {
        Opening::Finished(_, found) => assert_eq!(found, end),
        other => panic!("{other:?}"),
    }
    fresh(&folder, "two");
    let again = RunIdentity {
        attempt: Some("2".to_owned()),
        ..run("one")
    };
    assert!(matches!(open_as(&folder, &again), Ok(Opening::Fresh(_))));
}

#[test]
fn a_finished_run_of_another_api_key_is_replaced_unless_it_claims_to_be_this_one() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state");
    let journal = fresh(&folder, "one");
    send(&journal, "deploy");
    drop(journal);
    let new_key = |key: &str| Journal::open(&path, &token("svl_the_new_key"), run(key));
    // Whether its write took effect is unknown.
    not_ours(new_key("two"));
    let Ok(Opening::Unfinished(journal)) = open(&folder, "one") else {
        panic!("it is resumed");
    };
    journal.finish(EndRecord::default()).unwrap();
    drop(journal);
    // Started again, this run would deploy twice.
    not_ours(new_key("one"));
    let Ok(Opening::Fresh(journal)) = new_key("two") else {
        panic!("it is replaced");
    };
    send(&journal, "deploy");
    drop(journal);
    assert!(matches!(new_key("two"), Ok(Opening::Unfinished(_))));
    // Nor is a later version's end a reason to stop.
    let Ok(Opening::Unfinished(journal)) = new_key("two") else {
        panic!("it is resumed");
    };
    journal.finish(EndRecord::default()).unwrap();
    drop(journal);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("journal 1 ", "journal 2 ")).unwrap();
    not_ours(new_key("two"));
    assert!(matches!(new_key("three"), Ok(Opening::Fresh(_))));
}

#[test]
fn what_is_read_is_what_was_written() {
    let mut record = JournalRecord::new(run("one"));
    for (name, effect) in [
        ("a", Effect::Unknown),
        ("b", Effect::Nothing),
        ("c", made("1")),
        ("d", Effect::Cancelling { id: "2".to_owned() }),
    ] {
        record.sending(name, &json!({ "known": [name] }), Some(-7));
        record.settle(name, &effect);
    }
    let and_back = |record: &JournalRecord| {
        JournalRecord::read(&serde_json::to_value(record).unwrap()).unwrap()
    };
    assert_eq!(and_back(&record), record);
    record.following("e", &json!(null), "3".to_owned());
    assert_eq!(and_back(&record), record);
    record.identity.attempt = None;
    record
        .failed_checks
        .push(("id".to_owned(), "why".to_owned()));
    record.end = Some(EndRecord {
        result: "success".to_owned(),
        headline: "Deployed".to_owned(),
        why: vec!["first".to_owned(), "second".to_owned()],
        hint: None,
        is_ambiguous: true,
    });
    assert_eq!(and_back(&record), record);
}

#[test]
fn what_nobody_knows_blocks_every_attempt_until_the_file_is_deleted() {
    let folder = TempDir::new().unwrap();
    let journal = fresh(&folder, "one");
    send(&journal, "deploy");
    let end = EndRecord {
        result: "answer-lost".to_owned(),
        is_ambiguous: true,
        ..EndRecord::default()
    };
    journal.finish(end.clone()).unwrap();
    drop(journal);
    for attempt in ["1", "2"] {
        let identity = RunIdentity {
            attempt: Some(attempt.to_owned()),
            ..run("one")
        };
        match open_as(&folder, &identity).unwrap() {
            Opening::Finished(_, found) => assert_eq!(found, end),
            other => panic!("{other:?}"),
        }
    }
    assert!(not_ours(open(&folder, "two")).contains("another run"));
    let new_key = Journal::open(
        &folder.path().join("state"),
        &token("svl_another"),
        run("two"),
    );
    not_ours(new_key);
    std::fs::remove_file(folder.path().join("state")).unwrap();
    fresh(&folder, "one");
}

#[test]
fn a_run_that_has_written_nothing_leaves_no_file() {
    let folder = TempDir::new().unwrap();
    let journal = fresh(&folder, "one");
    journal.finish(EndRecord::default()).unwrap();
    assert!(!folder.path().join("state").exists());
}

#[test]
fn only_one_process_uses_it() {
    let folder = TempDir::new().unwrap();
    let journal = fresh(&folder, "one");
    match open_once(&folder, run("one")) {
        Err(JournalError::InUse(lock)) => assert_eq!(lock, folder.path().join("state.lock")),
        other => panic!("{other:?}"),
    }
    drop(journal);
    fresh(&folder, "one");
}

#[test]
fn what_was_changed_cut_or_written_with_another_key_is_not_trusted() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state");
    let journal = fresh(&folder, "one");
    send(&journal, "deploy");
    drop(journal);
    let whole = std::fs::read(&path).unwrap();
    let text = String::from_utf8(whole.clone()).unwrap();
    assert!(!text.contains(KEY), "{text}");
    for length in 1..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        not_ours(open(&folder, "one"));
    }
    for changed in [
        text.replace("\"sent\":1", "\"sent\":2"),
        text.replace("journal 1 ", "journal 2 "),
        text.replace("journal 1 ", "journal 1 0"),
    ] {
        assert_ne!(changed, text);
        std::fs::write(&path, changed).unwrap();
        not_ours(open(&folder, "one"));
    }
    std::fs::write(&path, &whole).unwrap();
    let other = Journal::open(&path, &token("svl_another_key"), run("one"));
    assert!(not_ours(other).contains("sevalla-token"));
    assert!(matches!(open(&folder, "one"), Ok(Opening::Unfinished(_))));
}

#[test]
fn it_is_bounded_and_for_its_owner_only() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state");
    let journal = fresh(&folder, "one");
    let large = "x".repeat(usize::try_from(file::LARGEST).unwrap());
    let write = [("deploy".to_owned(), json!(large))];
    assert!(journal.sending(&write, None).is_err());
    // What could not be recorded did not happen.
    assert_eq!(journal.write_named("deploy"), None);
    send(&journal, "deploy");
    let mode = |name: &str| {
        let there = folder.path().join(name).metadata().unwrap();
        there.permissions().mode() & 0o777
    };
    assert_eq!((mode("state"), mode("state.lock")), (0o600, 0o600));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    drop(journal);
    std::fs::write(&path, &large[1..]).unwrap();
    not_ours(open(&folder, "one"));
    std::fs::write(&path, large + "x").unwrap();
    assert!(not_ours(open(&folder, "one")).contains("bytes"));
}

#[test]
fn links_and_what_is_no_file_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("elsewhere"), "kept").unwrap();
    let unusable = |name: &str| {
        let opened = Journal::open(&path(name), &token(KEY), run("one"));
        assert!(
            matches!(opened, Err(JournalError::Unusable(..))),
            "{opened:?}"
        );
    };
    symlink(path("elsewhere"), path("link")).unwrap();
    unusable("link");
    symlink(path("elsewhere"), path("locked.lock")).unwrap();
    unusable("locked");
    std::fs::create_dir(path("folder")).unwrap();
    unusable("folder");
    // Nothing waits for the other end of what has one.
    for name in ["socket", "sockets.lock"] {
        UnixListener::bind(path(name)).unwrap();
    }
    unusable("socket");
    unusable("sockets");
    std::fs::create_dir(path("locks.lock")).unwrap();
    unusable("locks");
    unusable("elsewhere/below");
    // A partial file that is a link is replaced, not followed.
    symlink(path("elsewhere"), path("state.partial")).unwrap();
    let journal = fresh(&folder, "one");
    send(&journal, "deploy");
    assert_eq!(std::fs::read_to_string(path("elsewhere")).unwrap(), "kept");
}

#[test]
fn an_empty_file_is_no_journal() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("state"), "").unwrap();
    fresh(&folder, "one");
}

#[test]
fn an_error_names_the_file_that_it_is_about() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("other.lock")).unwrap();
    let opened = Journal::open(&folder.path().join("other"), &token(KEY), run("one"));
    let lock = folder.path().join("other.lock");
    let error = opened.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("{}: ", lock.display())),
        "{error}"
    );
    let partial = folder.path().join("state.partial");
    std::fs::create_dir(&partial).unwrap();
    let journal = fresh(&folder, "one");
    let error = journal.sending(&[("deploy".to_owned(), json!(null))], None);
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("{}: ", partial.display())),
        "{error}"
    );
}

#[test]
fn a_half_written_file_is_replaced_and_never_read() {
    let folder = TempDir::new().unwrap();
    let partial = folder.path().join("state.partial");
    std::fs::write(&partial, "half").unwrap();
    let journal = fresh(&folder, "one");
    send(&journal, "deploy");
    assert!(!partial.exists());
}
