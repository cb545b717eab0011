//! Views: what a shader, the output merger or a clear sees of a resource.
//!
//! D3D11's views do not say whether a texture with one slice is an array, while Vulkan's do; and a texture's image changes when
//! identities rotate. So Vulkan views are made when they are first needed, and kept.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ash::vk;
use gpu_allocator::MemoryLocation;
use pvgpu_dxbc::ResourceDimension;
use pvgpu_protocol::command::{CreateResource, ViewRange, bind, dimension, misc, view_kind};
use pvgpu_protocol::format;
use pvgpu_protocol::staging::Shape;

use super::forced::storage_format;
use super::formats::{map_color, map_view};
use super::memory::create_buffer;
use super::pass::{READ_ONLY_DEPTH, READ_ONLY_STENCIL};
use super::recorder::Tracker;
use super::resource::{Buffer, Resource, Texture};
use super::sampling::Sampling;
use super::texels::Conversion;
use super::trash::{Garbage, Trash};
use crate::decoder::FLAG_RAW;
use crate::fault::Fault;
use crate::ops::{ResourceDesc, ViewDesc};

/// `DXGI_FORMAT_X32_TYPELESS_G8X24_UINT` and `DXGI_FORMAT_X24_TYPELESS_G8_UINT`, which show stencil.
const X32_G8X24_UINT: u32 = 22;
const X24_G8_UINT: u32 = 47;
/// `D3D11_DDI_BUFFER_UAV_FLAG_APPEND` and `_COUNTER`.
const FLAGS_COUNTER: u32 = 0x2 | 0x4;

/// Vulkan views that a view keeps. A texture whose clamp or identity changes with each draw would have it keep ever more.
const MAX_FORMS: usize = 32;

/// What a view shows.
pub enum Target {
    Buffer(Rc<Buffer>),
    Texture(Rc<Texture>),
}

/// The hidden counter of an unordered-access view.
pub struct Counter {
    pub buffer: vk::Buffer,
    allocation: Cell<Option<super::device::Allocation>>,
    pub tracker: Tracker,
    trash: Rc<Trash>,
}

impl Counter {
    pub fn new(trash: &Rc<Trash>) -> Result<Self, Fault> {
        let (buffer, allocation) = create_buffer(
            &trash.device,
            "counter",
            16,
            MemoryLocation::GpuOnly,
            vk::BufferUsageFlags::empty(),
        )?;
        Ok(Self {
            buffer,
            allocation: Cell::new(Some(allocation)),
            tracker: Tracker::default(),
            trash: trash.clone(),
        })
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.trash.add(Garbage::Buffer(self.buffer, self.allocation.take()));
    }
}

/// The form in which a Vulkan view is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Form {
    /// Its number: handles are used again.
    image: u64,
    kind: vk::ImageViewType,
    /// Where it is not the view's own.
    format: Option<vk::Format>,
    /// The bits of the least level of detail.
    min_lod: u32,
}

/// A view.
pub struct View {
    pub desc: ViewDesc,
    pub target: Target,
    /// Render targets in buffers: the buffer. The target is a line of texels then, which takes its elements when a pass begins
    /// and gives them back when it ends.
    pub source: Option<Rc<Buffer>>,
    /// Whether samplers may filter its texels.
    pub filtered: bool,
    /// Whether samplers may compare its texels with a reference.
    pub compared: bool,
    /// Only for unordered-access views of buffers with a counter.
    pub counter: Option<Counter>,
    images: RefCell<Vec<(Form, vk::ImageView)>>,
    texels: Cell<Option<(vk::Buffer, u64, vk::Format, vk::BufferView)>>,
    trash: Rc<Trash>,
}

impl View {
    pub fn new(mut desc: ViewDesc, resource: &Resource, trash: &Rc<Trash>) -> Result<Self, Fault> {
        let mut source = None;
        let target = match resource {
            Resource::Buffer(buffer) if desc.kind == view_kind::RENDER_TARGET => {
                source = Some(buffer.clone());
                desc.range = ViewRange {
                    most_detailed_mip: 0,
                    mip_levels: 1,
                    first_array_slice: 0,
                    array_size: 1,
                    ..desc.range
                };
                Target::Texture(Rc::new(line_of_texels(&desc, trash)?))
            }
            Resource::Buffer(buffer) => Target::Buffer(buffer.clone()),
            Resource::Texture(texture) => Target::Texture(texture.clone()),
            Resource::Staging(_) => return Err(Fault::object(desc.resource, "a view of a staging resource")),
        };
        let counted = desc.kind == view_kind::UNORDERED_ACCESS && desc.range.flags & FLAGS_COUNTER != 0;
        let counter = match &target {
            Target::Buffer(_) if counted => Some(Counter::new(trash)?),
            _ => None,
        };
        let (filtered, compared) = match &target {
            Target::Texture(texture) if desc.kind == view_kind::SHADER_RESOURCE => {
                sampling(&trash.device.sampling, desc.format, texture)
            }
            _ => (true, false),
        };
        Ok(Self {
            desc,
            target,
            source,
            filtered,
            compared,
            counter,
            images: RefCell::default(),
            texels: Cell::new(None),
            trash: trash.clone(),
        })
    }

    /// Whether it shows some slices of a volume, which a shader that loads and stores must not see the rest of.
    fn is_sliced(&self, texture: &Texture) -> bool {
        let [_, _, depth] = texture.desc.mip_extent(self.desc.range.most_detailed_mip);
        texture.desc.command.dimension == dimension::TEXTURE3D
            && self.desc.kind == view_kind::UNORDERED_ACCESS
            && (self.desc.range.first_array_slice != 0 || self.desc.range.array_size != depth)
    }

    /// Width and height of what a view of a texture shows, in its own texels.
    pub fn extent(&self, texture: &Texture) -> [u32; 2] {
        let [width, height, _] = texture.desc.mip_extent(self.desc.range.most_detailed_mip);
        let [x, y] = texture.view_scale(self.desc.format);
        [width.div_ceil(x), height.div_ceil(y)]
    }

    /// Notes that it is one more target of a pass, or no longer is.
    pub fn count_as_target(&self, up: bool) {
        if let Some(texture) = self.texture() {
            let count = texture.targets.get();
            texture.targets.set(if up { count.saturating_add(1) } else { count.saturating_sub(1) });
        }
    }

    /// Whether its texture is a target somewhere.
    #[inline]
    pub fn may_be_target(&self) -> bool {
        matches!(&self.target, Target::Texture(texture) if texture.targets.get() != 0)
    }

    /// Whether another view shows a part of what it shows.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (Some(texture), Some(theirs)) = (self.texture(), other.texture()) else { return false };
        let same = Rc::ptr_eq(&texture.plane(self.desc.format), &theirs.plane(other.desc.format));
        // A shader sees all slices of a volume.
        let slices = |view: &Self, texture: &Texture| {
            let volume = texture.desc.command.dimension == dimension::TEXTURE3D;
            if volume && view.desc.kind == view_kind::SHADER_RESOURCE {
                return (0, u32::MAX);
            }
            (view.desc.range.first_array_slice, view.desc.range.array_size)
        };
        let meet = |(first, count): (u32, u32), (second, others): (u32, u32)| {
            first < second.saturating_add(others) && second < first.saturating_add(count)
        };
        let mips = |view: &Self| (view.desc.range.most_detailed_mip, view.desc.range.mip_levels);
        same && meet(mips(self), mips(other)) && meet(slices(self, texture), slices(other, theirs))
    }

    /// Whether, as a depth-stencil view, it writes nothing of what another view shows.
    pub fn only_reads(&self, other: &Self) -> bool {
        let stencil = matches!(other.desc.format, X32_G8X24_UINT | X24_G8_UINT);
        let flag = if stencil { READ_ONLY_STENCIL } else { READ_ONLY_DEPTH };
        self.desc.range.flags & flag != 0
    }

    /// How the texels of what it shows are converted.
    pub fn conversion(&self) -> Option<Conversion> {
        let texture = self.texture()?;
        Conversion::of(texture.desc.command.format, texture.image().format)
    }

    /// The tracker of what it shows.
    pub fn with_tracker<T>(&self, run: impl FnOnce(&Tracker) -> T) -> T {
        match &self.target {
            Target::Buffer(buffer) => run(&buffer.tracker),
            Target::Texture(texture) => run(&texture.image().tracker),
        }
    }

    /// The texture, for views that the output merger takes.
    pub fn texture(&self) -> Option<&Rc<Texture>> {
        match &self.target {
            Target::Texture(texture) => Some(texture),
            Target::Buffer(_) => None,
        }
    }

    /// The part of a buffer that it shows: place, offset and bytes; clamped to the buffer.
    pub fn buffer_range(&self, buffer: &Buffer) -> (vk::Buffer, u64, u64) {
        let (raw, base) = buffer.place();
        let element = self.element_bytes(buffer);
        let range = &self.desc.range;
        let offset = u64::from(range.first_element) * element;
        (raw, base + offset, u64::from(range.num_elements) * element)
    }

    fn element_bytes(&self, buffer: &Buffer) -> u64 {
        let c = &buffer.desc.command;
        if self.desc.range.flags & FLAG_RAW != 0 {
            4
        } else if c.misc_flags & misc::BUFFER_STRUCTURED != 0 {
            u64::from(c.structure_stride)
        } else {
            format::info(self.desc.format).map_or(4, |info| u64::from(info.block_bytes))
        }
    }

    /// Whether a buffer view has a format.
    pub fn is_typed(&self, buffer: &Buffer) -> bool {
        self.desc.range.flags & FLAG_RAW == 0 && buffer.desc.command.misc_flags & misc::BUFFER_STRUCTURED == 0
    }

    /// The texel-buffer view for the place where the buffer lies now.
    /// A shader may ask for another format of the same size.
    pub fn texel_view(&self, buffer: &Buffer, format: Option<vk::Format>) -> Result<vk::BufferView, Fault> {
        let (raw, offset, bytes) = self.buffer_range(buffer);
        let format = format.unwrap_or(map_color(self.desc.format));
        if let Some((known, at, known_format, view)) = self.texels.get()
            && (known, at, known_format) == (raw, offset, format)
        {
            return Ok(view);
        }
        let device = &self.trash.device;
        let elements = u64::from(device.limits.max_texel_buffer_elements);
        let bytes = bytes.min(elements.saturating_mul(self.element_bytes(buffer)));
        if !offset.is_multiple_of(device.texel_buffer_alignment(self.desc.format)) {
            return Err(Fault::unsupported(format!("a typed buffer view at byte {offset}")));
        }
        let info = vk::BufferViewCreateInfo::default().buffer(raw).format(format).offset(offset).range(bytes);
        // SAFETY: the decoder has checked the range, and the format's support was told to the guest and is checked there.
        let view = unsafe { device.raw.create_buffer_view(&info, None) }
            .map_err(|result| device.fault("vkCreateBufferView", result))?;
        if let Some((_, _, _, old)) = self.texels.replace(Some((raw, offset, format, view))) {
            self.trash.add(Garbage::BufferView(old));
        }
        Ok(view)
    }

    /// The image view that a shader's declaration asks for; `None` when this texture has no such form.
    pub fn shader_view(
        &self,
        texture: &Texture,
        declared: ResourceDimension,
        format: Option<vk::Format>,
    ) -> Result<Option<vk::ImageView>, Fault> {
        use ResourceDimension as R;
        let c = &texture.desc.command;
        let kind = match (c.dimension, declared) {
            (dimension::TEXTURE1D, R::Texture1D) => vk::ImageViewType::TYPE_1D,
            (dimension::TEXTURE1D, R::Texture1DArray) => vk::ImageViewType::TYPE_1D_ARRAY,
            (dimension::TEXTURE2D | dimension::TEXTURECUBE, R::Texture2D | R::Texture2DMs) => {
                vk::ImageViewType::TYPE_2D
            }
            (dimension::TEXTURE2D | dimension::TEXTURECUBE, R::Texture2DArray | R::Texture2DMsArray) => {
                vk::ImageViewType::TYPE_2D_ARRAY
            }
            (dimension::TEXTURECUBE, R::TextureCube) if self.desc.range.array_size >= 6 => {
                vk::ImageViewType::CUBE
            }
            (dimension::TEXTURECUBE, R::TextureCubeArray) if self.desc.range.array_size >= 6 => {
                vk::ImageViewType::CUBE_ARRAY
            }
            (dimension::TEXTURE3D, R::Texture3D) => vk::ImageViewType::TYPE_3D,
            _ => return Ok(None),
        };
        let multisampled = matches!(declared, R::Texture2DMs | R::Texture2DMsArray);
        if multisampled != (c.sample_count > 1) {
            return Ok(None);
        }
        if kind == vk::ImageViewType::CUBE_ARRAY && !self.trash.device.caps.shader.cube_array {
            return Ok(None);
        }
        if self.is_sliced(texture)
            && !self.trash.device.caps.sliced_view_of_3d
            && self.desc.range.first_array_slice != 0
        {
            // Nothing may be seen of the slices before.
            log::warn!("unordered access from the middle of a volume is not seen by shaders on this GPU");
            return Ok(None);
        }
        self.image_view(texture, kind, format).map(Some)
    }

    /// The image view for the output merger.
    pub fn attachment(&self, texture: &Texture) -> Result<vk::ImageView, Fault> {
        let kind = match texture.desc.command.dimension {
            dimension::TEXTURE1D => vk::ImageViewType::TYPE_1D_ARRAY,
            _ => vk::ImageViewType::TYPE_2D_ARRAY,
        };
        self.image_view(texture, kind, None)
    }

    /// The storage image that a shader blends into instead of an attachment; null where there can be none.
    pub fn blended(&self) -> Result<vk::ImageView, Fault> {
        let null = vk::ImageView::null();
        let Some(texture) = self.texture().filter(|texture| texture.image().storable) else {
            return Ok(null);
        };
        match storage_format(self.attachment_format(texture)) {
            Some(format) => self.image_view(texture, vk::ImageViewType::TYPE_2D_ARRAY, Some(format)),
            None => Ok(null),
        }
    }

    /// What [`View::attachment`] is rendered in.
    pub fn attachment_format(&self, texture: &Texture) -> vk::Format {
        map_view(self.desc.format, texture.plane(self.desc.format).format).format
    }

    fn image_view(
        &self,
        texture: &Texture,
        kind: vk::ImageViewType,
        format: Option<vk::Format>,
    ) -> Result<vk::ImageView, Fault> {
        let image = texture.plane(self.desc.format);
        let min_lod = if self.desc.kind == view_kind::SHADER_RESOURCE { texture.min_lod.get() } else { 0.0 };
        let form = Form { image: image.uid, kind, format, min_lod: min_lod.to_bits() };
        if let Some((_, view)) = self.images.borrow().iter().find(|(known, _)| *known == form) {
            return Ok(*view);
        }
        let range = &self.desc.range;
        let layers = match kind {
            vk::ImageViewType::TYPE_1D | vk::ImageViewType::TYPE_2D | vk::ImageViewType::TYPE_3D => 1,
            vk::ImageViewType::CUBE => 6,
            vk::ImageViewType::CUBE_ARRAY => range.array_size / 6 * 6,
            _ => range.array_size,
        };
        let first = if kind == vk::ImageViewType::TYPE_3D { 0 } else { range.first_array_slice };
        let mut view = map_view(self.desc.format, image.format);
        if let Some(format) = format {
            view.format = format;
        }
        let (usage, aspect) = match self.desc.kind {
            view_kind::RENDER_TARGET if format.is_some() => (vk::ImageUsageFlags::STORAGE, view.aspect),
            view_kind::RENDER_TARGET => (vk::ImageUsageFlags::COLOR_ATTACHMENT, view.aspect),
            view_kind::DEPTH_STENCIL => (vk::ImageUsageFlags::DEPTH_STENCIL_ATTACHMENT, image.aspects()),
            view_kind::UNORDERED_ACCESS => (vk::ImageUsageFlags::STORAGE, view.aspect),
            _ => (vk::ImageUsageFlags::SAMPLED, view.aspect),
        };
        if self.desc.kind != view_kind::SHADER_RESOURCE {
            view.swizzle = vk::ComponentMapping::default();
        }
        let device = &self.trash.device;
        // The clamp counts from the texture's most detailed mip, the view's levels from its own.
        // CAST: at most 15 mips.
        let clamp = (min_lod - range.most_detailed_mip as f32).clamp(0.0, (range.mip_levels - 1) as f32);
        // Without the extension whole levels are left out, which shifts the numbers of the others.
        // CAST: clamped above.
        let skipped = if device.caps.image_view_min_lod { 0 } else { clamp.floor() as u32 };
        let mut usage = vk::ImageViewUsageCreateInfo::default().usage(usage);
        let mut clamped = vk::ImageViewMinLodCreateInfoEXT::default()
            .min_lod(clamp + if clamp > 0.0 { range.most_detailed_mip as f32 } else { 0.0 });
        let mut sliced = vk::ImageViewSlicedCreateInfoEXT::default()
            .slice_offset(range.first_array_slice)
            .slice_count(range.array_size);
        let mut info = vk::ImageViewCreateInfo::default()
            .image(image.raw)
            .view_type(kind)
            .format(view.format)
            .components(view.swizzle)
            .subresource_range(vk::ImageSubresourceRange {
                aspect_mask: aspect,
                base_mip_level: range.most_detailed_mip + skipped,
                level_count: range.mip_levels - skipped,
                base_array_layer: first,
                layer_count: layers,
            })
            .push_next(&mut usage);
        if clamp > 0.0 && device.caps.image_view_min_lod {
            info = info.push_next(&mut clamped);
        }
        if kind == vk::ImageViewType::TYPE_3D && self.is_sliced(texture) && device.caps.sliced_view_of_3d {
            info = info.push_next(&mut sliced);
        }
        // SAFETY: the decoder has checked mips, slices and the format's family; the image is alive.
        let raw = unsafe { device.raw.create_image_view(&info, None) }
            .map_err(|result| device.fault("vkCreateImageView", result))?;
        let mut images = self.images.borrow_mut();
        if images.len() >= MAX_FORMS {
            // Made of an image that has moved since, or for a clamp that was another: what was needed longest ago goes.
            let (_, old) = images.remove(0);
            self.trash.add(Garbage::ImageView(old));
        }
        images.push((form, raw));
        Ok(raw)
    }
}

/// Whether samplers may filter and may compare what a view of a texture shows. D3D11 compares depths, and colours of two formats.
fn sampling(sampling: &Sampling, format: u32, texture: &Texture) -> (bool, bool) {
    let shown = map_view(format, texture.plane(format).format);
    let comparable = match shown.aspect {
        vk::ImageAspectFlags::COLOR => {
            matches!(shown.format, vk::Format::R32_SFLOAT | vk::Format::R16_UNORM)
        }
        aspect => aspect.contains(vk::ImageAspectFlags::DEPTH),
    };
    (sampling.filters(shown.format, shown.aspect), comparable && sampling.compares(shown.format))
}

/// The image that stands for a buffer in a pass.
fn line_of_texels(desc: &ViewDesc, trash: &Rc<Trash>) -> Result<Texture, Fault> {
    let block = format::info(desc.format)
        .ok_or_else(|| Fault::unsupported(format!("buffers of format {} as render targets", desc.format)))?;
    let width = desc.range.num_elements;
    let shape = Shape { width, height: 1, depth: 1, mip_levels: 1, array_size: 1 };
    let command = CreateResource {
        dimension: dimension::TEXTURE2D,
        format: desc.format,
        width,
        height: 1,
        depth: 1,
        mip_levels: 1,
        array_size: 1,
        sample_count: 1,
        bind_flags: bind::RENDER_TARGET,
        ..Default::default()
    };
    Texture::new(Rc::new(ResourceDesc::new(command, block, shape)), trash)
}

impl Drop for View {
    fn drop(&mut self) {
        for (_, view) in self.images.take() {
            self.trash.add(Garbage::ImageView(view));
        }
        if let Some((_, _, _, view)) = self.texels.take() {
            self.trash.add(Garbage::BufferView(view));
        }
    }
}
