//! The device's life: started, stopped, powered down, pulled out, unloaded.

use pvgpu_kmd_ddi::{
    PowerActionHibernate, PowerActionSleep, PowerDeviceD0, PowerDeviceD3, STATUS_DEVICE_NOT_READY,
};
use pvgpu_protocol::kernel_interface::{adapter_state, context_life, device_kind, removal, wait_result};

use super::{pci_line, pci_message, root};
use crate::host::Manners;
use crate::rig::{Ended, Failure, Rig, SOON, Scenario, eventually, require};
use crate::user::UserContext;

pub(super) const ALL: &[Scenario] = &[
    Scenario { name: "start and stop, root", options: root, run: start_and_stop },
    Scenario { name: "start and stop, messages", options: pci_message, run: start_and_stop },
    Scenario { name: "start and stop, line", options: pci_line, run: start_and_stop },
    Scenario { name: "start without a host, root", options: root, run: start_without_host },
    Scenario { name: "sleep and wake, root", options: root, run: sleep_and_wake },
    Scenario { name: "sleep and wake, messages", options: pci_message, run: sleep_and_wake },
    Scenario { name: "surprise removal, root", options: root, run: surprise_removal },
    Scenario { name: "surprise removal, messages", options: pci_message, run: surprise_removal },
    Scenario { name: "the host goes and comes, root", options: root, run: host_goes_and_comes },
    Scenario { name: "the host goes and comes, line", options: pci_line, run: host_goes_and_comes },
];

/// Up, one piece of work, down; and all of it again.
fn start_and_stop(rig: &Rig) -> Ended {
    let host = rig.bring_up()?;
    for round in 0..2 {
        if round != 0 {
            rig.start_again()?;
            rig.wait_running()?;
        }
        let status = rig.system.adapter_status()?;
        let expected = match rig.device {
            pvgpu_dxgkrnl::strict::DeviceKind::Root => device_kind::ROOT,
            _ => device_kind::PCI,
        };
        require(status.device == expected, "the status names another device")?;
        let process = rig.system.process();
        let device = process.open_device()?;
        let mut context = UserContext::create(&process, &device)?;
        context.draw();
        context.flush()?;
        context.wait(SOON)?;
        require(device.wait_idle(&context.context, SOON), "the submission is not reported")?;
        eventually(|| context.context.completed() == 1, "it is reported as something else")?;
        rig.system.stop()?;
    }
    require(
        host.counts().guests.load(std::sync::atomic::Ordering::Relaxed) == 2,
        "it did not say hello twice",
    )?;
    rig.system.remove_device();
    // Plug and play may add it again without unloading the driver.
    rig.system.add_device()?;
    Ok(())
}

/// Nobody answers: the adapter waits, refuses contexts, and serves once somebody is there.
fn start_without_host(rig: &Rig) -> Ended {
    let host = rig.host(Manners::Silent);
    rig.start()?;
    let status = rig.system.adapter_status()?;
    require(status.state == adapter_state::STARTING, "it does not wait for a host")?;
    let process = rig.system.process();
    let device = process.open_device()?;
    match UserContext::create(&process, &device) {
        Err(STATUS_DEVICE_NOT_READY) => {}
        Err(status) => return Err(Failure::Status(status)),
        Ok(_) => return Err(Failure::Wrong("a context without a host")),
    }
    host.behave(Manners::Honest);
    rig.wait_running()?;
    let mut context = UserContext::create(&process, &device)?;
    context.flush()?;
    context.wait(SOON)
}

/// Work before, no work during, work after; nothing is lost.
fn sleep_and_wake(rig: &Rig) -> Ended {
    let _host = rig.bring_up()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let mut context = UserContext::create(&process, &device)?;
    for action in [PowerActionSleep, PowerActionHibernate] {
        context.draw();
        context.flush()?;
        context.wait(SOON)?;
        require(rig.system.wait_idle(SOON), "it is not idle before it sleeps")?;
        rig.system.set_power(PowerDeviceD3, action)?;
        match UserContext::create(&process, &device) {
            Err(STATUS_DEVICE_NOT_READY) => {}
            Err(status) => return Err(Failure::Status(status)),
            Ok(_) => return Err(Failure::Wrong("a context while it sleeps")),
        }
        rig.system.set_power(PowerDeviceD0, action)?;
        rig.wait_running()?;
    }
    context.draw();
    context.flush()?;
    context.wait(SOON)?;
    require(context.context.faulted() == 0, "work was lost in its sleep")
}

/// Pulled out with work in flight: everything that waits is told, nothing works any more, and it can be removed.
fn surprise_removal(rig: &Rig) -> Ended {
    let host = rig.bring_up()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let mut contexts = Vec::new();
    for _ in 0..3 {
        contexts.push(UserContext::create(&process, &device)?);
    }
    host.behave(Manners::Hangs);
    for context in &mut contexts {
        context.draw();
        context.flush()?;
    }
    std::thread::scope(|scope| {
        let waits: Vec<_> =
            contexts.iter().map(|context| scope.spawn(|| context.wait_result(context.value, SOON))).collect();
        rig.system.surprise_removal()?;
        for wait in waits {
            let result = wait.join().map_err(|_| Failure::Wrong("a wait panics"))??;
            require(result == wait_result::REMOVED, "a wait does not end by the removal")?;
        }
        Ok::<(), Failure>(())
    })?;
    let idle = contexts.iter().all(|context| device.wait_idle(&context.context, SOON));
    require(idle, "submissions stay in flight")?;
    let faulted = || contexts.iter().all(|context| context.context.faulted() == 1);
    eventually(faulted, "work of a device that is gone is done")?;
    require(contexts[0].flush().is_err(), "a device that is gone takes work")?;
    require(UserContext::create(&process, &device).is_err(), "a device that is gone makes contexts")?;
    let status = rig.system.adapter_status()?;
    require(
        (status.state, status.removal) == (adapter_state::REMOVED, removal::DEVICE_GONE),
        "it is not removed",
    )?;
    rig.system.remove_device();
    Ok(())
}

/// The host is killed and another one comes: contexts of before are lost, new ones work.
fn host_goes_and_comes(rig: &Rig) -> Ended {
    let host = rig.bring_up()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let mut context = UserContext::create(&process, &device)?;
    context.flush()?;
    context.wait(SOON)?;
    host.behave(Manners::SaysGone);
    rig.wait_state(adapter_state::REMOVED)?;
    eventually(
        || context.state().is_ok_and(|state| state.life == context_life::REMOVED),
        "a context outlives its host",
    )?;
    require(context.flush().is_err(), "a context of a dead host takes work")?;
    drop(host);
    let _host = rig.host(Manners::Honest);
    if rig.device == pvgpu_dxgkrnl::strict::DeviceKind::Root {
        // The service of a root device ends with the link, and is started again.
        rig.system.attach_link()?;
    }
    rig.wait_running()?;
    let state = context.state()?;
    require(state.life == context_life::POISONED, "a context of the host before is alive")?;
    let mut next = UserContext::create(&process, &device)?;
    next.flush()?;
    next.wait(SOON)?;
    next.destroy()?;
    Ok(())
}
