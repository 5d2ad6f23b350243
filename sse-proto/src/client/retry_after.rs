//! Parser of the `Retry-After` header (RFC 9110, 10.2.3), without a clock.

use core::time::Duration;

/// How long `Retry-After: value` asks to wait, for a response with this `Date` header.
///
/// A number is seconds. A date is compared with `date`, the server's own clock. `None` if the value
/// is malformed, or if it is a date and `date` is missing or malformed.
pub(super) fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    let seconds = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse().unwrap_or(u64::MAX)
    } else {
        http_date(value)?.saturating_sub(http_date(date?)?)
    };
    Some(Duration::from_secs(seconds))
}

/// Parses the three forms of an HTTP date (RFC 9110, 5.6.7) to seconds since 0000-02-29.
///
/// ```text
/// Sun, 06 Nov 1994 08:49:37 GMT      IMF-fixdate
/// Sunday, 06-Nov-94 08:49:37 GMT     RFC 850
/// Sun Nov  6 08:49:37 1994           asctime
/// ```
fn http_date(text: &str) -> Option<u64> {
    let mut words = text.split([' ', ',', '-']).filter(|word| !word.is_empty());
    words.next()?; // the weekday follows from the date
    let first = words.next()?;
    let (day, month, year, time);
    if first.starts_with(|c: char| c.is_ascii_digit()) {
        (day, month, year, time) = (first, words.next()?, words.next()?, words.next()?);
        if words.next()? != "GMT" {
            return None;
        }
    } else {
        (month, day, time, year) = (first, words.next()?, words.next()?, words.next()?);
    }
    if words.next().is_some() {
        return None;
    }

    let day = number(day, 1..=31)?;
    let month = MONTHS.iter().position(|&name| name == month)? as u64;
    let year = match (year.len(), number(year, 0..=9999)?) {
        // By the RFC a year of two digits is at most 50 years ahead, which needs a clock. Servers
        // that still send this form do not need dates after 2069.
        (2, year @ 70..) => 1900 + year,
        (2, year) => 2000 + year,
        (_, 0) => return None,
        (_, year) => year,
    };
    let mut time = time.split(':');
    let (hour, minute, second) = (time.next()?, time.next()?, time.next()?);
    let (hour, minute, second) = (number(hour, 0..=23)?, number(minute, 0..=59)?, number(second, 0..=60)?);
    if time.next().is_some() {
        return None;
    }

    // Years that begin in March have their leap day at the end.
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn number(digits: &str, range: core::ops::RangeInclusive<u64>) -> Option<u64> {
    // `parse` alone would take a sign.
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    range.contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIX_EPOCH: &str = "Thu, 01 Jan 1970 00:00:00 GMT";

    fn since_1970(date: &str) -> Option<u64> {
        Some(http_date(date)? - http_date(UNIX_EPOCH)?)
    }

    #[test]
    fn the_three_forms_of_an_http_date_are_equal() {
        assert_eq!(since_1970("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(since_1970("Sunday, 06-Nov-94 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(since_1970("Sun Nov  6 08:49:37 1994"), Some(784_111_777));
        assert_eq!(
            since_1970("Monday, 01-Jan-01 00:00:00 GMT"),
            Some(978_307_200),
            "two digits are of 1970 to 2069"
        );
        assert_eq!(since_1970("Thursday, 01-Jan-70 00:00:00 GMT"), Some(0));
    }

    #[test]
    fn consecutive_days_are_one_day_apart() {
        const LENGTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut days = 0;
        for year in 1970..2101u64 {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            for (month, length) in MONTHS.iter().zip(LENGTHS) {
                for day in 1..=length + u64::from(leap && *month == "Feb") {
                    let date = std::format!("Xxx, {day:02} {month} {year} 00:00:00 GMT");
                    assert_eq!(since_1970(&date), Some(days * 86_400), "{date}");
                    days += 1;
                }
            }
        }
    }

    #[test]
    fn a_malformed_http_date_is_none() {
        for date in [
            "",
            "Sun",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 08:49:37 GMT GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 08:49:37:00 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:+9:37 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 0000 08:49:37 GMT",
            "Sun, 06 Nov 19940 08:49:37 GMT",
        ] {
            assert_eq!(http_date(date), None, "{date:?}");
        }
    }

    #[test]
    fn a_retry_after_in_seconds_needs_no_date_header() {
        assert_eq!(retry_after("120", None), Some(Duration::from_secs(120)));
        assert_eq!(retry_after(" 0 ", None), Some(Duration::ZERO));
        assert_eq!(retry_after("99999999999999999999999", None), Some(Duration::from_secs(u64::MAX)));
        for malformed in ["", "+5", "-5", "1.5", "5 s", "soon"] {
            assert_eq!(retry_after(malformed, Some(UNIX_EPOCH)), None, "{malformed:?}");
        }
    }

    #[test]
    fn a_retry_after_date_is_compared_with_the_date_header() {
        let later = "Thu, 01 Jan 1970 00:02:00 GMT";
        assert_eq!(retry_after(later, Some(UNIX_EPOCH)), Some(Duration::from_secs(120)));
        assert_eq!(retry_after(UNIX_EPOCH, Some(later)), Some(Duration::ZERO));
        assert_eq!(retry_after(later, None), None);
        assert_eq!(retry_after(later, Some("yesterday")), None);
    }
}
