//! The virtual monitor's EDID: what Windows reads through `DxgkDdiQueryDeviceDescriptor`.
//!
//! VESA Enhanced EDID Standard, release A, revision 2 (EDID 1.4), section 3: one block. It states the preferred timing, the
//! limits of all, name and serial number. The whole mode list reaches Windows through `DxgkDdiRecommendMonitorModes`,
//! with exact rates; there is no extension block that would repeat a part of it with clocks rounded to 10 kHz, which Windows
//! would take for modes of their own.
//!
//! A detailed timing reaches up to 655.35 MHz, 4095 columns and 63 lines of front porch. When the preferred mode is beyond that,
//! the EDID prefers a slower one of the same size, and the recommended modes name the true one.

use pvgpu_protocol::mode::DisplayMode;

use super::mode::{ModeList, REFRESH_MILLIHERTZ};
use super::timing::Timing;

/// Bytes of the EDID: one block.
pub const EDID_BYTES: usize = 128;

/// The slowest clock of a detailed timing, in 10 kHz: readers take slower ones for garbage (edid-decode does below 10 MHz).
const MIN_CLOCK_10KHZ: u16 = 1000;
/// Bytes of a descriptor.
const DESCRIPTOR_BYTES: usize = 18;
/// Where the four descriptors begin.
const DESCRIPTORS: usize = 54;

/// Three letters that are in no list of the UEFI forum's PNP ids.
const MANUFACTURER: [u8; 3] = *b"PVG";
/// Product code: the first monitor.
const PRODUCT: u16 = 1;
/// Byte 17 when byte 16 says "model year": years since 1990.
const MODEL_YEAR: u8 = 36;
/// The monitor's name, shown by Windows.
const NAME: &str = "pvgpu";

/// The EDID of a monitor that shows the modes of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edid([u8; EDID_BYTES]);

impl Edid {
    /// The monitor for a list of modes; `serial_number` tells adapters apart.
    pub fn new(list: &ModeList, serial_number: u32) -> Self {
        let preferred = preferred_timing(list);
        let mut block = head(&preferred);
        let mut at = DESCRIPTORS;
        for descriptor in [
            detailed_timing(&preferred).unwrap_or_default(),
            range_limits(list),
            text_descriptor(0xFC, NAME.bytes()),
            text_descriptor(0xFF, Digits::new(serial_number)),
        ] {
            put(&mut block, at, &descriptor);
            at += DESCRIPTOR_BYTES;
        }
        // No extension; and all 128 bytes add up to 0.
        let [rest @ .., checksum] = &mut block;
        *checksum = rest.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte));
        Self(block)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8; EDID_BYTES] {
        &self.0
    }

    /// Copies the part from `offset` into `out` as `DxgkDdiQueryDeviceDescriptor` wants it; `None` when the EDID has no
    /// byte there, else how many bytes it had.
    pub fn read(&self, offset: usize, out: &mut [u8]) -> Option<usize> {
        let part = self.0.get(offset..).filter(|part| !part.is_empty())?;
        let bytes = part.len().min(out.len());
        out.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
        Some(bytes)
    }
}

/// The preferred mode, or the next best that a detailed timing can state: the fastest rate below it, else
/// the slowest, else what would /// be preferred without the host's wish.
fn preferred_timing(list: &ModeList) -> Timing {
    let wish = list.preferred();
    let slower = REFRESH_MILLIHERTZ
        .into_iter()
        .rev()
        .filter(|rate| *rate < wish.refresh_millihertz)
        .map(|refresh_millihertz| DisplayMode { refresh_millihertz, ..wish });
    let others =
        REFRESH_MILLIHERTZ.into_iter().map(|refresh_millihertz| DisplayMode { refresh_millihertz, ..wish });
    core::iter::once(wish)
        .chain(slower)
        .chain(others)
        .map(Timing::new)
        .find(|timing| detailed_timing(timing).is_some())
        // The table's modes can all be stated at 60 Hz.
        .unwrap_or_else(|| Timing::new(list.without_custom().preferred()))
}

/// Copies bytes to a place in a block; what lies outside is left out, and no caller has such a place.
fn put(block: &mut [u8], at: usize, bytes: &[u8]) {
    block.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = *from);
}

/// The low 8 bits.
fn low(value: u32) -> u8 {
    // CAST: masked.
    (value & 0xFF) as u8
}

/// `bits` bits of a value, from bit `from` on, moved to bit `to` of a byte.
fn bits(value: u32, from: u32, bits: u32, to: u32) -> u8 {
    low((value >> from & ((1 << bits) - 1)) << to)
}

/// A length in centimetres at 96 pixels an inch, which makes Windows choose 100 % scaling.
fn centimetres(pixels: u32) -> u32 {
    (pixels * 254 + 4800) / 9600
}

/// The block up to the descriptors.
fn head(preferred: &Timing) -> [u8; EDID_BYTES] {
    let mut block = [0; EDID_BYTES];
    put(&mut block, 0, &[0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0]);
    // Three letters of five bits, big-endian; the product code, little-endian. The serial number
    // stands in a descriptor, and then the number here is 0.
    let id = MANUFACTURER.iter().fold(0_u16, |id, letter| id << 5 | u16::from(letter - b'A' + 1));
    put(&mut block, 8, &id.to_be_bytes());
    put(&mut block, 10, &PRODUCT.to_le_bytes());
    // 0xFF: the next byte is the model's year. Then EDID 1.4.
    put(&mut block, 16, &[0xFF, MODEL_YEAR, 1, 4]);
    // Digital, 8 bits a colour, no named interface; size in centimetres; gamma 2.2; RGB 4:4:4, sRGB, and the first detailed
    // timing is the native one.
    let [width, height] =
        [preferred.mode.width, preferred.mode.height].map(|pixels| low(centimetres(pixels)));
    put(&mut block, 20, &[0xA0, width, height, 120, 0b0000_0110]);
    // The sRGB primaries and white point, as section 3.7 rounds them.
    put(&mut block, 25, &[0xEE, 0x91, 0xA3, 0x54, 0x4C, 0x99, 0x26, 0x0F, 0x50, 0x54]);
    // No established timings; eight unused standard timings.
    put(&mut block, 38, &[1; 16]);
    block
}

/// A detailed timing descriptor (section 3.10.2), when the timing's numbers fit.
fn detailed_timing(timing: &Timing) -> Option<[u8; DESCRIPTOR_BYTES]> {
    let clock = u16::try_from((timing.pixel_clock_hz + 5_000) / 10_000).ok()?;
    if clock < MIN_CLOCK_10KHZ {
        return None;
    }
    let (width, height) = (timing.mode.width, timing.mode.height);
    let (h_blank, v_blank) = (timing.h_blank(), timing.v_blank());
    let (h_front, h_sync) = (timing.h_front_porch, timing.h_sync);
    let (v_front, v_sync) = (timing.v_front_porch, timing.v_sync);
    let [width_mm, height_mm] = [width, height].map(|pixels| 10 * centimetres(pixels));
    let fits = |values: &[u32], bits: u32| values.iter().all(|value| value >> bits == 0);
    if !fits(&[width, height, h_blank, v_blank, width_mm, height_mm], 12)
        || !fits(&[h_front, h_sync], 10)
        || !fits(&[v_front, v_sync], 6)
    {
        return None;
    }
    let [clock_low, clock_high] = clock.to_le_bytes();
    Some([
        clock_low,
        clock_high,
        low(width),
        low(h_blank),
        bits(width, 8, 4, 4) | bits(h_blank, 8, 4, 0),
        low(height),
        low(v_blank),
        bits(height, 8, 4, 4) | bits(v_blank, 8, 4, 0),
        low(h_front),
        low(h_sync),
        bits(v_front, 0, 4, 4) | bits(v_sync, 0, 4, 0),
        bits(h_front, 8, 2, 6) | bits(h_sync, 8, 2, 4) | bits(v_front, 4, 2, 2) | bits(v_sync, 4, 2, 0),
        low(width_mm),
        low(height_mm),
        bits(width_mm, 8, 4, 4) | bits(height_mm, 8, 4, 0),
        0,
        0,
        // Digital separate sync, vertical negative, horizontal positive.
        0b0001_1010,
    ])
}

/// The display range limits descriptor (section 3.10.3.3), "range limits only": the timings are the listed ones.
fn range_limits(list: &ModeList) -> [u8; DESCRIPTOR_BYTES] {
    let mut rate = (u32::MAX, 0);
    let mut lines = (u32::MAX, 0);
    let mut clock = 0;
    for timing in list.modes().map(Timing::new) {
        let hertz = timing.mode.refresh_millihertz;
        rate = (rate.0.min(hertz / 1000), rate.1.max(hertz.div_ceil(1000)));
        let kilohertz = timing.h_sync_millihertz();
        lines = (lines.0.min(kilohertz / 1_000_000), lines.1.max(kilohertz.div_ceil(1_000_000)));
        clock = clock.max(timing.pixel_clock_hz.div_ceil(10_000_000));
    }
    // A rate above 255 is written less 255, and a flag says so: bit 1 for the highest, bits 1 and 0 for both.
    let offset = |range: (u32, u32)| match (range.0 > 255, range.1 > 255) {
        (true, _) => (0b11, range.0 - 255, range.1 - 255),
        (false, true) => (0b10, range.0, range.1 - 255),
        (false, false) => (0b00, range.0, range.1),
    };
    let (rate_flags, rate_min, rate_max) = offset(rate);
    let (lines_flags, lines_min, lines_max) = offset(lines);
    let mut descriptor = [b' '; DESCRIPTOR_BYTES];
    let values = [
        0,
        0,
        0,
        0xFD,
        rate_flags | lines_flags << 2,
        low(rate_min.min(255)),
        low(rate_max.min(255)),
        low(lines_min.min(255)),
        low(lines_max.min(255)),
        u8::try_from(clock).unwrap_or(u8::MAX),
        1,
        b'\n',
    ];
    put(&mut descriptor, 0, &values);
    descriptor
}

/// A descriptor with text: up to 13 characters, ended by a line feed, filled with spaces.
fn text_descriptor(tag: u8, text: impl Iterator<Item = u8>) -> [u8; DESCRIPTOR_BYTES] {
    let mut descriptor = [b' '; DESCRIPTOR_BYTES];
    put(&mut descriptor, 0, &[0, 0, 0, tag, 0]);
    let end = core::iter::once(b'\n');
    descriptor.iter_mut().skip(5).zip(text.chain(end)).for_each(|(to, from)| *to = from);
    descriptor
}

/// A number's ten decimal digits, from the first one.
struct Digits {
    number: u32,
    unit: u32,
}

impl Digits {
    fn new(number: u32) -> Self {
        Self { number, unit: 1_000_000_000 }
    }
}

impl Iterator for Digits {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let digit = self.number.checked_div(self.unit)? % 10;
        self.unit /= 10;
        Some(b'0' + low(digit))
    }
}
