//! The commands against a driver of the tests' own.

use std::cell::{Cell, RefCell};

use bytemuck::{bytes_of, pod_read_unaligned};
use pvgpu_protocol::host_info::text_field;
use pvgpu_protocol::kernel_interface::{
    ModeEntry, PrivateHeader, TELEMETRY_BATCH, adapter_state, counter, device_kind, kind, mode_flag, removal,
};
use pvgpu_protocol::telemetry::{Level, TelemetryRecord, area, code};
use pvgpu_thunks::AdapterHandle;

use super::*;
use crate::options::Filter;

/// Adapters by the file name of their user-mode driver, and one driver for all that are ours.
struct Fake {
    drivers: Vec<Option<&'static str>>,
    open: Cell<usize>,
    /// What every escape fails with.
    failing: Cell<Option<NtStatus>>,
    /// What the header of every answer says.
    kind_of_answers: Cell<Option<u16>>,
    status: RefCell<AdapterStatus>,
    modes: RefCell<Vec<DisplayMode>>,
    /// Records that were ever written, and the first that is still there.
    written: Cell<u64>,
    oldest: Cell<u64>,
}

impl Fake {
    fn new(drivers: &[Option<&'static str>]) -> Self {
        Self {
            drivers: drivers.to_vec(),
            open: Cell::new(0),
            failing: Cell::new(None),
            kind_of_answers: Cell::new(None),
            status: RefCell::new(AdapterStatus::new()),
            modes: RefCell::new(Vec::new()),
            written: Cell::new(0),
            oldest: Cell::new(0),
        }
    }
}

fn record(number: u64) -> TelemetryRecord {
    TelemetryRecord {
        time_ns: number * 1000,
        level: if number.is_multiple_of(2) { Level::Info } else { Level::Verbose },
        area: area::DISPLAY,
        code: code::MODE_SET,
        process: 4,
        context: 0,
        args: [number, 0, 0, 0],
    }
}

impl Thunks for Fake {
    fn enum_adapters(&self) -> Result<Vec<AdapterHandle>, ThunkError> {
        self.open.set(self.open.get() + self.drivers.len());
        Ok((0..self.drivers.len() as u32).map(AdapterHandle).collect())
    }

    fn user_mode_driver(&self, adapter: AdapterHandle) -> Result<String, ThunkError> {
        let driver = self.drivers[adapter.0 as usize];
        driver.map(str::to_owned).ok_or(ThunkError::Call { name: "query", status: NtStatus::NOT_SUPPORTED })
    }

    fn escape(&self, adapter: AdapterHandle, data: &mut [u8]) -> Result<(), ThunkError> {
        let file = self.drivers[adapter.0 as usize].unwrap_or_default().to_lowercase();
        assert!(file.contains("pvgpuumd"), "a stranger was asked");
        let fail = |status| Err(ThunkError::Call { name: "D3DKMTEscape", status });
        if let Some(status) = self.failing.get() {
            return fail(status);
        }
        let header: PrivateHeader = pod_read_unaligned(&data[..8]);
        match header.kind {
            kind::ADAPTER_STATUS => data.copy_from_slice(bytes_of(&*self.status.borrow())),
            kind::SET_MODE => {
                let SetMode { width, height, refresh_millihertz, .. } =
                    SetMode::read(data).expect("well-formed");
                self.modes.borrow_mut().push(DisplayMode { width, height, refresh_millihertz });
            }
            kind::READ_TELEMETRY => {
                let asked = ReadTelemetry::read_cursor(data).expect("well-formed");
                let first = asked.max(self.oldest.get());
                let last = self.written.get().min(first + TELEMETRY_BATCH as u64);
                for (index, number) in (first..last).enumerate() {
                    let range = ReadTelemetry::record_bytes(index).expect("in the batch");
                    data[range].copy_from_slice(bytes_of(&record(number).to_words()));
                }
                ReadTelemetry::write_head(data, last, first - asked, (last - first) as u32);
            }
            _ => return fail(NtStatus::NOT_SUPPORTED),
        }
        if let Some(kind) = self.kind_of_answers.get() {
            data[..8].copy_from_slice(bytes_of(&PrivateHeader::new(kind)));
        }
        Ok(())
    }

    fn close_adapter(&self, _: AdapterHandle) {
        self.open.set(self.open.get() - 1);
    }
}

const OURS: Option<&str> =
    Some("C:\\Windows\\System32\\DriverStore\\FileRepository\\pvgpu.inf_amd64_1\\PVGPUUMD.DLL");
const OTHER: Option<&str> = Some("C:\\Windows\\System32\\notpvgpuumd.dll");

fn complaint<T>(result: Result<T, DriverError>) -> String {
    result.err().expect("refused").to_string()
}

#[test]
fn our_adapters_are_found_and_nobody_else_is_asked() {
    let none = Fake::new(&[]);
    assert_eq!(complaint(look(&none, None)), "this machine shows no display adapter at all");
    let strangers = Fake::new(&[OTHER, None]);
    assert_eq!(
        complaint(look(&strangers, None)),
        "none of this machine's 2 display adapters uses the pvgpu driver; is it installed and started?"
    );
    assert_eq!((strangers.open.get(), none.open.get()), (0, 0), "adapters are left open");

    let two = Fake::new(&[OTHER, OURS, None, Some("pvgpuumd32.dll")]);
    assert_eq!(look(&two, None).expect("both").adapters.len(), 2);
    assert_eq!(look(&two, Some(1)).expect("one").adapters.len(), 1);
    assert_eq!(complaint(look(&two, Some(2))), "there is no pvgpu adapter 2, there are 2, counted from 0");
    let ours = ours(&two).expect("both");
    assert_eq!(
        complaint(chosen(&ours, None)),
        "there are 2 pvgpu adapters; choose one with --adapter 0 to 1"
    );
    drop(ours);
    assert_eq!(two.open.get(), 0, "adapters are left open");
}

#[test]
fn drivers_that_do_not_answer_well() {
    let fake = Fake::new(&[OURS]);
    fake.failing.set(Some(NtStatus::INVALID_PARAMETER));
    assert!(complaint(look(&fake, None)).contains("not of one package"));
    fake.failing.set(Some(NtStatus::DEVICE_REMOVED));
    assert_eq!(
        complaint(look(&fake, None)),
        "the display driver cannot be asked: D3DKMTEscape: the device is removed (0xC00002B6)"
    );
    fake.failing.set(None);
    fake.kind_of_answers.set(Some(kind::TRACE));
    assert!(
        complaint(look(&fake, None))
            .starts_with("the driver's answer makes no sense: private data of kind 20")
    );
}

fn running() -> AdapterStatus {
    let mut status = AdapterStatus {
        driver_version: 1 << 32 | 7,
        state: adapter_state::RUNNING,
        device: device_kind::ROOT,
        link_attached: 1,
        abi_version: 1,
        uptime_ns: 185_000_000_000,
        aperture_bytes: 256 << 20,
        heap_bytes: 255 << 20,
        heap_used: 64 << 20,
        devices: 2,
        contexts: 3,
        connected: 1,
        visible: 1,
        current: ModeEntry { width: 1920, height: 1080, refresh_millihertz: 60_000, flags: 0 },
        gpu_name: text_field("a\x1b[2JGPU"),
        gpu_driver: text_field("radv 25"),
        ..AdapterStatus::new()
    };
    status.modes[0] =
        ModeEntry { width: 1280, height: 720, refresh_millihertz: 59_940, flags: mode_flag::PREFERRED };
    status.modes[1] =
        ModeEntry { width: 1366, height: 768, refresh_millihertz: 75_000, flags: mode_flag::CUSTOM };
    // Behind the end of the list.
    status.modes[3] = ModeEntry { width: 5, ..status.modes[0] };
    status.counters[counter::SUBMISSIONS] = 12_345;
    status
}

#[test]
fn the_page_of_a_running_adapter() {
    let fake = Fake::new(&[OURS]);
    *fake.status.borrow_mut() = running();
    let page = look(&fake, None).expect("answers").page();
    let lines: Vec<&str> = page.lines().collect();
    assert_eq!(
        lines[..8],
        [
            "adapter   0: ROOT\\PVGPU, driver 0.1.0.7",
            "state     running, up 3 min 05 s",
            "host      a\u{fffd}[2JGPU, radv 25 (protocol 1)",
            "link      a service is attached",
            "memory    aperture 256 MiB, heap 64 MiB of 255 MiB in use",
            "in use    2 devices, 3 contexts, 0 allocations, 0 submissions in flight",
            "screen    monitor connected, 1920x1080@60",
            "modes     1280x720@59.940*  1366x768@75+",
        ]
    );
    assert!(lines[8].starts_with("counted   submissions 12 345, completions 0, presents 0"), "{page}");
    assert_eq!(lines.len(), 8 + counter::COUNT.div_ceil(5));
    let json = serde_json::to_value(look(&fake, None).expect("answers")).expect("serialises");
    let adapter = &json["adapters"][0];
    assert_eq!((&adapter["driver"], &adapter["modes"][1]["custom"]), (&"0.1.0.7".into(), &true.into()));
    assert_eq!((&adapter["mode"]["width"], &adapter["modes"][0]["width"]), (&1920.into(), &1280.into()));
    assert_eq!(adapter["counters"]["submissions"], 12_345);
}

#[test]
fn the_page_of_a_removed_adapter_says_why() {
    let fake = Fake::new(&[OURS, OURS]);
    for (removal, detail, text) in [
        (
            removal::HOST_SAYS_GONE,
            3,
            "removed: the host ended this guest's worker: it has no GPU with Vulkan 1.3",
        ),
        (removal::HOST_SAYS_GONE, 5, "removed: the host ended this guest's worker"),
        (removal::KERNEL_RING_ERROR, 6, "removed: the host refused the kernel ring: bad heap range"),
        (removal::KERNEL_RING_ERROR, u64::MAX, "removed: the host refused the kernel ring: unknown"),
        (removal::HEARTBEAT_STOPPED, 0, "removed: the host's heartbeat stopped"),
        (99, 0, "removed: unknown"),
    ] {
        *fake.status.borrow_mut() = AdapterStatus {
            state: adapter_state::REMOVED,
            device: device_kind::PCI,
            removal,
            removal_detail: detail,
            ..AdapterStatus::new()
        };
        let page = look(&fake, None).expect("answers").page();
        assert_eq!(page.lines().nth(1), Some(format!("state     {text}").as_str()));
        assert!(page.contains("host      none has answered yet\nmemory"), "no link on PCI: {page}");
        assert!(page.contains("\n\nadapter   1: PCI\\VEN_1AF4&DEV_1110"), "{page}");
        assert!(page.contains("monitor not connected, no mode set\n"), "{page}");
    }
}

#[test]
fn records_are_read_in_batches_and_losses_are_told() {
    let fake = Fake::new(&[OURS]);
    let adapters = ours(&fake).expect("one");
    let mut cursor = Cursor::default();
    let mut seen = Vec::new();
    let mut read_all = |cursor: &mut Cursor| {
        seen.clear();
        while read(&adapters[0], cursor, |record| {
            seen.push((record.code.clone(), record.args.clone()));
            Ok(())
        })
        .expect("answers")
        {}
        seen.clone()
    };
    // What was lost before the first look is not told.
    fake.oldest.set(10);
    fake.written.set(210);
    let first = read_all(&mut cursor);
    assert_eq!((first.len(), &first[0].1[0], &first[199].1[0]), (200, &10, &209));
    assert_eq!(read_all(&mut cursor), []);
    fake.oldest.set(215);
    fake.written.set(217);
    let later = read_all(&mut cursor);
    assert_eq!(later[0], ("RECORDS_DROPPED".to_owned(), vec![5, 5]));
    assert_eq!((later.len(), later[1].1[0], later[2].1[0]), (3, 215, 216));
    fake.oldest.set(300);
    fake.written.set(300);
    assert_eq!(read_all(&mut cursor), [("RECORDS_DROPPED".to_owned(), vec![83, 88])]);

    let line = tail::line(&TailRecord::of_driver(record(3)));
    assert_eq!(line, "      0.000003 verbose driver/display       MODE_SET process=4 args=3,0,0,0");
    let filter = Filter { level: pvgpu_control::Level::Info, ..Filter::default() };
    assert!(filter.shows(&TailRecord::of_driver(record(2))));
    assert!(!filter.shows(&TailRecord::of_driver(record(3))));
}

#[test]
fn modes_are_passed_on_and_refusals_explained() {
    let fake = Fake::new(&[OURS]);
    let adapters = ours(&fake).expect("one");
    let mode = DisplayMode { width: 2560, height: 1440, refresh_millihertz: 144_000 };
    set_mode(&adapters[0], Some(mode)).expect("accepted");
    set_mode(&adapters[0], None).expect("accepted");
    assert_eq!(*fake.modes.borrow(), [mode, DisplayMode::NONE]);
    fake.failing.set(Some(NtStatus::NO_VIDEO_MEMORY));
    assert_eq!(
        complaint(set_mode(&adapters[0], Some(mode))),
        "two frames of 2560x1440@144 do not fit into the aperture; give it more (ApertureSize)"
    );
    fake.failing.set(Some(NtStatus::DEVICE_NOT_READY));
    assert_eq!(
        complaint(set_mode(&adapters[0], Some(mode))),
        "the driver does not offer 2560x1440@144: the device is not ready (0xC00000A3)"
    );
    assert_eq!(
        complaint(set_mode(&adapters[0], None)),
        "the driver keeps its custom mode: the device is not ready (0xC00000A3)"
    );
}

#[test]
fn commands_run_to_their_end() {
    let fake = Fake::new(&[OURS]);
    *fake.status.borrow_mut() = running();
    let mode = DisplayMode { width: 1280, height: 720, refresh_millihertz: 60_000 };
    for command in [
        Command::Status { json: true, watch: false },
        Command::Status { json: false, watch: false },
        Command::Mode { guest: None, mode: Some(mode) },
        Command::Mode { guest: None, mode: None },
    ] {
        ask(&fake, Some(0), &command).expect("answers");
        let error = ask(&fake, Some(1), &command).expect_err("no such adapter");
        assert_eq!(error.to_string(), "there is no pvgpu adapter 1, there are 1, counted from 0");
    }
    assert_eq!(*fake.modes.borrow(), [mode, DisplayMode::NONE]);
    let error = ask(&fake, Some(1), &Command::Tail { json: true, filter: Filter::default() });
    assert!(error.is_err());
    assert_eq!(fake.open.get(), 0, "adapters are left open");
}
