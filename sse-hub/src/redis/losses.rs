//! Events that the server lost: the scripts detect losses by comparing places, and mark them on
//! the server, so that every reader that crosses a loss gets a gap.
//!
//! A server that was emptied, restarted with an older file, or replaced by a replica that was
//! behind, gives numbers a second time, and its answers do not show it. So a node remembers places
//! that the server had ([`Topics::known`](super::topics::Topics::known)): the newest event that it
//! received, the newest event that it published, and the newest event before each connection was
//! made. **Each script gets these places and checks them before it does anything else**, so a loss
//! of what the node knows is marked before the node reads or appends one more event. A place is
//! first compared with the counter of the topic. Only a place that is in doubt is looked for in the
//! stream: places from before a connection, and places that the next message does not continue.
//!
//! - A message names the stamp of the event before it; if that is older than what the node knew,
//!   the newer place is kept and compared at once ([`report`]).
//! - The answer to a publish also names that stamp. If a topic is not followed, events of other
//!   nodes do not reach this node, so an answer that names another event than the node's newest one
//!   puts that one in doubt: the next script looks for it.
//! - Comparisons ask for the newest event of each topic after each connection, and now and then.

use std::sync::Arc;

use super::names::Names;
use super::server::{Failure, Server};
use crate::backoff::Backoff;
use crate::log::{Amount, Update};

/// Attempts to compare a topic at once. Later scripts compare what is left.
const TRIES: usize = 20;

/// Compares a topic after a message or an answer showed a loss. Works in the background.
pub(super) fn report(server: &Arc<Server>, names: Arc<Names>) {
    let server = Arc::clone(server);
    tokio::spawn(async move { compare(&server, names, TRIES).await });
}

/// Sends the newest place of a topic to its feeds, once the script has marked events that the
/// server lost.
pub(super) async fn compare(server: &Server, names: Arc<Names>, tries: usize) {
    let (topics, channel) = (&server.topics, &names.channel);
    let mut backoff = Backoff::default();
    for _ in 0..tries {
        topics.doubt(channel);
        let known = topics.known(channel);
        match server.look(&names, None, Amount::NONE).await {
            Ok(found) if found.ended.is_some() => return topics.tell(channel, &Update::Ended),
            Ok(found) => {
                // Still without events, as far as this node knows: there is nothing to compare.
                if known.is_empty() && found.newest.number == 0 {
                    return;
                }
                if found.marked {
                    topics.compared(channel, &known, found.newest);
                }
                if found.loss > 0 {
                    topics.tell(channel, &Update::Lost(found.loss));
                }
                return topics.tell(channel, &Update::Latest(found.last()));
            }
            Err(Failure::Unavailable(_) | Failure::Unknown(_)) => backoff.wait().await,
            // Opening the topic, or publishing to it, reports this error.
            Err(Failure::Broken(_) | Failure::Foreign(_)) => return,
        }
    }
}
