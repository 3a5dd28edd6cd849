//! Header blocks that are far longer than the program takes.
//!
//! h2 keeps what fits of trailers and drops the rest without a word. The fields that are left may say OK, so their
//! reader has to know.

use crate::http2::header_list::limit_for_h2;

/// Streams that nobody asks about are forgotten from so many on.
pub(super) const LONG_BLOCKS: usize = 256;

/// From how many bytes on the wire on a block is too long. Huffman's code makes eight bits of five at best, so a list
/// that h2 cuts off has more than five eighths of its limit; and what has more bytes than the program's limit on the
/// wire has more when it is decoded.
pub(super) fn too_long(max_header_list: u32) -> usize {
    (limit_for_h2(max_header_list) / 8 * 5).max(max_header_list) as usize
}
