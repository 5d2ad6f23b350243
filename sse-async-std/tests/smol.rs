//! The scenarios of every client, on smol.
#![allow(clippy::unwrap_used)]

use futures_util::StreamExt;

mod common;

use common::{Ask, Seen};

fn follow(ask: &Ask, seen: &mut dyn FnMut(Seen) -> bool) {
    common::follow(ask, seen, |source| smol::block_on(source.next()));
}
