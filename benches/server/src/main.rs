//! Benchmarks of the hub, compared with axum's `Sse` over `tokio::sync::broadcast`, the usual way
//! to serve events in Rust, and with nginx and nchan.
//!
//! `cargo run --release -p bench-server -- load [SUBSCRIBERS] [SECONDS] [BYTES] [CSV]` prints
//! deliveries per second, CPU per delivery and latency; `.. -- memory [SUBSCRIBERS]` what an idle
//! subscriber takes; `.. -- hold [SUBSCRIBERS] [BYTES]` holds tens of thousands; `.. -- redis
//! [SECONDS] [BYTES] [SUBSCRIBERS]` measures the hub over Redis beside Redis alone. The contenders
//! run in processes of their own and take turns.
//!
//! `.. -- append [PUBLISHERS] [SECONDS] [BYTES] [TOPICS]` measures the log on disk beside a raw
//! file; `.. -- open [EVENTS] [BYTES]` how fast it opens. `.. -- fanout [SUBSCRIBERS] [SECONDS]
//! [BYTES]` measures how fast the hub over that log delivers beside the hub in memory. `.. --
//! against PROGRAM [SUBSCRIBERS] [SECONDS] [BYTES]` measures the hub in memory beside the hub of
//! PROGRAM, another build of this one. `.. -- resident SSE` measures the resident memory of idle
//! connections; SSE is the path of the command `sse`.

use std::path::Path;

#[path = "../../../sse-cli/src/bench"]
mod bench {
    #[allow(dead_code, unused_imports, reason = "`sse bench` uses all of it")]
    pub(crate) mod load;
}
mod contenders;
mod counting;
mod disk;
mod fanout;
mod hold;
mod load;
mod memory;
mod nchan;
mod process;
mod raw;
mod redis;
mod resident;

use bench::load as generator;

use contenders::Contender;

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |at: usize, default| arguments.get(at).map_or(default, |text| text.parse().expect("a number"));
    match arguments.first().map(String::as_str) {
        Some("load") => load::run(
            number(1, 500),
            number(2, 2) as u64,
            number(3, 200),
            arguments.get(4).map(String::as_str),
        ),
        Some("fanout") => fanout::run(number(1, 2000), number(2, 1) as u64, number(3, 200)),
        Some("against") if arguments.len() > 1 => {
            fanout::against(Path::new(&arguments[1]), number(2, 2000), number(3, 1) as u64, number(4, 200))
        }
        Some("memory") => memory::run(number(1, 10_000)),
        Some("hold") => hold::run(number(1, 10_000), number(2, 200)),
        Some("redis") => redis::run(number(1, 2) as u64, number(2, 300), number(3, 2000)),
        Some("append") => disk::append(number(1, 64), number(2, 2) as u64, number(3, 300), number(4, 1)),
        Some("open") => disk::open(number(1, 1_000_000), number(2, 300)),
        Some("resident") => resident::run(arguments.get(1).map_or("sse", String::as_str)),
        Some("bare") => resident::serve_bare(),
        Some("part") => hold::part(number(1, 10_000), number(2, 200)),
        Some("contender") => contenders::serve(Contender::named(&arguments[1])),
        _ => eprintln!(
            "usage: bench-server load [SUBSCRIBERS] [SECONDS] [BYTES] [CSV] | memory [SUBSCRIBERS] | hold [SUBSCRIBERS] [BYTES] \
             | redis [SECONDS] [BYTES] [SUBSCRIBERS] \
             | append [PUBLISHERS] [SECONDS] [BYTES] [TOPICS] | open [EVENTS] [BYTES] | fanout [SUBSCRIBERS] [SECONDS] [BYTES] \
             | against PROGRAM [SUBSCRIBERS] [SECONDS] [BYTES] | resident SSE"
        ),
    }
}
