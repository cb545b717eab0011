//! The arena inside a context: no piece is given out twice before the fence that frees it.

use proptest::prelude::*;
use std::collections::VecDeque;

use super::*;
use crate::context::Context;
use crate::test_kernel::{TestKernel, context};

#[derive(Clone, Debug)]
enum Step {
    /// Takes a piece and closes it at once, as an update does.
    Upload(u64),
    /// Takes a piece and keeps it open, as a map does.
    Map(u64),
    /// Closes the oldest open piece.
    Unmap,
    /// Ends a batch.
    Flush,
    /// The host catches up by one batch.
    Complete,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1u64..200_000).prop_map(Step::Upload),
        1 => (300_000u64..2_000_000).prop_map(Step::Upload),
        2 => (1u64..100_000).prop_map(Step::Map),
        2 => Just(Step::Unmap),
        2 => Just(Step::Flush),
        1 => Just(Step::Complete),
    ]
}

/// A range in use, until it is closed and its fence complete.
#[derive(Debug)]
struct Used {
    start: u64,
    end: u64,
    fence: Option<u64>,
}

fn emit_something(context: &mut Context) {
    context.emit(&pvgpu_protocol::command::SetTopology { topology: 4, reserved: 0 }).expect("an empty ring");
}

proptest! {
    // Each case leaks its memory, so that cells may be `'static`.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn memory_in_use_is_never_given_out(steps in proptest::collection::vec(step(), 1..200)) {
        let (mut context, host) = context(TestKernel::with_heap(64 << 20), 1 << 20);
        let mut used: Vec<Used> = Vec::new();
        let mut open: VecDeque<Piece> = VecDeque::new();
        for step in steps {
            match step {
                Step::Upload(bytes) | Step::Map(bytes) => {
                    let piece = match context.upload(bytes, 16) {
                        Ok(piece) => piece,
                        Err(error) => { prop_assert_eq!(error, crate::error::Error::OutOfMemory); continue }
                    };
                    let completed = host.completed();
                    used.retain(|used| used.fence.is_none_or(|fence| fence > completed));
                    let (start, end) = (piece.range().offset, piece.range().offset + piece.range().length);
                    prop_assert_eq!(piece.range().length, bytes);
                    prop_assert!(start.is_multiple_of(16) && piece.cells().len() as u64 * 8 >= bytes);
                    for other in &used {
                        prop_assert!(end <= other.start || other.end <= start, "{start:#x}..{end:#x} meets {other:?}");
                    }
                    let is_map = matches!(step, Step::Map(_));
                    let fence = (!is_map).then(|| context.stream.next_fence());
                    used.push(Used { start, end, fence });
                    if is_map {
                        open.push_back(piece);
                    } else {
                        emit_something(&mut context);
                        context.close(piece);
                    }
                }
                Step::Unmap => {
                    let Some(piece) = open.pop_front() else { continue };
                    emit_something(&mut context);
                    let start = piece.range().offset;
                    let fence = context.stream.next_fence();
                    for used in &mut used {
                        if used.start == start && used.fence.is_none() {
                            used.fence = Some(fence);
                        }
                    }
                    context.close(piece);
                }
                Step::Flush => { context.flush().expect("a living host"); host.drain(); }
                Step::Complete => host.complete((host.completed() + 1).min(context.stream.next_fence() - 1)),
            }
        }
    }
}

#[test]
fn the_arena_stops_growing_and_waits() {
    let (mut context, host) = context(TestKernel::with_heap(1 << 30), 1 << 20);
    for _ in 0..3 * MAX_CHUNKS * 5 {
        let piece = context.upload(LARGEST_PIECE, 16).expect("the host completes what is waited for");
        emit_something(&mut context);
        context.close(piece);
        host.drain();
    }
    assert!(host.granted() <= (MAX_CHUNKS as u64 + 16) * CHUNK_BYTES, "{} bytes granted", host.granted());
}
