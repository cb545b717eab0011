//! What a context no longer uses but the GPU may: destroyed after the submission that follows.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use ash::vk;
use gpu_allocator::vulkan::Allocation;

use super::Device;
use super::memory::{Slice, SlicePool};
use super::query::{QueryPools, QuerySlot};

/// Something to destroy.
pub enum Garbage {
    Buffer(vk::Buffer, Option<Allocation>),
    BufferView(vk::BufferView),
    Image(vk::Image, Option<Allocation>),
    ImageView(vk::ImageView),
    Sampler(vk::Sampler),
    ShaderModule(vk::ShaderModule),
    Pipeline(vk::Pipeline),
    PipelineLayout(vk::PipelineLayout),
    SetLayout(vk::DescriptorSetLayout),
    Template(vk::DescriptorUpdateTemplate),
    Slice(Slice),
    Readback(Slice),
    Query(QuerySlot),
}

/// A context's list of garbage since the last submission.
pub struct Trash {
    pub(super) device: Arc<Device>,
    list: RefCell<Vec<Garbage>>,
}

impl Trash {
    pub fn new(device: Arc<Device>) -> Rc<Self> {
        Rc::new(Self { device, list: RefCell::default() })
    }

    /// Adds something that commands recorded so far may use.
    pub fn add(&self, garbage: Garbage) {
        self.list.borrow_mut().push(garbage);
    }

    /// The list, to travel with a submission.
    pub fn take(&self) -> Vec<Garbage> {
        self.list.take()
    }
}

/// Destroys garbage that the GPU is done with.
pub fn empty(
    device: &Device,
    garbage: Vec<Garbage>,
    slices: &SlicePool,
    readback: &SlicePool,
    queries: &mut QueryPools,
) {
    let raw = &device.raw;
    for item in garbage {
        match item {
            Garbage::Buffer(buffer, allocation) => {
                // SAFETY: the submission that used the buffer has finished, and nothing refers to it any more.
                unsafe { raw.destroy_buffer(buffer, None) };
                if let Some(allocation) = allocation {
                    device.free(allocation);
                }
            }
            Garbage::Image(image, allocation) => {
                // SAFETY: as above.
                unsafe { raw.destroy_image(image, None) };
                if let Some(allocation) = allocation {
                    device.free(allocation);
                }
            }
            // SAFETY: as above.
            Garbage::BufferView(view) => unsafe { raw.destroy_buffer_view(view, None) },
            // SAFETY: as above.
            Garbage::ImageView(view) => unsafe { raw.destroy_image_view(view, None) },
            // SAFETY: as above.
            Garbage::Sampler(sampler) => unsafe { raw.destroy_sampler(sampler, None) },
            // SAFETY: as above; pipelines do not need their modules after creation.
            Garbage::ShaderModule(module) => unsafe { raw.destroy_shader_module(module, None) },
            // SAFETY: as above.
            Garbage::Pipeline(pipeline) => unsafe { raw.destroy_pipeline(pipeline, None) },
            // SAFETY: as above.
            Garbage::PipelineLayout(layout) => unsafe { raw.destroy_pipeline_layout(layout, None) },
            // SAFETY: as above; its descriptor sets are never bound again.
            Garbage::SetLayout(layout) => unsafe { raw.destroy_descriptor_set_layout(layout, None) },
            // SAFETY: as above.
            Garbage::Template(template) => unsafe { raw.destroy_descriptor_update_template(template, None) },
            Garbage::Slice(slice) => slices.recycle(slice),
            Garbage::Readback(slice) => readback.recycle(slice),
            Garbage::Query(slot) => queries.recycle(slot),
        }
    }
}
