//! `status` on Windows: what the driver says of its adapters, as a page of text and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use pvgpu_control::Mode;
use pvgpu_protocol::aperture::refusal;
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::host_info::field_text;
use pvgpu_protocol::kernel_interface::{
    AdapterStatus, ModeEntry, adapter_state, counter, device_kind, mode_flag, removal,
};
use pvgpu_protocol::mode::DisplayMode;
use serde::Serialize;

use crate::text::{bytes, count, duration, plain};

/// Everything that `status --json` prints. Fields are only ever added.
#[derive(Debug, Serialize)]
pub struct DriverStatus {
    /// The adapters, in the order in which `--adapter` counts them.
    pub adapters: Vec<AdapterState>,
}

/// One adapter.
#[derive(Debug, Serialize)]
pub struct AdapterState {
    /// Version of the driver package.
    pub driver: String,
    /// The hardware id.
    pub device: &'static str,
    /// Where it is in its life.
    pub state: &'static str,
    /// Why it is removed, if it is.
    pub removed: Option<String>,
    /// Seconds since it started.
    pub uptime_s: f64,
    /// Whether a link service is attached; PCI devices need none.
    pub link_attached: bool,
    /// The protocol version agreed with the host, 0 for none.
    pub abi_version: u32,
    /// The host's GPU; empty before a host answered.
    pub gpu: String,
    /// Its Vulkan driver.
    pub gpu_driver: String,
    /// Bytes of the aperture.
    pub aperture_bytes: u64,
    /// Bytes of its heap.
    pub heap_bytes: u64,
    /// Bytes of the heap in use.
    pub heap_used: u64,
    /// Devices alive.
    pub devices: u32,
    /// Contexts alive.
    pub contexts: u32,
    /// Allocations alive.
    pub allocations: u32,
    /// Submissions in flight.
    pub in_flight: u32,
    /// Whether the monitor is connected.
    pub connected: bool,
    /// Whether the screen is visible.
    pub visible: bool,
    /// The mode that is set.
    pub mode: Option<Mode>,
    /// The modes on offer.
    pub modes: Vec<OfferedMode>,
    /// By name.
    pub counters: BTreeMap<&'static str, u64>,
}

/// A mode of the list.
#[derive(Debug, Serialize)]
pub struct OfferedMode {
    /// Its sizes.
    #[serde(flatten)]
    pub mode: Mode,
    /// Whether the monitor prefers it.
    pub preferred: bool,
    /// Whether somebody asked for it.
    pub custom: bool,
}

fn mode(entry: ModeEntry) -> Mode {
    let DisplayMode { width, height, refresh_millihertz } = entry.mode();
    Mode { width, height, refresh_millihertz }
}

fn display(mode: Mode) -> DisplayMode {
    let Mode { width, height, refresh_millihertz } = mode;
    DisplayMode { width, height, refresh_millihertz }
}

/// Four 16-bit parts, the first in the highest bits.
fn version(version: u64) -> String {
    let [.., a, b, c, d] = [48, 32, 16, 0].map(|shift| version >> shift & 0xffff);
    format!("{a}.{b}.{c}.{d}")
}

/// Why an adapter is removed, with what the reason says of itself.
fn removed(status: &AdapterStatus) -> Option<String> {
    let detail = match status.removal {
        removal::NONE => return None,
        removal::HOST_SAYS_GONE => match status.removal_detail {
            refusal::VERSION => "the protocol versions do not meet",
            refusal::LAYOUT => "it does not accept the sizes of the aperture",
            refusal::NO_DEVICE => "it has no GPU with Vulkan 1.3",
            refusal::TOO_MANY_GUESTS => "it serves as many guests as it may",
            refusal::SHUTDOWN => "it is shutting down",
            _ => "",
        },
        removal::KERNEL_RING_ERROR => {
            u32::try_from(status.removal_detail).map_or("unknown", error_code::name)
        }
        _ => "",
    };
    let reason = removal::name(status.removal);
    Some(if detail.is_empty() { reason.to_owned() } else { format!("{reason}: {detail}") })
}

impl DriverStatus {
    /// From the drivers' answers.
    pub fn new(answers: &[AdapterStatus]) -> Self {
        Self { adapters: answers.iter().map(AdapterState::new).collect() }
    }

    /// The page.
    pub fn page(&self) -> String {
        let mut page = String::new();
        for (number, adapter) in self.adapters.iter().enumerate() {
            if number != 0 {
                page.push('\n');
            }
            adapter.write(number, &mut page);
        }
        page
    }
}

impl AdapterState {
    fn new(status: &AdapterStatus) -> Self {
        let offered = status.modes.iter().copied().take_while(|entry| entry.width != 0);
        Self {
            driver: version(status.driver_version),
            device: device_kind::name(status.device),
            state: adapter_state::name(status.state),
            removed: removed(status),
            // CAST: for people.
            uptime_s: status.uptime_ns as f64 / 1e9,
            link_attached: status.link_attached != 0,
            abi_version: status.abi_version,
            gpu: plain(field_text(&status.gpu_name)),
            gpu_driver: plain(field_text(&status.gpu_driver)),
            aperture_bytes: status.aperture_bytes,
            heap_bytes: status.heap_bytes,
            heap_used: status.heap_used,
            devices: status.devices,
            contexts: status.contexts,
            allocations: status.allocations,
            in_flight: status.in_flight,
            connected: status.connected != 0,
            visible: status.visible != 0,
            mode: (status.current.width != 0).then(|| mode(status.current)),
            modes: offered
                .map(|entry| OfferedMode {
                    mode: mode(entry),
                    preferred: entry.flags & mode_flag::PREFERRED != 0,
                    custom: entry.flags & mode_flag::CUSTOM != 0,
                })
                .collect(),
            counters: counter::NAMES.into_iter().zip(status.counters).collect(),
        }
    }

    fn write(&self, number: usize, page: &mut String) {
        let mut line = |name: &str, text: &str| {
            // Writing to a string does not fail.
            let _ = writeln!(page, "{name:<9} {text}");
        };
        let up = duration(self.uptime_s);
        line("adapter", &format!("{number}: {}, driver {}", self.device, self.driver));
        line(
            "state",
            &self
                .removed
                .as_ref()
                .map_or_else(|| format!("{}, up {up}", self.state), |why| format!("{}: {why}", self.state)),
        );
        if self.gpu.is_empty() {
            line("host", "none has answered yet");
        } else {
            line("host", &format!("{}, {} (protocol {})", self.gpu, self.gpu_driver, self.abi_version));
        }
        if self.device == device_kind::name(device_kind::ROOT) {
            line("link", if self.link_attached { "a service is attached" } else { "no service is attached" });
        }
        line(
            "memory",
            &format!(
                "aperture {}, heap {} of {} in use",
                bytes(self.aperture_bytes),
                bytes(self.heap_used),
                bytes(self.heap_bytes)
            ),
        );
        line(
            "in use",
            &format!(
                "{} devices, {} contexts, {} allocations, {} submissions in flight",
                self.devices, self.contexts, self.allocations, self.in_flight
            ),
        );
        let monitor = if self.connected { "connected" } else { "not connected" };
        let mode = self.mode.map_or("no mode set".to_owned(), |mode| display(mode).to_string());
        let dark = if self.visible || self.mode.is_none() { "" } else { ", black" };
        line("screen", &format!("monitor {monitor}, {mode}{dark}"));
        let modes: Vec<String> = self.modes.iter().map(OfferedMode::text).collect();
        for (index, modes) in modes.chunks(6).enumerate() {
            line(if index == 0 { "modes" } else { "" }, &modes.join("  "));
        }
        let counters: Vec<String> = counter::NAMES
            .iter()
            .filter_map(|name| Some(format!("{name} {}", count(*self.counters.get(name)?))))
            .collect();
        for (index, counters) in counters.chunks(5).enumerate() {
            line(if index == 0 { "counted" } else { "" }, &counters.join(", "));
        }
    }
}

impl OfferedMode {
    /// The mode; `*` marks the preferred one, `+` a custom one.
    fn text(&self) -> String {
        let mark = |set: bool, mark: &'static str| if set { mark } else { "" };
        format!("{}{}{}", display(self.mode), mark(self.preferred, "*"), mark(self.custom, "+"))
    }
}
