//! The scenarios of every client, on async-std.
#![allow(clippy::unwrap_used)]

use futures_util::StreamExt;

mod common;

use common::{Ask, Seen};

fn follow(ask: &Ask, seen: &mut dyn FnMut(Seen) -> bool) {
    common::follow(ask, seen, |source| async_std::task::block_on(source.next()));
}
