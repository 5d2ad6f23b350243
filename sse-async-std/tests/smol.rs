//! The scenarios of every client, on smol.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Ask, Seen};

fn follow(ask: &Ask, seen: &mut dyn FnMut(Seen) -> bool) {
    smol::block_on(common::follow(ask, seen));
}
