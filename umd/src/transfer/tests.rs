//! Footprints of uploads.

use pvgpu_protocol::format;

use super::*;

fn shape(width: u32, height: u32, depth: u32, mip_levels: u32) -> Shape {
    Shape { width, height, depth, mip_levels, array_size: 1 }
}

fn bc1() -> FormatInfo {
    format::info(71).expect("BC1_UNORM")
}

fn rgba8() -> FormatInfo {
    format::info(28).expect("R8G8B8A8_UNORM")
}

#[test]
fn a_whole_mip_counts_blocks() {
    let target = Target::whole(shape(10, 6, 1, 3), bc1(), 1);
    assert_eq!((target.area.right, target.area.bottom), (5, 3));
    assert_eq!((target.row_bytes, target.rows, target.slices), (16, 1, 1));
    let target = Target::whole(shape(10, 6, 4, 1), rgba8(), 0);
    assert_eq!((target.row_bytes, target.rows, target.slices), (40, 6, 4));
    assert_eq!(target.source_bytes(64, 512), 3 * 512 + 5 * 64 + 40);
    let buffer = Target::whole(shape(100, 1, 1, 1), FormatInfo::BYTES, 0);
    assert_eq!((buffer.row_bytes, buffer.source_bytes(0, 0)), (100, 100));
}

#[test]
fn an_empty_box_needs_nothing() {
    let empty = map_box(&D3D10_DDI_BOX { left: 5, right: 5, bottom: 1, back: 1, ..Default::default() });
    assert!(Target::part(rgba8(), empty).is_empty());
    assert_eq!(Target::part(rgba8(), empty).source_bytes(u32::MAX, u32::MAX), 0);
    let negative = map_box(&D3D10_DDI_BOX { left: -1, right: -2, bottom: 1, back: 1, ..Default::default() });
    assert!(Target::part(rgba8(), negative).is_empty());
}

#[test]
fn bands_cover_the_rows_once() {
    let target = Target::whole(shape(8, 18, 2, 1), bc1(), 0);
    assert_eq!(target.rows, 5);
    let bands: Vec<_> = (0..2).flat_map(|slice| (0..5).step_by(2).map(move |row| (slice, row))).collect();
    let areas: Vec<_> = bands.iter().map(|&(slice, row)| target.band(slice, row, 2)).collect();
    assert_eq!(areas.iter().map(|band| band.rows).sum::<u32>(), 10);
    let last = areas.last().expect("six bands");
    assert_eq!((last.area.top, last.area.bottom, last.area.front, last.area.back), (16, 18, 1, 2));
    assert!(areas.iter().all(|band| band.slices == 1 && band.row_bytes == target.row_bytes));
}

#[test]
fn rows_land_where_their_pitch_says() {
    let cells: Vec<AtomicU64> = (0..8).map(|_| AtomicU64::new(0)).collect();
    let area = SubresourceBox { left: 0, top: 0, front: 0, right: 2, bottom: 2, back: 1 };
    let source = Source {
        bytes: &[1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 9, 10, 11, 12, 13, 14, 15, 16],
        row_pitch: 10,
        depth_pitch: 0,
    };
    Target::part(rgba8(), area).store(&cells, 4, 12, 24, &source);
    let mut bytes = [0; 28];
    copy::load(&cells, &mut bytes);
    assert_eq!(bytes[4..12], [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(bytes[16..24], [9, 10, 11, 12, 13, 14, 15, 16]);
    assert_eq!((bytes[..4].to_vec(), bytes[12..16].to_vec()), (vec![0; 4], vec![0; 4]));
}
