//! What was measured: values by point and figure, as a table, as JSON, and read back from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::points::{Axis, Point};
use crate::table::Table;
use crate::{Error, Result};

/// One thing that is measured at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Plain TCP, one stream from the guest to the host, in Gb/s.
    BareThroughput,
    /// Plain TCP, 64 bytes there and back, in µs.
    BareP50,
    /// The same.
    BareP99,
    /// The link's, from the guest to the host, in Gb/s.
    LinkThroughput,
    /// The same between paired machines, encrypted.
    Encrypted,
    /// Uploads into a buffer of the host's renderer, in Gb/s.
    Uploads,
    /// An empty command and its fence, in µs.
    LinkP50,
    /// The same.
    LinkP99,
    /// Frames a second.
    Cube,
    /// Frames a second.
    Sprites,
    /// Percent of a core that pvgpud uses while no guest is connected.
    AloneHost,
    /// The same while a guest is connected and does nothing.
    IdleHost,
    /// Percent of a core that this guest uses.
    IdleGuest,
}

/// A figure's name in JSON and in the table, and the digits that it is shown with.
const FIGURES: [(Figure, &str, &str, usize); 13] = [
    (Figure::BareThroughput, "bare_gbps", "TCP Gb/s", 2),
    (Figure::BareP50, "bare_p50_us", "TCP p50 µs", 1),
    (Figure::BareP99, "bare_p99_us", "TCP p99 µs", 1),
    (Figure::LinkThroughput, "link_gbps", "link Gb/s", 2),
    (Figure::Encrypted, "encrypted_gbps", "encrypted Gb/s", 2),
    (Figure::Uploads, "upload_gbps", "uploads Gb/s", 2),
    (Figure::LinkP50, "link_p50_us", "link p50 µs", 1),
    (Figure::LinkP99, "link_p99_us", "link p99 µs", 1),
    (Figure::Cube, "cube_fps", "cube fps", 1),
    (Figure::Sprites, "testsprite2_fps", "sprites fps", 1),
    (Figure::AloneHost, "alone_host_percent", "pvgpud alone %", 2),
    (Figure::IdleHost, "idle_host_percent", "pvgpud idle %", 2),
    (Figure::IdleGuest, "idle_guest_percent", "guest idle %", 2),
];

/// Everything of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// The machine and how busy it was.
    pub machine: String,
    /// How often each point had its turn.
    pub rounds: usize,
    /// In the order in which they are shown.
    pub points: Vec<Point>,
    values: BTreeMap<(usize, Figure), Vec<f64>>,
    /// Why a figure has no value, or fewer than rounds.
    missing: BTreeMap<(usize, Figure), String>,
}

impl Results {
    /// A run in which nothing has been measured yet.
    pub fn new(machine: String, rounds: usize, points: Vec<Point>) -> Self {
        Self { machine, rounds, points, values: BTreeMap::new(), missing: BTreeMap::new() }
    }

    /// A value of the figure at the point with this number.
    pub fn push(&mut self, point: usize, figure: Figure, value: f64) {
        self.values.entry((point, figure)).or_default().push(value);
    }

    /// The figure could not be measured there this time.
    pub fn miss(&mut self, point: usize, figure: Figure, reason: &str) {
        self.missing.entry((point, figure)).or_insert_with(|| reason.to_owned());
    }

    /// The median of all rounds.
    pub fn median(&self, point: usize, figure: Figure) -> Option<f64> {
        let mut values = self.values.get(&(point, figure))?.clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    /// A figure along an axis: places on it and medians, where there are any.
    pub fn series(&self, figure: Figure, place: impl Fn(Axis) -> Option<f64>) -> Vec<(f64, f64)> {
        let point =
            |(number, point): (usize, &Point)| Some((place(point.axis)?, self.median(number, figure)?));
        self.points.iter().enumerate().filter_map(point).collect()
    }

    /// The longest round trip in ms of a cable, and which part of the frames a second without one is left there.
    fn kept_on_a_cable(&self, figure: Figure) -> Option<(f64, f64)> {
        let series = self.series(figure, |axis| match axis {
            Axis::Cable(ms) => Some(ms),
            _ => None,
        });
        let ((near, first), (far, last)) = (series.first()?, series.last()?);
        (near < far).then_some((*far, last / first))
    }

    /// The table, and below it what a cable's round trip costs and why figures are missing.
    pub fn text(&self) -> String {
        let shown: Vec<_> = FIGURES
            .iter()
            .filter(|(figure, ..)| {
                let known = |number| {
                    let key = (number, *figure);
                    self.values.contains_key(&key) || self.missing.contains_key(&key)
                };
                (0..self.points.len()).any(known)
            })
            .collect();
        let mut heading = vec!["path"];
        heading.extend(shown.iter().map(|(_, _, title, _)| *title));
        let mut table = Table::new(&heading);
        for (number, point) in self.points.iter().enumerate() {
            let mut row = vec![point.name.clone()];
            row.extend(shown.iter().map(|(figure, _, _, digits)| {
                self.median(number, *figure).map_or("–".to_owned(), |value| format!("{value:.digits$}"))
            }));
            table.push(row);
        }
        let mut text = table.to_string();
        for (program, figure) in [("cube", Figure::Cube), ("testsprite2", Figure::Sprites)] {
            if let Some((ms, share)) = self.kept_on_a_cable(figure) {
                let _always_works = writeln!(
                    text,
                    "{program} on a cable: {:.0} % of its frames a second at {ms} ms",
                    share * 100.0
                );
            }
        }
        let reasons: BTreeSet<&String> = self.missing.values().collect();
        for reason in reasons {
            let of: BTreeSet<&str> = self
                .missing
                .iter()
                .filter(|(_, its)| *its == reason)
                .filter_map(|((_, figure), _)| FIGURES.iter().find(|entry| entry.0 == *figure))
                .map(|entry| entry.1)
                .collect();
            let of: Vec<&str> = of.into_iter().collect();
            let _always_works = writeln!(text, "missing ({}): {reason}", of.join(", "));
        }
        let _always_works =
            writeln!(text, "{}, rounds: {}, of which the median counts", self.machine, self.rounds);
        text
    }

    /// As `target/bench/link.json` holds it.
    pub fn to_json(&self) -> Value {
        let point = |(number, point): (usize, &Point)| {
            let mut figures = serde_json::Map::new();
            let mut missing = serde_json::Map::new();
            for (figure, name, ..) in &FIGURES {
                if let Some(values) = self.values.get(&(number, *figure)) {
                    let median = self.median(number, *figure);
                    figures.insert((*name).to_owned(), json!({ "median": median, "values": values }));
                }
                if let Some(reason) = self.missing.get(&(number, *figure)) {
                    missing.insert((*name).to_owned(), json!(reason));
                }
            }
            json!({ "name": point.name, "figures": figures, "missing": missing })
        };
        let points: Vec<Value> = self.points.iter().enumerate().map(point).collect();
        json!({ "machine": self.machine, "rounds": self.rounds, "points": points })
    }

    /// Reads what [`to_json`](Self::to_json) wrote; `known` are the points that this version has, of which others are left out.
    ///
    /// # Errors
    /// If it is something else.
    pub fn from_json(text: &str, known: &[Point]) -> Result<Self> {
        let wrong =
            || Error::Failed("target/bench/link.json is not of this version; measure again".to_owned());
        let all: Value = serde_json::from_str(text).map_err(|_| wrong())?;
        let machine = all["machine"].as_str().ok_or_else(wrong)?.to_owned();
        let rounds =
            all["rounds"].as_u64().and_then(|rounds| usize::try_from(rounds).ok()).ok_or_else(wrong)?;
        let mut results = Self::new(machine, rounds, Vec::new());
        for entry in all["points"].as_array().ok_or_else(wrong)? {
            let Some(point) = known.iter().find(|point| entry["name"] == point.name.as_str()) else {
                continue;
            };
            let number = results.points.len();
            results.points.push(point.clone());
            for (figure, name, ..) in &FIGURES {
                let values = entry["figures"][name]["values"].as_array().into_iter().flatten();
                values.filter_map(Value::as_f64).for_each(|value| results.push(number, *figure, value));
                if let Some(reason) = entry["missing"][name].as_str() {
                    results.miss(number, *figure, reason);
                }
            }
        }
        Ok(results)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link_bench::points;

    fn some() -> Results {
        let mut results = Results::new("a machine".to_owned(), 3, points::all());
        for value in [3.0, 1.0, 2.0] {
            results.push(1, Figure::BareThroughput, value);
        }
        results.push(2, Figure::Cube, 100.0);
        results.miss(1, Figure::Cube, "no carrier");
        results.miss(2, Figure::LinkP50, "no program");
        results
    }

    #[test]
    fn figures_have_one_name_each_and_are_all_there() {
        let names: BTreeSet<&str> = FIGURES.iter().map(|entry| entry.1).collect();
        let figures: BTreeSet<Figure> = FIGURES.iter().map(|entry| entry.0).collect();
        assert_eq!((names.len(), figures.len()), (FIGURES.len(), FIGURES.len()));
    }

    #[test]
    fn the_middle_value_counts_and_missing_ones_say_why() {
        let results = some();
        assert_eq!(results.median(1, Figure::BareThroughput), Some(2.0));
        assert_eq!(results.median(0, Figure::BareThroughput), None);
        let text = results.text();
        assert!(text.contains("missing (cube_fps): no carrier\n"), "{text}");
        assert!(text.contains("missing (link_p50_us): no program\n"), "{text}");
        assert!(
            text.contains("cube fps") && !text.contains("idle"),
            "a column that nobody has measured: {text}"
        );
        let place = |axis| match axis {
            Axis::RoundTrip(ms) => Some(ms),
            _ => None,
        };
        assert_eq!(results.series(Figure::Cube, place), [(0.0, 100.0)]);
    }

    #[test]
    fn what_a_cable_costs_is_said_once_both_ends_are_known() {
        let mut results = some();
        let number =
            |ms| results.points.iter().position(|point| point.axis == Axis::Cable(ms)).expect("a cable");
        let (near, far) = (number(0.0), number(0.5));
        results.push(near, Figure::Sprites, 400.0);
        assert!(!results.text().contains("on a cable"), "{}", results.text());
        results.push(far, Figure::Sprites, 392.0);
        let text = results.text();
        assert!(text.contains("testsprite2 on a cable: 98 % of its frames a second at 0.5 ms\n"), "{text}");
        assert!(!text.contains("cube on a cable"), "{text}");
    }

    #[test]
    fn json_comes_back_whole() {
        let results = some();
        let text = results.to_json().to_string();
        assert_eq!(Results::from_json(&text, &points::all()).expect("its own JSON"), results);
        for wrong in ["", "[]", "{}", "{\"machine\":\"a\",\"rounds\":-1,\"points\":[]}"] {
            assert!(Results::from_json(wrong, &points::all()).is_err(), "{wrong}");
        }
    }
}
