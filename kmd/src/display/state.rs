//! The display's state behind the adapter's lock, and what host and dxgkrnl have been told of it.

use pvgpu_protocol::command::{HeapRange, SetPointerPosition, SetPointerShape, SetScanout};
use pvgpu_protocol::mode::DisplayMode;

use super::mode::{ModeList, Size};
use super::pointer::Pointer;
use super::source::Source;
use super::vsync::VsyncClock;
use crate::ring0::KernelCommand;

/// One change of the child's connection that dxgkrnl is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plug {
    /// The monitor left.
    Out,
    /// The monitor arrived.
    In,
    /// The monitor that was there left, and one with other modes arrived.
    Again,
}

/// The display.
#[derive(Debug)]
pub(crate) struct Display {
    custom: Option<DisplayMode>,
    boot_size: Option<Size>,
    max_primary_bytes: u64,
    /// dxgkrnl knows the child and its connection, and is told what changes; before that it asks for itself.
    may_tell: bool,
    /// The connection that dxgkrnl was told last.
    connected: bool,
    /// The monitor's modes are others than when it arrived.
    modes_changed: bool,
    /// A DPC is telling dxgkrnl; another one leaves it to that one, so that what is told keeps its order.
    telling: bool,
    pub(crate) source: Source,
    pub(crate) pointer: Pointer,
    pub(crate) vsync: VsyncClock,
    /// What the host knows; nothing of it after the host changed.
    told: Told,
}

/// What the host was told last. `None` is what a host begins with: no scanout, no pointer.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    scanout: Option<SetScanout>,
    shape: Option<SetPointerShape>,
    position: Option<SetPointerPosition>,
}

impl Display {
    /// The display of an adapter that is stopped.
    pub(crate) const fn new() -> Self {
        Self {
            custom: None,
            boot_size: None,
            max_primary_bytes: 0,
            may_tell: false,
            connected: false,
            modes_changed: false,
            telling: false,
            source: Source::new(),
            pointer: Pointer::new(),
            vsync: VsyncClock::new(),
            told: Told { scanout: None, shape: None, position: None },
        }
    }

    /// The adapter starts: `bytes` is the largest primary for which there is memory.
    pub(crate) fn set_max_primary(&mut self, bytes: u64) {
        self.max_primary_bytes = bytes;
    }

    /// What is on the screen before this driver has one: preferred while the host has no wish.
    pub(crate) fn set_boot_size(&mut self, size: Size) {
        self.boot_size = Some(size);
    }

    /// The modes on offer.
    pub(crate) const fn modes(&self) -> ModeList {
        ModeList::new(self.custom, self.boot_size, self.max_primary_bytes)
    }

    /// Offers and prefers a mode whose rules were checked, or with [`DisplayMode::NONE`] forgets such a one; false when its primary
    /// does not fit. The monitor arrives anew only if that changes anything.
    pub(crate) fn offer(&mut self, mode: DisplayMode) -> bool {
        if mode == DisplayMode::NONE {
            self.modes_changed |= self.custom.take().is_some();
            return true;
        }
        let with = ModeList::new(Some(mode), self.boot_size, self.max_primary_bytes);
        if with.custom().is_none() {
            return false;
        }
        if self.modes().preferred() != mode {
            self.custom = Some(mode);
            self.modes_changed = true;
        }
        true
    }

    /// The host is gone, and with it what it was told.
    pub(crate) fn host_gone(&mut self) {
        self.told = Told::default();
    }

    /// dxgkrnl has asked for the child's connection. The first time, the answer is where telling begins, and true comes back;
    /// the modes it asks for after that.
    pub(crate) fn begin_telling(&mut self, connected: bool) -> bool {
        if self.may_tell {
            return false;
        }
        self.may_tell = true;
        self.connected = connected;
        self.modes_changed = false;
        true
    }

    /// What dxgkrnl is to be told of the child, if anything; it counts as told, and nobody else tells anything before
    /// [`Display::plug_told`].
    pub(crate) fn take_plug(&mut self, connected: bool) -> Option<Plug> {
        if self.telling || !self.may_tell {
            return None;
        }
        let plug = self.plug(connected);
        self.telling = plug.is_some();
        plug
    }

    /// What [`Display::take_plug`] gave was told; whoever has told it looks again.
    pub(crate) fn plug_told(&mut self) {
        self.telling = false;
    }

    fn plug(&mut self, connected: bool) -> Option<Plug> {
        let before = core::mem::replace(&mut self.connected, connected);
        // Whoever asks for the modes of a monitor that arrives now gets the new ones.
        let changed = core::mem::take(&mut self.modes_changed);
        match (before, connected) {
            (false, true) => Some(Plug::In),
            (true, false) => Some(Plug::Out),
            (true, true) => changed.then_some(Plug::Again),
            (false, false) => None,
        }
    }

    /// The next thing that the host does not know yet.
    pub(crate) fn untold(&self) -> Option<KernelCommand> {
        let scanout = self.source.scanout();
        let known = match self.told.scanout {
            Some(told) => told == scanout,
            None => scanout.surface == HeapRange::default(),
        };
        if !known {
            return Some(KernelCommand::SetScanout(scanout));
        }
        let shape = self.pointer.shape()?;
        if self.told.shape != Some(shape) {
            return Some(KernelCommand::SetPointerShape(shape));
        }
        let position = self.pointer.position();
        (self.told.position != Some(position)).then_some(KernelCommand::SetPointerPosition(position))
    }

    /// A command of [`Display::untold`] was sent.
    pub(crate) fn told(&mut self, command: KernelCommand) {
        match command {
            KernelCommand::SetScanout(scanout) => self.told.scanout = Some(scanout),
            KernelCommand::SetPointerShape(shape) => self.told.shape = Some(shape),
            KernelCommand::SetPointerPosition(position) => self.told.position = Some(position),
            _ => {}
        }
    }
}
