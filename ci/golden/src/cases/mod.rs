//! The cases, one module for each area. Shaders are in `shaders/AREA.hlsl`; those that several areas use in `common.hlsl`.

mod arithmetic;
mod blend;
mod blocks;
mod common;
mod compute;
mod depth;
mod flow;
mod formats;
mod geometry;
mod input;
mod queries;
mod raster;
mod sampling;
mod stream;
mod targets;
mod tessellation;
mod textures;
mod values;

use crate::kit::{Case, Run};

/// All areas.
const AREAS: &[(&str, &[(&str, Run)])] = &[
    ("input", input::CASES),
    ("raster", raster::CASES),
    ("depth", depth::CASES),
    ("blend", blend::CASES),
    ("formats", formats::CASES),
    ("sampling", sampling::CASES),
    ("values", values::CASES),
    ("arithmetic", arithmetic::CASES),
    ("flow", flow::CASES),
    ("compute", compute::CASES),
    ("targets", targets::CASES),
    ("queries", queries::CASES),
    ("geometry", geometry::CASES),
    ("stream", stream::CASES),
    ("tessellation", tessellation::CASES),
];

/// All cases, named `AREA/NAME`.
pub fn all() -> Vec<Case> {
    let area = |(area, cases): &(&str, &[(&str, Run)])| {
        cases.iter().map(|(name, run)| Case { name: format!("{area}/{name}"), run: *run }).collect::<Vec<_>>()
    };
    AREAS.iter().flat_map(area).collect()
}
