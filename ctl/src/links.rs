//! `link`: what the links to guests of other machines carry, as a page of text.

use pvgpu_control::{Guest, LinkCounters, Status};

use crate::table::table;
use crate::text::{bytes, count};

const WAY_HEAD: [&str; 7] =
    ["guest", "encrypted", "round trip", "shortest", "rate", "queued", "queued bytes"];
const BYTES_HEAD: [&str; 7] = ["guest", "urgent out", "urgent in", "bulk out", "of", "bulk in", "of"];
const FRAME_HEAD: [&str; 4] = ["guest", "frames sent", "dropped", "fps"];

/// The page.
pub fn page(status: &Status) -> String {
    let linked: Vec<(&Guest, &LinkCounters)> =
        status.guests.iter().filter_map(|guest| Some((guest, guest.link_counters.as_ref()?))).collect();
    if linked.is_empty() {
        return format!("No guest of another machine is connected to {}.\n", status.link);
    }
    let rows = |row: &dyn Fn(&Guest, &LinkCounters) -> Vec<String>| {
        linked.iter().map(|(guest, link)| row(guest, link)).collect::<Vec<_>>()
    };
    let pages = [
        table(&WAY_HEAD, &rows(&|guest, link| way(guest, link))),
        table(&BYTES_HEAD, &rows(&|guest, link| carried(guest, link))),
        table(&FRAME_HEAD, &rows(&|guest, link| frames(guest, link))),
    ];
    pages.join("\n")
}

fn way(guest: &Guest, link: &LinkCounters) -> Vec<String> {
    let us = |ns: u64| if ns == 0 { "-".to_owned() } else { format!("{} µs", count(ns.div_ceil(1000))) };
    // CAST: a rate for people.
    let rate = link.rate as f64 * 8.0 / 1e9;
    vec![
        guest.name.clone(),
        if link.encrypted { "yes" } else { "no" }.to_owned(),
        us(link.rtt_ns),
        us(link.rtt_min_ns),
        if link.rate == 0 { "-".to_owned() } else { format!("{rate:.2} Gb/s") },
        count(link.bulk_queued),
        bytes(link.bulk_queued_bytes),
    ]
}

fn carried(guest: &Guest, link: &LinkCounters) -> Vec<String> {
    vec![
        guest.name.clone(),
        bytes(link.urgent_sent),
        bytes(link.urgent_received),
        bytes(link.bulk_sent),
        bytes(link.bulk_sent_raw),
        bytes(link.bulk_received),
        bytes(link.bulk_received_raw),
    ]
}

fn frames(guest: &Guest, link: &LinkCounters) -> Vec<String> {
    vec![guest.name.clone(), count(link.frames), count(link.frames_dropped), format!("{:.1}", guest.fps)]
}

#[cfg(test)]
mod tests {
    use pvgpu_control::Gpu;

    use super::*;

    fn status(link_counters: Option<LinkCounters>) -> Status {
        let guest = Guest { name: "deck-1".to_owned(), fps: 59.94, link_counters, ..Guest::default() };
        Status {
            version: "0.1.0".to_owned(),
            process: 7,
            link: "tcp://0.0.0.0:7777".to_owned(),
            gpu: Gpu::default(),
            guests: vec![guest],
        }
    }

    #[test]
    fn guests_of_this_machine_have_no_link() {
        assert_eq!(page(&status(None)), "No guest of another machine is connected to tcp://0.0.0.0:7777.\n");
    }

    #[test]
    fn a_link_is_three_rows() {
        let link = LinkCounters {
            encrypted: true,
            urgent_sent: 1024,
            urgent_received: 2048,
            bulk_sent: 3 << 20,
            bulk_sent_raw: 6 << 20,
            bulk_received: 4 << 20,
            bulk_received_raw: 4 << 20,
            bulk_queued: 2,
            bulk_queued_bytes: 1 << 20,
            frames: 1234,
            frames_dropped: 5,
            rtt_ns: 512_400,
            rtt_min_ns: 480_001,
            rate: 1_250_000_000,
        };
        assert_eq!(
            page(&status(Some(link))),
            "\
guest   encrypted  round trip  shortest        rate  queued  queued bytes
deck-1        yes      513 µs    481 µs  10.00 Gb/s       2       1.0 MiB

guest   urgent out  urgent in  bulk out       of  bulk in       of
deck-1     1.0 KiB    2.0 KiB   3.0 MiB  6.0 MiB  4.0 MiB  4.0 MiB

guest   frames sent  dropped   fps
deck-1        1 234        5  59.9
"
        );
        let nothing = page(&status(Some(LinkCounters::default())));
        assert!(
            nothing.contains("deck-1         no           -         -     -       0           0 B"),
            "{nothing}"
        );
    }
}
