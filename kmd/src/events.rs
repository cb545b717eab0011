//! The consuming end of the event ring: copies one event out, checks it, and gives it as a plain value.

use alloc::vec::Vec;

use pvgpu_protocol::event::{EventRef, decode_event};
use pvgpu_protocol::limits::{MAX_CONTEXTS, MAX_RECORD_BYTES};
use pvgpu_protocol::mode::DisplayMode;
use pvgpu_ring::{Consumer, Memory};

use crate::status::Status;

/// What the host told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostEvent {
    /// A context is poisoned; number 0 stands for ring 0.
    ContextError { context: u32, code: u32, opcode: u32, object: u32, position: u64 },
    /// A context has ended.
    ContextDestroyed { context: u32 },
    /// Somebody on the host wants a custom mode, or with [`DisplayMode::NONE`] none; otherwise it keeps the rules of
    /// [`DisplayMode::check`].
    ModeRequest(DisplayMode),
}

/// The event ring.
pub(crate) struct Events<M> {
    consumer: Consumer<M>,
    local: Vec<u64>,
}

impl<M: Memory> Events<M> {
    /// The ring, which was initialised at position 0.
    pub(crate) fn new(memory: M) -> Result<Self, Status> {
        let words = MAX_RECORD_BYTES as usize / 8;
        let mut local = Vec::new();
        local.try_reserve_exact(words).map_err(|_| Status::NoMemory)?;
        local.resize(words, 0);
        Ok(Self { consumer: Consumer::new(memory, 0)?, local })
    }

    /// The same ring, initialised at position 0 once more. Allocates nothing.
    pub(crate) fn begin_again(&mut self, memory: M) -> Result<(), Status> {
        self.consumer = Consumer::new(memory, 0)?;
        Ok(())
    }

    /// The next event, `None` when the ring is empty.
    ///
    /// # Errors
    /// [`Status::Ring`] or [`Status::HostLies`]: the host broke the rules and cannot be believed any more.
    pub(crate) fn next(&mut self) -> Result<Option<HostEvent>, Status> {
        let Some(record) = self.consumer.pop_into(&mut self.local)? else { return Ok(None) };
        let words = record.ring_bytes() / 8;
        let copy = self.local.get(..words).unwrap_or_default();
        let event = decode_event(copy)
            .map_err(|_| Status::HostLies { rule: "the event ring carries events", value: words as u64 })?;
        let (context, event) = match event {
            EventRef::ContextError(event) => {
                let context = event.context.to_native();
                let error = HostEvent::ContextError {
                    context,
                    code: event.code.to_native(),
                    opcode: event.opcode.to_native(),
                    object: event.object.to_native(),
                    position: event.position.to_native(),
                };
                (context, error)
            }
            EventRef::ContextDestroyed(event) => {
                let context = event.context.to_native();
                (context, HostEvent::ContextDestroyed { context })
            }
            EventRef::ModeRequest(event) => {
                let mode = DisplayMode {
                    width: event.width.to_native(),
                    height: event.height.to_native(),
                    refresh_millihertz: event.refresh_millihertz.to_native(),
                };
                if mode != DisplayMode::NONE && mode.check().is_err() {
                    let rule = "requested modes are legal ones";
                    return Err(Status::HostLies { rule, value: u64::from(mode.width) });
                }
                (0, HostEvent::ModeRequest(mode))
            }
        };
        if context >= MAX_CONTEXTS {
            return Err(Status::HostLies {
                rule: "events name existing contexts",
                value: u64::from(context),
            });
        }
        Ok(Some(event))
    }

    /// Whether the host waits for room and must be woken.
    pub(crate) fn wake_due(&mut self) -> bool {
        self.consumer.wake_due()
    }
}
