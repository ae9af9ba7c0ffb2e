//! The request to end early: SIGINT, SIGTERM and SIGHUP, or the events of a
//! console on Windows, as a value that can be awaited.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

#[cfg_attr(unix, path = "shutdown/unix.rs")]
#[cfg_attr(windows, path = "shutdown/windows.rs")]
mod signals;

use signals::Signals;

/// How long after the first signal another one is the same request. A wrapper
/// such as npm passes a signal on that its child has got already, a terminal
/// signals its whole process group, `tini -g` too.
pub const SAME_REQUEST: Duration = Duration::from_millis(1500);

/// How long the run may take to end after a signal that asks for an immediate
/// end, before the process exits without it.
const LAST_GRACE: Duration = Duration::from_secs(1);

/// Which signal asked the run to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP: the terminal or the connection was closed.
    HangUp,
    /// SIGINT: Ctrl-C, or a CI that cancels the job.
    Interrupt,
    /// SIGTERM: a container or a CI that ends the job.
    Terminate,
}

impl Signal {
    /// The name as people know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HangUp => signals::HANG_UP,
            Self::Interrupt => signals::INTERRUPT,
            Self::Terminate => signals::TERMINATE,
        }
    }

    /// The exit code of a run that it ended: 128 and its number, as in a shell.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::HangUp => 129,
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// Asks a run to end, and again to end at once. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    first: CancellationToken,
    second: CancellationToken,
    /// The first signal, and when it came.
    first_signal: Arc<OnceLock<(Signal, Instant)>>,
}

impl Shutdown {
    /// Takes in one signal. The first asks for an orderly end, one that comes
    /// later than [`SAME_REQUEST`] after it for an immediate one.
    pub fn request(&self, signal: Signal) {
        let (_, at) = self.first_signal.get_or_init(|| (signal, Instant::now()));
        if self.first.is_cancelled() && at.elapsed() > SAME_REQUEST {
            self.second.cancel();
        }
        self.first.cancel();
    }

    /// The first signal, if there was one.
    pub fn signal(&self) -> Option<Signal> {
        self.first_signal.get().map(|(signal, _at)| *signal)
    }

    /// Whether there was a signal, so that [`Self::requested`] does not wait.
    pub fn is_requested(&self) -> bool {
        self.first.is_cancelled()
    }

    /// When that came.
    pub fn requested_at(&self) -> Option<Instant> {
        self.first_signal.get().map(|(_signal, at)| *at)
    }

    /// Waits for the first signal.
    pub async fn requested(&self) -> Signal {
        self.first.cancelled().await;
        self.signal().unwrap_or(Signal::Interrupt)
    }

    /// Waits for the second signal.
    pub async fn insisted(&self) {
        self.second.cancelled().await;
    }

    /// Listens for SIGINT, SIGTERM and SIGHUP until the process ends. As
    /// process 1 of a container these signals do nothing unless somebody
    /// listens.
    ///
    /// It listens on a thread of its own and, after the second request, ends
    /// the process if it has not ended by itself: what blocks the run, such as
    /// an output stream that nobody reads, must not keep the process.
    ///
    /// # Errors
    ///
    /// When the system refuses a signal handler or a thread.
    pub fn listen(&self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let entered = runtime.enter();
        let mut signals = Signals::listen()?;
        drop(entered);
        let stop = self.clone();
        let listening = async move {
            loop {
                let signal = signals.next().await;
                stop.request(signal);
                if stop.second.is_cancelled() {
                    tokio::time::sleep(LAST_GRACE).await;
                    exit(stop.signal().unwrap_or(signal));
                }
            }
        };
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(listening))?;
        Ok(())
    }
}

/// Ends the process although the run is blocked.
#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "a thread that is blocked cannot return how the run ended"
)]
fn exit(signal: Signal) -> ! {
    std::process::exit(i32::from(signal.exit_code()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_signal_asks_and_a_later_one_insists() {
        let stop = Shutdown::default();
        assert_eq!((stop.signal(), stop.requested_at()), (None, None));
        stop.request(Signal::Terminate);
        let at = stop.requested_at();
        assert_eq!(stop.requested().await, Signal::Terminate);
        for signal in [Signal::Interrupt, Signal::Terminate, Signal::HangUp] {
            stop.request(signal);
            assert!(!stop.second.is_cancelled(), "{signal:?}");
        }
        tokio::time::advance(SAME_REQUEST).await;
        stop.request(Signal::Terminate);
        assert!(!stop.second.is_cancelled());
        tokio::time::advance(Duration::from_millis(1)).await;
        stop.request(Signal::Interrupt);
        stop.insisted().await;
        assert_eq!(stop.signal(), Some(Signal::Terminate));
        assert!(at.is_some() && stop.requested_at() == at);
    }
}
