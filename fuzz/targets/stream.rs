//! Whatever is reported, GitHub's runner sees no command but ours on the stream.

#![no_main]

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use sevalla_deploy::ci::Level;
use sevalla_deploy::environment::Variables;
use sevalla_deploy::sanitize::Sanitizer;

#[allow(dead_code, unreachable_pub)]
#[path = "../../tests/cli/oracle.rs"]
mod oracle;

mod github;

#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|text: &str| {
    let out = Kept::default();
    let sanitizer = Sanitizer::default();
    let token = || "0123456789abcdef0123456789abcdef".to_owned();
    let streams = (Box::new(out.clone()), Box::new(out.clone()));
    let mut github = github::output(&Variables::default(), streams.0, streams.1, token);
    github.print(&sanitizer.line(text));
    github.annotate(Level::Error, &sanitizer.line(text), &sanitizer.block(text), None);
    github.open_log(&sanitizer.line("log"));
    github.print(&sanitizer.line(text));
    github.close_log();
    let stream = String::from_utf8(out.0.take()).unwrap();
    let names = |stopping| -> Vec<String> {
        oracle::obeyed(&stream, stopping)
            .into_iter()
            .map(|command| command.name)
            .collect()
    };
    let ours = ["error", "group", "stop-commands", "resume", "endgroup"];
    assert_eq!(names(oracle::Stopping::Heeded), ours, "{stream:?}");
    assert_eq!(names(oracle::Stopping::Ignored), ours, "{stream:?}");
});
