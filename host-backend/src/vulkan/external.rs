//! Images whose memory other workers may have: how it leaves this process, and how another's comes in.
//!
//! Memory travels as an opaque file descriptor (`VK_KHR_external_memory_fd`), which only the same driver on the same GPU
//! understands; hence [`SharedImage`] names both, and everything that makes the image what it is, for the other side to make
//! the same one. Each such image has memory of its own (a dedicated allocation), as drivers want it and as nothing else may
//! come along with it.
//!
//! Between batches an image that may be elsewhere belongs to nobody here: a batch that uses it begins by acquiring it from
//! `VK_QUEUE_FAMILY_EXTERNAL` and ends by releasing it there. That the batches of two workers do not overlap is the guests' to
//! see to, by keyed mutexes and by waiting for fences.

use std::cell::Cell;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::sync::atomic::Ordering;

use ash::{khr, vk};
use pvgpu_protocol::event::error_code;

use super::Device;
use super::device::Allocation;
use crate::fault::Fault;
use crate::shared_image::{GpuUuids, SharedImage};

/// How the memory travels.
const HANDLE: vk::ExternalMemoryHandleTypeFlags = vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD;

/// Memory of an image.
pub enum ImageMemory {
    /// From the allocator.
    Pooled(Allocation),
    /// Of its own, and perhaps others'.
    External(vk::DeviceMemory, u64),
}

impl ImageMemory {
    /// Bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Pooled(allocation) => allocation.size(),
            Self::External(_, size) => *size,
        }
    }

    /// Whether it is in system memory for want of room.
    pub fn is_spilled(&self) -> bool {
        matches!(self, Self::Pooled(allocation) if allocation.is_spilled())
    }
}

/// What is remembered of an image whose memory may be others' too.
#[derive(Debug)]
pub struct Outside {
    memory_type: u32,
    /// Whether the last batch that used it has released it.
    pub released: Cell<bool>,
}

impl Device {
    /// The GPU and the driver, as memory of others must have them.
    pub fn uuids(&self) -> GpuUuids {
        let mut ids = vk::PhysicalDeviceIDProperties::default();
        let mut all = vk::PhysicalDeviceProperties2::default().push_next(&mut ids);
        // SAFETY: the chain holds a structure of Vulkan 1.1.
        unsafe { self.instance.raw.get_physical_device_properties2(self.physical, &mut all) };
        GpuUuids { device: ids.device_uuid, driver: ids.driver_uuid }
    }

    /// Whether images like this one can be made here and in another worker over the same memory.
    pub(super) fn can_be_external(&self, info: &vk::ImageCreateInfo<'_>) -> bool {
        if !self.caps.external_memory_fd {
            return false;
        }
        let mut external = vk::PhysicalDeviceExternalImageFormatInfo::default().handle_type(HANDLE);
        let asked = vk::PhysicalDeviceImageFormatInfo2::default()
            .format(info.format)
            .ty(info.image_type)
            .tiling(info.tiling)
            .usage(info.usage)
            .flags(info.flags)
            .push_next(&mut external);
        let mut answer = vk::ExternalImageFormatProperties::default();
        let mut all = vk::ImageFormatProperties2::default().push_next(&mut answer);
        // SAFETY: the physical device belongs to the instance; the chains hold structures of Vulkan 1.1.
        let known = unsafe {
            self.instance.raw.get_physical_device_image_format_properties2(self.physical, &asked, &mut all)
        };
        let needed = vk::ExternalMemoryFeatureFlags::EXPORTABLE | vk::ExternalMemoryFeatureFlags::IMPORTABLE;
        let has = answer.external_memory_properties.external_memory_features;
        known.is_ok() && has.contains(needed)
    }

    /// Memory for an image made with [`external_info`], which others can be given.
    pub(super) fn allocate_external(
        &self,
        image: vk::Image,
        requirements: vk::MemoryRequirements,
    ) -> Result<(ImageMemory, Outside), Fault> {
        let memory_type = self.local_type(requirements.memory_type_bits)?;
        let mut export = vk::ExportMemoryAllocateInfo::default().handle_types(HANDLE);
        let mut dedicated = vk::MemoryDedicatedAllocateInfo::default().image(image);
        let info = vk::MemoryAllocateInfo::default()
            .allocation_size(requirements.size)
            .memory_type_index(memory_type)
            .push_next(&mut dedicated)
            .push_next(&mut export);
        self.reserve(requirements.size)?;
        // SAFETY: the chain is complete; the image lives, and was made for memory of this kind.
        let made = unsafe { self.raw.allocate_memory(&info, None) };
        let memory = made.map_err(|result| {
            self.unreserve(requirements.size);
            self.fault("vkAllocateMemory", result)
        })?;
        let outside = Outside { memory_type, released: Cell::new(false) };
        Ok((ImageMemory::External(memory, requirements.size), outside))
    }

    /// Memory that another worker shares, for an image made with [`external_info`] as the other one made it.
    pub(super) fn import_external(
        &self,
        image: vk::Image,
        requirements: vk::MemoryRequirements,
        shared: &SharedImage,
        fd: OwnedFd,
    ) -> Result<(ImageMemory, Outside), Fault> {
        let fits = requirements.size == shared.size
            && shared.memory_type < self.memory.memory_type_count
            && requirements.memory_type_bits & (1 << shared.memory_type) != 0;
        if !fits || shared.gpu != self.uuids() {
            return Err(Fault::unsupported("memory of another kind of GPU, or for another kind of image"));
        }
        self.reserve(shared.size)?;
        let raw = fd.into_raw_fd();
        let mut import = vk::ImportMemoryFdInfoKHR::default().handle_type(HANDLE).fd(raw);
        let mut dedicated = vk::MemoryDedicatedAllocateInfo::default().image(image);
        let info = vk::MemoryAllocateInfo::default()
            .allocation_size(shared.size)
            .memory_type_index(shared.memory_type)
            .push_next(&mut dedicated)
            .push_next(&mut import);
        // SAFETY: the chain is complete; the descriptor was exported by the same driver for memory of this size and type.
        let made = unsafe { self.raw.allocate_memory(&info, None) };
        let memory = made.map_err(|result| {
            // SAFETY: an import that fails leaves the descriptor to us, and nobody else has it.
            drop(unsafe { OwnedFd::from_raw_fd(raw) });
            self.unreserve(shared.size);
            self.fault("vkAllocateMemory", result)
        })?;
        // Whoever shares it has released it.
        let outside = Outside { memory_type: shared.memory_type, released: Cell::new(true) };
        Ok((ImageMemory::External(memory, shared.size), outside))
    }

    /// A descriptor for memory of [`allocate_external`](Self::allocate_external).
    pub(super) fn export(&self, memory: vk::DeviceMemory) -> Option<OwnedFd> {
        let functions = khr::external_memory_fd::Device::new(&self.instance.raw, &self.raw);
        let info = vk::MemoryGetFdInfoKHR::default().memory(memory).handle_type(HANDLE);
        // SAFETY: the memory lives, and was allocated to be exported in this way.
        let raw = unsafe { functions.get_memory_fd(&info) }.ok()?;
        // SAFETY: the driver has just made the descriptor for us alone.
        Some(unsafe { OwnedFd::from_raw_fd(raw) })
    }

    /// Gives an image's memory back.
    pub(super) fn free_image(&self, memory: ImageMemory) {
        match memory {
            ImageMemory::Pooled(allocation) => self.free(allocation),
            ImageMemory::External(memory, size) => {
                // SAFETY: its image is gone, and the GPU has done all that used it.
                unsafe { self.raw.free_memory(memory, None) };
                self.unreserve(size);
            }
        }
    }

    /// The GPU's own memory, where an image may lie there.
    fn local_type(&self, bits: u32) -> Result<u32, Fault> {
        let types = self.memory.memory_types_as_slice();
        let allowed = |index: &u32| bits & (1 << index) != 0;
        let local = (0..)
            .zip(types)
            .find(|(index, kind)| {
                allowed(index) && kind.property_flags.contains(vk::MemoryPropertyFlags::DEVICE_LOCAL)
            })
            .map(|(index, _)| index);
        local
            .or_else(|| (0..self.memory.memory_type_count).find(allowed))
            .ok_or_else(|| Fault::unsupported("an image for which there is no memory"))
    }

    /// Counts memory that is allocated beside the allocator; the guest's limit holds for it as well.
    fn reserve(&self, size: u64) -> Result<(), Fault> {
        let used = self.memory_in_use.load(Ordering::Relaxed);
        if used.saturating_add(size) > self.memory_limit {
            return Err(Fault::new(
                error_code::LIMIT,
                format!("{size} bytes more than the {used} in use exceed the guest's {}", self.memory_limit),
            ));
        }
        self.memory_in_use.fetch_add(size, Ordering::Relaxed);
        self.local.fetch_add(size, Ordering::Relaxed);
        Ok(())
    }

    fn unreserve(&self, size: u64) {
        self.memory_in_use.fetch_sub(size, Ordering::Relaxed);
        self.local.fetch_sub(size, Ordering::Relaxed);
    }
}

/// What images are made with whose memory may be others'.
pub fn external_info<'a>() -> vk::ExternalMemoryImageCreateInfo<'a> {
    vk::ExternalMemoryImageCreateInfo::default().handle_types(HANDLE)
}

/// What an image is to other workers.
pub fn describe(
    outside: &Outside,
    size: u64,
    command: [u32; SharedImage::WORDS],
    gpu: GpuUuids,
) -> SharedImage {
    SharedImage { command, size, memory_type: outside.memory_type, gpu }
}
