//! Names of a topic's keys and channel in Redis.

/// Redis keys of one topic: their names share a hash tag, so that Redis Cluster keeps them in one
/// slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// The stream of the topic's events.
    pub(super) stream: String,
    /// The hash that holds the topic's counter.
    pub(super) meta: String,
    /// The hash from the application's IDs and idempotency keys to places.
    pub(super) index: String,
    /// The list of the fields of `index`, oldest first.
    pub(super) order: String,
    /// The channel on which every node receives the topic's new events.
    pub(super) channel: String,
}

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
        let key = |kind: &str| format!("{channel}:{kind}");
        Self { stream: key("s"), meta: key("m"), index: key("x"), order: key("q"), channel }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topics_keys_and_channel_share_its_hash_tag() {
        let names = Names::new("sse:", "news");
        assert_eq!(names.channel, "sse:{news}");
        let keys = [names.stream, names.meta, names.index, names.order];
        assert_eq!(keys, ["sse:{news}:s", "sse:{news}:m", "sse:{news}:x", "sse:{news}:q"]);
    }

    #[test]
    fn braces_and_percent_signs_of_a_topic_are_percent_encoded() {
        assert_eq!(Names::new("", "a{b}%c").channel, "{a%7Bb%7D%25c}");
        assert_ne!(Names::new("", "%7B"), Names::new("", "{"));
    }

    #[test]
    fn an_empty_topic_name_still_has_a_hash_tag() {
        assert_eq!(Names::new("sse:", "").stream, "sse:{%}:s");
        assert_ne!(Names::new("", ""), Names::new("", "%"));
    }
}
