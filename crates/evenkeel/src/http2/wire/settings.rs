//! Entries of SETTINGS frames (RFC 9113 §6.5.1).

/// SETTINGS_MAX_HEADER_LIST_SIZE.
pub(super) const MAX_HEADER_LIST_SIZE: u16 = 0x6;
/// An identifier and a value.
const ENTRY: usize = 6;
/// More entries than this are not kept: there are eight that anybody has defined, and the last of one kind holds.
pub(super) const KEPT: usize = 64 * ENTRY;

/// The last value of `id` in a payload.
pub(super) fn setting(payload: &[u8], id: u16) -> Option<u32> {
    let mut values = payload.chunks_exact(ENTRY).filter_map(|entry| {
        let (name, value) = entry.split_first_chunk::<2>()?;
        (u16::from_be_bytes(*name) == id).then_some(value.try_into().ok()).flatten()
    });
    values.next_back().map(u32::from_be_bytes)
}

/// Puts another value in the place of each value of `id`.
pub(super) fn replace_setting(payload: &mut [u8], id: u16, value: u32) {
    for entry in payload.chunks_exact_mut(ENTRY) {
        if let Some((name, old)) = entry.split_first_chunk_mut::<2>()
            && u16::from_be_bytes(*name) == id
        {
            old.copy_from_slice(&value.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_holds_and_each_is_replaced() {
        let mut payload = [0, 6, 0, 0, 0, 1, 0, 3, 0, 0, 0, 2, 0, 6, 0, 1, 0, 0];
        assert_eq!(setting(&payload, 6), Some(65_536));
        assert_eq!(setting(&payload, 3), Some(2));
        assert_eq!(setting(&payload, 4), None);
        replace_setting(&mut payload, 6, 9);
        assert_eq!((setting(&payload, 6), setting(&payload, 3)), (Some(9), Some(2)));
    }
}
