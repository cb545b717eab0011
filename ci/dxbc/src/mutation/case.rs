//! One input of the compiler: tokens, signatures and options, and its form as a file.
//!
//! The file has dwords, little-endian: the options (flags, outputs of the previous stage, features taken away), the
//! three counts of signature elements, six dwords for each element, then the tokens. Files in `dxbc/tests/hostile` and
//! the corpus of the fuzz target `fuzz_tokens` have it.

use pvgpu_dxbc::{
    BindingLayout, CompileOptions, Compiled, Error, SignatureElement, Signatures, TargetCapabilities,
};

/// The options of a translation that a guest's state or a device decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Choice {
    /// Whether outputs 0 and 1 are blended together.
    pub dual_source_blend: bool,
    /// The registers that the previous stage writes.
    pub previous_stage_outputs: Option<u32>,
    /// The features that the device lacks, one bit each.
    pub lacking: u32,
}

/// An input of the compiler.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Case {
    /// The program.
    pub tokens: Vec<u32>,
    /// Its signatures, without names.
    pub signatures: Signatures,
    /// The options.
    pub choice: Choice,
}

/// Most elements of one signature in a file.
const ELEMENTS: u32 = 600;

impl Choice {
    /// What the device can do: the default's features, and those that it lacks, without those that are taken away.
    pub fn target(&self) -> TargetCapabilities {
        let mut target = TargetCapabilities::default();
        let features = [
            &mut target.geometry_shader,
            &mut target.sample_rate_shading,
            &mut target.image_cube_array,
            &mut target.shader_image_gather_extended,
            &mut target.shader_clip_distance,
            &mut target.shader_cull_distance,
            &mut target.shader_draw_parameters,
            &mut target.shader_output_layer,
            &mut target.shader_output_viewport_index,
            &mut target.shader_storage_image_read_without_format,
            &mut target.shader_storage_image_write_without_format,
            &mut target.shader_float64,
            &mut target.shader_signed_zero_inf_nan_preserve_float32,
            &mut target.shader_denorm_flush_to_zero_float32,
            &mut target.tessellation_shader,
            &mut target.shader_tessellation_and_geometry_point_size,
            &mut target.multi_viewport,
            &mut target.transform_feedback,
            &mut target.geometry_streams,
        ];
        for (n, feature) in features.into_iter().enumerate() {
            // Flipping also gives the features that the default does not have.
            *feature ^= self.lacking >> n & 1 != 0;
        }
        target
    }
}

impl Case {
    /// Translates it.
    ///
    /// # Errors
    /// As the compiler.
    pub fn compile(&self) -> Result<Compiled, Error> {
        let layout = BindingLayout::default();
        let mut options = CompileOptions::new(&layout, self.choice.target());
        options.dual_source_blend = self.choice.dual_source_blend;
        options.previous_stage_outputs = self.choice.previous_stage_outputs;
        pvgpu_dxbc::compile(&self.tokens, &self.signatures, &options)
    }

    /// Reads a file; what it lacks is empty.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut dwords = bytes.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes));
        let mut next = || dwords.next().unwrap_or(0);
        let flags = next();
        let previous = next();
        let choice = Choice {
            dual_source_blend: flags & 1 != 0,
            previous_stage_outputs: (flags & 2 != 0).then_some(previous),
            lacking: next(),
        };
        let counts = [next(), next(), next()].map(|count| count % ELEMENTS);
        let mut lists = counts.map(|count| {
            // A file that promises more than it has gives no more elements than it could hold.
            let count = count.min(bytes.len() as u32 / 24);
            (0..count)
                .map(|_| SignatureElement {
                    semantic_name: String::new(),
                    semantic_index: next(),
                    system_value: next(),
                    component_type: next(),
                    register: next(),
                    mask: next() as u8,
                    stream: next(),
                })
                .collect::<Vec<_>>()
        });
        let [input, output, patch_constant] = lists.each_mut().map(std::mem::take);
        Self { tokens: dwords.collect(), signatures: Signatures { input, output, patch_constant }, choice }
    }

    /// The file of this input.
    pub fn to_bytes(&self) -> Vec<u8> {
        let lists = [&self.signatures.input, &self.signatures.output, &self.signatures.patch_constant];
        let flags = u32::from(self.choice.dual_source_blend)
            | u32::from(self.choice.previous_stage_outputs.is_some()) << 1;
        let mut dwords = vec![flags, self.choice.previous_stage_outputs.unwrap_or(0), self.choice.lacking];
        dwords.extend(lists.map(|list| list.len() as u32));
        for element in lists.into_iter().flatten() {
            dwords.extend([
                element.semantic_index,
                element.system_value,
                element.component_type,
                element.register,
                element.mask.into(),
                element.stream,
            ]);
        }
        dwords.extend(&self.tokens);
        dwords.iter().flat_map(|dword| dword.to_le_bytes()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::fixtures;

    #[test]
    fn files_hold_everything_but_names() {
        for fixture in fixtures() {
            let mut signatures = fixture.shader.signatures;
            let lists = [&mut signatures.input, &mut signatures.output, &mut signatures.patch_constant];
            lists.into_iter().flatten().for_each(|element| element.semantic_name.clear());
            let choice = Choice { dual_source_blend: true, previous_stage_outputs: Some(9), lacking: 0x155 };
            let case = Case { tokens: fixture.shader.tokens, signatures, choice };
            assert_eq!(Case::from_bytes(&case.to_bytes()), case);
        }
        assert_eq!(Case::from_bytes(&[0xff; 23]).tokens, [0u32; 0]);
    }
}
