//! Names of a topic's keys and channel in Redis.

use redis::RedisWrite;

/// Names of one topic: the keys share a hash tag with the channel, so that Redis Cluster keeps them
/// in one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// The channel on which every node receives the topic's new events; the keys begin with it.
    pub(super) channel: String,
}

/// Kinds of a topic's keys.
pub(super) const KINDS: [&str; 4] = ["s", "m", "x", "q"];

impl Names {
    /// Creates the names for a topic; `{`, `}` and `%` in its name are percent-encoded, because
    /// braces delimit a hash tag.
    pub(super) fn new(prefix: &str, topic: &str) -> Self {
        let mut channel = String::with_capacity(prefix.len() + topic.len() + 4);
        channel.push_str(prefix);
        channel.push('{');
        for character in topic.chars() {
            match character {
                '%' => channel.push_str("%25"),
                '{' => channel.push_str("%7B"),
                '}' => channel.push_str("%7D"),
                other => channel.push(other),
            }
        }
        if topic.is_empty() {
            // An empty hash tag does not count. No other topic gets this name, because a percent
            // sign is always followed by digits.
            channel.push('%');
        }
        channel.push('}');
        Self { channel }
    }

    /// Adds the keys to a command, in the order of the scripts' `KEYS`: the stream of events, the
    /// string with the counter, the sorted set of the application's IDs and idempotency keys, and
    /// the list of the members of that set, the oldest first.
    pub(super) fn write_keys(&self, command: &mut impl RedisWrite) {
        for kind in KINDS {
            command.write_arg_fmt(format_args!("{}:{kind}", self.channel));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topics_keys_and_channel_share_its_hash_tag() {
        let names = Names::new("sse:", "news");
        assert_eq!(names.channel, "sse:{news}");
        let mut keys: Vec<Vec<u8>> = Vec::new();
        names.write_keys(&mut keys);
        assert_eq!(keys, [b"sse:{news}:s", b"sse:{news}:m", b"sse:{news}:x", b"sse:{news}:q"]);
    }

    #[test]
    fn braces_and_percent_signs_of_a_topic_are_percent_encoded() {
        assert_eq!(Names::new("", "a{b}%c").channel, "{a%7Bb%7D%25c}");
        assert_ne!(Names::new("", "%7B"), Names::new("", "{"));
    }

    #[test]
    fn an_empty_topic_name_still_has_a_hash_tag() {
        assert_eq!(Names::new("sse:", "").channel, "sse:{%}");
        assert_ne!(Names::new("", ""), Names::new("", "%"));
    }
}
