//! The scenarios of every client, on async-std.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Ask, Seen};

fn follow(ask: &Ask, seen: &mut dyn FnMut(Seen) -> bool) {
    async_std::task::block_on(common::follow(ask, seen));
}
