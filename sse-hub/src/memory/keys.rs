//! Idempotency keys, kept as long as their events.

use std::collections::{HashMap, VecDeque};

use crate::Place;
use crate::log::{AppendError, Key};

#[derive(Debug, Default)]
pub(super) struct Keys {
    by_bytes: HashMap<Box<[u8]>, ([u8; 32], Place)>,
    /// The keys, ordered by the number of the last event of their batch.
    order: VecDeque<(u64, Box<[u8]>)>,
}

impl Keys {
    /// The place of the first event of the batch with this key.
    pub(super) fn find(&self, key: &Key) -> Result<Option<Place>, AppendError> {
        match self.by_bytes.get(&key.bytes) {
            None => Ok(None),
            Some((digest, first)) if *digest == key.digest => Ok(Some(*first)),
            Some(_) => Err(AppendError::KeyReused),
        }
    }

    pub(super) fn add(&mut self, key: &Key, first: Place, last: u64) {
        self.by_bytes.insert(key.bytes.clone(), (key.digest, first));
        self.order.push_back((last, key.bytes.clone()));
    }

    /// Removes the keys whose events are all among the first `number`.
    pub(super) fn forget_up_to(&mut self, number: u64) {
        while self.order.front().is_some_and(|(last, _)| *last <= number)
            && let Some((_, key)) = self.order.pop_front()
        {
            self.by_bytes.remove(&key);
        }
    }
}
