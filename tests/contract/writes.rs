//! Only `src/actions` changes something on Sevalla. Every operation that is not
//! a reading is a method of `sevalla::Writes`, and no other module names it.

use std::path::{Path, PathBuf};

use super::{read, root};

/// Every file of `src/` below this folder, as a path from the root.
pub(super) fn sources(folder: &str) -> Vec<PathBuf> {
    fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if root().join(&path).is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|end| end == "rs") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    collect(Path::new(folder), &mut files);
    files.sort();
    files
}

#[test]
fn only_actions_get_at_what_changes_something() {
    let may_write = [Path::new("src/actions"), Path::new("src/sevalla")];
    for path in sources("src") {
        if may_write.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        let source = read(&path);
        let mut code = source
            .lines()
            .map(str::trim_start)
            .filter(|line| !line.starts_with("//"));
        let is_type = |line: &str| {
            ["Writes<", "Writes,", "Writes;", "Writes}"]
                .iter()
                .any(|end| line.contains(end))
        };
        let named = code.find(|line| is_type(line) || line.contains(".writes()"));
        assert_eq!(named, None, "{}", path.display());
    }
}

/// The names of the operations whose method is not GET.
fn writing_operations() -> Vec<String> {
    let source = read("src/sevalla/operation.rs");
    let table = source.split("\noperations! {\n").nth(1).unwrap();
    let rows = table.split("\n}\n").next().unwrap().split(';');
    let writes = rows.filter(|row| !row.trim().is_empty() && !row.contains(" GET "));
    writes
        .map(|row| row.trim().split(' ').next().unwrap().to_owned())
        .collect()
}

#[test]
fn only_methods_of_writes_send_what_changes_something() {
    let writing = writing_operations();
    assert!(
        writing.contains(&"TRIGGER_DEPLOYMENT".to_owned()),
        "{writing:?}"
    );
    for path in sources("src/sevalla") {
        let source = read(&path);
        for block in source.split("\nimpl ").skip(1) {
            let block = block.split("\n}\n").next().unwrap();
            let sent = writing.iter().filter(|name| {
                block.contains(&format!("&{name}")) || block.contains(&format!("::{name}"))
            });
            for name in sent {
                assert!(
                    block.starts_with("Writes<'_> {"),
                    "{}: {name}",
                    path.display()
                );
            }
        }
    }
}
