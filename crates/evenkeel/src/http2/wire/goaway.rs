//! The payload of GOAWAY (RFC 9113 §6.8).

use evenkeel_core::text::escape;

use super::facts::GoAwayFrame;

/// Last stream id and error code, before the debug data.
pub(super) const GOAWAY_FIXED: usize = 8;

/// Reads a payload, or the start of one; the debug data is escaped, so that no peer writes lines into our logs.
pub(super) fn parse_goaway(payload: &[u8]) -> Option<GoAwayFrame> {
    let (id, rest) = payload.split_first_chunk::<4>()?;
    let (code, debug) = rest.split_first_chunk::<4>()?;
    Some(GoAwayFrame {
        last_stream_id: u32::from_be_bytes(*id) & 0x7fff_ffff,
        code: u32::from_be_bytes(*code),
        debug: escape(&String::from_utf8_lossy(debug)).into(),
    })
}
