//! Signals on Unix.

use std::io;

use tokio::signal::unix::{Signal as Listener, SignalKind, signal};

use super::Signal;

pub(super) use UnixSignals as Signals;

pub(super) const HANG_UP: &str = "SIGHUP";
pub(super) const INTERRUPT: &str = "SIGINT";
pub(super) const TERMINATE: &str = "SIGTERM";

/// Listens for the signals that end a run.
pub(super) struct UnixSignals {
    interrupt: Listener,
    terminate: Listener,
    hang_up: Option<Listener>,
}

impl UnixSignals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: hang_up()?,
        })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) -> Signal {
        // In this order: SIGTERM and SIGHUP often come together.
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            () = next(self.hang_up.as_mut()) => Signal::HangUp,
        }
    }
}

/// The listener for SIGHUP; `None` where it was ignored when the program
/// started, as under `nohup`, or where that cannot be known. SIGINT and SIGTERM
/// are requests to this program and are never ignored: a CI's own runner that
/// was started in the background passes on that SIGINT is ignored, and cancels
/// with it all the same.
fn hang_up() -> io::Result<Option<Listener>> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    match is_ignored(SignalKind::hangup(), &status) {
        Some(false) => signal(SignalKind::hangup()).map(Some),
        Some(true) | None => Ok(None),
    }
}

/// Whether a process ignores a signal, by its `/proc/PID/status` (proc(5):
/// `SigIgn` is a mask in hexadecimal).
fn is_ignored(kind: SignalKind, status: &str) -> Option<bool> {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u128::from_str_radix(mask.trim(), 16).ok()?;
    let bit = u32::try_from(kind.as_raw_value()).ok()?.checked_sub(1)?;
    Some(mask.checked_shr(bit)? & 1 == 1)
}

/// Waits for a signal; for ever where nobody listens.
async fn next(listener: Option<&mut Listener>) {
    match listener {
        Some(listener) => {
            listener.recv().await;
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_ignores_is_read_from_its_status() {
        let status = |mask: &str| format!("Name:\tsh\nSigBlk:\t1\nSigIgn:\t{mask}\nSigCgt:\t2\n");
        for (mask, is_hang_up_ignored) in [
            ("0000000000000001", Some(true)),
            ("0000000000001001", Some(true)),
            ("0000000000001000", Some(false)),
            ("00000000000000000000000000000007", Some(true)),
            ("", None),
        ] {
            let ignored = is_ignored(SignalKind::hangup(), &status(mask));
            assert_eq!(ignored, is_hang_up_ignored, "{mask}");
        }
        assert_eq!(is_ignored(SignalKind::hangup(), ""), None);
    }
}
