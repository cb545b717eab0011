//! Hosts that lie, stall or die: the adapter is removed, everybody who waits is told, the machine lives on.

use pvgpu_dxgkrnl::strict::DeviceKind;
use pvgpu_kmd_ddi::STATUS_SUCCESS;
use pvgpu_protocol::kernel_interface::{adapter_state, removal, wait_result};

use super::{pci_line, pci_message, root};
use crate::host::Manners;
use crate::rig::{Ended, Failure, Rig, SOON, Scenario, eventually, require};
use crate::user::UserContext;

pub(super) const ALL: &[Scenario] = &[
    Scenario { name: "fences go backwards, root", options: root, run: fences_fall_back },
    Scenario { name: "fences go backwards, messages", options: pci_message, run: fences_fall_back },
    Scenario { name: "garbage events, root", options: root, run: garbage_events },
    Scenario { name: "garbage events, line", options: pci_line, run: garbage_events },
    Scenario { name: "the host's heart stops, root", options: root, run: heart_stops },
    Scenario { name: "the host's heart stops, messages", options: pci_message, run: heart_stops },
    Scenario { name: "the host refuses, root", options: root, run: refuses },
    Scenario { name: "the host refuses, messages", options: pci_message, run: refuses },
];

/// Brings a host that turns bad while work is in flight; the adapter must be removed for the reason, and then serve a good
/// host again.
fn turns(rig: &Rig, manners: Manners, reason: u32) -> Ended {
    let host = rig.bring_up()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let mut context = UserContext::create(&process, &device)?;
    for _ in 0..3 {
        context.draw();
        context.flush()?;
    }
    context.wait(SOON)?;
    require(device.wait_idle(&context.context, SOON), "a submission is not reported")?;
    // This one waits for a gate that nobody opens, so that it is in flight when the host turns.
    context.gate(99);
    context.flush()?;
    host.behave(manners);
    require(context.wait_result(context.value, SOON)? == wait_result::REMOVED, "a wait does not end")?;
    eventually(
        || rig.system.adapter_status().is_ok_and(|status| status.removal == reason),
        "the adapter is not removed, or for another reason",
    )?;
    eventually(|| context.context.faulted() == 1, "what was in flight does not fault")?;
    require(context.flush().is_err(), "a removed adapter takes work")?;
    drop(host);
    let _host = rig.host(Manners::Honest);
    if rig.device == DeviceKind::Root {
        rig.system.attach_link()?;
    }
    rig.wait_running()?;
    let mut next = UserContext::create(&process, &device)?;
    next.flush()?;
    next.wait(SOON)
}

fn fences_fall_back(rig: &Rig) -> Ended {
    turns(rig, Manners::FencesFallBack, removal::HOST_LIES)
}

fn garbage_events(rig: &Rig) -> Ended {
    turns(rig, Manners::GarbageEvents, removal::HOST_LIES)
}

fn heart_stops(rig: &Rig) -> Ended {
    turns(rig, Manners::HeartStops, removal::HEARTBEAT_STOPPED)
}

/// It is refused at once: the device starts all the same, and says why there is nothing.
fn refuses(rig: &Rig) -> Ended {
    let host = rig.host(Manners::Refuses);
    rig.start()?;
    rig.wait_state(adapter_state::REMOVED)?;
    let status = rig.system.adapter_status()?;
    require(status.removal == removal::HOST_SAYS_GONE, "it is removed for another reason")?;
    let process = rig.system.process();
    let device = process.open_device()?;
    match UserContext::create(&process, &device) {
        Err(STATUS_SUCCESS) | Ok(_) => Err(Failure::Wrong("a context of a host that refused")),
        Err(_) => {
            drop(host);
            Ok(())
        }
    }
}
