//! Any bytes as a piece of a frame and as the code of a range: a picture or an error, the same twice, and no byte outside of the picture.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pvgpu_transport::tiles::{Decoder, Geometry, decompress_range};

/// Sizes whose last tiles are not whole, with padding, for each size of a texel that formats have.
const SIZES: [(u32, u32, u32, u32); 6] =
    [(150, 100, 4, 608), (64, 64, 4, 256), (1, 200, 4, 4), (70, 70, 8, 568), (65, 66, 16, 1040), (130, 20, 2, 264)];
const GUARD: usize = 64;

fuzz_target!(|data: &[u8]| {
    let Some((first, piece)) = data.split_first() else { return };
    let (width, height, texel, pitch) = SIZES[usize::from(first >> 1) % SIZES.len()];
    let geometry = Geometry::new(width, height, texel, pitch).expect("within the limits");
    let size = geometry.bytes() as usize;
    let base: Vec<u8> = (0..size).map(|at| at as u8).collect();
    let base: Option<&dyn pvgpu_transport::tiles::Source> = if first & 1 == 0 { None } else { Some(&base) };
    let mut decoder = Decoder::default();
    let mut run = || {
        let mut memory = vec![0xa5; GUARD + size + GUARD];
        let result = decoder.decode(&geometry, piece, base, &mut memory[GUARD..GUARD + size]);
        (result, memory)
    };
    let (result, memory) = run();
    assert_eq!((result, &memory), (run().0, &run().1));
    assert!(memory[..GUARD].iter().chain(&memory[GUARD + size..]).all(|byte| *byte == 0xa5));
    let row = (width * texel) as usize;
    let paddings = memory[GUARD..GUARD + size].chunks(pitch as usize).filter_map(|line| line.get(row..));
    assert!(paddings.flatten().all(|byte| *byte == 0xa5));

    let mut range = vec![0; usize::from(*first) * 300];
    let _ = decompress_range(piece, &mut range);
});
