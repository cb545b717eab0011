//! Images: made, filled, viewed and read back.
#![expect(unsafe_code, reason = "Vulkan is a C interface")]

use ash::vk;
use pvgpu_dxbc::ResourceDimension;

use super::contents::{Image, ImageKind};
use super::samples;
use super::scope::{Buffer, Scope};

/// An image on the device, always in the general layout.
pub struct DeviceImage {
    /// Vulkan's object.
    pub raw: vk::Image,
    readback: Option<Buffer>,
}

fn samples_flag(samples: u32) -> vk::SampleCountFlags {
    vk::SampleCountFlags::from_raw(samples)
}

/// All of an image.
fn whole(image: &Image) -> vk::ImageSubresourceRange {
    vk::ImageSubresourceRange::default()
        .aspect_mask(image.format.aspect())
        .level_count(vk::REMAINING_MIP_LEVELS)
        .layer_count(vk::REMAINING_ARRAY_LAYERS)
}

impl Scope<'_> {
    /// Makes an image of that shape; `usage` is what it is for beside copies.
    pub fn device_image(&self, image: &Image, usage: vk::ImageUsageFlags) -> DeviceImage {
        let ty = match image.kind {
            ImageKind::D1 => vk::ImageType::TYPE_1D,
            ImageKind::D2 | ImageKind::Cube => vk::ImageType::TYPE_2D,
            ImageKind::D3 => vk::ImageType::TYPE_3D,
        };
        let flags = match image.kind {
            ImageKind::Cube => vk::ImageCreateFlags::CUBE_COMPATIBLE,
            _ => vk::ImageCreateFlags::empty(),
        };
        let [width, height, depth] = image.extent;
        let mut usage = usage;
        if image.samples > 1 {
            // Samples are read by a shader.
            usage |= vk::ImageUsageFlags::SAMPLED;
        }
        let copies = vk::ImageUsageFlags::TRANSFER_SRC | vk::ImageUsageFlags::TRANSFER_DST;
        let info = vk::ImageCreateInfo::default()
            .flags(flags)
            .image_type(ty)
            .format(image.format.vk())
            .extent(vk::Extent3D { width, height, depth })
            .mip_levels(image.mips)
            .array_layers(image.layers)
            .samples(samples_flag(image.samples))
            .usage(usage | copies);
        let raw = self.image(&info);
        let barrier = [vk::ImageMemoryBarrier::default()
            .dst_access_mask(vk::AccessFlags::MEMORY_READ | vk::AccessFlags::MEMORY_WRITE)
            .old_layout(vk::ImageLayout::UNDEFINED)
            .new_layout(vk::ImageLayout::GENERAL)
            .image(raw)
            .subresource_range(whole(image))];
        let all = vk::PipelineStageFlags::ALL_COMMANDS;
        let none = vk::DependencyFlags::empty();
        let (device, commands) = (&self.device.raw, self.device.commands);
        // SAFETY: the command buffer is recording, outside rendering.
        unsafe { device.cmd_pipeline_barrier(commands, all, all, none, &[], &[], &barrier) };
        DeviceImage { raw, readback: None }
    }

    /// Makes an image with its texels in it. Barriers are the caller's.
    pub fn filled_image(&self, image: &Image, usage: vk::ImageUsageFlags) -> DeviceImage {
        if image.samples > 1 {
            let target = self.device_image(image, usage | vk::ImageUsageFlags::STORAGE);
            samples::store(self, image, &target);
            return target;
        }
        let target = self.device_image(image, usage);
        let staging = self.buffer(&image.texels, vk::BufferUsageFlags::TRANSFER_SRC);
        let (device, commands) = (&self.device.raw, self.device.commands);
        let layout = vk::ImageLayout::GENERAL;
        let regions = regions(image);
        // SAFETY: the command buffer is recording, and the buffer holds the image's texels.
        unsafe { device.cmd_copy_buffer_to_image(commands, staging.raw, target.raw, layout, &regions) };
        target
    }

    /// A view as a shader that declares `dimension` needs it; storage views show one level.
    pub fn shader_view(
        &self,
        image: &Image,
        target: &DeviceImage,
        dimension: ResourceDimension,
        storage: bool,
    ) -> vk::ImageView {
        let (ty, layers) = match dimension {
            ResourceDimension::Texture1D => (vk::ImageViewType::TYPE_1D, 1),
            ResourceDimension::Texture1DArray => (vk::ImageViewType::TYPE_1D_ARRAY, image.layers),
            ResourceDimension::Texture2D | ResourceDimension::Texture2DMs => (vk::ImageViewType::TYPE_2D, 1),
            ResourceDimension::Texture2DArray | ResourceDimension::Texture2DMsArray => {
                (vk::ImageViewType::TYPE_2D_ARRAY, image.layers)
            }
            ResourceDimension::Texture3D => (vk::ImageViewType::TYPE_3D, 1),
            ResourceDimension::TextureCube => (vk::ImageViewType::CUBE, 6),
            ResourceDimension::TextureCubeArray => (vk::ImageViewType::CUBE_ARRAY, image.layers),
            ResourceDimension::Buffer => panic!("an image is bound where the shader has a buffer"),
        };
        let range = vk::ImageSubresourceRange::default()
            .aspect_mask(image.format.aspect())
            .base_mip_level(image.first_mip)
            .level_count(if storage { 1 } else { image.mips - image.first_mip })
            .layer_count(layers);
        let info = vk::ImageViewCreateInfo::default()
            .image(target.raw)
            .view_type(ty)
            .format(image.format.vk())
            .subresource_range(range);
        self.image_view(&info)
    }

    /// Records the copy of an image back to the host. Barriers are the caller's.
    pub fn read_back(&self, image: &Image, target: &mut DeviceImage) {
        if image.samples > 1 {
            target.readback = Some(samples::load(self, image, target));
            return;
        }
        let buffer = self.buffer(&vec![0; image.texels.len()], vk::BufferUsageFlags::TRANSFER_DST);
        let (device, commands) = (&self.device.raw, self.device.commands);
        let layout = vk::ImageLayout::GENERAL;
        let regions = regions(image);
        // SAFETY: the command buffer is recording, and the buffer has room for the image's texels.
        unsafe { device.cmd_copy_image_to_buffer(commands, target.raw, layout, buffer.raw, &regions) };
        target.readback = Some(buffer);
    }
}

impl DeviceImage {
    /// The texels, once the run that reads them back has been waited for.
    pub fn texels(&self, image: &Image) -> Vec<u32> {
        let buffer = self.readback.as_ref().expect("the image is read back");
        if image.samples > 1 { samples::packed(image, &buffer.read()) } else { buffer.read() }
    }
}

/// One copy for each level of each layer.
fn regions(image: &Image) -> Vec<vk::BufferImageCopy> {
    let mut regions = Vec::new();
    for layer in 0..image.layers {
        for mip in 0..image.mips {
            let [width, height, depth] = image.level_extent(mip);
            let subresource = vk::ImageSubresourceLayers::default()
                .aspect_mask(image.format.aspect())
                .mip_level(mip)
                .base_array_layer(layer)
                .layer_count(1);
            regions.push(
                vk::BufferImageCopy::default()
                    .buffer_offset(4 * image.offset(layer, mip) as u64)
                    .image_subresource(subresource)
                    .image_extent(vk::Extent3D { width, height, depth }),
            );
        }
    }
    regions
}
