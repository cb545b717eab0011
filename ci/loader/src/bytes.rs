//! Reading and writing numbers at offsets, where every offset may be wrong.

/// A 16-bit number.
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A 32-bit number.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A 32-bit offset.
pub fn offset_at(bytes: &[u8], at: usize) -> Option<usize> {
    u32_at(bytes, at)?.try_into().ok()
}

/// A 64-bit number.
pub fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The 8 bytes of a 64-bit number, to be changed.
pub fn cell(bytes: &mut [u8], at: usize) -> Option<&mut [u8; 8]> {
    bytes.get_mut(at..)?.first_chunk_mut()
}

/// A terminated name.
pub fn name_at(bytes: &[u8], at: usize) -> Option<&str> {
    /// No export has a longer name.
    const LONGEST: usize = 256;
    let rest = bytes.get(at..)?;
    let name = rest.iter().take(LONGEST).position(|&byte| byte == 0)?;
    std::str::from_utf8(rest.get(..name)?).ok()
}
