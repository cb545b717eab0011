//! The paths that are measured.

use std::time::Duration;

use pvgpu_netlab::{Path, Spec};

/// Round trips in milliseconds.
const ROUND_TRIPS: [f64; 7] = [0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];
/// Rates in Gb/s.
const RATES: [f64; 6] = [1.0, 2.5, 5.0, 10.0, 20.0, 40.0];

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

/// All points: what others are compared with first, then round trips, then rates.
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
        assert_eq!(points.len(), 2 + ROUND_TRIPS.len() + RATES.len());
    }
}
