//! Log lines for changes of the event log's health.

use sse_hub::Health;

/// The state that was logged last.
#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Starting,
    Ready,
    AtRisk(String),
    Away,
}

/// Logs that the event log works, may lose events, or is unavailable, each time that this changes.
#[derive(Debug, Default)]
pub(super) struct HealthLog {
    state: State,
    /// Whether the log was unavailable at the previous check.
    was_away: bool,
}

impl HealthLog {
    /// Compares the health with the logged state.
    pub(super) fn update(&mut self, health: &Health) {
        let state = match health {
            Health::Ready => State::Ready,
            Health::AtRisk(reason) => State::AtRisk(reason.clone()),
            _ => State::Away,
        };
        // A connection takes a moment to be made, which needs no line.
        let is_first_failure = state == State::Away && !self.was_away;
        self.was_away = state == State::Away;
        if state == self.state || is_first_failure {
            return;
        }
        match health {
            Health::Ready if self.state == State::Starting => {}
            Health::Ready => tracing::info!("the event log is available"),
            Health::AtRisk(reason) => tracing::warn!(reason, "the event log works, but events may be lost"),
            Health::Away(reason) => tracing::error!(reason, "the event log is unavailable"),
            _ => tracing::error!("the event log is unavailable"),
        }
        self.state = state;
    }
}
