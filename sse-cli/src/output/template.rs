//! Template of `--template`: text with placeholders, which formats one event.

use std::io::{self, Write};
use std::str::FromStr;

/// Placeholders that a template may have.
const PLACEHOLDERS: &str = "{id}, {event}, {data}, {time} and {url}";

/// A template, parsed before the first connection is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Id,
    Event,
    Data,
    Time,
    Url,
}

/// The values of the placeholders, formatted for printing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values<'a> {
    pub(crate) id: &'a str,
    pub(crate) event: &'a str,
    pub(crate) data: &'a str,
    pub(crate) time: &'a str,
    pub(crate) url: &'a str,
}

impl Template {
    /// Writes the record of one event, without its separator.
    pub(crate) fn write(&self, out: &mut impl Write, values: Values<'_>) -> io::Result<()> {
        for part in &self.0 {
            let text = match part {
                Part::Text(text) => text,
                Part::Id => values.id,
                Part::Event => values.event,
                Part::Data => values.data,
                Part::Time => values.time,
                Part::Url => values.url,
            };
            out.write_all(text.as_bytes())?;
        }
        Ok(())
    }
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text.chars();
        while let Some(char) = rest.next() {
            match char {
                '\\' => literal.push(escape(rest.next())?),
                '{' | '}' if rest.as_str().starts_with(char) => {
                    literal.push(char);
                    rest.next();
                }
                '{' => {
                    let (name, after) = rest
                        .as_str()
                        .split_once('}')
                        .ok_or("a `{` is not closed; write {{ for the character itself")?;
                    rest = after.chars();
                    let part = placeholder(name)?;
                    if !literal.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                    }
                    parts.push(part);
                }
                '}' => return Err("a `}` closes nothing; write }} for the character itself".into()),
                char => literal.push(char),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }
}

fn placeholder(name: &str) -> Result<Part, String> {
    Ok(match name {
        "id" => Part::Id,
        "event" => Part::Event,
        "data" => Part::Data,
        "time" => Part::Time,
        "url" => Part::Url,
        _ => return Err(format!("{{{name}}} is not a placeholder; there are {PLACEHOLDERS}")),
    })
}

fn escape(char: Option<char>) -> Result<char, String> {
    Ok(match char {
        Some('n') => '\n',
        Some('t') => '\t',
        Some('r') => '\r',
        Some('0') => '\0',
        Some('\\') => '\\',
        Some(char) => {
            return Err(format!("\\{char} is not an escape; there are \\n, \\t, \\r, \\0 and \\\\"));
        }
        None => return Err("the template ends in the middle of an escape; write \\\\ for a backslash".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(template: &str) -> String {
        let values = Values { id: "7", event: "add", data: "{x}", time: "now", url: "u" };
        let mut out = Vec::new();
        template.parse::<Template>().unwrap().write(&mut out, values).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn placeholders_are_replaced_and_values_are_not_templates() {
        assert_eq!(written("{id} {event} {data}"), "7 add {x}");
        assert_eq!(written("{time}{url}{id}{id}"), "nowu77");
        assert_eq!(written(""), "");
    }

    #[test]
    fn escapes_and_doubled_braces_are_characters() {
        assert_eq!(written(r"a\tb\nc\\d\0\r"), "a\tb\nc\\d\0\r");
        assert_eq!(written("{{id}} {{{id}}}"), "{id} {7}");
    }

    #[test]
    fn mistakes_are_errors_that_say_what_to_write() {
        for (template, advice) in [
            ("{name}", "{id}, {event}, {data}, {time} and {url}"),
            ("{}", "{id}"),
            ("{Id}", "{id}"),
            ("{id", "{{"),
            ("id}", "}}"),
            (r"\x", r"\n"),
            ("\\", r"\\"),
        ] {
            let error = template.parse::<Template>().unwrap_err();
            assert!(error.contains(advice), "{template}: {error}");
        }
    }
}
