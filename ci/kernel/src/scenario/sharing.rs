//! Order and surfaces between processes: sync objects, gates, allocations that two of them open.

use std::sync::atomic::Ordering;

use pvgpu_dxgkrnl::strict::{ListEntry, SyncObject};
use pvgpu_kmd_ddi::NTSTATUS;
use pvgpu_protocol::kernel_interface::{AllocationData, PrivateHeader, kind};

use super::{pci_message, root};
use crate::rig::{Ended, Rig, SOON, Scenario, eventually, require};
use crate::user::UserContext;

pub(super) const ALL: &[Scenario] = &[
    Scenario { name: "sync objects and gates, root", options: root, run: gates },
    Scenario { name: "sync objects and gates, messages", options: pci_message, run: gates },
    Scenario { name: "waits between rings", options: root, run: waits },
    Scenario { name: "shared allocations", options: root, run: shared },
];

/// Private data of presented frames, 64 × 4 pixels, at the start of a context's heap.
pub fn frames(context: &UserContext) -> AllocationData {
    AllocationData {
        header: PrivateHeader::new(kind::ALLOCATION),
        context: context.map.context,
        resource: 1,
        width: 64,
        height: 4,
        format: 87,
        row_pitch: 256,
        frames_offset: context.map.heap_offset,
        frame_bytes: 1024,
    }
}

/// Two processes in turn: each waits for the other's signal before its commands run, which a gate holds on the host.
fn gates(rig: &Rig) -> Ended {
    let host = rig.bring_up()?;
    let objects = [SyncObject::new(), SyncObject::new()];
    let mut sides = Vec::new();
    for _ in 0..2 {
        let process = rig.system.process();
        let device = process.open_device()?;
        sides.push(UserContext::create(&process, &device)?);
    }
    let completed = |side: &UserContext| side.state().map_or(u64::MAX, |state| state.completed);
    for turn in 1..=4_u64 {
        // The second side waits for the first one's signal, so it is submitted first: nothing of it may run.
        let [first, second] = &mut sides[..] else { return Ok(()) };
        second.device.wait_for(&second.context, &objects[0], turn)?;
        second.gate(turn);
        second.draw();
        let marker = second.fence(turn);
        second.render(&marker, &[])?;
        second.device.signal(&second.context, &objects[1], turn)?;
        std::thread::sleep(std::time::Duration::from_millis(3));
        require(second.context.is_blocked(), "a wait does not hold")?;
        require(completed(second) == turn - 1, "a gated command runs before its wait is over")?;
        first.draw();
        first.flush()?;
        first.device.signal(&first.context, &objects[0], turn)?;
        first.wait(SOON)?;
        eventually(|| completed(second) == turn, "an opened gate holds")?;
        eventually(|| objects[1].value() == turn, "the signal behind the gate does not come")?;
    }
    require(host.counts().gates.load(Ordering::Relaxed) == 4, "a gate was opened twice, or never")
}

/// A ring waits for another process's fence, without the kernel.
fn waits(rig: &Rig) -> Ended {
    let _host = rig.bring_up()?;
    let (one, two) = (rig.system.process(), rig.system.process());
    let (first, second) = (one.open_device()?, two.open_device()?);
    let mut producer = UserContext::create(&one, &first)?;
    let mut consumer = UserContext::create(&two, &second)?;
    for _ in 0..5 {
        consumer.wait_fence(producer.map.context, producer.value + 1);
        consumer.flush()?;
        producer.draw();
        producer.flush()?;
        consumer.wait(SOON)?;
        require(producer.state()?.completed == producer.value, "a ring ran ahead")?;
    }
    Ok(())
}

/// One process makes frames, another one opens them and names them when it renders; each dies first once.
fn shared(rig: &Rig) -> Ended {
    let _host = rig.bring_up()?;
    for owner_dies_first in [false, true] {
        let (one, two) = (rig.system.process(), rig.system.process());
        let (first, second) = (one.open_device()?, two.open_device()?);
        let owner = UserContext::create(&one, &first)?;
        let mut user = UserContext::create(&two, &second)?;
        let allocation = first.create_allocation(bytemuck::bytes_of(&frames(&owner)))?;
        require(first.describe_allocation(&allocation)?.0 == 64, "the allocation is described wrongly")?;
        let entry = ListEntry { allocation: allocation.handle(), write: true };
        let marker = user.fence(0);
        let refused: Result<(), NTSTATUS> = user.render(&marker, &[entry]);
        require(refused.is_err(), "a device names what it has not opened")?;
        second.open_allocation(&allocation)?;
        user.render(&marker, &[entry])?;
        user.wait(SOON)?;
        require(second.wait_idle(&user.context, SOON), "the submission is not reported")?;
        if owner_dies_first {
            one.kill();
            // What it showed is gone; naming it is not an error of whoever opened it.
            user.flush()?;
            user.wait(SOON)?;
            two.kill();
        } else {
            two.kill();
            require(
                first.describe_allocation(&allocation).is_ok(),
                "a stranger's end destroys an allocation",
            )?;
            one.kill();
        }
    }
    Ok(())
}
