//! A stream that stays in memory.

use std::cell::RefCell;
use std::io::{Result, Write};
use std::rc::Rc;

thread_local! {
    static STDERR: Captured = Captured::default();
}

/// A stream that stays in memory. A clone is the same stream.
#[derive(Debug, Clone, Default)]
pub struct Captured(Rc<RefCell<Vec<u8>>>);

impl Captured {
    /// This thread's error stream: the program opens it by a plain function,
    /// which can carry no stream of its own.
    pub fn stderr() -> Self {
        STDERR.with(Self::clone)
    }

    /// What was written since this was last asked for.
    ///
    /// # Panics
    ///
    /// If it is not UTF-8.
    pub fn take(&self) -> String {
        String::from_utf8(self.0.take()).expect("a stream of text")
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
