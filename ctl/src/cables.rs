//! `cables`: the Thunderbolt and USB4 cables of this machine, and what to do so that they carry pvgpu.

use pvgpu_transport::thunderbolt::{Cable, Speed, Survey, survey};

use crate::error::Error;
use crate::output::print;

/// `cables`.
///
/// # Errors
/// [`Error`], as for all commands.
pub fn show() -> Result<(), Error> {
    print(&page(&survey().map_err(Error::Cables)?))
}

/// A line for each cable, then one for each thing to do.
fn page(survey: &Survey) -> String {
    let cables = survey.cables.iter().map(line);
    let advice = survey.advice().into_iter().map(|advice| {
        let kind = if advice.is_needed() { "needed" } else { "better" };
        format!("{kind}: {advice}")
    });
    cables.chain(advice).collect::<Vec<_>>().join("\n")
}

fn line(cable: &Cable) -> String {
    let mut line = format!("{} leads to {}", cable.name, cable.peer_name());
    if let Some(Speed { receive, transmit }) = cable.speed {
        let total = |(each, lanes): (u32, u32)| each.saturating_mul(lanes);
        line += &format!(", {} Gb/s in, {} Gb/s out", total(receive), total(transmit));
    }
    if cable.offers_stream {
        line += ", offers raw streams";
    }
    match cable.link() {
        Some(link) => {
            line += &format!(", network {} (MTU {})", link.name, link.mtu);
            line += if cable.ready().is_some() { ", ready" } else { ", not ready" };
        }
        None => line += ", no network",
    }
    line
}

#[cfg(test)]
mod tests {
    use pvgpu_transport::thunderbolt::{Interface, Peer};

    use super::*;

    #[test]
    fn cables_and_advice_are_lines() {
        let interface = Interface {
            name: "thunderbolt0".to_owned(),
            is_up: true,
            has_carrier: true,
            mtu: 1500,
            addresses: vec!["169.254.1.1".parse().expect("an address")],
            ..Interface::default()
        };
        let cable = Cable {
            name: "0-1".to_owned(),
            peer: Peer { device: Some("rendernode".to_owned()), ..Peer::default() },
            speed: Some(Speed { receive: (20, 2), transmit: (20, 2) }),
            interface: Some(interface),
            ..Cable::default()
        };
        let bare = Cable { name: "0-3".to_owned(), offers_network: true, ..Cable::default() };
        let mut survey = Survey::default();
        survey.cables.extend([cable, bare]);
        let page = page(&survey);
        let lines: Vec<_> = page.lines().collect();
        assert_eq!(
            lines[..2],
            [
                "0-1 leads to rendernode, 40 Gb/s in, 40 Gb/s out, network thunderbolt0 (MTU 1500), ready",
                "0-3 leads to the machine at its other end, no network",
            ]
        );
        assert!(lines[2].starts_with("better: thunderbolt0 has an MTU of 1500"), "{page}");
        assert!(lines[3].starts_with("needed: cable 0-3 has no network interface here"), "{page}");
    }
}
