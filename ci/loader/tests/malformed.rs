//! Damaged images: an error, or an image that happens to be whole; never a panic or a fault.

use std::ffi::c_void;
use std::fs;
use std::sync::OnceLock;

use proptest::prelude::*;
use pvgpu_loader::{Image, LoadError};
use pvgpu_xtask::{kernel, paths};

/// The driver, built unless `PVGPU_BUILT` says that it has just been.
fn file() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        if std::env::var_os("PVGPU_BUILT").is_none() {
            kernel::build().expect("pvgpukmd.sys builds");
        }
        fs::read(paths::kernel_file("pvgpukmd.sys")).expect("pvgpukmd.sys can be read")
    })
}

/// Loads the bytes; nothing of them runs.
fn load(file: &[u8]) -> Result<Image, LoadError> {
    Image::from_bytes("damaged.sys", file, &|_: &str| Some(std::ptr::dangling::<c_void>()))
}

/// Where headers, and the tables that the directories name, lie in the file: damage elsewhere changes code only.
fn tables() -> &'static [std::ops::Range<usize>] {
    static TABLES: OnceLock<Vec<std::ops::Range<usize>>> = OnceLock::new();
    TABLES.get_or_init(|| {
        let image = goblin::pe::PE::parse(file()).expect("the driver is a PE file");
        let data = |name: &str| {
            let section =
                image.sections.iter().find(|section| section.name().is_ok_and(|found| found == name));
            let section = section.unwrap_or_else(|| panic!("there is no section {name}"));
            let start = section.pointer_to_raw_data as usize;
            start..start + section.size_of_raw_data as usize
        };
        vec![0..0x400, data(".rdata"), data(".pdata"), data(".reloc")]
    })
}

fn place() -> impl Strategy<Value = usize> {
    prop::sample::select(tables()).prop_flat_map(|range| range)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn bytes_are_changed(changes in prop::collection::vec((place(), any::<u8>()), 1..6)) {
        let mut damaged = file().to_vec();
        for (place, value) in changes {
            damaged[place] = value;
        }
        drop(load(&damaged));
    }

    #[test]
    fn numbers_become_extreme(
        place in place(),
        value in prop::sample::select(vec![0_u32, 1, 0xFFF, 0x1000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_F000, u32::MAX]),
    ) {
        let mut damaged = file().to_vec();
        let place = place & !3;
        damaged[place..place + 4].copy_from_slice(&value.to_le_bytes());
        drop(load(&damaged));
    }
}

#[test]
fn the_file_ends_early() {
    let file = file();
    for length in (0..0x600).chain((0x600..file.len()).step_by(509)) {
        assert!(load(&file[..length]).is_err(), "{length} bytes of {} are enough", file.len());
    }
    assert!(load(file).is_ok());
}

#[test]
fn other_files_are_refused_for_what_they_are() {
    assert!(matches!(load(b""), Err(LoadError::Headers(_))));
    assert!(matches!(load(&[0x7F; 4096]), Err(LoadError::Headers(_))));
    let mut library = file().to_vec();
    let signature = u32::from_le_bytes(library[0x3C..0x40].try_into().expect("four bytes")) as usize;
    // The subsystem lies 68 bytes into the optional header.
    let subsystem = signature + 4 + 20 + 68;
    assert_eq!(library[subsystem], 1, "the driver is native");
    library[subsystem] = 3;
    assert!(matches!(load(&library), Err(LoadError::NotADriver(_))));
    let mut other_processor = file().to_vec();
    other_processor[signature + 4] = 0x4C;
    other_processor[signature + 5] = 0x01;
    assert!(load(&other_processor).is_err());
}
