//! Seeded random numbers: equal streams and cuts on every machine.

/// SplitMix64 generator.
#[derive(Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    pub(crate) fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    /// A size of 1 to 4096, half of the sizes below 64. Out of line, so that it does not change the
    /// code of the other ways of cutting.
    #[inline(never)]
    pub(crate) fn chunk(&mut self) -> usize {
        let least = 1 << self.below(12);
        self.between(least, 2 * least)
    }

    pub(crate) fn word(&mut self, least: usize, most: usize) -> String {
        let len = self.between(least, most);
        (0..len)
            .map(|_| char::from(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789+/"[self.below(48)]))
            .collect()
    }

    pub(crate) fn prose(&mut self, least: usize, most: usize) -> String {
        let len = self.between(least, most);
        let mut text = String::with_capacity(len + 12);
        while text.len() < len {
            text.push_str(&self.word(2, 10));
            text.push_str([" ", " ", " ", ": ", ", "][self.below(5)]);
        }
        text.truncate(len);
        text
    }

    pub(crate) fn chinese(&mut self, least: usize, most: usize) -> String {
        let len = self.between(least, most);
        (0..len)
            .map(|_| match self.below(20) {
                0 => '，',
                1 => '。',
                2 => char::from(b'0' + self.below(10) as u8),
                _ => char::from_u32(0x4E00 + self.below(0x51A5) as u32).unwrap_or('中'),
            })
            .collect()
    }
}
