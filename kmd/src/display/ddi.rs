//! The display's entry points, with plain arguments: `DxgkDdi*` functions of children, modes, sources and pointer.

use pvgpu_protocol::aperture::PAGE_BYTES;
use pvgpu_protocol::command::{HeapRange, scanout_format};
use pvgpu_protocol::kernel_interface::counter;
use pvgpu_protocol::limits::MAX_SOURCES;
use pvgpu_protocol::mode::DisplayMode;
use pvgpu_protocol::telemetry::{Level, area, code};

use super::edid::Edid;
use super::mode::{ModeList, SOURCE_ID, Size, TARGET_ID, pitch};
use super::pointer::{POINTER_BYTES, PointerShape, write_rows};
use super::source::{CommittedMode, Surface};
use crate::adapter::Adapter;
use crate::core_state::Core;
use crate::kernel::{Kernel, SpinLock};
use crate::status::Status;

const _: () = assert!(super::mode::SOURCES == MAX_SOURCES);

/// The monitor's serial number. An adapter has one monitor, and Windows tells the monitors of two adapters apart by the
/// adapters.
const SERIAL_NUMBER: u32 = 1;

/// What `DxgkDdiSetVidPnSourceAddress` is told (`DXGKARG_SETVIDPNSOURCEADDRESS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetVidPnSourceAddress {
    /// The source.
    pub vid_pn_source_id: u32,
    /// The primary, as [`Adapter::create_allocation`] named it; 0 for none.
    pub h_allocation: u64,
    /// Where it lies in the segment: an offset in the heap.
    pub primary_address: u64,
}

/// Refuses all sources but the one.
fn check_source(vid_pn_source_id: u32) -> Result<(), Status> {
    if vid_pn_source_id == SOURCE_ID {
        return Ok(());
    }
    let value = u64::from(vid_pn_source_id);
    Err(Status::BadField { field: "VidPnSourceId", value, rule: "there is one source, number 0" })
}

/// Refuses all targets but the one.
pub(super) fn check_target(vid_pn_target_id: u32) -> Result<(), Status> {
    if vid_pn_target_id == TARGET_ID {
        return Ok(());
    }
    let value = u64::from(vid_pn_target_id);
    Err(Status::BadField { field: "VidPnTargetId", value, rule: "there is one target, number 0" })
}

impl<K: Kernel> Core<K> {
    /// Tells the host what it does not know of the display yet. A full ring 0 is tried again at the next DPC and the next
    /// heartbeat. IRQL ≤ `DISPATCH_LEVEL`.
    pub(crate) fn flush_display(&mut self, kernel: &K) {
        while let Some(command) = self.display.untold() {
            if self.send(kernel, command).is_err() {
                return;
            }
            self.display.told(command);
        }
    }

    /// Somebody wants a custom mode, or with [`DisplayMode::NONE`] none any more. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadField`] for a mode that breaks a rule, [`Status::HeapFull`] for one whose primary does not fit.
    pub(crate) fn request_mode(
        &mut self,
        kernel: &K,
        mode: DisplayMode,
        by_escape: bool,
    ) -> Result<(), Status> {
        let [width, height, refresh] = [mode.width, mode.height, mode.refresh_millihertz].map(u64::from);
        let args = [width, height, refresh, u64::from(by_escape)];
        self.trace(kernel, Level::Info, (area::DISPLAY, code::MODE_REQUESTED), 0, &args);
        let result = match mode.check() {
            Err(error) if mode != DisplayMode::NONE => Err(error.into()),
            _ if self.display.offer(mode) => Ok(()),
            _ => Err(Status::HeapFull { bytes: mode.frame_bytes() }),
        };
        match result {
            Ok(()) => kernel.queue_dpc(),
            Err(error) => {
                let args = [width, height, refresh, u64::from(error.to_ntstatus().0)];
                self.trace(kernel, Level::Warning, (area::DISPLAY, code::MODE_REFUSED), 0, &args);
            }
        }
        result
    }

    /// The primary that dxgkrnl means: of the size of the mode, and where the allocation can lie.
    fn primary(&mut self, args: &SetVidPnSourceAddress) -> Result<Surface, Status> {
        let committed = self.display.source.mode().ok_or(Status::BadField {
            field: "VidPnSourceId",
            value: u64::from(args.vid_pn_source_id),
            rule: "the source has a mode",
        })?;
        let DisplayMode { width, height, .. } = committed.mode;
        if args.h_allocation != 0 {
            let frame = self.frame_shown(args.h_allocation);
            let surface = self.surface(args.h_allocation, frame, args.primary_address)?;
            if !self.can_show(&surface) {
                let value = u64::from(surface.width);
                let rule = "it has the mode's size and a format that a screen may show";
                return Err(Status::BadField { field: "hAllocation", value, rule });
            }
            return Ok(Surface { address: args.primary_address, ..surface });
        }
        let (address, pitch) = (args.primary_address, pitch(width));
        let length = u64::from(pitch) * u64::from(height);
        // The rest of the heap belongs to processes: their rings and ranges are nothing for a screen.
        let segment = self.segment_range().ok_or(Status::DeviceRemoved)?;
        let end = address.checked_add(length);
        let inside =
            address >= segment.offset && end.is_some_and(|end| end <= segment.offset + segment.length);
        if !inside || !address.is_multiple_of(PAGE_BYTES) {
            let rule = "the primary lies in the segment, at the start of a page";
            return Err(Status::BadField { field: "PrimaryAddress", value: address, rule });
        }
        let range = HeapRange { offset: address, length };
        Ok(Surface { range, width, height, pitch, format: committed.format, address })
    }
}

impl<K: Kernel> Adapter<K> {
    /// The modes on offer, for the mode sets of VidPNs and monitors. IRQL ≤ `DISPATCH_LEVEL`.
    pub fn mode_list(&self) -> ModeList {
        self.core.lock().display.modes()
    }

    /// What was on the screen when the device started (`DxgkCbAcquirePostDisplayOwnership`): if the adapter has a mode of that
    /// size, it is preferred while the host has no wish, so that the screen does not change its size. `PASSIVE_LEVEL`.
    pub fn set_boot_size(&self, size: Size) {
        self.core.lock().display.set_boot_size(size);
    }

    /// `DxgkDdiQueryChildStatus` of the connection: a monitor is there as long as a host is. `PASSIVE_LEVEL`.
    ///
    /// dxgkrnl asks for it when StartDevice has returned and it knows the children. Only what changes after that is news to
    /// it, and only then does [`Kernel::indicate_child_status`] begin.
    ///
    /// # Errors
    /// [`Status::BadField`] for a child that there is not.
    pub fn query_child_status(&self, child_uid: u32) -> Result<bool, Status> {
        check_target(child_uid)?;
        let mut core = self.core.lock();
        let connected = core.state.is_linked();
        if core.state.is_started() && core.display.begin_telling(connected) && connected {
            let what = (area::DISPLAY, code::MONITOR_CONNECTED);
            core.trace(&self.kernel, Level::Info, what, 0, &[]);
        }
        Ok(connected)
    }

    /// Whether the monitor is there, for whoever is not dxgkrnl. IRQL ≤ `DISPATCH_LEVEL`.
    pub fn has_monitor(&self) -> bool {
        self.core.lock().state.is_linked()
    }

    /// The monitor's EDID, for `DxgkDdiQueryDeviceDescriptor`; `None` when no monitor is there. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadField`] for a child that there is not.
    pub fn monitor_descriptor(&self, child_uid: u32) -> Result<Option<Edid>, Status> {
        check_target(child_uid)?;
        let list = {
            let core = self.core.lock();
            core.state.is_linked().then(|| core.display.modes())
        };
        Ok(list.map(|list| Edid::new(&list, SERIAL_NUMBER)))
    }

    /// Offers and prefers a custom mode (`SET_MODE`). IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadField`] for a mode that breaks a rule, [`Status::HeapFull`] for one whose primary does not fit.
    pub fn request_mode(&self, mode: DisplayMode) -> Result<(), Status> {
        self.core.lock().request_mode(&self.kernel, mode, true)
    }

    /// The mode that `DxgkDdiCommitVidPn` set last. IRQL ≤ `DISPATCH_LEVEL`.
    pub fn committed_mode(&self) -> Option<CommittedMode> {
        self.core.lock().display.source.mode()
    }

    /// `DxgkDdiCommitVidPn`, once the VidPN was taken apart: the source has a mode, or none. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadField`] for a format that cannot be scanned out or a size that the adapter does not have.
    pub fn commit_vid_pn(&self, vid_pn_source_id: u32, mode: Option<CommittedMode>) -> Result<(), Status> {
        check_source(vid_pn_source_id)?;
        let now = self.kernel.time_ns();
        let mut core = self.core.lock();
        if let Some(CommittedMode { mode, format }) = mode {
            if !matches!(format, scanout_format::B8G8R8A8 | scanout_format::B8G8R8X8) {
                let value = u64::from(format);
                return Err(Status::BadField { field: "PixelFormat", value, rule: "it has 8 bits a colour" });
            }
            if !core.display.modes().has_size(mode.into()) {
                let value = u64::from(mode.width);
                return Err(Status::BadField {
                    field: "PrimSurfSize",
                    value,
                    rule: "it is in the mode list",
                });
            }
        }
        core.display.source.commit(mode);
        core.display.vsync.restart(now);
        let [width, height, refresh] = match mode {
            Some(CommittedMode { mode, .. }) => {
                [mode.width, mode.height, mode.refresh_millihertz].map(u64::from)
            }
            None => [0; 3],
        };
        let args = [width, height, refresh, u64::from(vid_pn_source_id)];
        core.trace(&self.kernel, Level::Info, (area::DISPLAY, code::MODE_SET), 0, &args);
        core.count(counter::MODE_SETS);
        self.show(&mut core);
        Ok(())
    }

    /// `DxgkDdiSetVidPnSourceAddress`. The driver does not claim flips by memory-mapped registers, so dxgkrnl calls this
    /// for mode changes alone, at `PASSIVE_LEVEL`. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadField`] for a source without a mode or a primary that is not where it can lie.
    pub fn set_vid_pn_source_address(&self, args: SetVidPnSourceAddress) -> Result<(), Status> {
        check_source(args.vid_pn_source_id)?;
        let mut core = self.core.lock();
        let surface = core.primary(&args)?;
        core.display.source.flip(surface);
        core.scanned_out = args.h_allocation;
        let what = (area::DISPLAY, code::SOURCE_ADDRESS);
        let trace = [u64::from(args.vid_pn_source_id), surface.range.offset];
        core.trace(&self.kernel, Level::Verbose, what, 0, &trace);
        self.show(&mut core);
        Ok(())
    }

    /// `DxgkDdiSetVidPnSourceVisibility`. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadField`] for a source that there is not.
    pub fn set_vid_pn_source_visibility(&self, vid_pn_source_id: u32, visible: bool) -> Result<(), Status> {
        check_source(vid_pn_source_id)?;
        let mut core = self.core.lock();
        core.display.source.set_visible(visible);
        let what = (area::DISPLAY, code::SOURCE_VISIBILITY);
        core.trace(&self.kernel, Level::Info, what, 0, &[u64::from(vid_pn_source_id), u64::from(visible)]);
        self.show(&mut core);
        Ok(())
    }

    /// `DxgkDdiSetPointerPosition`: top left of the shape, which may lie outside the screen. For a source without a mode
    /// nothing changes, as the DDI wants it. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadField`] for a source that there is not.
    pub fn set_pointer_position(
        &self,
        vid_pn_source_id: u32,
        (x, y): (i32, i32),
        visible: bool,
    ) -> Result<(), Status> {
        check_source(vid_pn_source_id)?;
        let mut core = self.core.lock();
        if core.display.source.mode().is_some() {
            core.display.pointer.set_position(x, y, visible);
            core.flush_display(&self.kernel);
        }
        Ok(())
    }

    /// `DxgkDdiSetPointerShape`. `rows` gives the bitmap's rows, which may be paged memory: it is asked without the lock.
    /// `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadField`] for a shape that breaks a rule, [`Status::HeapFull`] when the heap has no room for shapes,
    /// [`Status::DeviceRemoved`] when the adapter is not started.
    pub fn set_pointer_shape<'a>(
        &self,
        shape: &PointerShape,
        rows: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), Status> {
        check_source(shape.vid_pn_source_id)?;
        shape.bytes()?;
        let (record, aperture, heap_offset) = {
            let mut core = self.core.lock();
            let core = &mut *core;
            let link = core.link.as_ref().ok_or(Status::DeviceRemoved)?;
            if !core.display.pointer.has_slots() {
                let full = Status::HeapFull { bytes: POINTER_BYTES };
                let slots = core.heap.as_mut().ok_or(full)?.allocate(POINTER_BYTES).map_err(|_| full)?;
                core.display.pointer.give_slots(slots.range);
            }
            (core.display.pointer.place(shape)?, link.aperture.clone(), link.layout.heap_offset)
        };
        let first = usize::try_from(heap_offset / 8).unwrap_or(usize::MAX);
        let heap = aperture.as_ref().get(first..).unwrap_or_default();
        write_rows(shape, &record, heap, rows)?;
        // It may be the last to hold the aperture, which is not given back behind the lock.
        drop(aperture);
        let mut core = self.core.lock();
        core.display.pointer.publish(record)?;
        core.flush_display(&self.kernel);
        Ok(())
    }

    /// Memory is about to be somebody else's: neither the screen nor a bugcheck's may touch it any more. IRQL ≤
    /// `DISPATCH_LEVEL`.
    pub(crate) fn forget_scanout(&self, core: &mut Core<K>, range: HeapRange) {
        core.display.source.forget(range);
        self.show(core);
    }

    /// Tells the host what changed, and remembers it for a bugcheck. IRQL ≤ `DISPATCH_LEVEL`.
    pub(crate) fn show(&self, core: &mut Core<K>) {
        core.flush_display(&self.kernel);
        let heap_offset = core.link.as_ref().map_or(0, |link| link.layout.heap_offset);
        let surface = core.display.source.surface().filter(|_| core.link.is_some());
        self.crash.set(surface, heap_offset);
    }
}
