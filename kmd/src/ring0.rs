//! The producing end of ring 0, the kernel-mode driver's own.

use pvgpu_protocol::Command;
use pvgpu_protocol::command::{
    CreateContext, DestroyContext, GrantHeap, OpenGate, RecordSink, RevokeHeap, encode,
};
use pvgpu_ring::{Memory, Producer, Reservation, ReserveError};

use crate::status::Status;

/// What ring 0 carries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KernelCommand {
    CreateContext(CreateContext),
    DestroyContext(DestroyContext),
    GrantHeap(GrantHeap),
    RevokeHeap(RevokeHeap),
    OpenGate(OpenGate),
}

/// Ring 0.
pub(crate) struct Ring0<M> {
    producer: Producer<M>,
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
        Ok(Self { producer: Producer::new(memory, 0)? })
    }

    /// Publishes one command; true when the host must be woken.
    ///
    /// # Errors
    /// [`Status::Ring0Full`] when there is no room now, [`Status::Ring`] once the host broke the ring's rules.
    pub(crate) fn push(&mut self, command: KernelCommand) -> Result<bool, Status> {
        let bound = match &command {
            KernelCommand::CreateContext(command) => command.record_bound(),
            KernelCommand::DestroyContext(command) => command.record_bound(),
            KernelCommand::GrantHeap(command) => command.record_bound(),
            KernelCommand::RevokeHeap(command) => command.record_bound(),
            KernelCommand::OpenGate(command) => command.record_bound(),
        };
        let mut reservation = match self.producer.reserve(bound as usize) {
            Ok(reservation) => reservation,
            Err(ReserveError::Corrupt(corrupt)) => return Err(Status::Ring(corrupt)),
            Err(ReserveError::Full | ReserveError::TooLarge { .. }) => return Err(Status::Ring0Full),
        };
        let mut sink = Sink { reservation: &mut reservation, overrun: false };
        let header = match &command {
            KernelCommand::CreateContext(command) => encode(command, &mut sink),
            KernelCommand::DestroyContext(command) => encode(command, &mut sink),
            KernelCommand::GrantHeap(command) => encode(command, &mut sink),
            KernelCommand::RevokeHeap(command) => encode(command, &mut sink),
            KernelCommand::OpenGate(command) => encode(command, &mut sink),
        };
        match header {
            Ok(header) if !sink.overrun => {
                let published = reservation.commit((header.to_word() >> 32) as u32);
                Ok(published.wake | self.producer.kick())
            }
            // Not reached: these commands have a small fixed size, and their bound is what was reserved.
            _ => Err(Status::Ring0Full),
        }
    }
}
