//! Randomness as the deciding code sees it: a source that somebody else owns.

use std::time::Duration;

/// A source of random numbers, handed in by the caller. Any `FnMut() -> u64` is one.
pub trait Random {
    /// A number drawn uniformly from all of `u64`.
    fn bits(&mut self) -> u64;
}

impl<F: FnMut() -> u64> Random for F {
    fn bits(&mut self) -> u64 {
        self()
    }
}

/// A fraction drawn uniformly from `[0, 1)`.
pub fn fraction(random: &mut dyn Random) -> f64 {
    // The 53 bits that an f64 can hold exactly.
    (random.bits() >> 11) as f64 / (1_u64 << 53) as f64
}

/// An index drawn uniformly from `0..n`; 0 when `n` is 0.
pub fn index(random: &mut dyn Random, n: usize) -> usize {
    // The high half of a 64 × 64 bit product: no modulo bias worth speaking of below 2^32 entries.
    ((u128::from(random.bits()) * n as u128) >> 64) as usize
}

/// A duration drawn uniformly from `[0, limit)`.
pub fn up_to(random: &mut dyn Random, limit: Duration) -> Duration {
    limit.mul_f64(fraction(random))
}

/// `base` scaled by a factor drawn uniformly from `[1 - spread, 1 + spread)`.
pub fn jittered(random: &mut dyn Random, base: Duration, spread: f64) -> Duration {
    let factor = 1.0 + spread * (2.0 * fraction(random) - 1.0);
    Duration::try_from_secs_f64(base.as_secs_f64() * factor.max(0.0)).unwrap_or(Duration::MAX)
}

/// Another number after `draw`, for who was handed one and needs several (splitmix64).
pub fn next_draw(draw: u64) -> u64 {
    let z = draw.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
