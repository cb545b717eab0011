//! What a context no longer uses but the GPU may: destroyed after the submission that follows.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use ash::vk;

use super::Device;
use super::device::Allocation;
use super::external::ImageMemory;
use super::memory::{Slice, SlicePool};
use super::pipeline_pool::Making;
use super::query::{QueryPools, QuerySlot};

/// Something to destroy.
pub enum Garbage {
    Buffer(vk::Buffer, Option<Allocation>),
    BufferView(vk::BufferView),
    Image(vk::Image, Option<ImageMemory>),
    ImageView(vk::ImageView),
    Sampler(vk::Sampler),
    ShaderModule(vk::ShaderModule),
    Pipeline(Making),
    PipelineLayout(vk::PipelineLayout),
    SetLayout(vk::DescriptorSetLayout),
    Template(vk::DescriptorUpdateTemplate),
    Readback(Slice),
    Query(QuerySlot),
}

/// What a submission leaves behind.
#[derive(Default)]
pub struct Bag {
    items: Vec<Garbage>,
    /// By themselves, since each discard of a buffer leaves one.
    slices: Vec<Slice>,
}

impl Bag {
    /// Adds what another bag has.
    pub fn append(&mut self, other: Self) {
        self.items.extend(other.items);
        self.slices.extend(other.slices);
    }

    /// All but the slices.
    pub fn into_items(self) -> Vec<Garbage> {
        self.items
    }
}

/// A context's garbage since the last submission.
pub struct Trash {
    pub(super) device: Arc<Device>,
    bag: RefCell<Bag>,
    /// Pipelines of the context's programs.
    pub(super) pipelines: Cell<usize>,
}

impl Trash {
    pub fn new(device: Arc<Device>) -> Rc<Self> {
        Rc::new(Self { device, bag: RefCell::default(), pipelines: Cell::new(0) })
    }

    /// Adds something that commands recorded so far may use.
    pub fn add(&self, garbage: Garbage) {
        self.bag.borrow_mut().items.push(garbage);
    }

    /// Adds a slice that commands recorded so far may use.
    #[inline]
    pub fn add_slice(&self, slice: Slice) {
        self.bag.borrow_mut().slices.push(slice);
    }

    /// All of it, to travel with a submission.
    pub fn take(&self) -> Bag {
        self.bag.take()
    }
}

/// What became of garbage.
#[derive(Clone, Copy, Debug, Default)]
pub struct Emptied {
    /// Something is gone that a descriptor set may have named.
    pub descriptors_died: bool,
}

/// Destroys garbage that the GPU is done with.
pub fn empty(
    device: &Device,
    bag: Bag,
    slices: &SlicePool,
    readback: &SlicePool,
    queries: &mut QueryPools,
) -> Emptied {
    let mut emptied = Emptied::default();
    let raw = &device.raw;
    slices.recycle(bag.slices);
    for item in bag.items {
        emptied.descriptors_died |= matches!(
            item,
            Garbage::Buffer(..) | Garbage::BufferView(_) | Garbage::ImageView(_) | Garbage::Sampler(_)
        );
        match item {
            Garbage::Buffer(buffer, allocation) => {
                // SAFETY: the submission that used the buffer has finished, and nothing refers to it any more.
                unsafe { raw.destroy_buffer(buffer, None) };
                if let Some(allocation) = allocation {
                    device.free(allocation);
                }
            }
            Garbage::Image(image, memory) => destroy_image(device, image, memory),
            // SAFETY: as above.
            Garbage::BufferView(view) => unsafe { raw.destroy_buffer_view(view, None) },
            // SAFETY: as above.
            Garbage::ImageView(view) => unsafe { raw.destroy_image_view(view, None) },
            Garbage::Sampler(sampler) => device.destroy_sampler(sampler),
            // SAFETY: as above; pipelines do not need their modules after creation.
            Garbage::ShaderModule(module) => unsafe { raw.destroy_shader_module(module, None) },
            Garbage::Pipeline(making) => {
                if let Some(pipeline) = making.discard() {
                    // SAFETY: as above.
                    unsafe { raw.destroy_pipeline(pipeline, None) };
                }
            }
            // SAFETY: as above.
            Garbage::PipelineLayout(layout) => unsafe { raw.destroy_pipeline_layout(layout, None) },
            // SAFETY: as above; its descriptor sets are never bound again.
            Garbage::SetLayout(layout) => unsafe { raw.destroy_descriptor_set_layout(layout, None) },
            // SAFETY: as above.
            Garbage::Template(template) => unsafe { raw.destroy_descriptor_update_template(template, None) },
            Garbage::Readback(slice) => readback.recycle(vec![slice]),
            Garbage::Query(slot) => queries.recycle(slot),
        }
    }
    emptied
}

/// Destroys an image that the GPU is done with, and gives its memory back.
pub fn destroy_image(device: &Device, image: vk::Image, memory: Option<ImageMemory>) {
    // SAFETY: the submissions that used the image have finished, and nothing refers to it any more.
    unsafe { device.raw.destroy_image(image, None) };
    if let Some(memory) = memory {
        device.free_image(memory);
    }
}
