//! Any value of an output comes back as it went in, and adds no other.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sevalla_deploy::environment::Variables;
use sevalla_deploy::sanitize::Sanitizer;

#[allow(dead_code)]
#[path = "../../tests/hostile/file_commands.rs"]
mod file_commands;
mod github;

fuzz_target!(|text: &str| {
    let path = std::env::temp_dir().join(format!("fuzz-{}", std::process::id()));
    let name = path.to_string_lossy().into_owned();
    let variables = Variables::from([("GITHUB_OUTPUT", name.as_str())]);
    let sanitizer = Sanitizer::default();
    // The text may hold this one: the worst that can happen.
    let token = || "TOKEN".to_owned();
    let (out, error) = (Box::new(std::io::sink()), Box::new(std::io::sink()));
    let mut host = github::output(&variables, out, error, token);
    let outputs = [("url", sanitizer.block(text)), ("error", sanitizer.block(text))];
    host.outputs(&outputs).unwrap();
    let written = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let pairs = file_commands::read(&written).unwrap();
    let expected = outputs.map(|(name, value)| (name.to_owned(), value.as_str().to_owned()));
    assert_eq!(pairs, expected);
});
