//! Checks of `CreateView`: the part shown lies inside the resource, and the format may be seen there.

use std::rc::Rc;

use pvgpu_protocol::command::{self, ViewRange, bind, dimension, misc, view_kind};
use pvgpu_protocol::format;

use super::{Decoder, Object, ViewObject};
use crate::fault::Fault;
use crate::format::{self as dxgi_family, can_view, family, is_typeless};
use crate::ops::{Backend, Op, ResourceDesc, ViewDesc};

const R32_TYPELESS: u32 = dxgi_family::dxgi::R32_TYPELESS;
/// Texels of the widest 2D texture (`D3D11_REQ_TEXTURE2D_U_OR_V_DIMENSION`).
const MAX_LINE: u32 = 16384;
/// "All that remain".
const ALL: u32 = u32::MAX;
/// `D3D11_DDI_BUFFEREX_SRV_FLAG_RAW` and `D3D11_DDI_BUFFER_UAV_FLAG_RAW`.
pub const FLAG_RAW: u32 = 1;

// Bits of `D3D11_FORMAT_SUPPORT`.
const SUPPORT_BUFFER: u32 = 0x1;
const SUPPORT_SHADER_LOAD: u32 = 0x100;
const SUPPORT_SHADER_SAMPLE: u32 = 0x200;
const SUPPORT_RENDER_TARGET: u32 = 0x4000;
const SUPPORT_DEPTH_STENCIL: u32 = 0x10000;
const SUPPORT_TYPED_UNORDERED_ACCESS_VIEW: u32 = 0x0200_0000;

impl Decoder {
    pub(super) fn create_view(
        &mut self,
        c: &command::ArchivedCreateView,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let (id, resource_id) = (c.id.to_native(), c.resource.to_native());
        self.check_free(id)?;
        let resource = self.resource(resource_id)?.clone();
        let (kind, view_format) = (c.kind.to_native(), c.format.to_native());
        let range = native(&c.range);
        let range = check_view(&resource, kind, view_format, range).map_err(|fault| fault.about(id))?;
        if resource.is_buffer() && kind == view_kind::RENDER_TARGET {
            self.check_buffer_target(view_format, range).map_err(|fault| fault.about(id))?;
        }
        if !self.can_view(&resource, kind, view_format, range.flags) {
            return Err(Fault::unsupported(format!("views of format {view_format}")).about(id));
        }
        let desc = ViewDesc { kind, format: view_format, range, resource: resource_id };
        backend.execute(Op::CreateView { id, desc: desc.clone() }).map_err(|fault| fault.about(id))?;
        self.insert(id, Object::View(Box::new(ViewObject { desc, resource })))
    }

    /// A buffer as render target is rendered to as a line of texels.
    fn check_buffer_target(&self, format: u32, range: ViewRange) -> Result<(), Fault> {
        const RENDER_TARGET: u32 = 0x4000;
        if range.flags != 0 || self.caps.format(format).support & RENDER_TARGET == 0 {
            return Err(Fault::argument(format!("a buffer of format {format} as render target")));
        }
        if range.num_elements > MAX_LINE {
            return Err(Fault::unsupported(format!("{} elements as render target", range.num_elements)));
        }
        Ok(())
    }
}

impl Decoder {
    /// Whether the host can show a resource in a format to whom the view is for.
    fn can_view(&self, resource: &ResourceDesc, kind: u32, format: u32, flags: u32) -> bool {
        let structured = resource.command.misc_flags & misc::BUFFER_STRUCTURED != 0;
        if resource.is_buffer() && (structured || flags & FLAG_RAW != 0) {
            return true;
        }
        let support = self.caps.format(format).support;
        match kind {
            view_kind::SHADER_RESOURCE if resource.is_buffer() => support & SUPPORT_BUFFER != 0,
            view_kind::SHADER_RESOURCE => support & (SUPPORT_SHADER_LOAD | SUPPORT_SHADER_SAMPLE) != 0,
            view_kind::RENDER_TARGET => support & SUPPORT_RENDER_TARGET != 0,
            view_kind::DEPTH_STENCIL => support & SUPPORT_DEPTH_STENCIL != 0,
            _ => support & SUPPORT_TYPED_UNORDERED_ACCESS_VIEW != 0,
        }
    }
}

/// Checks a view against its resource and resolves "all that remain".
fn check_view(
    resource: &Rc<ResourceDesc>,
    kind: u32,
    format: u32,
    range: ViewRange,
) -> Result<ViewRange, Fault> {
    let needs = match kind {
        view_kind::SHADER_RESOURCE => bind::SHADER_RESOURCE,
        view_kind::RENDER_TARGET => bind::RENDER_TARGET,
        view_kind::DEPTH_STENCIL => bind::DEPTH_STENCIL,
        view_kind::UNORDERED_ACCESS => bind::UNORDERED_ACCESS,
        other => return Err(Fault::argument(format!("view kind {other}"))),
    };
    if resource.command.bind_flags & needs == 0 {
        return Err(Fault::argument(format!(
            "a view of kind {kind} of a resource with bind flags {:#x}",
            resource.command.bind_flags
        )));
    }
    if resource.is_buffer() {
        check_buffer(resource, kind, format, range)
    } else {
        check_texture(resource, kind, format, range)
    }
}

fn check_buffer(
    resource: &ResourceDesc,
    kind: u32,
    format: u32,
    range: ViewRange,
) -> Result<ViewRange, Fault> {
    if !matches!(range.dimension, dimension::BUFFER | dimension::BUFFEREX) {
        return Err(Fault::argument(format!("a buffer seen as dimension {}", range.dimension)));
    }
    let raw = range.flags & FLAG_RAW != 0;
    let structured = resource.command.misc_flags & misc::BUFFER_STRUCTURED != 0;
    if kind == view_kind::RENDER_TARGET && structured {
        return Err(Fault::argument("a structured buffer as render target"));
    }
    let element = if raw {
        if resource.command.misc_flags & misc::BUFFER_ALLOW_RAW_VIEWS == 0 || format != R32_TYPELESS {
            return Err(Fault::argument(format!("a raw view of format {format}")));
        }
        4
    } else if structured {
        resource.command.structure_stride
    } else {
        if is_typeless(format) {
            return Err(Fault::argument(format!("a buffer view of typeless format {format}")));
        }
        let info = format::info(format).filter(|info| info.block_width == 1);
        info.ok_or_else(|| Fault::argument(format!("a buffer view of format {format}")))?.block_bytes
    };
    let end = u64::from(range.first_element) + u64::from(range.num_elements);
    if range.num_elements == 0 || end * u64::from(element) > u64::from(resource.command.width) {
        return Err(Fault::argument(format!(
            "elements {}+{} of {element} bytes in a buffer of {} bytes",
            range.first_element, range.num_elements, resource.command.width
        )));
    }
    Ok(range)
}

fn check_texture(
    resource: &ResourceDesc,
    kind: u32,
    format: u32,
    range: ViewRange,
) -> Result<ViewRange, Fault> {
    let command = &resource.command;
    let fits = match range.dimension {
        dimension::TEXTURE2D => matches!(command.dimension, dimension::TEXTURE2D | dimension::TEXTURECUBE),
        other => other == command.dimension,
    };
    if !fits {
        return Err(Fault::argument(format!(
            "a texture of dimension {} seen as dimension {}",
            command.dimension, range.dimension
        )));
    }
    if !can_view(command.format, format, kind == view_kind::UNORDERED_ACCESS) {
        return Err(Fault::argument(format!("a texture of format {} seen as {format}", command.format)));
    }
    // Only what is made to be seen in several formats is: typeless, and what is presented (sRGB or not).
    let cast = family(format) == family(command.format) && format != command.format;
    if cast && !is_typeless(command.format) && command.bind_flags & bind::PRESENT == 0 {
        return Err(Fault::argument(format!("a texture of format {} seen as {format}", command.format)));
    }
    let wants_depth = kind == view_kind::DEPTH_STENCIL;
    if wants_depth != dxgi_family::is_depth_stencil(format) {
        return Err(Fault::argument(format!("a view of kind {kind} with format {format}")));
    }
    let mips = if kind == view_kind::SHADER_RESOURCE {
        let remain = command.mip_levels.saturating_sub(range.most_detailed_mip);
        if range.mip_levels == ALL { remain } else { range.mip_levels }
    } else {
        1
    };
    let mip_end = u64::from(range.most_detailed_mip) + u64::from(mips);
    if mips == 0 || mip_end > u64::from(command.mip_levels) {
        return Err(Fault::argument(format!(
            "mips {}+{mips} of {}",
            range.most_detailed_mip, command.mip_levels
        )));
    }
    let slices = match (command.dimension, kind) {
        // A shader sees all of a volume.
        (dimension::TEXTURE3D, view_kind::SHADER_RESOURCE) => {
            return Ok(ViewRange { mip_levels: mips, first_array_slice: 0, array_size: 1, ..range });
        }
        (dimension::TEXTURE3D, _) => resource.mip_extent(range.most_detailed_mip)[2],
        _ => command.array_size,
    };
    let remain = slices.saturating_sub(range.first_array_slice);
    let count = if range.array_size == ALL { remain } else { range.array_size };
    if count == 0 || u64::from(range.first_array_slice) + u64::from(count) > u64::from(slices) {
        return Err(Fault::argument(format!("slices {}+{count} of {slices}", range.first_array_slice)));
    }
    if range.dimension == dimension::TEXTURECUBE
        && kind == view_kind::SHADER_RESOURCE
        && !count.is_multiple_of(6)
    {
        return Err(Fault::argument(format!("a cube of {count} faces")));
    }
    Ok(ViewRange { mip_levels: mips, array_size: count, ..range })
}

fn native(range: &command::ArchivedViewRange) -> ViewRange {
    ViewRange {
        dimension: range.dimension.to_native(),
        first_element: range.first_element.to_native(),
        num_elements: range.num_elements.to_native(),
        most_detailed_mip: range.most_detailed_mip.to_native(),
        mip_levels: range.mip_levels.to_native(),
        first_array_slice: range.first_array_slice.to_native(),
        array_size: range.array_size.to_native(),
        flags: range.flags.to_native(),
    }
}
