//! Memory of an idle subscriber without its connection: bodies in this process, polled to pending.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use http_body::Body as _;

use crate::contenders::{Contender, Source};
use crate::counting;

pub fn run(count: usize) {
    println!("{count} bodies in one process, each polled to pending, by the counting allocator:\n");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut sizes = vec![];
        for contender in [Contender::Hub, Contender::Broadcast] {
            let source = Source::new(contender);
            let mut bodies: Vec<Body> = Vec::with_capacity(count);
            let before = counting::in_use();
            for _ in 0..count {
                let mut body = source.subscribe().await.into_body();
                let cx = &mut Context::from_waker(Waker::noop());
                while let Poll::Ready(frame) = Pin::new(&mut body).poll_frame(cx) {
                    drop(frame.expect("it does not end"));
                }
                bodies.push(body);
            }
            let size = (counting::in_use() - before) as f64 / count as f64;
            println!("- {}: {size:.0} bytes each", contender.name());
            sizes.push(size);
        }
        println!("- ratio: {:.3}", sizes[0] / sizes[1]);
    });
}
