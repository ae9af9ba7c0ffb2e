//! What Windows has in place of signals: events of the console.

use std::io;

use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown,
};

use super::Signal;

pub(super) use ConsoleEvents as Signals;

pub(super) const HANG_UP: &str = "the end of the console";
pub(super) const INTERRUPT: &str = "Ctrl-C";
pub(super) const TERMINATE: &str = "Ctrl-Break";

/// Listens for the events that end a run. GitHub's runner sends Ctrl-C, and 7.5
/// seconds later Ctrl-Break. When the console closes, or the system shuts down,
/// Windows ends the process after five seconds.
pub(super) struct ConsoleEvents {
    interrupt: CtrlC,
    terminate: CtrlBreak,
    close: CtrlClose,
    shutdown: CtrlShutdown,
}

impl ConsoleEvents {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: ctrl_c()?,
            terminate: ctrl_break()?,
            close: ctrl_close()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.shutdown.recv() => Signal::Terminate,
            _ = self.close.recv() => Signal::HangUp,
        }
    }
}
