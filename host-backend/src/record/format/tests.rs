//! Tests of the bytes of a recording, and of writer and reader together.

use std::io::Write;
use std::sync::{Arc, Mutex};

use super::*;
use crate::record::{ReadError, Reader, WriteError, Writer};

/// A file in memory that the writer owns and the test reads.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn header() -> Header {
    Header {
        abi: 1,
        features: 3,
        sizes: Sizes { aperture: 1 << 26, ring0: 1 << 18, event: 1 << 16, telemetry: 1 << 18 },
        process: 7,
        began: 0x0102_0304,
        program: "0.1.0".to_owned(),
        device: "a GPU".to_owned(),
        driver: "d 1".to_owned(),
    }
}

const ITEMS: [Item<'static>; 6] = [
    Item::Record { context: 3, position: 64, words: Words(Source::Words(&[0x0000_0001_0000_0010, 5])) },
    Item::Heap { offset: 4096, bytes: &[1, 2, 3] },
    Item::Completed { context: 3, value: 5 },
    Item::Frame { context: 3, sequence: 1, width: 2, height: 4, hash: FrameHash(9) },
    Item::Event { words: Words(Source::Words(&[8])) },
    Item::End { reason: end::ASKED, records: 1, frames: 1 },
];

#[test]
fn a_file_has_the_bytes_of_format_1() {
    let memory = Memory::default();
    let mut writer = Writer::new(Box::new(memory.clone()), &header(), u64::MAX).expect("begins");
    writer.item(&ITEMS[2]).expect("memory");
    writer.end(end::GUEST, 0, 0).expect("memory");
    let file = memory.0.lock().expect("no panic").clone();
    assert_eq!(file.len() as u64, writer.written());
    assert_eq!(&file[..16], b"PVGPUREC\x01\0\0\0\x4d\0\0\0");
    assert_eq!(file[16..24], checksum(&file[24..101]).to_le_bytes());
    #[rustfmt::skip]
    let golden: [u8; 77] = [
        1, 0,  3, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 4, 0, 0, 0, 0,  0, 0, 4, 0, 0, 0, 0, 0,  0, 0, 1, 0, 0, 0, 0, 0,  0, 0, 4, 0, 0, 0, 0, 0,
        7, 0, 0, 0, 0, 0, 0, 0,  4, 3, 2, 1, 0, 0, 0, 0,
        5, 0, b'0', b'.', b'1', b'.', b'0',  5, 0, b'a', b' ', b'G', b'P', b'U',  3, 0, b'd', b' ', b'1',
    ];
    assert_eq!(file[24..101], golden);
    // Too little to pack: stored as it is.
    assert_eq!(file[101..109], [13, 0, 0, 0, 13, 0, 0, 0]);
    assert_eq!(file[109..117], checksum(&file[117..130]).to_le_bytes());
    assert_eq!(file[117..130], [3, 3, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
    // The end has zeros enough to be packed.
    assert_eq!(file[130..138], [12, 0, 0, 0, 21, 0, 0, 0]);
    assert_eq!(file.len(), 130 + 16 + 12);
    // XXH3-64 and XXH3-128 of nothing, as their specification says.
    assert_eq!(checksum(b""), 0x2d06_8005_38d3_94c2);
    assert_eq!(FrameHash::of(b"").to_string(), "99aa06d3014798d86001c324468d497f");
}

#[test]
fn items_come_back() {
    let memory = Memory::default();
    let mut writer = Writer::new(Box::new(memory.clone()), &header(), u64::MAX).expect("begins");
    let large = vec![7; MAX_HEAP_BYTES];
    for item in &ITEMS[..5] {
        writer.item(item).expect("memory");
        writer.item(&Item::Heap { offset: 1, bytes: &large }).expect("memory");
    }
    writer.item(&ITEMS[5]).expect("memory");
    writer.flush().expect("memory");
    let file = memory.0.lock().expect("no panic").clone();
    assert!(file.len() < MAX_HEAP_BYTES, "equal bytes are packed");
    let mut reader = Reader::new(&file[..]).expect("a recording");
    assert_eq!(reader.header(), &header());
    for item in &ITEMS[..5] {
        let mut bytes = Vec::new();
        item.write(&mut bytes);
        assert_eq!(bytes.len(), item.bytes());
        let (read, length) = read_item(&bytes).expect("an item");
        assert_eq!(length, bytes.len());
        assert_eq!(format!("{read:?}"), format!("{item:?}"));
        assert_eq!(format!("{:?}", reader.next_item().expect("whole")), format!("{:?}", Some(item)));
        assert!(matches!(reader.next_item(), Ok(Some(Item::Heap { bytes, .. })) if bytes == large));
        // Each prefix is too short.
        for length in 0..bytes.len() {
            assert!(matches!(read_item(&bytes[..length]), Err(BadFile::Fields(_))), "{length} of {bytes:?}");
        }
    }
    assert_eq!(reader.next_item().expect("whole"), Some(ITEMS[5]));
    assert_eq!(reader.next_item().expect("whole"), None);
}

#[test]
fn a_full_disk_is_told() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let error = Writer::new(Box::new(Full), &header(), u64::MAX).err().expect("no room");
    assert!(matches!(&error, WriteError::Io(_)), "{error}");
    assert_eq!(
        WriteError::Full { limit: 5 << 20 }.to_string().split(';').next(),
        Some("it has reached its limit of 5 MiB")
    );
}

#[test]
fn every_cut_and_every_flipped_bit_is_found() {
    let memory = Memory::default();
    let mut writer = Writer::new(Box::new(memory.clone()), &header(), u64::MAX).expect("begins");
    for item in &ITEMS[..5] {
        writer.item(item).expect("memory");
    }
    writer.end(end::GUEST, 1, 1).expect("memory");
    let file = memory.0.lock().expect("no panic").clone();
    let read = |file: &[u8]| -> Result<usize, ReadError> {
        let mut reader = Reader::new(file)?;
        let mut count = 0;
        while reader.next_item()?.is_some() {
            count += 1;
        }
        Ok(count)
    };
    assert_eq!(read(&file).expect("whole"), 6);
    for length in 0..file.len() {
        assert!(read(&file[..length]).is_err(), "{length} bytes of {}", file.len());
    }
    for bit in 0..file.len() * 8 {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&changed).is_err(), "bit {bit}");
    }
}
