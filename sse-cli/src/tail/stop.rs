//! Ctrl-C, and what else asks a program to end.

use tokio::sync::oneshot;

/// Resolves at the first signal to end: SIGINT, as Ctrl-C sends it, or SIGTERM. A second one ends the program at once, also
/// if it hangs on an output that nobody reads.
pub(super) fn requested() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    tokio::spawn(async move {
        signal().await;
        // It may be over already.
        let _ = sender.send(());
        signal().await;
        std::process::exit(130);
    });
    receiver
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};

    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        // Without handlers the signals end the program themselves.
        _ => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
