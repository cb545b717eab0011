//! Standard allocations under pressure: filled, evicted, brought back, and copied by presents, with what was in them.

use std::sync::atomic::Ordering;

use pvgpu_dxgkrnl::strict::{Allocation, Device, Options, Standard};
use pvgpu_kmd_ddi::RECT;
use pvgpu_protocol::aperture::{GuestHello, Layout};
use pvgpu_transport::Region;

use super::{pci_message, root};
use crate::rig::{Ended, Failure, Rig, SOON, Scenario, require};

pub(super) const ALL: &[Scenario] = &[
    Scenario { name: "paging under pressure, root", options: small_root, run: pressure },
    Scenario { name: "paging under pressure, messages", options: small_pci, run: pressure },
    Scenario { name: "presents between processes", options: small_root, run: presents },
];

/// A segment that holds four of the surfaces below.
fn small_root() -> Options {
    Options { segment_mib: Some(4), ..root() }
}

fn small_pci() -> Options {
    Options { segment_mib: Some(4), ..pci_message() }
}

/// Pixels of a surface's side; one has 1 MiB.
const SIDE: u32 = 512;

fn surface(rig: &Rig, device: &Device) -> Ended<Allocation> {
    let data = rig.system.display()?.standard_allocation(Standard::Gdi(SIDE, SIDE))?;
    Ok(device.create_allocation(&data)?)
}

fn whole() -> RECT {
    RECT { left: 0, top: 0, right: SIDE as i32, bottom: SIDE as i32 }
}

/// Where the heap begins in the aperture.
fn heap(aperture: &Region) -> Ended<u64> {
    let cells = aperture.as_ref();
    let hello = GuestHello::read(|cell| cells[cell].load(Ordering::Acquire));
    let layout = hello.and_then(|hello| Layout::new(hello.sizes).ok());
    layout.map(|layout| layout.heap_offset).ok_or(Failure::Wrong("there is no hello"))
}

/// A texel of a resident allocation, as the host sees it.
fn texel(rig: &Rig, allocation: &Allocation, x: u64, y: u64) -> Ended<u32> {
    let place = rig.system.placement(allocation).ok_or(Failure::Wrong("the surface has no place"))?;
    let aperture = rig.system.host().aperture();
    let byte = heap(&aperture)? + place + y * u64::from(SIDE) * 4 + x * 4;
    let cell = aperture.as_ref()[(byte / 8) as usize].load(Ordering::Acquire);
    Ok((cell >> (byte % 8 * 8)) as u32)
}

/// More surfaces than the segment holds, each with its colour, in turn, several times.
fn pressure(rig: &Rig) -> Ended {
    let host = rig.bring_up()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let context = device.create_context(0, &[])?;
    let surfaces = (0..7).map(|_| surface(rig, &device)).collect::<Ended<Vec<_>>>()?;
    let colour = |index: usize| 0x0101_0101 * (index as u32 + 1);
    for (index, surface) in surfaces.iter().enumerate() {
        device.present_fill(&context, (surface, whole()), &[], colour(index))?;
    }
    for _ in 0..2 {
        for (index, surface) in surfaces.iter().enumerate() {
            require(device.wait_idle(&context, SOON), "a present is not reported")?;
            rig.system.make_resident(surface)?;
            for at in [0, 255, 511] {
                require(texel(rig, surface, at, at)? == colour(index), "paging lost a surface's content")?;
            }
        }
    }
    require(rig.system.evictions() >= 7, "nothing was evicted")?;
    require(host.counts().fills.load(Ordering::Relaxed) >= 7, "the host filled nothing")?;
    rig.system.evict(&surfaces[0])?;
    for surface in &surfaces {
        device.close_allocation(surface)?;
    }
    Ok(())
}

/// One process draws a surface, another one copies it to its own, in part and stretched.
fn presents(rig: &Rig) -> Ended {
    let _host = rig.bring_up()?;
    let (one, two) = (rig.system.process(), rig.system.process());
    let (first, second) = (one.open_device()?, two.open_device()?);
    let (painter, viewer) = (first.create_context(0, &[])?, second.create_context(0, &[])?);
    let source = surface(rig, &first)?;
    let target = surface(rig, &second)?;
    first.present_fill(&painter, (&source, whole()), &[], 0x1111_1111)?;
    let corner = RECT { left: 0, top: 0, right: 64, bottom: 64 };
    first.present_fill(&painter, (&source, corner), &[], 0x2222_2222)?;
    require(first.wait_idle(&painter, SOON), "a fill is not reported")?;
    second.open_allocation(&source)?;
    second.present_fill(&viewer, (&target, whole()), &[], 0)?;
    // The corner, twice as large, but only two windows of it.
    let large = RECT { left: 100, top: 100, right: 228, bottom: 228 };
    let windows = [
        RECT { left: 100, top: 100, right: 110, bottom: 110 },
        RECT { left: 220, top: 220, right: 400, bottom: 400 },
    ];
    second.present_blt(&viewer, (&source, corner), (&target, large), &windows)?;
    require(second.wait_idle(&viewer, SOON), "a blit is not reported")?;
    for (x, expected) in
        [(99, 0), (100, 0x2222_2222), (109, 0x2222_2222), (150, 0), (227, 0x2222_2222), (228, 0)]
    {
        require(texel(rig, &target, x, x)? == expected, "a blit copied something else")?;
    }
    one.kill();
    // What it painted is still there for whoever opened it.
    second.present_blt(&viewer, (&source, whole()), (&target, whole()), &[])?;
    require(second.wait_idle(&viewer, SOON), "the last blit is not reported")?;
    require(texel(rig, &target, 300, 300)? == 0x1111_1111, "a dead process's surface is gone")
}
