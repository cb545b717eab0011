//! The heap ranges of contexts: granted and revoked by escapes, zeroed in between.

use pvgpu_protocol::command::{self, HeapRange};
use pvgpu_protocol::telemetry::{Level, area, code};

use crate::adapter::Adapter;
use crate::bring_up::zero;
use crate::context::{Context, Granted, MAX_RANGES, Revoked, Until};
use crate::core_state::Core;
use crate::kernel::{Kernel, SpinLock};
use crate::ring0::KernelCommand;
use crate::status::Status;

impl<K: Kernel> Adapter<K> {
    /// Gives a context one more heap range, zeroed and mapped; returns where it lies and its address. `PASSIVE_LEVEL`.
    pub(crate) fn grant_heap(&self, h_context: u64, bytes: u64) -> Result<(HeapRange, u64), Status> {
        let (number, allocated, aperture, layout) = self.with_room(|core| {
            let link = core.working_link()?;
            let (aperture, layout) = (link.aperture.clone(), link.layout);
            let (number, context) = core.contexts.get(h_context)?;
            if context.ranges.len() >= MAX_RANGES {
                return Err(Status::TooManyRanges);
            }
            context.make_room()?;
            Ok((number, core.allocate_heap(bytes)?, aperture, layout))
        })?;
        let range = allocated.range;
        if !allocated.fresh {
            zero(&aperture, &layout, range.offset, range.length);
        }
        let mapping = match self.map_heap(&layout, range.offset, range.length) {
            Ok(mapping) => mapping,
            Err(status) => {
                self.core.lock().free_heap(range);
                return Err(status);
            }
        };
        let address = self.kernel.user_address(&mapping);
        self.enter_range(h_context, range, mapping)?;
        let grant = KernelCommand::GrantHeap(command::GrantHeap { range, context: number, reserved: 0 });
        let told = |context: &mut Context<K>| {
            if let Some(granted) = context.ranges.iter_mut().find(|granted| granted.range == range) {
                granted.told = true;
            }
        };
        if let Err(status) = self.send_for(h_context, grant, told) {
            let granted = {
                let mut core = self.core.lock();
                // A context that was destroyed meanwhile has taken the range along.
                let context = core.contexts.get(h_context).ok();
                context.and_then(|(_, context)| context.take_range(range.offset, false))
            };
            if let Some(granted) = granted {
                self.kernel.unmap_user(granted.mapping);
                self.core.lock().free_heap(range);
            }
            return Err(status);
        }
        let mut core = self.core.lock();
        let args = [range.offset, range.length];
        core.trace(&self.kernel, Level::Verbose, (area::MEMORY, code::HEAP_GRANTED), number, &args);
        Ok((range, address))
    }

    /// Puts a range that is mapped among the context's; on failure it is unmapped and free again.
    fn enter_range(&self, h_context: u64, range: HeapRange, mapping: K::UserMapping) -> Result<(), Status> {
        let mut mapping = Some(mapping);
        let entered = self.core.lock().contexts.get(h_context).and_then(|(_, context)| {
            // Another thread may have taken the place that was made before.
            context.make_room()?;
            context.ranges.extend(mapping.take().map(|mapping| Granted { range, mapping, told: false }));
            Ok(())
        });
        if let Some(mapping) = mapping {
            self.kernel.unmap_user(mapping);
            self.core.lock().free_heap(range);
        }
        entered
    }

    /// Takes one of a context's heap ranges back. The process has it no more then; when the host cannot be told, which stays
    /// behind with ring 0, it learns of it at the context's end. `PASSIVE_LEVEL`, in the context's process.
    pub(crate) fn revoke_heap(&self, h_context: u64, offset: u64) -> Result<(), Status> {
        let (number, generation, granted) = {
            let mut core = self.core.lock();
            let (number, context) = core.contexts.get(h_context)?;
            let generation = context.generation;
            let Some(granted) = context.take_range(offset, true) else {
                let rule = "it begins one of the context's ranges";
                return Err(Status::BadField { field: "offset", value: offset, rule });
            };
            let range = granted.range;
            let in_use = core.allocations.iter().any(|(_, allocation)| allocation.uses(h_context, range));
            let (_, context) = core.contexts.get(h_context)?;
            if in_use {
                // The place that it came from is still there.
                context.ranges.push(granted);
                let rule = "the range holds no presented frames";
                return Err(Status::BadField { field: "offset", value: offset, rule });
            }
            // There is a place for it.
            context.revoked.push(Revoked { range, until: Until::Unmapped });
            (number, generation, granted)
        };
        self.kernel.unmap_user(granted.mapping);
        let range = granted.range;
        self.core.lock().range_unmapped(number, generation, range);
        let revoke = KernelCommand::RevokeHeap(command::RevokeHeap { range, context: number, reserved: 0 });
        match self.send_for(h_context, revoke, |_| {}) {
            Ok(()) => {}
            Err(Status::Ring0Full) => return Ok(()),
            Err(status) => return Err(status),
        }
        let mut core = self.core.lock();
        // What the host was told before may still read and write there; the next owner gets it behind ring 0's fence.
        let fence = core.link.as_mut().map(|link| link.ring0.owe_fence());
        core.send_fence(&self.kernel);
        if let Some(fence) = fence
            && let Some(revoked) = core.revoked(number, generation, range)
        {
            revoked.until = Until::Fence(fence);
            core.revoking += 1;
        }
        let args = [range.offset, range.length];
        core.trace(&self.kernel, Level::Verbose, (area::MEMORY, code::HEAP_REVOKED), number, &args);
        Ok(())
    }
}

impl<K: Kernel> Core<K> {
    /// A revoked range of a context that is still there.
    fn revoked(&mut self, number: u32, generation: u64, range: HeapRange) -> Option<&mut Revoked> {
        let context = self.contexts.by_generation(number, generation)?;
        context.revoked.iter_mut().find(|revoked| revoked.range == range)
    }

    /// A revoked range is nobody's any more as far as processes go.
    fn range_unmapped(&mut self, number: u32, generation: u64, range: HeapRange) {
        match self.revoked(number, generation, range) {
            Some(revoked) => revoked.until = Until::ContextEnds,
            // The host has ended the context meanwhile.
            None => self.free_heap(range),
        }
    }
}
