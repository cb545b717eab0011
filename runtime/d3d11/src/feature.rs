//! `CheckFeatureSupport`: every `D3D11_FEATURE` and its struct, as the 32-bit words that they all consist of.

/// Words of the largest struct, `D3D11_FEATURE_DATA_D3D11_OPTIONS`.
const MAX_WORDS: usize = 14;

/// `D3D_FEATURE_LEVEL_10_0` and `…_11_0`.
const LEVEL_10_0: u32 = 0xa000;
const LEVEL_11_0: u32 = 0xb000;

/// What the answers depend on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts {
    /// `D3D_FEATURE_LEVEL`.
    pub level: u32,
    /// Logic operations in the output merger.
    pub logic_op: bool,
    /// Doubles in shaders.
    pub doubles: bool,
    /// The GPU renders in tiles.
    pub tile_based: bool,
    /// `D3D11_TILED_RESOURCES_TIER`.
    pub tiled_tier: u32,
    /// `D3D11_FORMAT_SUPPORT` and `D3D11_FORMAT_SUPPORT2` of the format in question; `None` for one that does not exist.
    pub format: Option<(u32, u32)>,
}

/// The words of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    words: [u32; MAX_WORDS],
    count: usize,
}

impl Answer {
    fn new(words: &[u32]) -> Self {
        let mut all = [0; MAX_WORDS];
        for (to, from) in all.iter_mut().zip(words) {
            *to = *from;
        }
        Self { words: all, count: words.len().min(MAX_WORDS) }
    }

    /// The struct's words.
    pub fn words(&self) -> &[u32] {
        self.words.get(..self.count).unwrap_or_default()
    }
}

/// Features whose struct begins with the question: a `DXGI_FORMAT`.
pub const FORMAT_SUPPORT: u32 = 2;
/// As [`FORMAT_SUPPORT`].
pub const FORMAT_SUPPORT2: u32 = 3;

/// The answer to `feature`, `None` for a feature that does not exist. `format` is the first word of the caller's struct.
pub fn answer(feature: u32, format: u32, facts: &Facts) -> Option<Answer> {
    let truth = u32::from;
    let (yes, no) = (1, 0);
    // Constant buffers and buffer views that drivers of Direct3D 9's levels do not see.
    let ten = truth(facts.level >= LEVEL_10_0);
    Some(match feature {
        // THREADING: creation is free-threaded because the runtime locks, but the driver does not run it concurrently.
        0 => Answer::new(&[no, no]),
        // DOUBLES.
        1 => Answer::new(&[truth(facts.doubles && facts.level >= LEVEL_11_0)]),
        FORMAT_SUPPORT => Answer::new(&[format, facts.format?.0]),
        FORMAT_SUPPORT2 => Answer::new(&[format, facts.format?.1]),
        // D3D10_X_HARDWARE_OPTIONS: compute with 4.x shaders.
        4 => Answer::new(&[truth(facts.level >= LEVEL_10_0)]),
        // D3D11_OPTIONS.
        5 => Answer::new(&[
            truth(facts.logic_op && facts.level >= LEVEL_10_0),
            // UAVOnlyRenderingForcedSampleCount: on every GPU the coverage has the bits that were asked for.
            truth(facts.level >= LEVEL_11_0),
            yes, // DiscardAPIsSeenByDriver
            yes, // FlagsForUpdateAndCopySeenByDriver
            yes, // ClearView
            yes, // CopyWithOverlap
            ten, // ConstantBufferPartialUpdate
            ten, // ConstantBufferOffsetting
            ten, // MapNoOverwriteOnDynamicConstantBuffer
            ten, // MapNoOverwriteOnDynamicBufferSRV
            no,  // MultisampleRTVWithForcedSampleCountOne
            no,  // SAD4ShaderInstructions
            no,  // ExtendedDoublesShaderInstructions
            no,  // ExtendedResourceSharing
        ]),
        // ARCHITECTURE_INFO.
        6 => Answer::new(&[truth(facts.tile_based)]),
        // D3D9_OPTIONS: textures of any size.
        7 => Answer::new(&[yes]),
        // SHADER_MIN_PRECISION_SUPPORT: 32 bits everywhere.
        8 => Answer::new(&[0, 0]),
        // D3D9_SHADOW_SUPPORT.
        9 => Answer::new(&[yes]),
        // D3D11_OPTIONS1: no minimum and maximum filters; default buffers are mapped.
        10 => Answer::new(&[if facts.level >= LEVEL_11_0 { facts.tiled_tier } else { 0 }, no, no, yes]),
        // D3D9_SIMPLE_INSTANCING_SUPPORT.
        11 => Answer::new(&[yes]),
        // MARKER_SUPPORT.
        12 => Answer::new(&[no]),
        // D3D9_OPTIONS1.
        13 => Answer::new(&[yes, yes, yes, yes]),
        // D3D11_OPTIONS2.
        14 => Answer::new(&[no, no, no, 0, 0, no, no, no]),
        // D3D11_OPTIONS3.
        15 => Answer::new(&[no]),
        // GPU_VIRTUAL_ADDRESS_SUPPORT: none to speak of, so the sizes of 32-bit resources.
        16 => Answer::new(&[32, 40]),
        // D3D11_OPTIONS4.
        17 => Answer::new(&[no]),
        // SHADER_CACHE.
        18 => Answer::new(&[0]),
        // D3D11_OPTIONS5: no shared resources.
        19 => Answer::new(&[0]),
        // DISPLAYABLE.
        20 => Answer::new(&[no, 0]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_has_its_struct() {
        // Words of the structs in d3d11.h, by feature.
        let sizes = [2, 1, 2, 2, 1, 14, 1, 1, 2, 1, 4, 1, 1, 4, 8, 1, 2, 1, 1, 1, 2];
        let facts = Facts { format: Some((0, 0)), ..Facts::default() };
        for (feature, size) in sizes.into_iter().enumerate() {
            let answer = answer(feature as u32, 28, &facts).expect("a known feature");
            assert_eq!(answer.words().len(), size, "feature {feature}");
        }
        assert_eq!(answer(21, 0, &facts), None);
    }

    #[test]
    fn facts_reach_their_answers() {
        let facts = Facts {
            level: LEVEL_11_0,
            logic_op: true,
            doubles: true,
            tile_based: false,
            tiled_tier: 1,
            format: Some((7, 9)),
        };
        assert_eq!(answer(1, 0, &facts).expect("doubles").words(), [1]);
        assert_eq!(answer(2, 28, &facts).expect("format").words(), [28, 7]);
        assert_eq!(answer(3, 28, &facts).expect("format").words(), [28, 9]);
        assert_eq!(answer(5, 0, &facts).expect("options").words()[0], 1);
        assert_eq!(answer(10, 0, &facts).expect("options").words(), [1, 0, 0, 1]);
        assert_eq!(answer(2, 500, &Facts::default()), None);
    }

    #[test]
    fn lower_levels_have_less() {
        let facts = |level| Facts { level, logic_op: true, doubles: true, tiled_tier: 1, ..Facts::default() };
        let first = |feature, level| answer(feature, 0, &facts(level)).expect("a feature").words()[0];
        assert_eq!([0x9300, 0xa100, 0xb000].map(|level| first(1, level)), [0, 0, 1]);
        assert_eq!([0x9300, 0xa000, 0xb000].map(|level| first(4, level)), [0, 1, 1]);
        assert_eq!([0x9300, 0xa000, 0xb000].map(|level| first(5, level)), [0, 1, 1]);
        assert_eq!([0x9300, 0xa100, 0xb000].map(|level| first(10, level)), [0, 0, 1]);
        let forced = |level| answer(5, 0, &facts(level)).expect("options").words()[1];
        assert_eq!([0xa100, 0xb000, 0xb100].map(forced), [0, 1, 1]);
    }
}
