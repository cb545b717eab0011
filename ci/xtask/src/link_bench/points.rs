//! The paths that are measured.

use std::time::Duration;

use pvgpu_netlab::{Path, Spec};

/// Round trips in milliseconds.
const ROUND_TRIPS: [f64; 7] = [0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];
/// Rates in Gb/s.
const RATES: [f64; 6] = [1.0, 2.5, 5.0, 10.0, 20.0, 40.0];
/// Bits a second of a Thunderbolt cable's network, and the round trips in ms whose frame rates are compared.
const CABLE_RATE: u64 = 20_000_000_000;
const CABLES: [f64; 2] = [0.0, 0.5];
/// The round trip of the rough paths.
const ROUGH_ROUND_TRIP: Duration = Duration::from_millis(2);

/// What changes from one point to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Axis {
    /// Shared memory on one machine: no network.
    Local,
    /// As fast as the kernel's own devices go.
    Fastest,
    /// The round trip in ms, as fast as the relay goes.
    RoundTrip(f64),
    /// The rate in Gb/s, without any delay.
    Rate(f64),
    /// The round trip in ms of a cable: [`CABLE_RATE`].
    Cable(f64),
    /// A path whose packets are late or lost.
    Rough,
}

/// A path with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// For the table and `--only`.
    pub name: String,
    /// Where it stands.
    pub axis: Axis,
    /// The path; None for one machine.
    pub spec: Option<Spec>,
}

/// All points: what others are compared with first, then round trips, then rates, then both together, then the rough ones.
pub fn all() -> Vec<Point> {
    let mut points = vec![
        Point { name: "shared memory".to_owned(), axis: Axis::Local, spec: None },
        Point { name: "veth".to_owned(), axis: Axis::Fastest, spec: Some(Spec::new(Path::Veth)) },
    ];
    points.extend(ROUND_TRIPS.map(|ms| Point {
        name: format!("rtt {ms} ms"),
        axis: Axis::RoundTrip(ms),
        spec: Some(Spec::with_round_trip(Duration::from_secs_f64(ms / 1000.0))),
    }));
    points.extend(RATES.map(|gbits| Point {
        name: format!("rate {gbits} Gb/s"),
        axis: Axis::Rate(gbits),
        // CAST: a whole number of bits.
        spec: Some(Spec::with_rate((gbits * 1e9) as u64)),
    }));
    points.extend(CABLES.map(|ms| Point {
        name: format!("cable 20 Gb/s, {ms} ms"),
        axis: Axis::Cable(ms),
        spec: Some(Spec {
            rate: Some(CABLE_RATE),
            ..Spec::with_round_trip(Duration::from_secs_f64(ms / 1000.0))
        }),
    }));
    let rough = Spec::with_round_trip(ROUGH_ROUND_TRIP);
    points.extend(
        [
            ("2 ms, up to 1 ms late", Spec { jitter: Duration::from_millis(1), ..rough }),
            ("2 ms, 0.1 % lost", Spec { loss_ppm: 1000, ..rough }),
        ]
        .map(|(name, spec)| Point {
            name: format!("rough {name}"),
            axis: Axis::Rough,
            spec: Some(spec),
        }),
    );
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_point_is_what_its_name_says() {
        let points = all();
        let named = |name: &str| points.iter().find(|point| point.name == name).and_then(|point| point.spec);
        assert_eq!(named("rate 2.5 Gb/s").and_then(|spec| spec.rate), Some(2_500_000_000));
        let spec = named("rtt 0.5 ms").expect("there is one");
        assert_eq!((spec.path, spec.delay), (Path::Relay, Duration::from_micros(250)));
        assert_eq!(points.iter().filter(|point| point.spec.is_none()).count(), 1);
        let spec = named("cable 20 Gb/s, 0.5 ms").expect("there is one");
        assert_eq!((spec.rate, spec.delay), (Some(20_000_000_000), Duration::from_micros(250)));
        assert!(named("rough 2 ms, 0.1 % lost").is_some_and(|spec| spec.loss_ppm == 1000));
        assert_eq!(points.len(), 2 + ROUND_TRIPS.len() + RATES.len() + CABLES.len() + 2);
    }
}
