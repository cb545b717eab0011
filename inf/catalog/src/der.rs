//! Writes and reads ASN.1 values in the distinguished encoding (X.690), as far as catalogs need it.

/// A value of this tag.
pub fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    if length < 128 {
        // CAST: below 128.
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        // CAST: a length has at most 8 bytes.
        out.push(0x80 | (bytes.len() - zeros) as u8);
        out.extend(&bytes[zeros..]);
    }
    out.extend(content);
    out
}

/// SEQUENCE.
pub fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    value(0x30, &parts.concat())
}

/// SET OF: its members in the order of their bytes.
pub fn set(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    value(0x31, &parts.concat())
}

/// A value within a context-specific tag.
pub fn explicit(number: u8, content: &[u8]) -> Vec<u8> {
    value(0xa0 | number, content)
}

/// A context-specific value without structure.
pub fn implicit(number: u8, content: &[u8]) -> Vec<u8> {
    value(0x80 | number, content)
}

/// OCTET STRING.
pub fn octets(bytes: &[u8]) -> Vec<u8> {
    value(4, bytes)
}

/// NULL.
pub fn null() -> Vec<u8> {
    value(5, &[])
}

/// INTEGER, not negative.
pub fn integer(number: u32) -> Vec<u8> {
    let bytes = u64::from(number).to_be_bytes();
    let zeros = bytes.iter().take(7).take_while(|byte| **byte == 0).count();
    // A leading bit of 1 would make it negative.
    let start = if bytes[zeros] & 0x80 == 0 { zeros } else { zeros - 1 };
    value(2, &bytes[start..])
}

/// BMPString.
pub fn bmp(text: &str) -> Vec<u8> {
    value(0x1e, &text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>())
}

/// UTCTime of a moment in seconds since 1970, which must lie in 1970 to 2049.
pub fn utc_time(seconds: u64) -> Vec<u8> {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let text = format!(
        "{:02}{month:02}{day:02}{:02}{:02}{:02}Z",
        year % 100,
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    );
    value(0x17, text.as_bytes())
}

/// OBJECT IDENTIFIER from its numbers.
pub fn oid(numbers: &[u32]) -> Vec<u8> {
    let [first, second, rest @ ..] = numbers else { return value(6, &[]) };
    let mut content = Vec::new();
    for number in [&[first * 40 + second], rest].concat() {
        let mut groups = vec![number & 0x7f];
        let mut left = number >> 7;
        while left > 0 {
            groups.push(left & 0x7f | 0x80);
            left >>= 7;
        }
        // CAST: seven bits and a flag.
        content.extend(groups.iter().rev().map(|group| *group as u8));
    }
    value(6, &content)
}

/// Takes the first value off `input`: its tag and its content. None if the input is cut off or not in this encoding.
pub fn take<'a>(input: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, rest) = input.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length >= 0x80 {
        // The length follows in so many bytes; more than four no file of ours needs.
        let (bytes, after) =
            rest.split_at_checked(length & 0x7f).filter(|(bytes, _)| (1..=4).contains(&bytes.len()))?;
        rest = after;
        length = bytes
            .iter()
            .try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))?;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    *input = rest;
    Some((*tag, content))
}

/// The content of the first value, which must have this tag.
pub fn expect<'a>(input: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    take(input).filter(|(found, _)| *found == tag).map(|(_, content)| content)
}

/// Year, month and day of a day since 1970-01-01, in the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut year, mut left) = (1970, days);
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if left < length {
            break;
        }
        left -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    for (month, length) in (1..).zip([31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
        if left < length {
            return (year, month, left + 1);
        }
        left -= length;
    }
    (year + 1, 1, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_as_in_the_standard() {
        assert_eq!(integer(0), [2, 1, 0]);
        assert_eq!(integer(127), [2, 1, 127]);
        assert_eq!(integer(128), [2, 2, 0, 128]);
        assert_eq!(integer(0x1001_0001), [2, 4, 0x10, 1, 0, 1]);
        assert_eq!(integer(u32::MAX), [2, 5, 0, 255, 255, 255, 255]);
        assert_eq!(oid(&[1, 2, 840, 113_549]), [6, 6, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]);
        assert_eq!(value(4, &[0; 200])[..3], [4, 0x81, 200]);
        assert_eq!(value(4, &[0; 300])[..4], [4, 0x82, 1, 44]);
        assert_eq!(set(&[vec![5, 0], vec![2, 1, 0]]), [0x31, 5, 2, 1, 0, 5, 0]);
        assert_eq!(bmp("A"), [0x1e, 2, 0, 0x41]);
    }

    #[test]
    fn what_is_written_can_be_read() {
        for size in [0, 1, 127, 128, 255, 256, 65_536] {
            let written = [value(4, &vec![7; size]), null()].concat();
            let mut input = written.as_slice();
            assert_eq!(take(&mut input), Some((4, vec![7; size].as_slice())), "{size}");
            assert_eq!(expect(&mut input, 4), None, "{size}");
            for cut in [1, 2, size + 1] {
                assert_eq!(
                    take(&mut &written[..cut.min(written.len())]).filter(|_| cut < size),
                    None,
                    "{size} {cut}"
                );
            }
        }
        for broken in
            [[].as_slice(), &[4], &[4, 0x80], &[4, 0x85, 0, 0, 0, 0, 0], &[4, 0x84, 255, 255, 255, 255]]
        {
            assert_eq!(take(&mut &*broken), None, "{broken:?}");
        }
    }

    #[test]
    fn times() {
        for (seconds, text) in [
            (0, "700101000000Z"),
            (951_782_399, "000228235959Z"),
            (951_782_400, "000229000000Z"),
            (1_795_219_200, "261121000000Z"),
            (1_798_761_599, "261231235959Z"),
        ] {
            assert_eq!(utc_time(seconds)[2..], *text.as_bytes(), "{seconds}");
        }
    }
}
