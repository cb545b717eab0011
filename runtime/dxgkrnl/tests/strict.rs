//! The test bench itself: boots the linked driver with all checks on, against a host that answers the hello and completes
//! fences.
#![cfg(unix)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use pvgpu_dxgkrnl::strict::{
    Allocation, Device, DeviceKind, HostEnd, Mode, Options, Standard, SyncObject, System,
};
use pvgpu_kmd_ddi::RECT;
use pvgpu_protocol::aperture::{GuestHello, LINE_BYTES, Layout, RING_HEADER_BYTES, host_cell, host_state};
use pvgpu_protocol::command::{CommandRef, decode};
use pvgpu_protocol::format::FORMAT_COUNT;
use pvgpu_protocol::host_info::{FormatSupport, HostInfo, text_field};
use pvgpu_protocol::kernel_interface::adapter_state;
use pvgpu_protocol::version;
use pvgpu_ring::{Consumer, FenceWriter, IrqRequest};

const SOON: Duration = Duration::from_secs(10);

/// A host that answers the hello and beats.
struct Host {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Host {
    fn start(end: HostEnd) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let whole = end.aperture();
            let cells = whole.as_ref();
            while GuestHello::read(|cell| cells[cell].load(Ordering::Acquire)).is_none() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            let info = HostInfo {
                gpu_name: text_field("no GPU"),
                driver: text_field("a test"),
                dedicated_video_memory: 0,
                shared_system_memory: 0,
                timestamp_frequency: 1,
                vendor_id: 1,
                device_id: 2,
                feature_level: 0xb000,
                features: 0,
                formats: [FormatSupport::default(); FORMAT_COUNT],
            };
            let first = (Layout::host_info_offset() / 8) as usize;
            for (index, word) in info.to_words().into_iter().enumerate() {
                cells[first + index].store(word, Ordering::Relaxed);
            }
            for (cell, value) in [
                (host_cell::VERSION, u64::from(version::ABI_VERSION)),
                (host_cell::FEATURES, version::feature::ALL),
                (host_cell::HOST_INFO_BYTES, HostInfo::WORDS as u64 * 8),
                (host_cell::DOORBELL, end.doorbell_cell()),
                (host_cell::HEARTBEAT, 1),
                (host_cell::STATE, host_state::READY),
            ] {
                cells[cell].store(value, Ordering::Release);
            }
            end.interrupt();
            let hello = GuestHello::read(|cell| cells[cell].load(Ordering::Acquire)).expect("a hello");
            let layout = Layout::new(hello.sizes).expect("sizes");
            let first = (layout.ring0.ring_offset() / 8) as usize;
            let count = ((RING_HEADER_BYTES + layout.ring0.capacity) / 8) as usize;
            let mut ring0 = Consumer::new(&cells[first..first + count], 0).expect("ring 0");
            let line = Layout::fence_line(0).expect("a line") / (LINE_BYTES as usize / 8);
            let mut fence = FenceWriter::new(cells, line).expect("a line");
            let request = IrqRequest::new(cells, Layout::request_line(0).expect("a line")).expect("a line");
            let mut local = vec![0; 8192];
            while !stopped.load(Ordering::Relaxed) {
                cells[host_cell::HEARTBEAT].fetch_add(1, Ordering::Relaxed);
                end.wait_doorbell(Duration::from_millis(1));
                while let Some(record) = ring0.pop_into(&mut local).expect("an honest guest") {
                    let words = record.ring_bytes() / 8;
                    // It draws nothing and copies nothing: all it does is to complete.
                    if let CommandRef::Fence(done) = decode(&local[..words]).expect("a command") {
                        let value = done.value.to_native();
                        fence.complete(value, 1);
                        if request.fire(value) {
                            end.interrupt();
                        }
                    }
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the host does not panic");
        }
    }
}

fn assert_clean(system: &System) {
    let violations: Vec<String> = system.violations().iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "{violations:#?}");
}

fn start_and_stop(device: DeviceKind) {
    let system = System::boot(Options { device, ..Options::default() }).expect("it boots");
    system.add_device().expect("added");
    let host = Host::start(system.host());
    system.start().expect("started");
    if device == DeviceKind::Root {
        assert_eq!(system.adapter_status().expect("told").state, adapter_state::STARTING);
        system.attach_link().expect("attached");
        // Without a call of its own the service's kick, or the heartbeat, tells the driver as well.
    }
    assert!(system.wait_for_state(adapter_state::RUNNING, SOON), "{:?}", system.adapter_status());
    let status = system.adapter_status().expect("told");
    assert_eq!(status.aperture_bytes, 64 << 20);
    // The host's only interrupt may not have been taken yet; a second one is another device's on the same line.
    system.interrupt_routine(0);
    assert!(!system.interrupt_routine(0) || device != DeviceKind::PciLine, "another device's interrupt");
    let process = system.process();
    let device = process.open_device().expect("a device");
    assert!(device.create_context(0, &[1, 2, 3]).is_err(), "no context data");
    process.kill();
    system.unload();
    drop(host);
    assert_clean(&system);
}

#[test]
fn a_root_device_starts_and_stops() {
    start_and_stop(DeviceKind::Root);
}

#[test]
fn a_pci_device_with_messages_starts_and_stops() {
    start_and_stop(DeviceKind::PciMessage);
}

#[test]
fn a_pci_device_with_a_line_starts_and_stops() {
    start_and_stop(DeviceKind::PciLine);
}

#[test]
fn without_a_host_it_starts_and_stops() {
    for device in [DeviceKind::Root, DeviceKind::PciMessage] {
        let system = System::boot(Options { device, ..Options::default() }).expect("it boots");
        system.add_device().expect("added");
        system.start().expect("started");
        assert_eq!(system.adapter_status().expect("told").state, adapter_state::STARTING);
        system.unload();
        assert_clean(&system);
    }
}

#[test]
fn a_mode_is_set_and_shown() {
    let system = System::boot(Options::default()).expect("it boots");
    system.add_device().expect("added");
    let _host = Host::start(system.host());
    system.start().expect("started");
    system.attach_link().expect("attached");
    assert!(system.wait_for_state(adapter_state::RUNNING, SOON), "{:?}", system.adapter_status());
    let display = system.display().expect("started");
    let modes = display.modes().expect("enumerated");
    let mode = Mode { width: 1920, height: 1080, refresh_millihertz: 60_000 };
    assert!(modes.contains(&mode), "{modes:?}");
    let process = system.process();
    let device = process.open_device().expect("a device");
    let data = display.standard_allocation(Standard::SharedPrimary(mode)).expect("data");
    let primary = device.create_allocation(&data).expect("a primary");
    assert!(primary.facts().size >= 1920 * 1080 * 4, "{:?}", primary.facts());
    display.set_mode(mode, &primary).expect("set");
    assert!(system.placement(&primary).is_some());
    let wrong = Mode { width: 1921, ..mode };
    assert!(display.set_mode(wrong, &primary).is_err());
    display.control_vsync(true).expect("on");
    let start = std::time::Instant::now();
    while system.vsyncs() < 3 && start.elapsed() < SOON {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(system.vsyncs() >= 3);
    display.control_vsync(false).expect("off");
    display.scan_line().expect("a line");
    display.recommend().expect("recommended");
    display.recommend_monitor_modes().expect("recommended");
    display.update_active_path().expect("updated");
    display.blank().expect("blank");
    drop(primary);
    process.kill();
    system.unload();
    assert_clean(&system);
}

#[test]
fn contexts_wait_for_sync_objects_and_memory_is_paged() {
    let options = Options { segment_mib: Some(16), ..Options::default() };
    let system = System::boot(options).expect("it boots");
    system.add_device().expect("added");
    let _host = Host::start(system.host());
    system.start().expect("started");
    system.attach_link().expect("attached");
    assert!(system.wait_for_state(adapter_state::RUNNING, SOON), "{:?}", system.adapter_status());
    let display = system.display().expect("started");
    let (one, two) = (system.process(), system.process());
    let (first, second) = (one.open_device().expect("a device"), two.open_device().expect("a device"));
    let waiting = first.create_context(0, &[]).expect("a context");
    let working = second.create_context(0, &[]).expect("a context");
    let surface = |device: &Device| {
        let data = display.standard_allocation(Standard::Gdi(1024, 1024)).expect("data");
        device.create_allocation(&data).expect("an allocation")
    };
    let (shared, other) = (surface(&second), surface(&second));
    first.open_allocation(&shared).expect("opened by the other process");
    let rect = RECT { left: 0, top: 0, right: 64, bottom: 64 };
    let object = SyncObject::new();
    first.wait_for(&waiting, &object, 1).expect("it waits");
    first.present_fill(&waiting, (&shared, rect), &[rect], 7).expect("queued");
    assert!(waiting.is_blocked() && waiting.last_fence_id().is_none());
    second.present_fill(&working, (&other, rect), &[rect], 8).expect("submitted");
    second.signal(&working, &object, 1).expect("signalled when it is done");
    assert!(first.wait_idle(&waiting, SOON) && second.wait_idle(&working, SOON));
    assert_eq!((object.value(), waiting.completed(), working.completed()), (1, 1, 1));
    // 16 MiB hold four surfaces of 4 MiB; the one that was used longest ago goes first.
    let more: Vec<Allocation> = (0..4).map(|_| surface(&second)).collect();
    for surface in &more {
        second.present_fill(&working, (surface, rect), &[rect], 9).expect("submitted");
    }
    assert!(second.wait_idle(&working, SOON));
    assert!(system.evictions() >= 1 && system.placement(&shared).is_none(), "{}", system.evictions());
    first.present_fill(&waiting, (&shared, rect), &[rect], 7).expect("it comes back");
    assert!(system.placement(&shared).is_some());
    assert!(first.wait_idle(&waiting, SOON));
    drop((more, shared, other));
    one.kill();
    assert_eq!(one.mappings(), 0);
    two.kill();
    system.unload();
    assert_clean(&system);
}

#[test]
fn a_failed_start_leaves_nothing() {
    let mut failures = 0;
    for nth in 1.. {
        let system = System::boot(Options::default()).expect("it boots");
        system.fail_nth(nth);
        let started = system.add_device().and_then(|()| system.start());
        let injected = system.stop_failing();
        if started.is_err() {
            failures += 1;
        }
        system.unload();
        assert_clean(&system);
        if injected.failed_at.is_none() {
            started.expect("nothing failed");
            break;
        }
    }
    assert!(failures > 3, "{failures}");
}
