//! The display: mode sets, custom modes, vertical blanks, the pointer, the screen of a bug check.

use std::sync::atomic::Ordering;
use std::time::Duration;

use pvgpu_dxgkrnl::strict::{Device, Display, Mode, Options, Standard};
use pvgpu_kmd_ddi::{DXGK_POINTERFLAGS, STATUS_GRAPHICS_NO_RECOMMENDED_VIDPN_TOPOLOGY};
use pvgpu_protocol::kernel_interface::{ModeEntry, SetMode};
use pvgpu_protocol::mode::DisplayMode;

use super::{pci_message, root};
use crate::rig::{Ended, Failure, Rig, Scenario, eventually, require};
use crate::user::request;

pub(super) const ALL: &[Scenario] = &[
    Scenario { name: "mode sets, root", options: root, run: few_modes },
    Scenario { name: "mode sets, messages", options: pci_message, run: few_modes },
    Scenario { name: "custom modes, root", options: root, run: custom },
    Scenario { name: "custom modes, messages", options: pci_message, run: custom },
    Scenario { name: "vertical blanks", options: root, run: vsync },
    Scenario { name: "the pointer", options: root, run: pointer },
    Scenario { name: "the screen of a bug check", options: pci_message, run: bug_check },
];

/// Too long to be run once for each of its calls.
pub(super) const LONG: &[Scenario] = &[
    Scenario { name: "a storm of mode sets, root", options: root_4k, run: storm },
    Scenario { name: "a storm of mode sets, messages", options: pci_4k, run: storm },
];

/// Room for two 4K primaries.
fn root_4k() -> Options {
    Options { aperture_bytes: 256 << 20, ..root() }
}

fn pci_4k() -> Options {
    Options { aperture_bytes: 256 << 20, ..pci_message() }
}

const FULL_HD: Mode = Mode { width: 1920, height: 1080, refresh_millihertz: 60_000 };

/// Mode sets in a row at most.
const MOST_SETS: usize = 60;

/// Sets a mode with a primary of its own, which goes when the next one has come, as dxgkrnl does it.
fn set(display: &Display, device: &Device, mode: Mode) -> Ended<pvgpu_dxgkrnl::strict::Allocation> {
    let data = display.standard_allocation(Standard::SharedPrimary(mode))?;
    let primary = device.create_allocation(&data)?;
    display.set_mode(mode, &primary)?;
    Ok(primary)
}

/// A few small ones.
fn few_modes(rig: &Rig) -> Ended {
    through_modes(rig, |mode| mode.width == 1280 && mode.height == 720 || *mode == FULL_HD)
}

/// Every mode that is offered, twice.
fn storm(rig: &Rig) -> Ended {
    through_modes(rig, |_| true)
}

/// Through modes that are offered, with the primary of before still there while the next one comes.
fn through_modes(rig: &Rig, wanted: impl Fn(&Mode) -> bool) -> Ended {
    let host = rig.bring_up()?;
    let display = rig.system.display()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let modes = display.modes()?;
    require(modes.contains(&FULL_HD), "1920 × 1080 is missing")?;
    let rates = |rate| modes.iter().any(|mode| mode.refresh_millihertz / 1000 == rate);
    // The largest primary takes half of the segment, which a small aperture has less of.
    let large = rig.system.adapter_status()?.aperture_bytes < 256 << 20
        || modes.iter().any(|mode| mode.width == 3840);
    require(large && rates(60) && rates(144), "modes are missing")?;
    let mut shown = None;
    for mode in modes.iter().rev().chain(&modes).filter(|mode| wanted(mode)).take(MOST_SETS) {
        let primary = set(&display, &device, *mode)?;
        let current = rig.system.adapter_status()?.current;
        require((current.width, current.height) == (mode.width, mode.height), "another mode is set")?;
        if let Some(before) = shown.replace(primary) {
            device.close_allocation(&before)?;
        }
        display.set_visible(false)?;
        display.set_visible(true)?;
    }
    require(display.recommend()? <= 1, "more paths than there are")?;
    match display.recommend_topology() {
        // It has no wish of its own: the system's own rules do.
        Ok(0 | 1) | Err(STATUS_GRAPHICS_NO_RECOMMENDED_VIDPN_TOPOLOGY) => {}
        Ok(_) => return Err(Failure::Wrong("a topology of more paths than there are")),
        Err(status) => return Err(status.into()),
    }
    display.recommend_monitor_modes()?;
    display.update_active_path()?;
    display.blank()?;
    eventually(|| host.counts().scanouts.load(Ordering::Relaxed) != 0, "the host was shown nothing")
}

/// The host asks for a mode, then user mode, while another one is set: the monitor is plugged again and offers it.
fn custom(rig: &Rig) -> Ended {
    let host = rig.bring_up()?;
    let display = rig.system.display()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let _primary = set(&display, &device, FULL_HD)?;
    eventually(
        || rig.system.adapter_status().is_ok_and(|status| status.connected == 1),
        "no monitor is plugged in",
    )?;
    rig.system.take_child_changes();
    let offered = |mode: Mode| {
        let Mode { width, height, refresh_millihertz } = mode;
        let same = |entry: &ModeEntry| {
            (entry.width, entry.height, entry.refresh_millihertz) == (width, height, refresh_millihertz)
        };
        rig.system.adapter_status().is_ok_and(|status| status.modes.iter().any(same))
    };
    let of_host = Mode { width: 2100, height: 900, refresh_millihertz: 75_000 };
    host.request_mode(DisplayMode { width: 2100, height: 900, refresh_millihertz: 75_000 });
    eventually(|| offered(of_host), "the host's mode is not offered")?;
    eventually(|| !rig.system.take_child_changes().is_empty(), "nobody is told of the new mode")?;
    let _next = set(&display, &device, of_host)?;
    let mut of_user: SetMode = request();
    (of_user.width, of_user.height, of_user.refresh_millihertz) = (1000, 700, 50_000);
    device.request(None, &mut of_user)?;
    let wanted = Mode { width: 1000, height: 700, refresh_millihertz: 50_000 };
    eventually(|| offered(wanted), "user mode's mode is not offered")?;
    let _third = set(&display, &device, wanted)?;
    let mut too_large: SetMode = request();
    (too_large.width, too_large.height, too_large.refresh_millihertz) = (100_000, 700, 60_000);
    require(device.request(None, &mut too_large).is_err(), "a mode that nobody can show is taken")?;
    // None any more.
    device.request(None, &mut request::<SetMode>())?;
    eventually(
        || !offered(wanted) || rig.system.adapter_status().is_ok_and(|status| status.current.width == 1000),
        "the mode stays",
    )
}

/// They come while they are wanted, at about the mode's rate, and not one after.
fn vsync(rig: &Rig) -> Ended {
    let _host = rig.bring_up()?;
    let display = rig.system.display()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let _primary = set(&display, &device, FULL_HD)?;
    for _ in 0..3 {
        let before = rig.system.vsyncs();
        display.control_vsync(true)?;
        eventually(|| rig.system.vsyncs() >= before + 3, "no vertical blank is reported")?;
        display.scan_line()?;
        display.control_vsync(false)?;
        rig.system.flush_dpcs();
        let after = rig.system.vsyncs();
        std::thread::sleep(Duration::from_millis(40));
        require(rig.system.vsyncs() == after, "vertical blanks go on")?;
    }
    // Left on: the end of the device switches them off.
    display.control_vsync(true)?;
    let (frequency, _, _) = display.calibrate_gpu_clock()?;
    require(frequency != 0, "the clock stands still")
}

/// Shapes of each kind and many positions.
fn pointer(rig: &Rig) -> Ended {
    let _host = rig.bring_up()?;
    let display = rig.system.display()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let _primary = set(&display, &device, FULL_HD)?;
    for size in [32_u32, 64] {
        let colour = vec![0xa5; (size * size * 4) as usize];
        let kind = DXGK_POINTERFLAGS::Color;
        display.set_pointer_shape(kind, (size, size, size * 4), (1, 2), &colour)?;
        let mask = vec![0x0f; (size / 8 * size * 2) as usize];
        display.set_pointer_shape(DXGK_POINTERFLAGS::Monochrome, (size, size, size / 8), (0, 0), &mask)?;
        for step in 0..20 {
            display.set_pointer_position(step * 97 - 40, step * 53 - 20, step % 5 != 0)?;
        }
    }
    Ok(())
}

/// The system stops: the driver's screen is written at device level, without a lock.
fn bug_check(rig: &Rig) -> Ended {
    let _host = rig.bring_up()?;
    let display = rig.system.display()?;
    let process = rig.system.process();
    let device = process.open_device()?;
    let _primary = set(&display, &device, FULL_HD)?;
    let (width, height, _) = display.system_display_enable()?;
    require(width >= 640 && height >= 480, "the screen is too small")?;
    let row = vec![u32::MAX; 64];
    display.system_display_write(&row, (64, 1), (0, 0))?;
    display.system_display_write(&row, (64, 1), (width - 64, height - 1))?;
    display.reset_device()?;
    Ok(())
}
