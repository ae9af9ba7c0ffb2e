//! The wish to end early: SIGINT and SIGTERM, as a value that can be awaited.

use std::sync::{Arc, OnceLock};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Which signal asked the run to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C, or a CI that cancels the job.
    Interrupt,
    /// SIGTERM: a container or a CI that ends the job.
    Terminate,
}

impl Signal {
    /// The name as people know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}

/// Asks a run to end, and again to end at once. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    first: CancellationToken,
    second: CancellationToken,
    /// The first signal, and when it came.
    told: Arc<OnceLock<(Signal, Instant)>>,
}

impl Stop {
    /// Tells of one signal. The first asks for an orderly end, the next for an
    /// immediate one.
    pub fn tell(&self, signal: Signal) {
        if self.first.is_cancelled() {
            self.second.cancel();
            return;
        }
        self.told.get_or_init(|| (signal, Instant::now()));
        self.first.cancel();
    }

    /// The first signal, if there was one.
    pub fn told(&self) -> Option<Signal> {
        self.told.get().map(|(signal, _at)| *signal)
    }

    /// When that came.
    pub fn told_at(&self) -> Option<Instant> {
        self.told.get().map(|(_signal, at)| *at)
    }

    /// Waits for the first signal.
    pub async fn asked(&self) -> Signal {
        self.first.cancelled().await;
        self.told().unwrap_or(Signal::Interrupt)
    }

    /// Waits for the second signal.
    pub async fn insisted(&self) {
        self.second.cancelled().await;
    }

    /// Listens for SIGINT and SIGTERM until the process ends. As process 1 of
    /// a container these signals do nothing unless somebody listens.
    pub fn listen(&self) -> std::io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};

        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let stop = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => stop.tell(Signal::Interrupt),
                    _ = terminate.recv() => stop.tell(Signal::Terminate),
                }
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_signal_asks_and_the_second_insists() {
        let stop = Stop::default();
        assert_eq!((stop.told(), stop.told_at()), (None, None));
        stop.tell(Signal::Terminate);
        let at = stop.told_at();
        assert_eq!(stop.asked().await, Signal::Terminate);
        assert!(!stop.second.is_cancelled());
        stop.tell(Signal::Interrupt);
        stop.insisted().await;
        assert_eq!(stop.told(), Some(Signal::Terminate));
        assert!(at.is_some() && stop.told_at() == at);
    }
}
