//! Events that the server lost: a node detects losses by comparing places, and marks them on the
//! server, so that every reader that crosses a loss gets a gap.
//!
//! A server that was emptied, restarted with an older file, or replaced by a replica that was
//! behind, gives numbers a second time, and its answers do not show it. A node notices when the
//! server does not have an event that the node had from it:
//!
//! - The publishing node sends the newest stamp that it knows, and the script itself marks the
//!   loss.
//! - Each message and each answer names the stamp before it
//!   ([`Topics::heard`](super::topics::Topics::heard)).
//! - Comparisons ask for the newest event of each topic, and for what was the newest one before
//!   each connection was made.

use std::sync::Arc;

use super::names::Names;
use super::scripts::Found;
use super::server::{Failure, Server};
use crate::Place;
use crate::backoff::Backoff;
use crate::log::{Amount, Update};

/// Attempts to mark one loss.
const TRIES: usize = 20;

/// Marks that the server lost events up to `known`, before the event at `last`, and makes the hubs
/// compare. Works in the background.
pub(super) fn report(server: &Arc<Server>, names: Arc<Names>, known: Place, last: Place) {
    let server = Arc::clone(server);
    tokio::spawn(async move {
        let mut backoff = Backoff::default();
        for _ in 0..TRIES {
            let marked = server.lose(&names, known.stamp + 1).await;
            if !matches!(marked, Err(Failure::Unavailable(_) | Failure::Unknown(_))) {
                break;
            }
            backoff.wait().await;
        }
        server.topics.tell(&names.channel, &Update::Latest(last));
    });
}

/// Sends the newest place of a topic to its feeds, and marks events that the server lost.
pub(super) async fn compare(server: &Server, names: Arc<Names>) {
    let (topics, channel) = (&server.topics, &names.channel);
    let mut backoff = Backoff::default();
    loop {
        let places = topics.to_compare(channel);
        match look_for(server, &names, &places).await {
            Ok(Some(found)) if found.ended.is_some() => return topics.tell(channel, &Update::Ended),
            Ok(Some(found)) => {
                topics.compared(channel, &places);
                let nothing_known = places.iter().all(|place| place.number == 0);
                // Still without events, as far as this node knows: there is nothing to compare.
                if nothing_known && found.newest.number == 0 {
                    return;
                }
                topics.saw(channel, found.newest);
                if found.loss > 0 {
                    topics.tell(channel, &Update::Lost(found.loss));
                }
                return topics.tell(channel, &Update::Latest(found.last()));
            }
            // The topic has no followers left.
            Ok(None) => return,
            Err(Failure::Unavailable(_) | Failure::Unknown(_)) => backoff.wait().await,
            // Opening the topic, or publishing to it, reports this error.
            Err(Failure::Broken(_) | Failure::Foreign(_)) => return,
        }
    }
}

/// Looks each place up, and marks those that the server lost; returns the result for the last
/// place.
async fn look_for(server: &Server, names: &Names, places: &[Place]) -> Result<Option<Found>, Failure> {
    let mut last = None;
    for place in places {
        let id = (place.number > 0).then(|| place.to_string());
        let found = server.look(names, id.as_deref(), Amount::NONE).await?;
        if let Some(border) = found.border_of_loss(*place) {
            server.lose(names, border).await?;
        }
        last = Some(found);
    }
    Ok(last)
}
