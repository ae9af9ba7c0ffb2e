//! `SECURITY.md`: which files the program reads and writes.

use std::collections::BTreeSet;

use sevalla_deploy::inputs::TABLE;

/// What the sources call to read or write a file.
const CALLS: &[&str] = &[
    "fs::read",
    "fs::write",
    "fs::create_dir",
    "files::read(",
    "files::checkout(",
    "open_to_append(",
    "open_to_read(",
    "OpenOptions::new(",
    "File::open(",
    "WholeFile::create(",
];

/// The sources that do, each with what `SECURITY.md` says of it.
const SOURCES: &[(&str, &str)] = &[
    ("src/actions/doctor/ci.rs", "the CI's files for outputs"),
    ("src/actions/stack/resolve.rs", "`stack-file`"),
    ("src/ci/files.rs", "the CI's files for outputs"),
    ("src/ci/hosts/azure/mod.rs", "the agent's temporary folder"),
    (
        "src/ci/hosts/github/event_payload.rs",
        "the CI's event file",
    ),
    ("src/files.rs", "Missing folders"),
    ("src/files/unix.rs", "Missing folders"),
    ("src/files/windows.rs", "Missing folders"),
    ("src/http/mod.rs", "its own status in `/proc`"),
    ("src/http/tls.rs", "`SSL_CERT_FILE`"),
    ("src/inputs/secret_files.rs", "`<NAME>_FILE`"),
    ("src/journal/file.rs", "`.lock`"),
    ("src/report/atomic_file.rs", "`.partial`"),
    ("src/report/html/lines.rs", "`html-report`"),
    ("src/report/html/mod.rs", "`html-report`"),
    ("src/report/log.rs", "`log-file`"),
    ("src/report/output_file.rs", "`output-file` in `/dev`"),
    ("src/shutdown/unix.rs", "its own status in `/proc`"),
    ("src/time_zone.rs", "`/etc/localtime`"),
];

/// The two lists: what is read, and what is written.
fn lists() -> (String, String) {
    let page = crate::read("SECURITY.md");
    let (_, lists) = page.split_once("- It reads these files").unwrap();
    let (reads, writes) = lists.split_once("- It writes these files").unwrap();
    let (writes, _) = writes.split_once("- The files that inputs name").unwrap();
    (reads.to_owned(), writes.to_owned())
}

#[test]
fn the_files_that_inputs_name_are_listed() {
    let (reads, writes) = lists();
    let is_read = |name: &str| matches!(name, "stack-file" | "state-file");
    for input in TABLE.iter().filter(|input| input.accepts == "a path") {
        let name = input.name();
        let shown = format!("`{name}`");
        assert_eq!(reads.contains(&shown), is_read(&name), "{name}");
        assert_eq!(writes.contains(&shown), name != "stack-file", "{name}");
    }
    let secret = TABLE
        .iter()
        .find(|input| !input.file_spellings().is_empty());
    assert!(secret.is_some_and(|input| input.secret));
}

#[test]
fn every_source_that_reads_or_writes_a_file_is_about_a_listed_one() {
    let (reads, writes) = lists();
    let mut found = BTreeSet::new();
    for path in crate::templates::files_below("src") {
        let name = path.to_str().unwrap().replace('\\', "/");
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        if !is_source || name.ends_with("tests.rs") {
            continue;
        }
        let text = crate::read(&path);
        let code = text.split("\n#[cfg(test)]\n").next().unwrap_or_default();
        let code = code.split("\n#[cfg(all(test").next().unwrap_or_default();
        if CALLS.iter().any(|call| code.contains(call)) {
            found.insert(name);
        }
    }
    let known: BTreeSet<String> = SOURCES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, known, "SECURITY.md lists what each of them is for");
    for (name, about) in SOURCES {
        let is_listed = [&reads, &writes].iter().any(|list| list.contains(about));
        assert!(is_listed, "{name}: {about}");
    }
}
