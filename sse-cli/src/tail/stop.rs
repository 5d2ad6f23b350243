//! Ctrl-C, and what else asks a program to end.

use std::io;

use tokio::sync::oneshot;

/// Resolves at the first signal to end: SIGINT, as Ctrl-C sends it, or SIGTERM. A second one ends the program at once, also
/// if it hangs on an output that nobody reads.
///
/// # Errors
///
/// The signals cannot be handled. They then end the program themselves.
pub(super) fn requested() -> io::Result<oneshot::Receiver<()>> {
    let mut signals = Signals::new()?;
    let (sender, receiver) = oneshot::channel();
    tokio::spawn(async move {
        signals.next().await;
        // It may be over already.
        let _ = sender.send(());
        signals.next().await;
        std::process::exit(130);
    });
    Ok(receiver)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
