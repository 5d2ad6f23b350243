//! The frames of HTTP/2 (RFC 9113), hand-written, because HTTP libraries cannot write what
//! attackers send.

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_HEADERS: u8 = 4;

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Fields, each a literal that no table keeps (RFC 7541, 6.2.2); of 126 bytes at most.
pub(crate) fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.extend([0, name.len() as u8]);
        bytes.extend(name.bytes());
        bytes.push(value.len() as u8);
        bytes.extend(value.bytes());
    }
    bytes
}

/// A field of 4,000 bytes that goes to the table once, and comes out of it 10,000 times (RFC 7541,
/// 6.2.1 and 6.1).
pub(crate) fn bomb() -> Vec<u8> {
    let mut bytes = vec![0x40, 1, b'x', 127, 0x80 | 33, 30];
    bytes.extend([b'y'; 4000]);
    bytes.extend([0x80 | 62; 10_000]);
    bytes
}
