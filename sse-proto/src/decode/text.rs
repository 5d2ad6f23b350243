//! Buffers for text that cannot be borrowed: bytes as they arrived, validated when the text is
//! needed.

use alloc::vec::Vec;
use core::ops::DerefMut;
use core::{iter, mem};

use smallvec::SmallVec;

/// Capacity that an idle buffer may keep, in bytes; capacity beyond it is freed after a giant
/// event.
const RETAINED: usize = 128 * 1024;

/// Up to this capacity a buffer for data doubles; beyond it, the buffer grows by a quarter, so that
/// a giant event costs little more than its size.
const DOUBLING: usize = 1024 * 1024;

/// How many bytes a [`Short`] text holds inline, without the heap. (A UUID has 36.)
const INLINE: usize = 40;

/// Text buffer for data.
pub(super) type Long = Text<Vec<u8>>;
/// Text buffer for types, IDs and other values that are usually short.
pub(super) type Short = Text<SmallVec<[u8; INLINE]>>;

/// Text under construction, from pieces that may be cut anywhere.
///
/// The bytes stay unvalidated until the text is complete; then [`validate`](Self::validate) checks
/// all of them at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Text<B>(B);

impl<B: Buffer> Text<B> {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text.
    ///
    /// # Safety
    ///
    /// The text is valid UTF-8: only plain bytes were pushed since [`validate`](Self::validate).
    #[inline]
    #[expect(unsafe_code, reason = "validating twice costs as much as all the rest of the parser")]
    pub(super) unsafe fn as_str(&self) -> &str {
        debug_assert!(core::str::from_utf8(&self.0).is_ok(), "validated");
        // SAFETY: the caller vouches for it.
        unsafe { core::str::from_utf8_unchecked(&self.0) }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.0.push(piece);
    }

    /// Empties the buffer, and frees it if its capacity is far larger than its content was.
    #[inline]
    pub(super) fn clear(&mut self) {
        if self.is_large() && self.0.len() < self.0.capacity() / 8 {
            self.free();
        }
        self.0.truncate(0);
    }

    /// Empties and frees the buffer if it is large; leaves a smaller one as it is.
    #[cold]
    pub(super) fn free(&mut self) {
        if self.is_large() {
            self.0 = B::default();
        }
    }

    /// Whether the buffer has more capacity than an idle one may keep.
    pub(super) fn is_large(&self) -> bool {
        self.0.capacity() > RETAINED
    }

    /// Replaces ill-formed bytes by U+FFFD, one for each maximal subpart, as the UTF-8 decoder of
    /// the Encoding Standard does.
    #[inline(never)]
    pub(super) fn validate(&mut self) {
        if utf8(&self.0).is_none() {
            self.replace();
        }
    }

    /// Appends the valid text behind the original bytes, and then moves it over them.
    #[cold]
    fn replace(&mut self) {
        let raw = self.0.len();
        let len = well_formed(&self.0).map(str::len).sum();
        self.0.extend(iter::repeat_n(0, len));
        let (bytes, mut text) = self.0.split_at_mut(raw);
        for piece in well_formed(bytes) {
            let (start, rest) = mem::take(&mut text).split_at_mut(piece.len());
            start.copy_from_slice(piece.as_bytes());
            text = rest;
        }
        self.0.copy_within(raw.., 0);
        self.0.truncate(len);
    }
}

impl Short {
    /// Replaces the text.
    #[inline]
    pub(super) fn set(&mut self, text: &str) {
        if self.0.spilled() {
            self.clear();
            self.push(text.as_bytes());
        } else {
            // (Half the instructions of clearing and extending.)
            self.0 = SmallVec::from_slice(text.as_bytes());
        }
    }
}

/// The well-formed text of `bytes`, in pieces, with U+FFFD for ill-formed parts.
fn well_formed(bytes: &[u8]) -> impl Iterator<Item = &str> {
    bytes
        .utf8_chunks()
        .flat_map(|chunk| [chunk.valid(), if chunk.invalid().is_empty() { "" } else { "\u{FFFD}" }])
}

/// `bytes` as text, if it is valid UTF-8.
#[inline]
pub(super) fn utf8(bytes: &[u8]) -> Option<&str> {
    #[cfg(feature = "simdutf8")]
    let text = simdutf8::basic::from_utf8(bytes).ok();
    #[cfg(not(feature = "simdutf8"))]
    let text = core::str::from_utf8(bytes).ok();
    text
}

/// The storage of a [`Text`].
pub(super) trait Buffer: Default + DerefMut<Target = [u8]> + Extend<u8> {
    fn capacity(&self) -> usize;
    fn push(&mut self, piece: &[u8]);
    fn truncate(&mut self, len: usize);
}

impl Buffer for Vec<u8> {
    fn capacity(&self) -> usize {
        self.capacity()
    }

    #[inline(always)]
    fn push(&mut self, piece: &[u8]) {
        // (`extend_from_slice` is in each branch: in the first, the compiler knows that there is
        // room. One byte without a call of `memcpy`: chunks of one byte take 11 % fewer
        // instructions.)
        if piece.len() <= self.capacity() - self.len() {
            match piece {
                [byte] => self.extend_from_slice(&[*byte]),
                _ => self.extend_from_slice(piece),
            }
        } else {
            reallocate(self, piece.len());
            self.extend_from_slice(piece);
        }
    }

    fn truncate(&mut self, len: usize) {
        self.truncate(len);
    }
}

#[cold]
fn reallocate(bytes: &mut Vec<u8>, additional: usize) {
    let capacity = bytes.capacity();
    let growth = if capacity < DOUBLING { capacity } else { capacity / 4 };
    let wanted = (bytes.len() + additional).max(capacity + growth).max(64);
    bytes.reserve_exact(wanted - bytes.len());
}

impl Buffer for SmallVec<[u8; INLINE]> {
    fn capacity(&self) -> usize {
        self.capacity()
    }

    #[inline]
    fn push(&mut self, piece: &[u8]) {
        self.extend_from_slice(piece);
    }

    fn truncate(&mut self, len: usize) {
        self.truncate(len);
    }
}
