//! What HTTP/2 allows of settings (RFC 9113 §6.5.2, §6.9.1). h2 panics outside of it.

/// The largest flow-control window, in bytes.
pub(crate) const LARGEST_WINDOW: u32 = (1 << 31) - 1;
/// The frame sizes that may be accepted, in bytes.
pub(crate) const FRAME_SIZES: std::ops::RangeInclusive<u32> = 16_384..=16_777_215;
