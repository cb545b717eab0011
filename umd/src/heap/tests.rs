//! The heap against a model: blocks never overlap, all memory comes back.

use std::collections::BTreeMap;

use proptest::prelude::*;
use pvgpu_ring::AtomicU64;

use super::*;
use crate::test_kernel::TestKernel;

fn cells(bytes: u64) -> Cells {
    Vec::leak((0..bytes / 8).map(|_| AtomicU64::new(0)).collect())
}

#[derive(Clone, Debug)]
enum Step {
    Allocate { bytes: u64, align: u64 },
    Free { which: usize },
    FreeAfter { which: usize },
    Complete,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1u64..100_000, prop_oneof![Just(1u64), Just(64), Just(768), Just(4096)])
            .prop_map(|(bytes, align)| Step::Allocate { bytes, align }),
        2 => any::<usize>().prop_map(|which| Step::Free { which }),
        1 => any::<usize>().prop_map(|which| Step::FreeAfter { which }),
        1 => Just(Step::Complete),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn blocks_never_overlap(steps in proptest::collection::vec(step(), 1..80)) {
        let mut kernel = TestKernel::with_heap(1 << 20);
        let mut heap = Heap::new(Grant { offset: 4096, cells: cells(1 << 18) });
        let mut alive: BTreeMap<u64, Block> = BTreeMap::new();
        // Offset and bytes of blocks that were given back with a fence.
        let mut pending: Vec<(u64, u64)> = Vec::new();
        let mut fence = 1;
        for step in steps {
            match step {
                Step::Allocate { bytes, align } => {
                    let Ok(block) = heap.allocate(&mut kernel, bytes, align) else { continue };
                    prop_assert!(block.bytes() >= bytes && block.offset().is_multiple_of(align));
                    let (start, end) = (block.offset(), block.offset() + block.bytes());
                    let taken = alive.values().map(|other| (other.offset(), other.bytes())).chain(pending.iter().copied());
                    for (other, bytes) in taken {
                        prop_assert!(end <= other || other + bytes <= start, "{start:#x}..{end:#x} meets {other:#x}");
                    }
                    alive.insert(block.offset(), block);
                }
                Step::Free { .. } | Step::FreeAfter { .. } if alive.is_empty() => {}
                Step::Free { which } => {
                    let offset = *alive.keys().nth(which % alive.len()).expect("in range");
                    let block = alive.remove(&offset).expect("alive");
                    heap.free(&mut kernel, block);
                }
                Step::FreeAfter { which } => {
                    let offset = *alive.keys().nth(which % alive.len()).expect("in range");
                    let block = alive.remove(&offset).expect("alive");
                    pending.push((block.offset(), block.bytes()));
                    heap.free_after(block, fence);
                }
                Step::Complete => {
                    heap.reclaim(&mut kernel, fence);
                    pending.clear();
                    fence += 1;
                }
            }
        }
        heap.reclaim(&mut kernel, fence);
        for block in alive.into_values() {
            heap.free(&mut kernel, block);
        }
        prop_assert!(heap.areas.iter().all(Area::is_unused), "{:?}", heap.areas);
        prop_assert!(heap.areas.len() <= 2, "the first range and one spare stay");
    }
}

#[test]
fn pending_blocks_wait_for_their_fence() {
    let mut kernel = TestKernel::with_heap(0);
    let mut heap = Heap::new(Grant { offset: 0, cells: cells(4096) });
    let block = heap.allocate(&mut kernel, 4096, 1).expect("all of it");
    heap.free_after(block, 7);
    heap.reclaim(&mut kernel, 6);
    assert_eq!(heap.allocate(&mut kernel, 64, 1).err(), Some(Error::OutOfMemory));
    assert_eq!(heap.pending_fence(), Some(7));
    heap.reclaim(&mut kernel, 7);
    assert!(heap.allocate(&mut kernel, 64, 1).is_ok());
}

#[test]
fn impossible_sizes_are_refused() {
    let mut kernel = TestKernel::with_heap(0);
    let mut heap = Heap::new(Grant { offset: 0, cells: cells(4096) });
    for bytes in [4097, u64::MAX - 1, u64::MAX] {
        assert_eq!(heap.allocate(&mut kernel, bytes, 64).err(), Some(Error::OutOfMemory), "{bytes}");
    }
    assert_eq!(lcm(12, 64), Some(192));
    assert_eq!(lcm(0, 64), None);
    assert_eq!(lcm(u64::MAX, u64::MAX - 1), None);
}
