//! Cases that are known to fail, with the reason. A case that passes after all is judged as any other.

/// Names and reasons.
pub const KNOWN: &[(&str, &str)] = &[
    ("raster/diagonal_line", "llvmpipe leaves out a first pixel of lines that begin at a pixel's centre"),
    ("raster/line_strip", "llvmpipe leaves out a first pixel of lines that begin at a pixel's centre"),
    (
        "raster/line_strip_adjacency",
        "llvmpipe leaves out a first pixel of lines that begin at a pixel's centre",
    ),
    (
        "sampling/resource_min_level",
        "a texture's smallest level moves explicit levels too, where the device cannot clamp",
    ),
    ("stream/rasterized_too", "llvmpipe draws no stream but the first"),
];

/// Why a case is known to fail.
pub fn reason(name: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_short() {
        assert!(KNOWN.is_sorted() && KNOWN.len() <= 10);
        assert!(reason("raster/line_strip").is_some() && reason("raster/triangle_list").is_none());
    }
}
