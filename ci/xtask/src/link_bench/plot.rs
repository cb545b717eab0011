//! Frame rates against round trip and against rate, as pictures.
//!
//! Drawn at twice the size and made smaller, so that slanted lines are smooth.

use std::sync::OnceLock;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use super::points::Axis;
use super::results::{Figure, Results};
use super::{FONT, Picture};
use crate::{Error, Result};

/// Pixels of a picture.
const SIZE: (u32, u32) = (960, 540);
/// How much larger it is drawn.
const SCALE: u32 = 2;
/// The font's name in here.
const FAMILY: &str = "plot";
/// Nearly black.
const INK: RGBColor = RGBColor(34, 34, 34);
/// For what need not be read first.
const FAINT: RGBColor = RGBColor(110, 110, 110);
/// For lines behind the data.
const GRID: RGBColor = RGBColor(226, 226, 226);
/// Programs, with colours that differ in lightness too.
const PROGRAMS: [(Figure, &str, RGBColor); 2] =
    [(Figure::Cube, "cube", RGBColor(0, 92, 170)), (Figure::Sprites, "testsprite2", RGBColor(214, 96, 0))];

/// What the same program shows elsewhere, and the length of the dashes of its line.
const REFERENCES: [(Axis, &str, u32); 2] =
    [(Axis::Local, "shared memory", 2), (Axis::Fastest, "link, no limit", 9)];
/// Pixels at the right for names, and the height of one.
const NAMES: u32 = 190;
const NAME_HEIGHT: u32 = 17;
/// Beside the first and the last place, in distances between places.
const MARGIN: f64 = 0.35;
/// Above the highest line.
const HEADROOM: f64 = 1.08;

type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
type Drawing = std::result::Result<(), Box<dyn std::error::Error>>;

/// A file name, and its picture unless nothing is known to draw.
type Drawn = (&'static str, Result<Option<Picture>>);

/// All pictures.
pub fn all(results: &Results) -> [Drawn; 2] {
    let round_trip = Subject {
        title: "Frames a second against the round trip of the link",
        unit: "round trip, ms",
        place: |axis| match axis {
            Axis::RoundTrip(ms) => Some(ms),
            _ => None,
        },
    };
    let rate = Subject {
        title: "Frames a second against the rate of the link",
        unit: "rate, Gb/s",
        place: |axis| match axis {
            Axis::Rate(gbits) => Some(gbits),
            _ => None,
        },
    };
    [("link-round-trip.png", round_trip.draw(results)), ("link-rate.png", rate.draw(results))]
}

/// What a picture is about.
struct Subject {
    title: &'static str,
    unit: &'static str,
    place: fn(Axis) -> Option<f64>,
}

impl Subject {
    fn draw(&self, results: &Results) -> Result<Option<Picture>> {
        let Some(lines) = Lines::of(results, self.place) else { return Ok(None) };
        load_font()?;
        let size = (SIZE.0 * SCALE, SIZE.1 * SCALE);
        // CAST: some megabytes.
        let mut large = vec![255; (size.0 * size.1 * 3) as usize];
        let drawn = {
            let root = BitMapBackend::with_buffer(&mut large, size).into_drawing_area();
            self.fill(&root, &lines, &results.machine)
        };
        drawn.map_err(|error| Error::Failed(format!("{} cannot be drawn: {error}", self.title)))?;
        Ok(Some(smaller(&large)))
    }

    fn fill(&self, root: &Area<'_>, lines: &Lines, machine: &str) -> Drawing {
        let text = |size: u32| (FAMILY, size * SCALE).into_font().color(&INK);
        root.fill(&WHITE)?;
        root.draw(&Text::new(self.title, (pixels(24), pixels(16)), text(20)))?;
        let faint = (FAMILY, 12 * SCALE).into_font().color(&FAINT);
        root.draw(&Text::new(machine.to_owned(), (pixels(24), pixels(44)), faint))?;
        // Places stand at even distances, in their order: half of them lie in the first tenth of the axis.
        let count = lines.places.len();
        // CAST: a handful of places.
        let end = count as f64 - 1.0 + MARGIN;
        let label = |place: &f64| {
            let near = place.round();
            let whole = (place - near).abs() < 0.01 && near >= 0.0;
            // CAST: a whole number of a handful.
            let value = lines.places.get(near as usize).filter(|_| whole);
            value.map_or(String::new(), f64::to_string)
        };
        let mut chart = ChartBuilder::on(root)
            .margin_top(76 * SCALE)
            .margin_left(20 * SCALE)
            .margin_right(NAMES * SCALE)
            .margin_bottom(12 * SCALE)
            .x_label_area_size(48 * SCALE)
            .y_label_area_size(52 * SCALE)
            .build_cartesian_2d(-MARGIN..end, 0.0..lines.top)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(SCALE))
            .axis_style(INK.stroke_width(SCALE))
            .x_labels(count)
            .x_label_formatter(&label)
            .x_desc(self.unit)
            .axis_desc_style(text(14))
            .label_style(text(13))
            .y_labels(10)
            .set_all_tick_mark_size(5 * SCALE)
            .y_label_formatter(&|frames| format!("{frames:.0}"))
            .draw()?;
        let (_, height) = chart.plotting_area().get_pixel_range();
        let mut names: Vec<Name> = Vec::new();
        let mut name = |frames: f64, text: String, colour: RGBColor| {
            // CAST: a place in the picture.
            let down = (f64::from(height.end - height.start) * frames / lines.top) as i32;
            names.push(Name { place: height.end - down, text, colour });
        };
        for (line, (_, program, colour)) in lines.of_programs.iter().zip(PROGRAMS) {
            for (reference, (_, of, dash)) in line.references.iter().zip(REFERENCES) {
                let Some(frames) = *reference else { continue };
                let style = colour.mix(0.7).stroke_width(SCALE);
                let ends = [(-MARGIN, frames), (end, frames)];
                chart.draw_series(DashedLineSeries::new(ends, dash * SCALE, 4 * SCALE, style))?;
                name(frames, format!("{program}, {of}"), colour);
            }
            chart.draw_series(LineSeries::new(line.points.clone(), colour.stroke_width(2 * SCALE)))?;
            let dot = |point: &(f64, f64)| Circle::new(*point, 4 * SCALE, colour.filled());
            chart.draw_series(line.points.iter().map(dot))?;
            if let Some((_, frames)) = line.points.last() {
                name(*frames, program.to_owned(), colour);
            }
        }
        spread(&mut names, pixels(NAME_HEIGHT), height.end);
        for Name { place, text, colour } in names {
            let font = (FAMILY, 12 * SCALE).into_font().color(&colour);
            let corner = (pixels(SIZE.0 - NAMES + 8), place - pixels(NAME_HEIGHT) / 2);
            root.draw(&Text::new(text, corner, font))?;
        }
        Ok(())
    }
}

/// What one program's lines are.
#[derive(Debug, PartialEq)]
struct Line {
    /// Numbers of places, and frames a second there.
    points: Vec<(f64, f64)>,
    /// As [`REFERENCES`] lists them.
    references: [Option<f64>; 2],
}

/// What a picture shows.
#[derive(Debug, PartialEq)]
struct Lines {
    /// Values of the axis.
    places: Vec<f64>,
    of_programs: [Line; 2],
    /// The highest number of frames that there is room for.
    top: f64,
}

impl Lines {
    /// None if there is no line to draw.
    fn of(results: &Results, place: impl Fn(Axis) -> Option<f64>) -> Option<Self> {
        let series = PROGRAMS.map(|(figure, ..)| results.series(figure, &place));
        let mut places: Vec<f64> = series.iter().flatten().map(|(place, _)| *place).collect();
        places.sort_by(f64::total_cmp);
        places.dedup();
        if places.len() < 2 {
            return None;
        }
        // CAST: a handful of places.
        let number = |value: f64| places.iter().position(|its| *its == value).map(|number| number as f64);
        let mut series = series.into_iter();
        let of_programs = PROGRAMS.map(|(figure, ..)| {
            let series = series.next().unwrap_or_default();
            let points =
                series.iter().filter_map(|(place, frames)| Some((number(*place)?, *frames))).collect();
            let references = REFERENCES.map(|(wanted, ..)| {
                let here = |axis| (axis == wanted).then_some(0.0);
                results.series(figure, here).first().map(|(_, frames)| *frames)
            });
            Line { points, references }
        });
        let frames = of_programs.iter().flat_map(|line| {
            line.points.iter().map(|(_, frames)| *frames).chain(line.references.iter().flatten().copied())
        });
        let top = frames.fold(1.0, f64::max) * HEADROOM;
        Some(Self { places, of_programs, top })
    }
}

/// A name at the right end of its line.
#[derive(Clone, Debug, PartialEq)]
struct Name {
    /// The pixel of its middle.
    place: i32,
    text: String,
    colour: RGBColor,
}

/// Moves names apart until each has its height, in their order and none below `bottom`.
fn spread(names: &mut [Name], height: i32, bottom: i32) {
    names.sort_by_key(|name| name.place);
    let mut free = i32::MIN;
    for name in names.iter_mut() {
        name.place = name.place.max(free);
        free = name.place.saturating_add(height);
    }
    let mut limit = bottom;
    for name in names.iter_mut().rev() {
        name.place = name.place.min(limit);
        limit = name.place.saturating_sub(height);
    }
}

/// Pixels of the large drawing.
fn pixels(of_the_picture: u32) -> i32 {
    // CAST: some thousands at most.
    (of_the_picture * SCALE) as i32
}

/// The mean of each square of pixels.
fn smaller(large: &[u8]) -> Picture {
    let (width, height, scale) = (SIZE.0 as usize, SIZE.1 as usize, SCALE as usize);
    let mut pixels = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let at = |dy: usize, dx: usize| {
                    let place = ((y * scale + dy) * width * scale + x * scale + dx) * 3 + channel;
                    large.get(place).copied().map_or(0, usize::from)
                };
                let sum: usize = (0..scale)
                    .flat_map(|dy| (0..scale).map(move |dx| (dy, dx)))
                    .map(|(dy, dx)| at(dy, dx))
                    .sum();
                // CAST: the mean of bytes is a byte.
                pixels.push((sum / (scale * scale)) as u8);
            }
        }
    }
    Picture { width: SIZE.0, height: SIZE.1, pixels }
}

/// Makes the font known, once in this process.
fn load_font() -> Result<()> {
    static LOADED: OnceLock<bool> = OnceLock::new();
    let load = || {
        // The font is used until the process ends.
        let bytes: &'static [u8] = std::fs::read(FONT).ok()?.leak();
        register_font(FAMILY, FontStyle::Normal, bytes).ok()
    };
    if *LOADED.get_or_init(|| load().is_some()) {
        return Ok(());
    }
    Err(Error::Missing(format!("plots need {FONT}; `apt-get install fonts-dejavu-core` brings it")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link_bench::points;
    use crate::paths;

    /// Made-up figures: frame rates that fall with the round trip and grow with the rate.
    fn results() -> Results {
        let points = points::all();
        let mut results = Results::new("Made-up figures".to_owned(), 1, points.clone());
        for (number, point) in points.iter().enumerate() {
            let share = match point.axis {
                Axis::Local => 1.0,
                Axis::Fastest => 0.95,
                Axis::RoundTrip(ms) => 0.9 / (1.0 + ms / 20.0),
                Axis::Rate(gbits) => 0.95 * (gbits / (gbits + 2.0)),
                // On no picture.
                Axis::Cable(_) | Axis::Rough => 2.0,
            };
            results.push(number, Figure::Cube, 1200.0 * share);
            results.push(number, Figure::Sprites, 640.0 * share);
        }
        results
    }

    #[test]
    fn lines_stand_at_the_places_of_their_axis() {
        let ms = |axis| match axis {
            Axis::RoundTrip(ms) => Some(ms),
            _ => None,
        };
        let lines = Lines::of(&results(), ms).expect("there is something to draw");
        assert_eq!(lines.places, [0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]);
        assert_eq!(lines.of_programs[0].references, [Some(1200.0), Some(1140.0)]);
        assert_eq!(lines.of_programs[0].points.first(), Some(&(0.0, 1080.0)));
        assert_eq!(lines.of_programs[1].points.last(), Some(&(6.0, 288.0)));
        assert!(lines.top > 1200.0);
        assert_eq!(Lines::of(&Results::new(String::new(), 1, points::all()), ms), None);
    }

    #[test]
    fn names_keep_apart_and_inside() {
        let name = |place| Name { place, text: String::new(), colour: INK };
        let mut names: Vec<Name> = [100, 10, 98, 99, 12].map(name).to_vec();
        spread(&mut names, 10, 105);
        let places: Vec<i32> = names.iter().map(|name| name.place).collect();
        assert_eq!(places, [10, 20, 85, 95, 105]);
    }

    #[test]
    fn pictures_show_lines_in_their_colours() {
        for (name, drawn) in all(&results()) {
            let picture = match drawn {
                Err(Error::Missing(text)) => {
                    // Where there is no font, it says how to get one.
                    assert!(text.contains("fonts-dejavu-core"), "{text}");
                    return;
                }
                drawn => drawn.expect("drawn").expect("there is something to draw"),
            };
            assert_eq!(picture.pixels.len(), (SIZE.0 * SIZE.1 * 3) as usize);
            for (_, program, colour) in PROGRAMS {
                let wanted = [colour.0, colour.1, colour.2];
                let count = picture.pixels.chunks(3).filter(|pixel| *pixel == wanted).count();
                assert!(count > 500, "{name}: {count} pixels of {program}");
            }
            // For whoever wants to look at it.
            let folder = paths::target("bench");
            std::fs::create_dir_all(&folder).expect("a folder");
            picture.save(&folder.join(format!("made-up-{name}"))).expect("saved");
        }
    }
}
