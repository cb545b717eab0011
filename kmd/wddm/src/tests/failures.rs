//! Every call that may fail does, once: nothing is left, the answer is an error, and the next try works.

use pvgpu_kmd_ddi::{NT_SUCCESS, STATUS_SUCCESS};

use super::fake_nt::nt;
use super::port::{Resources, port};
use super::rig::{Rig, ddi};

/// Runs `step` with the first failure at every place in turn; it must tidy up after itself.
fn sweep(mut step: impl FnMut() -> Result<(), i32>) -> u32 {
    for place in 0..100 {
        let before = nt(|nt| nt.live);
        nt(|nt| nt.succeed = Some(place));
        let result = step();
        let failed = nt(|nt| nt.succeed.take()).is_none();
        assert_eq!(nt(|nt| nt.live), before, "place {place} leaks");
        match result {
            Err(status) => assert!(!NT_SUCCESS(status) && failed, "place {place}: {status:#x}"),
            // Without a failure, or with one that has a default: a registry key that is not there.
            Ok(()) if !failed => return place,
            Ok(()) => {}
        }
    }
    panic!("it never ends");
}

fn start_and_stop(rig: &Rig) -> Result<(), i32> {
    match rig.start() {
        STATUS_SUCCESS => {
            assert_eq!(rig.stop(), STATUS_SUCCESS);
            Ok(())
        }
        status => Err(status),
    }
}

#[test]
fn adding_and_starting() {
    let mut rig = Rig::new();
    let places = sweep(|| start_and_stop(&rig));
    assert!(places >= 4, "{places}");
    rig.remove();
    assert!(
        sweep(|| {
            match rig.add() {
                STATUS_SUCCESS => {
                    rig.remove();
                    Ok(())
                }
                status => Err(status),
            }
        }) >= 1
    );
}

#[test]
fn starting_an_ivshmem_device() {
    let registers = std::boxed::Box::leak(std::boxed::Box::new([0u32; 4]));
    let memory = std::vec![0u64; (64 << 20) / 8].leak();
    nt(|nt| {
        nt.physical.insert(0x1000_0000, registers.as_mut_ptr().cast());
        nt.physical.insert(0x2000_0000, memory.as_mut_ptr().cast());
    });
    port(|port| port.resources = Some(Resources::ivshmem(0x1000_0000, (0x2000_0000, 64 << 20), false)));
    let mut rig = Rig::new();
    assert!(sweep(|| start_and_stop(&rig)) >= 3);
    rig.remove();
}

#[test]
fn attaching_and_contexts() {
    let mut rig = Rig::new();
    assert_eq!(rig.start(), STATUS_SUCCESS);
    assert!(
        sweep(|| {
            let (service, _) = rig.attach()?;
            assert_eq!(ddi!(rig, DxgkDdiDestroyDevice, service), STATUS_SUCCESS);
            Ok(())
        }) >= 3
    );
    let (service, _) = rig.link();
    let h_device = rig.create_device().expect("started");
    // Three mappings of two calls each: ring, fence page, heap.
    assert!(
        sweep(|| {
            let h_context = rig.create_context(h_device)?;
            assert_eq!(ddi!(rig, DxgkDdiDestroyContext, h_context), STATUS_SUCCESS);
            Ok(())
        }) >= 6
    );
    assert_eq!(ddi!(rig, DxgkDdiDestroyDevice, h_device), STATUS_SUCCESS);
    assert_eq!(ddi!(rig, DxgkDdiDestroyDevice, service), STATUS_SUCCESS);
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    rig.remove();
}
