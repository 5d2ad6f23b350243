//! Messages to the service manager (`sd_notify(3)`): ready, reloading, stopping, alive. Without
//! systemd they do nothing.

#[cfg(unix)]
use sd_notify::NotifyState;

/// The server accepts connections; after a reload: the new files are in use, or the old ones still
/// are.
pub(super) fn ready() {
    #[cfg(unix)]
    send(&[NotifyState::Ready]);
}

/// A reload begins. For `Type=notify-reload` the time shows that it is not an earlier one.
pub(super) fn reloading() {
    #[cfg(unix)]
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        send(&[NotifyState::Reloading, now]);
    }
}

/// The server ends.
pub(super) fn stopping() {
    #[cfg(unix)]
    send(&[NotifyState::Stopping]);
}

/// Reports twice in each `WatchdogSec=` that the server is alive, from a task beside those of
/// connections: if no task makes progress any more, systemd restarts the server.
pub(super) fn report_alive() {
    #[cfg(unix)]
    if let Some(period) = sd_notify::watchdog_enabled().filter(|period| !period.is_zero()) {
        let mut alive = tokio::time::interval(period / 2);
        tokio::spawn(async move {
            loop {
                alive.tick().await;
                send(&[NotifyState::Watchdog]);
            }
        });
    }
}

#[cfg(unix)]
fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not notified");
    }
}
