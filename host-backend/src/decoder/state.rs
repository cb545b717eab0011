//! Checks of state objects: every enumeration is one that the DDI names.

use pvgpu_protocol::command::{self, RenderTargetBlend, StencilFace};

use super::{Decoder, Object, finite, flag, within};
use crate::fault::Fault;
use crate::ops::{Backend, DepthStencilState, Op, RasterizerState};

impl Decoder {
    pub(super) fn create_blend_state(
        &mut self,
        c: &command::ArchivedCreateBlendState,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let id = c.id.to_native();
        self.check_free(id)?;
        let mut targets = [RenderTargetBlend::default(); 8];
        for (to, from) in targets.iter_mut().zip(&c.render_targets) {
            *to = blend(from).map_err(|fault| fault.about(id))?;
        }
        let op = Op::CreateBlendState {
            id,
            alpha_to_coverage: flag(c.alpha_to_coverage_enable.to_native(), "alpha to coverage")?,
            independent: flag(c.independent_blend_enable.to_native(), "independent blend")?,
            targets,
        };
        backend.execute(op)?;
        self.insert(id, Object::BlendState)
    }

    pub(super) fn create_depth_stencil_state(
        &mut self,
        c: &command::ArchivedCreateDepthStencilState,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let id = c.id.to_native();
        self.check_free(id)?;
        let state = DepthStencilState {
            depth_enable: flag(c.depth_enable.to_native(), "depth enable")?,
            depth_write: flag(c.depth_write_mask.to_native(), "depth write mask")?,
            depth_func: within(c.depth_func.to_native(), 1..=8, "depth function")?,
            stencil_enable: flag(c.stencil_enable.to_native(), "stencil enable")?,
            stencil_read_mask: c.stencil_read_mask.to_native() & 0xff,
            stencil_write_mask: c.stencil_write_mask.to_native() & 0xff,
            front: face(&c.front_face)?,
            back: face(&c.back_face)?,
        };
        backend.execute(Op::CreateDepthStencilState { id, state })?;
        self.insert(id, Object::DepthStencilState)
    }

    pub(super) fn create_rasterizer_state(
        &mut self,
        c: &command::ArchivedCreateRasterizerState,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let id = c.id.to_native();
        self.check_free(id)?;
        let state = RasterizerState {
            fill_mode: within(c.fill_mode.to_native(), 2..=3, "fill mode")?,
            cull_mode: within(c.cull_mode.to_native(), 1..=3, "cull mode")?,
            front_counter_clockwise: flag(c.front_counter_clockwise.to_native(), "front counter-clockwise")?,
            depth_bias: c.depth_bias.to_native(),
            depth_bias_clamp: finite(c.depth_bias_clamp.to_native(), "depth-bias clamp")?,
            slope_scaled_depth_bias: finite(
                c.slope_scaled_depth_bias.to_native(),
                "slope-scaled depth bias",
            )?,
            depth_clip_enable: flag(c.depth_clip_enable.to_native(), "depth clip")?,
            scissor_enable: flag(c.scissor_enable.to_native(), "scissor enable")?,
            multisample: flag(c.multisample_enable.to_native(), "multisample enable")?,
            antialiased_lines: flag(c.antialiased_line_enable.to_native(), "antialiased lines")?,
            forced_sample_count: match c.forced_sample_count.to_native() {
                count @ (0 | 1 | 2 | 4 | 8 | 16) => count,
                count => return Err(Fault::argument(format!("{count} forced samples"))),
            },
        };
        backend.execute(Op::CreateRasterizerState { id, state })?;
        self.insert(id, Object::RasterizerState)
    }

    pub(super) fn create_sampler(
        &mut self,
        c: &command::ArchivedCreateSampler,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let id = c.id.to_native();
        self.check_free(id)?;
        let mut border_color = [0.0; 4];
        for (to, from) in border_color.iter_mut().zip(&c.border_color) {
            *to = finite(from.to_native(), "border color")?;
        }
        let state = command::CreateSampler {
            id,
            filter: c.filter.to_native(),
            address_u: within(c.address_u.to_native(), 1..=5, "address mode")?,
            address_v: within(c.address_v.to_native(), 1..=5, "address mode")?,
            address_w: within(c.address_w.to_native(), 1..=5, "address mode")?,
            mip_lod_bias: finite(c.mip_lod_bias.to_native(), "level-of-detail bias")?,
            max_anisotropy: within(c.max_anisotropy.to_native(), 0..=16, "anisotropy")?,
            comparison_func: within(c.comparison_func.to_native(), 0..=8, "comparison function")?,
            border_color,
            min_lod: finite(c.min_lod.to_native(), "smallest level")?,
            max_lod: finite(c.max_lod.to_native(), "largest level")?,
        };
        backend.execute(Op::CreateSampler { id, state })?;
        self.insert(id, Object::Sampler)
    }
}

/// Factors and operations of a target that does not blend are not looked at, as the runtime leaves them unset.
fn blend(c: &command::ArchivedRenderTargetBlend) -> Result<RenderTargetBlend, Fault> {
    let blend_enable = flag(c.blend_enable.to_native(), "blend enable")?;
    let logic_op_enable = flag(c.logic_op_enable.to_native(), "logic op enable")?;
    let factor = |value: u32, name: &str| {
        let gap = matches!(value, 12 | 13);
        if blend_enable && (gap || !(1..=19).contains(&value)) {
            return Err(Fault::argument(format!("{name} is {value}")));
        }
        Ok(value)
    };
    let op = |value: u32, name: &str| {
        if blend_enable && !(1..=5).contains(&value) {
            return Err(Fault::argument(format!("{name} is {value}")));
        }
        Ok(value)
    };
    let logic_op = c.logic_op.to_native();
    if logic_op_enable {
        within(logic_op, 0..=15, "logic op")?;
    }
    Ok(RenderTargetBlend {
        blend_enable: blend_enable.into(),
        logic_op_enable: logic_op_enable.into(),
        src_blend: factor(c.src_blend.to_native(), "source factor")?,
        dest_blend: factor(c.dest_blend.to_native(), "destination factor")?,
        blend_op: op(c.blend_op.to_native(), "blend operation")?,
        src_blend_alpha: factor(c.src_blend_alpha.to_native(), "source alpha factor")?,
        dest_blend_alpha: factor(c.dest_blend_alpha.to_native(), "destination alpha factor")?,
        blend_op_alpha: op(c.blend_op_alpha.to_native(), "alpha blend operation")?,
        logic_op,
        write_mask: within(c.write_mask.to_native(), 0..=15, "write mask")?,
    })
}

fn face(c: &command::ArchivedStencilFace) -> Result<StencilFace, Fault> {
    Ok(StencilFace {
        fail_op: within(c.fail_op.to_native(), 1..=8, "stencil operation")?,
        depth_fail_op: within(c.depth_fail_op.to_native(), 1..=8, "stencil operation")?,
        pass_op: within(c.pass_op.to_native(), 1..=8, "stencil operation")?,
        func: within(c.func.to_native(), 1..=8, "stencil function")?,
    })
}
