//! Topic patterns of a JWT: exact names, and prefixes that end with `*`.

use std::borrow::Cow;

use super::super::routes::NAME_BYTES;

/// A set of topics. The patterns are sorted, and none covers another. So the pattern that covers a
/// name is the last one not greater than the name, and all names of a pattern come before those of
/// the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Patterns(Vec<Pattern>);

/// One pattern: `news` is the topic of this name; `news/*` is every topic whose name begins with
/// `news/`; `*` is every topic. A `*` elsewhere is an ordinary character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pattern {
    text: String,
    kind: Kind,
}

/// Kind of a pattern. A prefix sorts before the exact name of equal text, which it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Prefix,
    Exact,
}

impl Patterns {
    pub(super) fn new(list: Vec<String>) -> Self {
        let pattern = |mut text: String| {
            let kind = if text.ends_with('*') { Kind::Prefix } else { Kind::Exact };
            if kind == Kind::Prefix {
                text.pop();
            }
            Pattern { text, kind }
        };
        let mut patterns: Vec<_> = list.into_iter().map(pattern).collect();
        patterns.sort_unstable();
        patterns.dedup_by(|next, kept| kept.covers(&next.text));
        Self(patterns)
    }

    /// Whether the topic of this name is in the set.
    pub(super) fn contains(&self, name: &str) -> bool {
        let greater = self.0.partition_point(|pattern| pattern.text.as_str() <= name);
        greater > 0 && self.0[greater - 1].covers(name)
    }

    /// Whether every topic is in the set.
    pub(super) fn is_everything(&self) -> bool {
        self.contains("") && self.0[0].kind == Kind::Prefix
    }

    /// The name after which the next topics of the set come in the order of names, if the topics up
    /// to `after` are known; `None` if no topic of the set comes after it.
    pub(super) fn resume<'a>(&self, after: &'a str) -> Option<Cow<'a, str>> {
        let greater = self.0.partition_point(|pattern| pattern.text.as_str() <= after);
        if greater > 0 && self.0[greater - 1].kind == Kind::Prefix && self.0[greater - 1].covers(after) {
            return Some(after.into());
        }
        let next = self.0.get(greater)?;
        let before = before(&next.text);
        Some(if *before > *after { before.into() } else { after.into() })
    }
}

impl Pattern {
    fn covers(&self, name: &str) -> bool {
        match self.kind {
            Kind::Prefix => name.starts_with(&self.text),
            Kind::Exact => name == self.text,
        }
    }
}

/// A text that sorts before `text`, with no possible name of a topic between the two.
fn before(text: &str) -> String {
    let mut before = text.to_owned();
    let last = before.pop().map_or(0, u32::from);
    // Below U+E000 come the surrogates, which are not characters.
    let lower = if last == 0xE000 { Some('\u{D7FF}') } else { last.checked_sub(1).and_then(char::from_u32) };
    if let Some(lower) = lower {
        before.push(lower);
        before.extend(std::iter::repeat_n(char::MAX, NAME_BYTES / char::MAX.len_utf8() + 1));
    }
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(list: &[&str]) -> Patterns {
        Patterns::new(list.iter().map(|text| (*text).to_owned()).collect())
    }

    /// Simplest implementation of the rule, to compare with.
    fn naive(list: &[&str], name: &str) -> bool {
        list.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == *pattern,
        })
    }

    const LISTS: &[&[&str]] = &[
        &[],
        &["*"],
        &["news"],
        &["news/*"],
        &["news", "news/*", "news/*"],
        &["b", "a*", "ab", "abc*", "a*"],
        &["a/*", "a", "a0", "a/b"],
        &["*a", "a*b", "**", ""],
        &["\u{E000}*", "\u{10000}", "é*"],
        &[" ", "!*"],
    ];
    const NAMES: &[&str] = &[
        "",
        " ",
        "!",
        "!x",
        "*a",
        "*x",
        "a",
        "a*b",
        "a*bc",
        "a/",
        "a/b",
        "a/c",
        "a0",
        "ab",
        "abc",
        "abd",
        "b",
        "bb",
        "news",
        "news/",
        "news/a",
        "news/a/b",
        "newsx",
        "new",
        "é",
        "éa",
        "\u{D7FF}",
        "\u{E000}",
        "\u{E000}a",
        "\u{10000}",
        "\u{10FFFF}",
    ];

    #[test]
    fn a_set_contains_the_names_that_any_of_its_patterns_covers() {
        for list in LISTS {
            for name in NAMES {
                assert_eq!(patterns(list).contains(name), naive(list, name), "{list:?} {name:?}");
            }
        }
    }

    #[test]
    fn only_a_lone_star_is_everything() {
        assert!(patterns(&["*"]).is_everything() && patterns(&["a", "*", "b*"]).is_everything());
        for list in [&[][..], &[""], &["a*"], &["**"]] {
            assert!(!patterns(list).is_everything(), "{list:?}");
        }
    }

    #[test]
    fn a_walk_by_resume_skips_no_topic_of_the_set_and_enters_foreign_ranges_only_after_a_topic_of_the_set() {
        let mut names = NAMES.to_vec();
        names.sort_unstable();
        for list in LISTS {
            let set = patterns(list);
            let mut after = String::new();
            let mut seen: Vec<&str> =
                names.iter().copied().filter(|name| name.is_empty() && set.contains(name)).collect();
            while let Some(start) = set.resume(&after) {
                assert!(*start >= *after);
                let Some(next) = names.iter().find(|name| ***name > *start) else { break };
                if set.contains(next) {
                    seen.push(next);
                }
                after = (*next).to_owned();
            }
            let expected: Vec<&str> = names.iter().copied().filter(|name| naive(list, name)).collect();
            assert_eq!(seen, expected, "{list:?}");
        }
    }
}
