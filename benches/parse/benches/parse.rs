//! Some cells of the parser comparison under criterion, for its history and plots: this project's
//! parser and the three fastest peers.

use bench_parse::{Chunking, Chunks, Corpus, Role, Shape, entries};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn parse(criterion: &mut Criterion) {
    let fastest = ["sse-core", "sse-stream", "eventsource 0.5"];
    for shape in [Shape::OpenAi, Shape::Anthropic, Shape::Tiny, Shape::Feed, Shape::Lines, Shape::Chinese] {
        let corpus = Corpus::new(shape, 256 << 10);
        let mut group = criterion.benchmark_group(shape.to_string());
        group.throughput(Throughput::Bytes(corpus.bytes.len() as u64));
        for chunking in [Chunking::Size(16 << 10), Chunking::Event] {
            let chunks = Chunks::new(&corpus, chunking);
            for entry in entries() {
                let wanted =
                    entry.role == Role::Ours || fastest.iter().any(|name| entry.name.starts_with(name));
                if wanted && (entry.check)(&chunks) == corpus.expected {
                    group.bench_function(BenchmarkId::new(entry.name, chunking), |bench| {
                        bench.iter(|| (entry.time)(&chunks));
                    });
                }
            }
        }
        group.finish();
    }
}

criterion_group!(benches, parse);
criterion_main!(benches);
