//! Streams that are built of lines, their endings and explicit cuts: the parser equals the
//! reference.

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sse_proto::{Limits, Overflow};
use support::checks::parse::agree;
use support::reference::reference;
use support::transcript::Said;
use support::{model, owned};

/// A stream, and where it is cut.
#[derive(Clone, Debug)]
struct Cut {
    stream: Vec<u8>,
    at: Vec<usize>,
}

impl Cut {
    fn chunks(&self) -> Vec<&[u8]> {
        let mut at = self.at.clone();
        at.sort_unstable();
        let ends = at.iter().copied().chain([self.stream.len()]);
        let mut start = 0;
        ends.map(|end| &self.stream[std::mem::replace(&mut start, end)..end]).collect()
    }
}

/// Values that mean something else to a parser that reads the specification loosely.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let text = select(vec![
        "",
        " ",
        "  two",
        "\ttab",
        "x",
        "a:b",
        ":",
        "0",
        "nul\0",
        "\u{feff}bom",
        "é",
        "漢字",
        "🦀🦀",
        "\u{85}\u{2028}\u{2029}\u{b}\u{c}",
        "data: x",
    ]);
    let ill_formed = select(vec![
        &b"\xff"[..],
        b"a\xc2",
        b"\xe2\x80",
        b"\xe2\x80\xe2\x80\xa6",
        b"\xf0\x9f\xa6x",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xc0\xaf",
        b"\xef\xbb",
        b"\x80\0",
    ]);
    prop_oneof![
        6 => text.prop_map(|text| text.as_bytes().to_vec()),
        3 => ill_formed.prop_map(<[u8]>::to_vec),
        2 => (1..150usize).prop_map(|len| vec![b'v'; len]),
        // Bytes that are not plain, at any place of a vector or word.
        2 => (0..80usize, 0..80usize, select(vec!["\t", "é", "\0", "\u{7f}", "\u{1f}"])).prop_map(|(before, after, middle)| {
            [&vec![b'b'; before], middle.as_bytes(), &vec![b'a'; after]].concat()
        }),
    ]
}

fn retry() -> impl Strategy<Value = Vec<u8>> {
    let fixed = select(vec![
        "0",
        "50",
        "007",
        "18446744073709551615",
        "18446744073709551616",
        "1000000000000000000000000000000",
        "+5",
        "-5",
        "1.5",
        " 5",
        "5 ",
        "5x",
        "٣",
        "",
    ]);
    prop_oneof![
        fixed.prop_map(|text| text.as_bytes().to_vec()),
        any::<u16>().prop_map(|time| time.to_string().into())
    ]
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let prefixed = |prefixes: &[&'static str]| {
        (select(prefixes.to_vec()), value()).prop_map(|(prefix, value)| [prefix.as_bytes(), &value].concat())
    };
    prop_oneof![
        6 => Just(vec![]),
        6 => prefixed(&["data: ", "data:"]),
        3 => prefixed(&["event: ", "event:"]),
        3 => prefixed(&["id: ", "id:"]),
        2 => (select(vec!["retry: ", "retry:"]), retry()).prop_map(|(prefix, value)| [prefix.as_bytes(), &value].concat()),
        2 => prefixed(&[": ", ":"]),
        1 => prefixed(&["Data: ", "data : ", " data: ", "datax: ", "\u{feff}data: ", "unknown: ", "eventually: ", "dat", "i"]),
        2 => select(vec!["data", "event", "id", "retry", ":", "d", "i", "unknown"]).prop_map(|line| line.as_bytes().to_vec()),
        1 => vec(any::<u8>().prop_filter("no line end", |byte| !b"\r\n".contains(byte)), 0..12),
    ]
}

/// A line of any kind, or an event as servers send them.
fn lines() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let head = select(vec!["event: add", "event: e", "id: 1", "id: 12345678", "id: a\0b", ": c", "retry: 5"]);
    let data = select(vec![
        "data: x",
        "data: {\"a\": 1}",
        "data: ",
        "data: 0123456789012345678901234567890123456789",
    ]);
    let event = (vec(head, 0..3), data).prop_map(|(mut lines, data)| {
        lines.extend([data, ""]);
        lines.into_iter().map(|line| line.as_bytes().to_vec()).collect()
    });
    prop_oneof![6 => line().prop_map(|line| vec![line]), 1 => event]
}

/// Some chunks end near a line end, others anywhere, and some are empty.
fn stream() -> impl Strategy<Value = Cut> {
    let ending = || select(vec!["\n", "\n", "\r", "\r\n", "\r\n"]);
    let near_end = prop::option::weighted(0.4, -3..=3isize);
    let groups = vec((lines(), ending(), near_end), 0..24);
    let start = select(vec!["", "", "", "\u{feff}", "\u{feff}\u{feff}", "\u{feff}\n"]);
    (start, groups, prop_oneof![2 => Just(vec![]), 1 => line()], vec(any::<prop::sample::Index>(), 0..8))
        .prop_map(|(start, groups, unterminated, anywhere)| {
            let mut stream = start.as_bytes().to_vec();
            let mut at = vec![];
            for (lines, ending, near_end) in groups {
                for line in lines {
                    stream.extend_from_slice(&line);
                    stream.extend_from_slice(ending.as_bytes());
                }
                at.extend(near_end.and_then(|near| (stream.len() - ending.len()).checked_add_signed(near)));
            }
            stream.extend_from_slice(&unterminated);
            at.extend(anywhere.iter().map(|index| index.index(stream.len() + 1)));
            at.retain(|&at| at <= stream.len());
            Cut { stream, at }
        })
}

fn limits() -> impl Strategy<Value = Limits> {
    (0..40usize, 0..12usize, select(vec![Overflow::Fail, Overflow::Skip])).prop_map(
        |(event, id, overflow)| Limits::default().with_event(event).with_id(id).with_overflow(overflow),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Cut anywhere, asked in any way, with any end; and each event's span alone gives that event.
    #[test]
    fn the_parser_equals_the_reference_for_any_cut(cut in stream(), seed in select(vec!["", "7"]), flush: bool) {
        agree(&cut.stream, vec![cut.chunks()], seed, Limits::default(), flush);
    }

    /// The same under limits so small that most streams exceed them.
    #[test]
    fn limits_are_the_same_whatever_the_cut(cut in stream(), limits in limits(), flush: bool) {
        agree(&cut.stream, vec![cut.chunks()], "", limits, flush);
    }

    /// The two naive twins share no code: one follows the text of the specification, the other
    /// knows limits and order.
    #[test]
    fn the_reference_parser_equals_the_literal_specification(cut in stream(), seed in select(vec!["", "7"])) {
        let spec = model(&cut.stream, seed);
        let reference = reference(&cut.stream, seed, Limits::default(), false);
        let comments: Vec<_> = spec.comments.into_iter().map(Said::Comment).collect();
        let retries: Vec<_> = spec.retries.into_iter().map(Said::Retry).collect();
        let events: Vec<_> = spec.events.into_iter().map(Said::Event).collect();
        let of_kind = |like: fn(&Said) -> bool| -> Vec<Said> { reference.said.iter().filter(|said| like(said)).cloned().collect() };
        prop_assert_eq!(of_kind(|said| matches!(said, Said::Comment(_))), comments);
        prop_assert_eq!(of_kind(|said| matches!(said, Said::Retry(_))), retries);
        prop_assert_eq!(of_kind(|said| matches!(said, Said::Event(_))), events);
        prop_assert_eq!(&reference.last_event_id, &spec.last_event_id);
    }
}

/// The generator reaches what the properties are about.
#[test]
fn the_generator_of_streams_produces_every_kind_of_line() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut events, mut multiline, mut replaced, mut split_crlf, mut split_character) = (0, 0, 0, 0, 0);
    for _ in 0..500 {
        let cut = stream().new_tree(&mut runner).expect("the strategy rejects little").current();
        for said in reference(&cut.stream, "", Limits::default(), false).said {
            if let Said::Event(event) = said {
                events += 1;
                multiline += usize::from(event.data.contains('\n'));
                replaced += usize::from(event.data.contains('\u{fffd}'));
                assert_ne!(event, owned("", "", ""), "an empty type is `message`");
            }
        }
        let chunks = cut.chunks();
        split_crlf +=
            chunks.windows(2).filter(|pair| pair[0].ends_with(b"\r") && pair[1].starts_with(b"\n")).count();
        split_character +=
            chunks.windows(2).filter(|pair| pair[1].first().is_some_and(|byte| byte & 0xC0 == 0x80)).count();
    }
    for (count, least) in
        [(events, 500), (multiline, 100), (replaced, 50), (split_crlf, 100), (split_character, 50)]
    {
        assert!(count >= least, "{count} of at least {least}");
    }
}
