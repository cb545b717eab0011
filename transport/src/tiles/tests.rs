//! Every picture comes back as it was, nothing outside of it changes, and broken payloads break nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;

/// Small, fast, the same everywhere.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }
}

/// Bytes of a picture with flat parts, slopes, repeated rows, noise and a pattern, padding included.
fn picture(geometry: &Geometry, random: &mut Random) -> Vec<u8> {
    let mut bytes = vec![0xee; geometry.bytes() as usize];
    let texel = geometry.texel();
    for tile in 0..geometry.tiles() {
        let area = geometry.tile(tile).expect("a tile of the picture");
        let (kind, seed) = (random.below(7), random.below(256));
        let mut noise = Random::new(u64::from(seed) + 1);
        for row in 0..area.height {
            for column in 0..area.width {
                let at = geometry.at(area.left + column, area.top + row) as usize;
                for channel in 0..texel {
                    let value = match kind {
                        0 => seed * (channel + 1),
                        1 => row * 3 + column + seed,
                        2 => column * 37 % 5 * seed,
                        3 => noise.below(256),
                        4 => (row + column) / 3 + noise.below(4),
                        5 => [seed, seed * 3][(row / 2 % 2) as usize] + column / 16,
                        _ => {
                            if noise.below(9) == 0 {
                                seed
                            } else {
                                200
                            }
                        }
                    };
                    bytes[at + channel as usize] = value as u8;
                }
            }
        }
    }
    bytes
}

fn choices() -> [Choice; 6] {
    let rates = Rates::default();
    [
        Choice::always(Coding::Raw),
        Choice::always(Coding::Lz4),
        Choice::always(Coding::Texels),
        Choice::new(0, &rates, &rates),
        Choice::new(1_000_000, &rates, &rates),
        Choice::new(20_000_000_000, &rates, &rates),
    ]
}

fn pieces(job: &Job<'_>, source: &[u8], choice: &Choice, piece_bytes: usize) -> (Vec<Vec<u8>>, Encoded) {
    let mut pieces = Vec::new();
    let emit = |piece: &[u8]| {
        assert!(piece.len() <= piece_bytes.max(MIN_PIECE_BYTES), "a piece of {} bytes", piece.len());
        pieces.push(piece.to_vec());
        Ok::<_, TileError>(())
    };
    let done = Encoder::default()
        .encode(job, source, choice, piece_bytes, emit)
        .expect("the source is large enough");
    assert_eq!(done.pieces as usize, pieces.len());
    assert_eq!(done.coded, pieces.iter().map(|piece| piece.len() as u64).sum::<u64>());
    (pieces, done)
}

/// What `target` holds when the tiles of a mask come from `source`.
fn expected(geometry: &Geometry, mask: &TileMask, source: &[u8], target: &[u8]) -> Vec<u8> {
    let mut expected = target.to_vec();
    for area in mask.iter().filter_map(|tile| geometry.tile(tile)) {
        for row in area.top..area.top + area.height {
            let at = geometry.at(area.left, row) as usize;
            let end = at + (area.width * geometry.texel()) as usize;
            expected[at..end].copy_from_slice(&source[at..end]);
        }
    }
    expected
}

#[test]
fn tiles_come_back_in_every_coding_size_and_piece() {
    let mut random = Random::new(1);
    for (width, height, texel, padding) in [
        (1, 1, 4, 0),
        (64, 64, 4, 0),
        (200, 131, 4, 24),
        (65, 3, 4, 4),
        (130, 70, 8, 0),
        (70, 90, 2, 2),
        (66, 66, 16, 8),
        (77, 65, 3, 1),
    ] {
        let geometry =
            Geometry::new(width, height, texel, width * texel + padding).expect("within the limits");
        for choice in choices() {
            for piece_bytes in [0, 4096, 20_000, 1 << 20] {
                let (source, base, target) = (
                    picture(&geometry, &mut random),
                    picture(&geometry, &mut random),
                    picture(&geometry, &mut random),
                );
                let words = [random.next() as u32 | 1, random.next() as u32];
                let send = TileMask::from_words(&geometry, words);
                let copy = TileMask::from_words(&geometry, [random.next() as u32]);
                let job = Job { geometry, send: &send, copy: Some(&copy) };
                let (pieces, done) = pieces(&job, &source, &choice, piece_bytes);
                let mut back = target.clone();
                let mut decoder = Decoder::default();
                let mut blocks = 0;
                for piece in &pieces {
                    blocks += decoder
                        .decode(&geometry, piece, Some(&&base[..]), &mut back[..])
                        .expect("our own pieces");
                }
                assert_eq!(blocks, done.blocks.iter().sum::<u32>());
                let only_copied = {
                    let mut only = copy.clone();
                    only.remove(&send);
                    only
                };
                let want =
                    expected(&geometry, &only_copied, &base, &expected(&geometry, &send, &source, &target));
                assert!(back == want, "{width} × {height} × {texel}, {choice:?}, {piece_bytes}");
            }
        }
    }
}

#[test]
fn cells_beside_a_picture_keep_their_bytes() {
    let geometry = Geometry::new(67, 66, 4, 67 * 4 + 4).expect("within the limits");
    let source = picture(&geometry, &mut Random::new(7));
    let all = TileMask::all(&geometry);
    for first in [0, 4, 12, 3] {
        let cells: Vec<_> = (0..geometry.bytes() / 8 + 4).map(|_| AtomicU64::new(u64::MAX)).collect();
        let mut target = Cells::new(&cells, first, geometry.bytes()).expect("inside");
        let (pieces, _) = pieces(&Job { geometry, send: &all, copy: None }, &source, &choices()[3], 5000);
        for piece in &pieces {
            Decoder::default().decode(&geometry, piece, None, &mut target).expect("our own pieces");
        }
        let bytes: Vec<u8> =
            cells.iter().flat_map(|cell| cell.load(Ordering::Relaxed).to_le_bytes()).collect();
        let (before, rest) = bytes.split_at(first as usize);
        let (inside, after) = rest.split_at(geometry.bytes() as usize);
        assert!(before.iter().chain(after).all(|byte| *byte == 0xff), "bytes beside the picture");
        let untouched = vec![0xff; inside.len()];
        assert!(inside == expected(&geometry, &all, &source, &untouched));
        // And out of cells again, by the other implementation of `Source`.
        let mut row = vec![0; geometry.row_bytes()];
        let cells = Cells::new(&cells, first, geometry.bytes()).expect("inside");
        cells.read(geometry.at(0, 65), &mut row);
        assert!(row == source[geometry.at(0, 65) as usize..][..row.len()]);
    }
    let cells = [AtomicU64::new(0), AtomicU64::new(0)];
    assert!(Cells::new(&cells, 1, 16).is_none());
    assert!(Cells::new(&cells, u64::MAX, 2).is_none());
    let mut two = Cells::new(&cells, 4, 8).expect("inside");
    two.write(6, &[1, 2, 3, 4]);
    assert_eq!(cells[1].load(Ordering::Relaxed), 0x0201_0000, "what lies beyond the end is dropped");
}

#[test]
fn differences_are_those_of_the_tiles() {
    let mut random = Random::new(3);
    for (width, height, texel) in [(200, 131, 4), (64, 64, 4), (65, 129, 8), (1, 1, 4), (70, 64, 2)] {
        let geometry = Geometry::new(width, height, texel, width * texel + 8).expect("within the limits");
        let mut differences = Differences::default();
        let mut now = picture(&geometry, &mut random);
        let first = differences.changed(&geometry, &now[..]).expect("large enough");
        assert_eq!(first, TileMask::all(&geometry));
        for _ in 0..40 {
            let mut want = TileMask::none(&geometry);
            for _ in 0..random.below(4) {
                let (column, row) = (random.below(width), random.below(height));
                let at = geometry.at(column, row) as usize + random.below(texel) as usize;
                now[at] ^= 1 + random.below(255) as u8;
                want.insert(row / TILE * geometry.columns() + column / TILE);
            }
            // Padding is no part of the picture.
            if height > 1 {
                now[geometry.row_bytes()] ^= 1;
            }
            let before = now.clone();
            let mask = differences.changed(&geometry, &now[..]).expect("large enough");
            // Two changes may undo each other.
            assert!(mask.iter().all(|tile| want.contains(tile)));
            assert!(mask.count() + 1 >= want.count());
            assert!(differences.changed(&geometry, &before[..]).expect("large enough").is_empty());
        }
        let other = Geometry::new(width, height + 1, texel, width * texel + 8).expect("within the limits");
        let more = picture(&other, &mut random);
        assert_eq!(differences.changed(&other, &more[..]), Ok(TileMask::all(&other)));
        assert!(matches!(differences.changed(&other, &more[1..]), Err(TileError::Memory { .. })));
    }
}

#[test]
fn masks_are_sets() {
    let geometry = Geometry::new(64 * 9, 64 * 5, 4, 64 * 9 * 4).expect("within the limits");
    let mut mask = TileMask::none(&geometry);
    for tile in [0, 31, 32, 44, 45, 1000] {
        mask.insert(tile);
    }
    assert_eq!(mask.iter().collect::<Vec<_>>(), [0, 31, 32, 44]);
    assert_eq!((mask.count(), TileMask::all(&geometry).count()), (4, 45));
    assert!(!mask.contains(45) && !TileMask::all(&geometry).contains(45));
    let mut rest = TileMask::all(&geometry);
    rest.remove(&mask);
    assert_eq!(rest.count(), 41);
    rest.extend(&mask);
    assert_eq!(rest, TileMask::all(&geometry));
}

#[test]
fn sizes_beyond_the_limits_are_no_pictures() {
    for (width, height, texel, pitch) in [
        (0, 1, 4, 4),
        (1, 0, 4, 4),
        (16_385, 1, 4, 1 << 20),
        (1, 16_385, 4, 4),
        (2, 1, 4, 7),
        (1, 1, 0, 4),
        (1, 1, 17, 32),
        (u32::MAX, 1, 16, u32::MAX),
    ] {
        let refused = Geometry::new(width, height, texel, pitch);
        assert!(matches!(refused, Err(TileError::Geometry { .. })), "{width} {height} {texel} {pitch}");
    }
    let largest = Geometry::new(16_384, 16_384, 16, 1 << 20).expect("the limits themselves");
    assert_eq!((largest.tiles(), largest.bytes()), (65_536, (16_383 << 20) + (16_384 * 16)));
}

/// Changes some bytes, cuts, repeats or inserts.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len().max(1) as u32) as usize;
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at.min(bytes.len()), random.next() as u8),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => bytes.extend_from_within(at.min(bytes.len())..),
            // Heads stand near the start.
            4 if !bytes.is_empty() => {
                let at = at % bytes.len().min(12);
                bytes[at] = random.next() as u8;
            }
            _ if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            _ => {}
        }
    }
}

#[test]
fn broken_payloads_break_nothing() {
    let mut random = Random::new(11);
    let geometry = Geometry::new(150, 100, 4, 616).expect("within the limits");
    let (guard, size) = (64, geometry.bytes() as usize);
    let base = picture(&geometry, &mut random);
    let all = TileMask::all(&geometry);
    let (mut refused, mut decoder) = (0, Decoder::default());
    for round in 0..6000 {
        let source = if round % 50 == 0 { picture(&geometry, &mut random) } else { base.clone() };
        let copy = TileMask::from_words(&geometry, [random.next() as u32]);
        let send = if round % 2 == 0 {
            all.clone()
        } else {
            TileMask::from_words(&geometry, [random.next() as u32])
        };
        let choice = choices()[round % choices().len()];
        let (pieces, _) = pieces(&Job { geometry, send: &send, copy: Some(&copy) }, &source, &choice, 3000);
        let Some(piece) = pieces.get(random.below(pieces.len().max(1) as u32) as usize) else { continue };
        let mut piece = piece.clone();
        mutate(&mut piece, &mut random);
        let mut memory = vec![0xa5; guard + size + guard];
        let result = decoder.decode(&geometry, &piece, Some(&&base[..]), &mut memory[guard..guard + size]);
        assert!(!matches!(result, Err(TileError::Memory { .. })));
        refused += u32::from(result.is_err());
        assert!(memory[..guard].iter().chain(&memory[guard + size..]).all(|byte| *byte == 0xa5));
        let paddings = memory[guard..guard + size].chunks(616).filter_map(|row| row.get(600..));
        assert!(paddings.flatten().all(|byte| *byte == 0xa5), "the padding of rows is written");
    }
    assert!(refused > 1000, "only {refused} of the broken payloads were refused");
}

#[test]
fn what_a_piece_must_not_say() {
    let geometry = Geometry::new(64, 20, 4, 256).expect("within the limits");
    let mut target = vec![0; geometry.bytes() as usize];
    let mut decode = |piece: &[u8]| Decoder::default().decode(&geometry, piece, None, &mut target[..]);
    // Blocks of 16 rows: two of them, the second of 4 rows.
    assert_eq!(decode(&[4, 0, 1, 9, 9, 9, 9, 0, 1, 7, 7, 7, 7]), Ok(2));
    assert_eq!(decode(&[4]), Ok(0));
    for (what, piece) in [
        ("no exponent", &[][..]),
        ("blocks of 128 rows", &[7, 0, 1, 9, 9, 9, 9]),
        ("rows below the last", &[4, 2, 1, 9, 9, 9, 9]),
        ("a tile too many", &[6, 1, 1, 9, 9, 9, 9]),
        ("a number without end", &[6, 0x80, 0x80, 0x80, 0x80, 0x80]),
        ("a number of 35 bits", &[6, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 9, 9, 9, 9]),
        ("a number past the last", &[4, 0, 1, 9, 9, 9, 9, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 9, 9, 9, 9]),
        ("an unknown coding", &[6, 0, 5]),
        ("no coding", &[6, 0]),
        ("half a texel", &[6, 0, 1, 9, 9]),
        ("too few rows", &[6, 0, 0, 1, 2, 3]),
        ("a copy of nothing", &[6, 0, 4]),
        ("a code that is longer than the piece", &[6, 0, 3, 200, 1]),
        ("texels that do not fill the block", &[6, 0, 3, 1, 0xc0]),
        ("too many texels", &[6, 0, 3, 4, 0xdf, 0xff, 0xff, 3]),
        ("texels above the first row", &[6, 0, 3, 1, 0xe0]),
        ("an LZ4 block that is empty", &[6, 0, 2, 0]),
    ] {
        assert!(matches!(decode(piece), Err(TileError::Payload { .. })), "{what}: {:?}", decode(piece));
    }
}

#[test]
fn ranges_come_back_and_broken_ones_are_refused() {
    let mut random = Random::new(5);
    let mut coded_bytes = [0; 2];
    for length in [0, 1, 7, 8, 63, 65, 1000, 4096, 65_535, 65_536, 65_540, 200_001] {
        for choice in choices() {
            for kind in 0..4 {
                let bytes: Vec<u8> = (0..length)
                    .map(|at: u32| match kind {
                        0 => random.next() as u8,
                        1 => (at / 40) as u8,
                        2 => [1, 2, 3, 4, 5, 6, 7, 8][at as usize % 8],
                        _ => b"a vertex, a vertex and a normal "[at as usize % 32] ^ (at / 700) as u8,
                    })
                    .collect();
                let mut coded = Vec::new();
                compress_range(&bytes, &choice, &mut coded);
                assert!(coded.len() <= bytes.len() + bytes.len().div_ceil(RANGE_BLOCK_BYTES));
                coded_bytes[usize::from(kind == 0)] += coded.len();
                let mut back = vec![0; bytes.len()];
                assert_eq!(decompress_range(&coded, &mut back), Ok(()));
                assert!(back == bytes, "{length} bytes of kind {kind}, {choice:?}");
                for _ in 0..10 {
                    let mut broken = coded.clone();
                    mutate(&mut broken, &mut random);
                    let _ = decompress_range(&broken, &mut back);
                }
                if length > 0 {
                    assert!(decompress_range(&coded[..coded.len() - 1], &mut back).is_err());
                    coded.push(0);
                    assert!(decompress_range(&coded, &mut back).is_err());
                }
            }
        }
    }
    assert!(coded_bytes[0] < coded_bytes[1], "what repeats becomes smaller than noise");
}

#[test]
fn the_choice_follows_the_link() {
    let rates = Rates::default();
    let geometry = Geometry::new(64, 64, 4, 256).expect("within the limits");
    let mut noise = Random::new(9);
    let slope: Vec<u8> = (0..64u32 * 64)
        .flat_map(|at| {
            [(at / 64 * 2 + noise.below(4)) as u8, (at % 64) as u8, (at / 80 + noise.below(3)) as u8, 255]
        })
        .collect();
    // Half as large as texels, at nearly as much time for coding and decoding together as that saves on gigabit Ethernet.
    let grain: Vec<u8> = (0..64u32 * 64)
        .flat_map(|_| [noise.below(24) as u8, noise.below(24) as u8, noise.below(24) as u8, 255])
        .collect();
    let random: Vec<u8> = (0..16_384).map(|_| noise.next() as u8).collect();
    // Rows of the same 61 bytes: nothing beside or above a texel is like it, but LZ4 finds it.
    let pattern: Vec<u8> = (0..16_384).map(|at| Random::new(at % 61).next() as u8).collect();
    let coding = |bytes: &[u8], rate: u64| {
        let all = TileMask::all(&geometry);
        let (_, done) = pieces(
            &Job { geometry, send: &all, copy: None },
            bytes,
            &Choice::new(rate, &rates, &rates),
            1 << 20,
        );
        done.blocks
    };
    assert_eq!(coding(&slope, 100_000_000), [0, 0, 0, 1, 0], "texels on gigabit Ethernet");
    assert_eq!(coding(&slope, 50_000_000_000), [1, 0, 0, 0, 0], "nothing where bytes cost nothing");
    assert_eq!(coding(&grain, 100_000_000), [0, 0, 0, 1, 0], "coding and sending overlap");
    assert_eq!(coding(&grain, 400_000_000), [1, 0, 0, 0, 0], "but not on a link that is faster than coding");
    assert_eq!(coding(&random, 1_000_000), [1, 0, 0, 0, 0], "noise stays noise");
    assert_eq!(coding(&pattern, 10_000_000), [0, 0, 1, 0, 0], "LZ4 for what repeats");
    assert_eq!(coding(&[7; 16_384], 50_000_000_000), [0, 1, 0, 0, 0], "one colour costs nothing anywhere");
}

#[test]
fn rates_are_measured() {
    let rates = Rates::measure();
    for cost in [rates.lz4_encode, rates.lz4_decode, rates.texels_encode, rates.texels_decode] {
        // Nobody copies 200 GB/s, and a debug build takes less than a second for a MiB.
        assert!((1..1_000_000).contains(&(cost.raw + cost.coded)), "{rates:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn texels_of_few_colours_come_back(
        colours in prop::collection::vec(any::<[u8; 4]>(), 1..6),
        steps in prop::collection::vec((0usize..6, 1usize..90, any::<u8>()), 1..60),
        width in 1usize..70,
    ) {
        let mut texels: Vec<[u8; 4]> = Vec::new();
        for (colour, count, add) in steps {
            let colour = colours[colour % colours.len()];
            for index in 0..count {
                let above = texels.len().checked_sub(width).map_or([0; 4], |above| texels[above]);
                texels.push(match add % 4 {
                    0 => colour,
                    1 => above,
                    2 => above.map(|channel| channel.wrapping_add(add >> 5)),
                    _ => colour.map(|channel| channel.wrapping_add(index as u8)),
                });
            }
        }
        let mut code = Vec::new();
        prop_assert!(texels::encode(&texels, width, usize::MAX, &mut code));
        let mut back = vec![[1; 4]; texels.len()];
        prop_assert_eq!(texels::decode(&code, width, &mut back), Some(()));
        prop_assert_eq!(back, texels.clone());
        let mut cut = Vec::new();
        prop_assert!(!texels::encode(&texels, width, code.len() - 1, &mut cut));
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), width in 1u32..130) {
        let geometry = Geometry::new(width, 40, 4, width * 4).expect("within the limits");
        let mut target = vec![0; geometry.bytes() as usize];
        let _ = Decoder::default().decode(&geometry, &bytes, None, &mut target[..]);
        let _ = texels::decode(&bytes, width as usize, target.as_chunks_mut().0);
        let _ = decompress_range(&bytes, &mut target);
    }
}
