//! Presents: flips, blits and fills, behind their fences and in their order.

use std::vec::Vec;

use bytemuck::bytes_of;
use pvgpu_protocol::kernel_interface::{AllocationData, FenceMarker, PrivateHeader, kind, standard_kind};
use pvgpu_protocol::mode::DisplayMode;

use super::fake::{Rig, SETTINGS, Seen, TestContext, completed, rig, rig_with};
use super::standard::{self, Desktop};
use crate::ddi::{
    AllocationListEntry, DmaStep, Patch, PatchLocation, Present, PresentKind, Rendered, SubmitCommand,
    step_kind,
};
use crate::display::CommittedMode;
use crate::{FaultKind, Handle, Notification, Settings, SpinLock, Status};

/// Frames of 16 × 8 pixels in a context's first heap range.
pub(super) fn frames(context: TestContext) -> AllocationData {
    AllocationData {
        header: PrivateHeader::new(kind::ALLOCATION),
        context: context.number,
        resource: 3,
        width: 16,
        height: 8,
        format: 87,
        row_pitch: 64,
        frames_offset: context.map.heap_offset + 64,
        frame_bytes: 512,
    }
}

/// A present as dxgkrnl builds it: buffers, and after it the patch.
pub(super) struct Buffers {
    dma: [u8; 512],
    private: [u8; 512],
    patches: [PatchLocation; 16],
    pub(super) rendered: Rendered,
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self {
            dma: [0; 512],
            private: [0; 512],
            patches: [PatchLocation::default(); 16],
            rendered: Rendered::default(),
        }
    }

    /// `DxgkDdiPresent` with a list of source and destination, and `DxgkDdiPatch` with the same.
    pub(super) fn present(
        &mut self,
        rig: &Rig,
        h_context: u64,
        kind: PresentKind<'_>,
        (source, destination): (AllocationListEntry, AllocationListEntry),
        marker: &[u8],
        multipass_offset: u32,
    ) -> Result<Vec<DmaStep>, Status> {
        // The addresses that come with the call are old; those of the patch count.
        let old = |entry: AllocationListEntry| AllocationListEntry { physical_address: 8, ..entry };
        let args = Present {
            kind,
            private_driver_data: marker,
            dma_buffer: &mut self.dma,
            dma_buffer_private_data: &mut self.private,
            source: old(source),
            destination: old(destination),
            patch_location_list_out: &mut self.patches,
            multipass_offset,
        };
        self.rendered = rig.adapter.present(h_context, args)?;
        let Rendered { dma_buffer_bytes, private_data_bytes, patch_locations, .. } = self.rendered;
        assert_eq!(dma_buffer_bytes, private_data_bytes);
        let args = Patch {
            dma_buffer_private_data: &mut self.private[..private_data_bytes],
            allocation_list: &[AllocationListEntry::default(), source, destination],
            patch_location_list: &self.patches[..patch_locations],
        };
        rig.adapter.patch(args).expect("asked for");
        Ok(bytemuck::pod_collect_to_vec(self.private()))
    }

    pub(super) fn private(&self) -> &[u8] {
        &self.private[..self.rendered.private_data_bytes]
    }

    pub(super) fn submit(&self, rig: &Rig, submission_fence_id: u32) {
        let args =
            SubmitCommand { dma_buffer_private_data: self.private(), submission_fence_id, node_ordinal: 0 };
        rig.adapter.submit_command(args);
    }
}

fn entry(h_device_specific_allocation: u64) -> AllocationListEntry {
    AllocationListEntry { h_device_specific_allocation, ..AllocationListEntry::default() }
}

const NONE: AllocationListEntry = AllocationListEntry {
    h_device_specific_allocation: 0,
    write_operation: false,
    segment_id: 0,
    physical_address: 0,
};

#[test]
fn a_flip_names_the_last_rendered_fence() {
    let rig = rig();
    let (context, other) = (rig.context(), rig.context());
    let info = rig.adapter.create_allocation(bytes_of(&frames(context))).expect("good");
    let opened = rig.adapter.open_allocation(context.h_device, info.h_allocation).expect("mine");
    let flip = |h_context, handle, marker: &[u8]| {
        Buffers::new().present(&rig, h_context, PresentKind::Flip, (entry(handle), NONE), marker, 0)
    };
    assert!(matches!(flip(context.h_context, opened, &[]), Err(Status::BadField { field: "value", .. })));
    let marker = FenceMarker { frame: 2, ..rig.marker(context, 4) };
    rig.render(context.h_context, &marker).expect("good");
    for given in [&[], bytes_of(&marker)] {
        let steps = flip(context.h_context, opened, given).expect("rendered");
        let [fence, flip] = steps[..] else { panic!("{steps:?}") };
        assert_eq!((fence.kind, flip.kind), (step_kind::FENCE, step_kind::FLIP));
        assert_eq!((fence.value, fence.frame, fence.gate, fence.h_context), (4, 2, 0, context.h_context));
        assert_eq!((flip.frame, flip.source_allocation), (2, info.h_allocation));
    }
    let later = rig.marker(context, 5);
    assert!(flip(context.h_context, opened, bytes_of(&later)).is_err(), "not rendered yet");
    assert_eq!(flip(context.h_context, 99, &[]), Err(Status::BadHandle(Handle::Allocation)));
    rig.render(other.h_context, &rig.marker(other, 1)).expect("good");
    assert_eq!(flip(other.h_context, opened, &[]), Err(Status::NotOwner(Handle::Allocation)));
}

/// A blit waits for its own context's fence, then ring 0 carries it, and it is done when ring 0's fence says so.
#[test]
fn a_blit_waits_for_its_source_and_for_the_host() {
    let mut rig = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
    let (context, other) = (rig.context(), rig.context());
    let desktop = Desktop::new(&rig, 64, 48);
    let source = rig.adapter.create_allocation(bytes_of(&frames(context))).expect("good");
    let source = rig.adapter.open_allocation(context.h_device, source.h_allocation).expect("mine");
    let target = rig.adapter.open_allocation(context.h_device, desktop.h_allocation).expect("shared");
    let target = AllocationListEntry { segment_id: 1, physical_address: desktop.address, ..entry(target) };
    let marker = FenceMarker { frame: 1, ..rig.marker(context, 4) };
    rig.render(context.h_context, &marker).expect("good");
    rig.host.read();
    let kind = PresentKind::Blt {
        source_rect: [0, 0, 16, 8],
        destination_rect: [-4, 10, 12, 18],
        sub_rects: &[[0, 10, 64, 14], [100, 100, 200, 200], [0, 16, 64, 18]],
    };
    let mut buffers = Buffers::new();
    let sides = (entry(source), target);
    let steps = buffers.present(&rig, context.h_context, kind, sides, &[], 0).expect("good");
    assert_eq!(steps.iter().map(|step| step.kind).collect::<Vec<_>>(), [1, 2, 2], "one is not seen");
    rig.submit(other, 1, 1);
    buffers.submit(&rig, 2);
    rig.submit(other, 2, 3);
    assert_eq!(rig.reports(), []);
    rig.host.complete(context.number, 4);
    assert_eq!(rig.interrupt(), []);
    assert_eq!(rig.host.read(), [], "what was submitted before comes first");
    rig.host.complete(other.number, 1);
    assert_eq!(rig.interrupt(), [completed(1)]);
    let src = frames(context).frames_offset + 512;
    let blit = |src_rect, dst_rect| Seen::Blit {
        src,
        dst: desktop.address,
        pitches: (64, desktop.pitch),
        src_rect,
        dst_rect,
    };
    let expect = [blit([4, 0, 16, 4], [0, 10, 12, 14]), blit([4, 6, 16, 8], [0, 16, 12, 18]), Seen::Fence(1)];
    assert_eq!(rig.host.read(), expect);
    assert!(!rig.host.complete(other.number, 2), "it waits behind the blit");
    assert_eq!(rig.interrupt(), []);
    assert!(rig.host.complete(0, 1), "ring 0's fence is asked for");
    assert_eq!(rig.interrupt(), [completed(2), completed(3)]);

    // Another context of the same device may present what this one draws; it waits for nothing of its own.
    let second = rig.try_context(context.h_device).expect("room").h_context;
    buffers.present(&rig, second, kind, sides, &[], 0).expect("opened by the device");
    buffers.submit(&rig, 4);
    assert_eq!(rig.reports(), []);
    let seen = rig.host.read();
    assert_eq!(seen.last(), Some(&Seen::Fence(2)), "{seen:?}");
    rig.host.complete(0, 2);
    assert_eq!(rig.interrupt(), [completed(4)]);
}

#[test]
fn consecutive_blits_do_not_wait_for_each_other() {
    let mut rig = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
    let (first, mut second) = (Desktop::new(&rig, 64, 48), Desktop::at(&rig, 64, 48, 1 << 20));
    let opened = rig.adapter.open_allocation(first.h_device, second.h_allocation).expect("shared");
    second.entry.h_device_specific_allocation = opened;
    let kind =
        PresentKind::Blt { source_rect: [0, 0, 64, 48], destination_rect: [0, 0, 64, 48], sub_rects: &[] };
    let mut buffers = Buffers::new();
    for fence in 1..=3 {
        let sides = (first.entry, second.entry);
        buffers.present(&rig, first.h_context, kind, sides, &[], 0).expect("good");
        buffers.submit(&rig, fence);
    }
    let kind =
        PresentKind::ColorFill { color: 0xff12_3456, destination_rect: [-5, 40, 500, 99], sub_rects: &[] };
    buffers.present(&rig, first.h_context, kind, (NONE, second.entry), &[], 0).expect("good");
    buffers.submit(&rig, 4);
    assert_eq!(rig.reports(), []);
    let seen = rig.host.read();
    let fill = Seen::Fill { dst: second.address, rect: [0, 40, 64, 48], value: 0xff12_3456 };
    assert!(matches!(seen[..], [Seen::Blit { .. }, Seen::Blit { .. }, Seen::Blit { .. }, _, Seen::Fence(1)]));
    assert_eq!(seen[3], fill);
    rig.host.complete(0, 1);
    assert_eq!(rig.interrupt(), [completed(1), completed(2), completed(3), completed(4)]);
}

#[test]
fn long_rectangle_lists_take_several_passes() {
    let rig = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
    let desktop = Desktop::new(&rig, 64, 48);
    let rects: Vec<[i32; 4]> = (0..9).map(|row| [0, row, 64, row + 1]).collect();
    let kind = PresentKind::ColorFill { color: 1, destination_rect: [0, 0, 64, 48], sub_rects: &rects };
    let mut buffers = Buffers::new();
    let mut rows = Vec::new();
    let mut offset = 0;
    for pass in 0..3 {
        let sides = (NONE, desktop.entry);
        let steps = buffers.present(&rig, desktop.h_context, kind, sides, &[], offset).expect("good");
        rows.extend(steps.iter().map(|step| step.destination_rect[1]));
        match buffers.rendered.multipass_offset {
            Some(next) => offset = next,
            None => assert_eq!(pass, 2),
        }
    }
    assert_eq!(rows, (0..9).collect::<Vec<_>>());
}

#[test]
fn presents_are_checked() {
    let rig = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
    let desktop = Desktop::new(&rig, 64, 48);
    let context = rig.context();
    let whole = [0, 0, 64, 48];
    let blit = PresentKind::Blt { source_rect: whole, destination_rect: whole, sub_rects: &[] };
    let mut buffers = Buffers::new();
    let sides = (desktop.entry, desktop.entry);
    let error = buffers.present(&rig, context.h_context, blit, sides, &[], 0);
    assert_eq!(error, Err(Status::NotOwner(Handle::Allocation)), "another device has opened it");
    let error = buffers.present(&rig, 5 << 32, blit, sides, &[], 0);
    assert_eq!(error, Err(Status::BadHandle(Handle::Context)));
    let gdi = standard::create(&rig, standard_kind::GDI, 64, 48, 61).expect("8 bits a pixel");
    let gdi = rig.adapter.open_allocation(desktop.h_device, gdi.h_allocation).expect("mine");
    let error = buffers.present(&rig, desktop.h_context, blit, (entry(gdi), desktop.entry), &[], 0);
    assert!(matches!(error, Err(Status::BadField { field: "format", .. })), "{error:?}");
    // A buffer too small for one step.
    let args = Present {
        kind: blit,
        private_driver_data: &[],
        dma_buffer: &mut [0; 100],
        dma_buffer_private_data: &mut [0; 200],
        source: desktop.entry,
        destination: desktop.entry,
        patch_location_list_out: &mut [PatchLocation::default(); 4],
        multipass_offset: 0,
    };
    let error = rig.adapter.present(desktop.h_context, args);
    assert_eq!(error, Err(Status::InsufficientDmaBuffer { needed: 128 }));
    for (offset, index) in [(4, 1), (33, 1), (DmaStep::SOURCE + 512, 1), (u32::MAX, 1), (DmaStep::SOURCE, 3)]
    {
        let args = Patch {
            dma_buffer_private_data: &mut [0; 512],
            allocation_list: &[NONE; 3],
            patch_location_list: &[PatchLocation { allocation_index: index, patch_offset: offset }],
        };
        assert!(rig.adapter.patch(args).is_err(), "{offset} {index}");
    }
}

/// What ring 0 must not carry, it does not: the host would remove the adapter for it.
#[test]
fn impossible_copies_are_left_out() {
    let mut rig = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
    let context = rig.context();
    let desktop = Desktop::new(&rig, 64, 48);
    // Two allocations of one context that overlap, with different pitches.
    let open = |data: AllocationData| {
        let info = rig.adapter.create_allocation(bytes_of(&data)).expect("good");
        rig.adapter.open_allocation(context.h_device, info.h_allocation).expect("mine")
    };
    let narrow = open(frames(context));
    let wide = open(AllocationData { row_pitch: 128, frame_bytes: 1024, ..frames(context) });
    rig.render(context.h_context, &rig.marker(context, 1)).expect("good");
    rig.host.complete(context.number, 1);
    rig.host.read();
    let whole = [0, 0, 16, 8];
    let kind = PresentKind::Blt { source_rect: whole, destination_rect: whole, sub_rects: &[] };
    let mut buffers = Buffers::new();
    let sides = (entry(narrow), entry(wide));
    buffers.present(&rig, context.h_context, kind, sides, &[], 0).expect("the rule is ring 0's");
    buffers.submit(&rig, 1);
    assert_eq!(rig.reports(), [completed(1)]);
    assert_eq!(rig.host.read(), []);
    // A destination that is not in the segment.
    let target = rig.adapter.open_allocation(context.h_device, desktop.h_allocation).expect("shared");
    for (segment_id, physical_address) in [(0, desktop.address), (1, 4096), (1, u64::MAX - 4095), (2, 0)] {
        let target = AllocationListEntry { segment_id, physical_address, ..entry(target) };
        let sides = (entry(narrow), target);
        buffers.present(&rig, context.h_context, kind, sides, &[], 0).expect("dxgkrnl decides the place");
        buffers.submit(&rig, 2);
        assert_eq!(rig.reports(), [completed(2)]);
        assert_eq!(rig.host.read(), [], "{segment_id} {physical_address:#x}");
    }
}

/// The screen shows what was flipped to, under the address that dxgkrnl knows, until that is destroyed.
#[test]
fn a_flip_is_shown_until_its_surface_goes() {
    let mut rig = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
    let desktop = Desktop::at(&rig, 1280, 720, 4096);
    let mode = DisplayMode { width: 1280, height: 720, refresh_millihertz: 60_000 };
    rig.adapter.commit_vid_pn(0, Some(CommittedMode { mode, format: 88 })).expect("a mode of ours");
    rig.host.read();
    let mut buffers = Buffers::new();
    let sides = (desktop.entry, NONE);
    buffers.present(&rig, desktop.h_context, PresentKind::Flip, sides, &[], 0).expect("needs no fence");
    buffers.submit(&rig, 1);
    assert_eq!(rig.reports(), []);
    let bytes = 1280 * 4 * 720;
    assert_eq!(rig.host.read(), [Seen::Scanout { offset: desktop.address, bytes }, Seen::Fence(1)]);
    let surface = rig.adapter.core.lock().display.source.surface().expect("shown");
    assert_eq!(surface.address, desktop.address);
    rig.host.complete(0, 1);
    assert_eq!(rig.interrupt(), [completed(1)]);
    rig.adapter.destroy_allocation(desktop.h_allocation).expect("there");
    assert_eq!(rig.host.read(), [Seen::Scanout { offset: 0, bytes: 0 }], "its memory is somebody else's");
}

/// What the screen cannot show is not shown: the host would remove the adapter for it.
#[test]
fn only_what_the_mode_wants_is_flipped_to() {
    let mut rig = rig_with(Settings { segment_bytes: 16 << 20, ..SETTINGS });
    let desktop = Desktop::at(&rig, 1280, 720, 0);
    let slow = rig.context();
    let open = |width, height, format| {
        let info =
            standard::create(&rig, standard_kind::SHARED_PRIMARY, width, height, format).expect("good");
        let opened = rig.adapter.open_allocation(desktop.h_device, info.h_allocation).expect("mine");
        AllocationListEntry { h_device_specific_allocation: opened, ..desktop.entry }
    };
    let wrong = [open(1280, 720, 85), open(1280, 720, 65), open(1280, 800, 88), open(8000, 200, 88)];
    let mode = DisplayMode { width: 1280, height: 720, refresh_millihertz: 60_000 };
    let flip = |rig: &Rig, entry, fence_id| {
        let mut buffers = Buffers::new();
        let sides = (entry, NONE);
        buffers.present(rig, desktop.h_context, PresentKind::Flip, sides, &[], 0).expect("needs no fence");
        buffers.submit(rig, fence_id);
    };
    rig.host.read();
    flip(&rig, desktop.entry, 1);
    assert_eq!(rig.reports(), [completed(1)]);
    assert!(rig.adapter.core.lock().display.source.surface().is_none(), "there is no mode");
    rig.adapter.commit_vid_pn(0, Some(CommittedMode { mode, format: 88 })).expect("a mode of ours");
    rig.host.read();
    for (entry, fence_id) in wrong.into_iter().zip(2..) {
        flip(&rig, entry, fence_id);
        assert_eq!(rig.reports(), [completed(fence_id)]);
        assert_eq!(rig.host.read(), [], "{fence_id}");
    }
    assert!(rig.adapter.core.lock().display.source.surface().is_none());
    // One that was right when it was submitted, and is not when its turn comes.
    rig.submit(slow, 1, 6);
    flip(&rig, desktop.entry, 7);
    assert_eq!(rig.reports(), []);
    let mode = DisplayMode { height: 800, ..mode };
    rig.adapter.commit_vid_pn(0, Some(CommittedMode { mode, format: 88 })).expect("a mode of ours");
    rig.host.read();
    rig.host.complete(slow.number, 1);
    assert_eq!(rig.interrupt(), [completed(6)]);
    assert_eq!(rig.host.read(), [Seen::Fence(1)]);
    rig.host.complete(0, 1);
    assert_eq!(rig.interrupt(), [completed(7)]);
    assert!(rig.adapter.core.lock().display.source.surface().is_none());
}

/// dxgkrnl's colours are A8R8G8B8 whatever is filled.
#[test]
fn fills_have_texels_of_their_destination() {
    let mut rig = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
    let desktop = Desktop::new(&rig, 64, 48);
    let whole = [0, 0, 64, 48];
    let kind = PresentKind::ColorFill { color: 0x80ff_4020, destination_rect: whole, sub_rects: &[] };
    let mut fences = 1..;
    for (format, texel) in [(88, 0x80ff_4020), (28, 0x8020_40ff), (85, 0xfa04), (65, 0x80)] {
        let info = standard::create(&rig, standard_kind::GDI, 64, 48, format).expect("good");
        let opened = rig.adapter.open_allocation(desktop.h_device, info.h_allocation).expect("mine");
        let target = AllocationListEntry { h_device_specific_allocation: opened, ..desktop.entry };
        rig.host.read();
        let mut buffers = Buffers::new();
        buffers.present(&rig, desktop.h_context, kind, (NONE, target), &[], 0).expect("good");
        let fence_id = fences.next().expect("endless");
        buffers.submit(&rig, fence_id);
        assert_eq!(rig.reports(), []);
        let fill = Seen::Fill { dst: desktop.address, rect: whole, value: texel };
        assert_eq!(rig.host.read(), [fill, Seen::Fence(u64::from(fence_id))], "format {format}");
        rig.host.complete(0, u64::from(fence_id));
        assert_eq!(rig.interrupt(), [completed(fence_id)]);
    }
    let floats = standard::create(&rig, standard_kind::GDI, 64, 48, 41).expect("4 bytes a pixel");
    let opened = rig.adapter.open_allocation(desktop.h_device, floats.h_allocation).expect("mine");
    let target = AllocationListEntry { h_device_specific_allocation: opened, ..desktop.entry };
    let error = Buffers::new().present(&rig, desktop.h_context, kind, (NONE, target), &[], 0);
    assert!(matches!(error, Err(Status::BadField { field: "format", value: 41, .. })), "{error:?}");
}

/// A source whose context ends before its turn comes is not read: its memory is somebody else's.
#[test]
fn a_source_that_is_gone_is_not_copied() {
    let mut rig = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
    let (context, slow) = (rig.context(), rig.context());
    let desktop = Desktop::new(&rig, 64, 48);
    let info = rig.adapter.create_allocation(bytes_of(&frames(context))).expect("good");
    let source = rig.adapter.open_allocation(desktop.h_device, info.h_allocation).expect("shared");
    rig.submit(slow, 1, 1);
    let whole = [0, 0, 16, 8];
    let kind = PresentKind::Blt { source_rect: whole, destination_rect: whole, sub_rects: &[] };
    let mut buffers = Buffers::new();
    let sides = (entry(source), desktop.entry);
    buffers.present(&rig, desktop.h_context, kind, sides, &[], 0).expect("opened");
    buffers.submit(&rig, 2);
    assert_eq!(rig.reports(), []);
    rig.adapter.destroy_context(context.h_context).expect("live");
    rig.host.read();
    rig.host.complete(slow.number, 1);
    assert_eq!(rig.interrupt(), [completed(1)]);
    assert_eq!(rig.host.read(), [Seen::Fence(1)], "no copy");
    rig.host.complete(0, 1);
    assert_eq!(rig.interrupt(), [completed(2)]);
}

#[test]
fn a_fault_takes_the_rest_of_its_submission() {
    let mut rig = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
    let context = rig.context();
    let desktop = Desktop::new(&rig, 64, 48);
    let target = rig.adapter.open_allocation(context.h_device, desktop.h_allocation).expect("shared");
    let target = AllocationListEntry { segment_id: 1, physical_address: desktop.address, ..entry(target) };
    rig.render(context.h_context, &rig.marker(context, 1)).expect("good");
    let kind = PresentKind::ColorFill { color: 0, destination_rect: [0, 0, 64, 48], sub_rects: &[] };
    let mut buffers = Buffers::new();
    buffers.present(&rig, context.h_context, kind, (NONE, target), &[], 0).expect("good");
    buffers.submit(&rig, 1);
    buffers.submit(&rig, 2);
    rig.host.poison(context.number, 5);
    rig.host.read();
    let fault = |faulted_fence_id| Notification::DmaFaulted {
        faulted_fence_id,
        kind: FaultKind::Context { code: 5 },
    };
    assert_eq!(rig.interrupt(), [fault(1), fault(2)]);
    assert_eq!(rig.host.read(), [], "nothing of it is done");
}
