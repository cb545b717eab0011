//! `status`: the host's GPU and its guests as a page of text.

use pvgpu_control::{Guest, Mode, Status};
use pvgpu_protocol::mode::DisplayMode;

use crate::table::table;
use crate::text::{bytes, count, duration};

/// The page.
pub fn page(status: &Status) -> String {
    let gpu = &status.gpu;
    let kind = if gpu.software { ", a software renderer" } else { "" };
    let mut page = format!(
        "pvgpud {} on {} (process {})\nGPU  {}{kind}, {}, {}\n\n",
        status.version,
        status.link,
        status.process,
        gpu.name,
        bytes(gpu.memory_bytes),
        gpu.driver,
    );
    if status.guests.is_empty() {
        page.push_str("No guest is connected.\n");
        return page;
    }
    page.push_str(&table(&RATE_HEAD, &status.guests.iter().map(rates).collect::<Vec<_>>()));
    page.push('\n');
    page.push_str(&table(&TOTAL_HEAD, &status.guests.iter().map(totals).collect::<Vec<_>>()));
    let screens: Vec<_> = status.guests.iter().filter_map(screen).collect();
    if !screens.is_empty() {
        page.push('\n');
        page.push_str(&table(&SCREEN_HEAD, &screens));
    }
    page
}

const RATE_HEAD: [&str; 8] =
    ["guest", "process", "up", "fps", "fence p50", "fence p99", "sync round trips", "GPU memory"];

fn rates(guest: &Guest) -> Vec<String> {
    vec![
        guest.name.clone(),
        guest.guest_process.to_string(),
        duration(guest.uptime_s),
        format!("{:.1}", guest.fps),
        format!("{} µs", count(guest.fence_latency.p50_us)),
        format!("{} µs", count(guest.fence_latency.p99_us)),
        count(guest.sync_round_trips),
        bytes(guest.gpu_memory_bytes),
    ]
}

const TOTAL_HEAD: [&str; 11] = [
    "guest",
    "contexts",
    "frames",
    "draws",
    "dispatches",
    "commands",
    "ring",
    "uploads",
    "pipelines",
    "in frames",
    "errors",
];

fn totals(guest: &Guest) -> Vec<String> {
    vec![
        guest.name.clone(),
        guest.contexts.to_string(),
        count(guest.frames),
        count(guest.draws),
        count(guest.dispatches),
        count(guest.commands),
        bytes(guest.ring_bytes),
        bytes(guest.upload_bytes),
        count(guest.pipelines),
        count(guest.pipelines_in_frames),
        count(guest.errors),
    ]
}

const SCREEN_HEAD: [&str; 7] =
    ["guest", "screen", "shows", "frames shown", "copies and fills", "their bytes", "mode asked for"];

/// A row for a guest with a desktop, or with work of its kernel-mode driver's own.
fn screen(guest: &Guest) -> Option<Vec<String>> {
    if guest.screen.is_none() && guest.blits == 0 && guest.requested_mode.is_none() {
        return None;
    }
    let (mode, shows, frames) = guest.screen.map_or(("-".to_owned(), "-", 0), |screen| {
        let mode = DisplayMode {
            width: screen.width,
            height: screen.height,
            refresh_millihertz: screen.refresh_millihertz,
        };
        (mode.to_string(), if screen.visible { "yes" } else { "black" }, screen.frames)
    });
    let requested = guest.requested_mode.map_or("-".to_owned(), |mode| {
        let Mode { width, height, refresh_millihertz } = mode;
        DisplayMode { width, height, refresh_millihertz }.to_string()
    });
    Some(vec![
        guest.name.clone(),
        mode,
        shows.to_owned(),
        count(frames),
        count(guest.blits),
        bytes(guest.blit_bytes),
        requested,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use pvgpu_control::{Gpu, Latency, Screen};

    fn status(guests: Vec<Guest>) -> Status {
        Status {
            version: "0.1.0".to_owned(),
            process: 12,
            link: "shm:default".to_owned(),
            gpu: Gpu {
                name: "llvmpipe".to_owned(),
                driver: "Mesa 22.3.6".to_owned(),
                software: true,
                memory_bytes: 8 << 30,
            },
            guests,
        }
    }

    #[test]
    fn nobody_connected() {
        let page = page(&status(Vec::new()));
        assert_eq!(
            page,
            "pvgpud 0.1.0 on shm:default (process 12)\n\
             GPU  llvmpipe, a software renderer, 8.0 GiB, Mesa 22.3.6\n\n\
             No guest is connected.\n"
        );
    }

    #[test]
    fn a_guest_has_a_row_in_each_table() {
        let guest = Guest {
            name: "guest-77-ab".to_owned(),
            guest_process: 77,
            fps: 59.94,
            draws: 1_000_000,
            sync_round_trips: 3,
            fence_latency: Latency { p50_us: 210, p99_us: 1900, samples: 10 },
            ..Guest::default()
        };
        let page = page(&status(vec![guest]));
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("guest-77-ab")).collect();
        assert_eq!(rows.len(), 2, "{page}");
        assert!(
            rows[0].contains("59.9") && rows[0].contains("210 µs") && rows[0].contains("1 900 µs"),
            "{page}"
        );
        assert!(rows[1].contains("1 000 000"), "{page}");
    }

    #[test]
    fn a_guest_with_a_desktop_has_a_row_for_it() {
        let screen =
            Screen { width: 1920, height: 1080, refresh_millihertz: 144_000, visible: true, frames: 12_345 };
        let guest = Guest {
            name: "vm".to_owned(),
            screen: Some(screen),
            blits: 2,
            blit_bytes: 1 << 20,
            requested_mode: Some(Mode { width: 2560, height: 1440, refresh_millihertz: 59_940 }),
            ..Guest::default()
        };
        let asked =
            Guest { name: "slow".to_owned(), requested_mode: guest.requested_mode, ..Guest::default() };
        let page = page(&status(vec![guest, asked, Guest { name: "game".to_owned(), ..Guest::default() }]));
        let (_, screens) = page.rsplit_once("\n\n").expect("tables");
        assert_eq!(
            screens,
            "guest         screen  shows  frames shown  copies and fills  their bytes    mode asked for\n\
             vm     1920x1080@144    yes        12 345                 2      1.0 MiB  2560x1440@59.940\n\
             slow               -      -             0                 0          0 B  2560x1440@59.940\n"
        );
    }
}
