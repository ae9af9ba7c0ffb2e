//! The publishing account is not decided: whoever decides it must find every
//! place that names the stand-in.

use std::collections::BTreeSet;
use std::path::Path;

/// Put together, so that this file is none of them.
const STAND_IN: &str = concat!("OWNER", "/sevalla-deploy");

/// Until the account is decided: afterwards `.ci/release/check` refuses the stand-in.
#[test]
fn every_file_that_names_the_stand_in_for_the_owner_is_listed() {
    if !env!("CARGO_PKG_REPOSITORY").ends_with(STAND_IN) {
        return;
    }
    let contributing = crate::read("CONTRIBUTING.md");
    let (_, list) = contributing
        .split_once("stands for it in:\n\n")
        .expect("the list in CONTRIBUTING.md");
    let listed: BTreeSet<String> = list
        .lines()
        .map_while(|line| line.strip_prefix("- "))
        .map(|entry| match entry.split('`').nth(1) {
            Some(path) => path.to_owned(),
            None => "CONTRIBUTING.md".to_owned(),
        })
        .collect();
    let mut naming = BTreeSet::new();
    collect(&crate::root(), &mut naming);
    // A folder stands for all in it.
    let folder_of = |path: &String| {
        let mut folders = listed.iter().filter(|entry| entry.ends_with('/'));
        folders.find(|folder| path.starts_with(*folder)).cloned()
    };
    let naming: BTreeSet<String> = naming
        .into_iter()
        .map(|path| folder_of(&path).unwrap_or(path))
        .collect();
    assert_eq!(listed, naming, "left: listed; right: found");
}

/// Adds the files below `folder` that name the stand-in.
fn collect(folder: &Path, naming: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let relative = path.strip_prefix(crate::root()).unwrap().to_owned();
        let foreign = [
            "target",
            "fuzz/target",
            "fuzz/corpus",
            "fuzz/artifacts",
            ".git",
        ];
        let is_ours = !foreign.map(Path::new).contains(&relative.as_path());
        if path.is_symlink() || !is_ours {
            continue;
        }
        if path.is_dir() {
            collect(&path, naming);
        } else if let Ok(text) = std::fs::read_to_string(&path)
            && text.contains(STAND_IN)
        {
            naming.insert(relative.to_str().unwrap().to_owned());
        }
    }
}
