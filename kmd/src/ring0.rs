//! The producing end of ring 0, the kernel-mode driver's own, and its fence.

use pvgpu_protocol::Command;
use pvgpu_protocol::command::{
    BlitHeap, CreateContext, DestroyContext, Fence, FillHeap, GrantHeap, OpenGate, RecordSink, RevokeHeap,
    SetPointerPosition, SetPointerShape, SetScanout, encode,
};
use pvgpu_ring::{Memory, Producer, Reservation, ReserveError};

use crate::status::Status;

/// Declares what ring 0 carries, and what all of it can do.
macro_rules! kernel_commands {
    ($($name:ident),+ $(,)?) => {
        /// What ring 0 carries.
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum KernelCommand {
            $($name($name)),+
        }

        impl KernelCommand {
            /// Bytes that its record takes at most.
            fn record_bound(&self) -> u32 {
                match self { $(Self::$name(command) => command.record_bound()),+ }
            }

            /// Writes its payload; gives the header's word, `None` if it does not fit a record.
            fn encode(&self, sink: &mut impl RecordSink) -> Option<u64> {
                match self { $(Self::$name(command) => encode(command, sink)),+ }.ok().map(|header| header.to_word())
            }
        }
    };
}

kernel_commands! {
    CreateContext, DestroyContext, GrantHeap, RevokeHeap, OpenGate,
    BlitHeap, FillHeap, SetScanout, SetPointerShape, SetPointerPosition, Fence,
}

impl KernelCommand {
    /// The context that it concerns.
    pub(crate) fn context(&self) -> Option<u32> {
        match self {
            Self::CreateContext(command) => Some(command.context),
            Self::DestroyContext(command) => Some(command.context),
            Self::GrantHeap(command) => Some(command.context),
            Self::RevokeHeap(command) => Some(command.context),
            Self::OpenGate(command) => Some(command.context),
            Self::BlitHeap(_)
            | Self::FillHeap(_)
            | Self::SetScanout(_)
            | Self::SetPointerShape(_)
            | Self::SetPointerPosition(_)
            | Self::Fence(_) => None,
        }
    }
}

/// Ring 0.
pub(crate) struct Ring0<M> {
    producer: Producer<M>,
    /// The value that completes what was pushed since the last fence.
    next_value: u64,
    /// Something was pushed that [`Ring0::next_value`] is to complete, and its fence was not.
    owes_fence: bool,
}

/// Writes a record's payload into a reservation and remembers whether it ever overran.
struct Sink<'r, 'm> {
    reservation: &'r mut Reservation<'m>,
    overrun: bool,
}

impl RecordSink for Sink<'_, '_> {
    fn write(&mut self, bytes: &[u8]) {
        self.overrun |= self.reservation.write(bytes).is_err();
    }
}

impl<M: Memory> Ring0<M> {
    /// The ring, which was initialised at position 0.
    pub(crate) fn new(memory: M) -> Result<Self, Status> {
        Ok(Self { producer: Producer::new(memory, 0)?, next_value: 1, owes_fence: false })
    }

    /// Publishes one command; true when the host must be woken.
    ///
    /// # Errors
    /// [`Status::Ring0Full`] when there is no room now, [`Status::Ring`] once the host broke the ring's rules.
    pub(crate) fn push(&mut self, command: KernelCommand) -> Result<bool, Status> {
        let mut reservation = match self.producer.reserve(command.record_bound() as usize) {
            Ok(reservation) => reservation,
            Err(ReserveError::Corrupt(corrupt)) => return Err(Status::Ring(corrupt)),
            Err(ReserveError::Full | ReserveError::TooLarge { .. }) => return Err(Status::Ring0Full),
        };
        let mut sink = Sink { reservation: &mut reservation, overrun: false };
        let header = command.encode(&mut sink);
        match header {
            Some(word) if !sink.overrun => {
                let published = reservation.commit((word >> 32) as u32);
                Ok(published.wake | self.producer.kick())
            }
            // Not reached: these commands have a small fixed size, and their bound is what was reserved.
            _ => Err(Status::Ring0Full),
        }
    }

    /// The fence value that completes the command just pushed; the fence itself is owed.
    pub(crate) fn owe_fence(&mut self) -> u64 {
        self.owes_fence = true;
        self.next_value
    }

    /// Publishes the fence that is owed, if one is; true when the host must be woken.
    ///
    /// # Errors
    /// As [`Ring0::push`]; the fence is still owed then.
    pub(crate) fn push_fence(&mut self) -> Result<bool, Status> {
        if !self.owes_fence {
            return Ok(false);
        }
        let wake = self.push(KernelCommand::Fence(Fence { value: self.next_value }))?;
        self.owes_fence = false;
        self.next_value += 1;
        Ok(wake)
    }
}
