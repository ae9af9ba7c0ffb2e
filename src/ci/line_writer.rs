//! [`LineWriter`]: a stream that is written line by line. An error is not
//! reported: a closed stream changes no result.

use std::io::Write;

pub(super) struct LineWriter(Box<dyn Write>);

impl LineWriter {
    pub(super) fn new(stream: Box<dyn Write>) -> Self {
        Self(stream)
    }

    /// Writes a line at once: a CI shows it as it comes. A stream that is
    /// closed changes nothing.
    pub(super) fn put(&mut self, line: &str) {
        let text = format!("{line}\n");
        let _closed = self
            .0
            .write_all(text.as_bytes())
            .and_then(|()| self.0.flush());
    }
}

/// For the tests of the channels.
#[cfg(test)]
pub(super) mod captured {
    use std::cell::RefCell;
    use std::io::Write;
    use std::rc::Rc;

    #[derive(Clone, Default)]
    pub(in crate::ci) struct Captured(Rc<RefCell<Vec<u8>>>);

    impl Captured {
        pub(in crate::ci) fn text(&self) -> String {
            String::from_utf8(self.0.take()).unwrap()
        }
    }

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
