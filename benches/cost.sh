#!/bin/sh
# What a dependency costs: seconds to build it from nothing, crates in its tree, and bytes that it adds to a
# stripped release binary (fat LTO) that reads standard input and counts events.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset CARGO_TARGET_DIR

# project NAME DEPENDENCIES < body of main; `chunk` is what was read.
project() {
    mkdir -p "$work/$1/src"
    cat >"$work/$1/Cargo.toml" <<END
[package]
name = "cost"
version = "0.0.0"
edition = "2024"
[profile.release]
lto = "fat"
codegen-units = 1
strip = true
[dependencies]
$2
END
    cat >"$work/$1/src/main.rs"
    (cd "$work/$1" && cargo fetch --quiet)
}

# A main that reads, with what to do before the loop ($1) and with each chunk ($2).
main() {
    cat <<END
use std::io::Read as _;
fn main() -> std::io::Result<()> {
    let (mut buffer, mut events) = (vec![0; 16 << 10], 0usize);
    $1
    loop {
        let read = std::io::stdin().lock().read(&mut buffer)?;
        if read == 0 { break }
        #[allow(unused_mut)]
        let mut chunk = &buffer[..read];
        $2
    }
    println!("{events}");
    Ok(())
}
END
}

# A main that polls a stream of what was read, made an event stream by $1.
stream_main() {
    cat <<END
use std::io::Read as _;
fn main() {
    let chunks = std::iter::from_fn(|| {
        let mut buffer = vec![0; 16 << 10];
        let read = std::io::stdin().lock().read(&mut buffer).ok().filter(|&read| read > 0)?;
        buffer.truncate(read);
        Some(Ok::<_, std::io::Error>(std::io::Cursor::new(buffer)))
    });
    let events = futures::executor::block_on_stream(Box::pin($1));
    println!("{}", events.filter(Result::is_ok).count());
}
END
}

size() {
    (cd "$work/$1" && cargo build --quiet --release && stat -c %s target/release/cost)
}

main '' 'events += chunk.len();' | project nothing ''
stream_main 'futures::stream::iter(chunks)' | project nothing-stream 'futures = "0.3"'
main 'let mut parser = sse_proto::Parser::new();' \
    'while let Ok(Some(_)) = parser.next_event(&mut chunk) { events += 1 }' |
    project sse-proto "sse-proto = { path = \"$root/sse-proto\" }"
main 'let mut parser = sse_core::SseDecoder::new();' \
    'while let Some(Ok(_)) = parser.next(&mut chunk) { events += 1 }' |
    project sse-core 'sse-core = "=0.2.3"'
main 'let mut parser = sse_parse::SseParser::new();' \
    'parser.feed(chunk); while parser.next_event().is_some() { events += 1 }' |
    project sse-parse 'sse-parse = "=0.1.0"'
stream_main 'sse_stream::SseByteStream::new(futures::stream::iter(chunks))' |
    project sse-stream 'futures = "0.3"
sse-stream = "=0.3.0"'
stream_main 'eventsource_stream::EventStream::new(futures::stream::iter(chunks).map_ok(std::io::Cursor::into_inner))' |
    sed '1i use futures::TryStreamExt as _;' |
    project eventsource-stream 'futures = "0.3"
eventsource-stream = "=0.2.3"'

nothing=$(size nothing)
nothing_stream=$(size nothing-stream)
printf '%-20s %8s %8s %12s\n' '' seconds crates 'bytes added'
for crate in sse-proto sse-core sse-parse sse-stream eventsource-stream; do
    cd "$work/$crate"
    start=$(date +%s%N)
    cargo build --quiet --release -p "$crate"
    spent=$((($(date +%s%N) - start) / 10000000))
    crates=$(cargo tree --quiet --edges normal --prefix none -p "$crate" | sed 's/ (\*)//' | sort -u | wc -l)
    case $crate in
    sse-stream | eventsource-stream) base=$nothing_stream ;;
    *) base=$nothing ;;
    esac
    printf '%-20s %5d.%02d %8d %12d\n' "$crate" $((spent / 100)) $((spent % 100)) "$crates" $(($(size "$crate") - base))
done
