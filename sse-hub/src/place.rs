//! Places in the log of a topic.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

/// A place in the log of a topic: after the event with this stamp and number, or before the first
/// one.
///
/// The number counts the events of a topic from 1 without holes, so that the size of a gap is
/// exact. The stamp is the time of the event in microseconds since 1970, or a later time if the
/// clock stood still or went back: it rises with every batch of a topic, and all events of a batch
/// share it. After a log has lost its newest events, it gives their numbers again, but not their
/// stamps, so **two places are the same only if both number and stamp are equal**.
///
/// As an event ID, a place is written `{stamp}-{number}`, which is a valid ID of a Redis stream.
///
/// # Example
///
/// ```
/// use sse_hub::Place;
///
/// let place: Place = "1764195000000000-7".parse()?;
/// assert_eq!((place.stamp, place.number), (1_764_195_000_000_000, 7));
/// assert_eq!(place.to_string(), "1764195000000000-7");
/// # Ok::<(), sse_hub::ParsePlaceError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The time at which the event was appended.
    pub stamp: u64,
    /// The number of the event, counted from 1 in its topic; 0 before the first event.
    pub number: u64,
}

impl Place {
    /// The place after the event with this stamp and number.
    pub const fn new(stamp: u64, number: u64) -> Self {
        Self { stamp, number }
    }

    /// Whether an event at `next` directly follows this place.
    pub fn is_followed_by(self, next: Self) -> bool {
        next.stamp >= self.stamp && self.number.checked_add(1).is_some_and(|number| number == next.number)
    }

    /// The length of the place as an ID, in bytes.
    pub(crate) fn encoded_len(self) -> usize {
        let digits = |number: u64| number.checked_ilog10().unwrap_or(0) as usize + 1;
        digits(self.stamp) + "-".len() + digits(self.number)
    }

    /// The place `count` events further in the same batch.
    pub const fn plus(self, count: u64) -> Self {
        Self { stamp: self.stamp, number: self.number.saturating_add(count) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.stamp, self.number)
    }
}

/// Error: the text is not a [`Place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParsePlaceError;

impl fmt::Display for ParsePlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a place: expected two numbers with a hyphen between them")
    }
}

impl std::error::Error for ParsePlaceError {}

impl From<ParseIntError> for ParsePlaceError {
    fn from(_: ParseIntError) -> Self {
        Self
    }
}

impl FromStr for Place {
    type Err = ParsePlaceError;

    /// Parses exactly what `Display` writes: each place has one spelling.
    fn from_str(text: &str) -> Result<Self, ParsePlaceError> {
        let (stamp, number) = text.split_once('-').ok_or(ParsePlaceError)?;
        let canonical = |digits: &str| {
            digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'))
        };
        if !canonical(stamp) || !canonical(number) {
            return Err(ParsePlaceError);
        }
        Ok(Self { stamp: stamp.parse()?, number: number.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_one_spelling() {
        for text in ["0-0", "1-2", "18446744073709551615-18446744073709551615"] {
            let place = text.parse::<Place>().unwrap();
            assert_eq!((place.to_string().as_str(), place.encoded_len()), (text, text.len()));
        }
        for text in [
            "",
            "-",
            "1",
            "1-",
            "-1",
            "+1-2",
            "1-+2",
            "01-2",
            "1-02",
            "1-2-3",
            " 1-2",
            "18446744073709551616-1",
        ] {
            assert_eq!(text.parse::<Place>(), Err(ParsePlaceError), "{text}");
        }
    }

    #[test]
    fn an_event_follows_with_the_next_number_and_a_stamp_that_is_not_older() {
        let place = Place::new(10, 5);
        assert!(place.is_followed_by(Place::new(10, 6)) && place.is_followed_by(Place::new(11, 6)));
        assert!(!place.is_followed_by(Place::new(9, 6)) && !place.is_followed_by(Place::new(11, 7)));
        assert!(!Place::new(0, u64::MAX).is_followed_by(Place::new(0, 0)));
    }
}
