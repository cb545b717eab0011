//! What workers tell each other of images that they share, and who tells them.
//!
//! Workers do not know each other. Each speaks to the supervisor, which keeps what is shared by its token: whoever knows the
//! token gets it ([`crate::supervisor`] says who may). See ARCHITECTURE.md, "A shared texture is named by a random token".

#![forbid(unsafe_code)]

use std::os::fd::OwnedFd;
use std::sync::Arc;

use pvgpu_protocol::command::{CreateResource, HeapRange};
use serde::{Deserialize, Serialize};

use crate::ops::ShareToken;

/// Tells a GPU and its driver from others: memory goes from one to the same one only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuUuids {
    /// `VkPhysicalDeviceIDProperties::deviceUUID`.
    pub device: [u8; 16],
    /// `VkPhysicalDeviceIDProperties::driverUUID`.
    pub driver: [u8; 16],
}

/// An image that goes from one worker to another, without its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedImage {
    /// The guest's description of the resource, see [`SharedImage::words`]. Whoever opens it checks it again.
    pub command: [u32; Self::WORDS],
    /// Bytes of its memory.
    pub size: u64,
    /// The memory type.
    pub memory_type: u32,
    /// Where it is.
    pub gpu: GpuUuids,
}

impl SharedImage {
    /// Numbers of a description: all of `CreateResource` but the object's number and the heap range.
    pub const WORDS: usize = 13;

    /// A description as numbers.
    pub fn words(c: &CreateResource) -> [u32; Self::WORDS] {
        [
            c.dimension,
            c.format,
            c.width,
            c.height,
            c.depth,
            c.mip_levels,
            c.array_size,
            c.sample_count,
            c.sample_quality,
            c.usage,
            c.bind_flags,
            c.misc_flags,
            c.structure_stride,
        ]
    }

    /// The description, as if the guest had given it for an object of its own.
    pub fn description(&self, id: u32) -> CreateResource {
        let [
            dimension,
            format,
            width,
            height,
            depth,
            mip_levels,
            array_size,
            sample_count,
            sample_quality,
            usage,
            bind_flags,
            misc_flags,
            structure_stride,
        ] = self.command;
        CreateResource {
            heap: HeapRange::default(),
            id,
            dimension,
            format,
            width,
            height,
            depth,
            mip_levels,
            array_size,
            sample_count,
            sample_quality,
            usage,
            bind_flags,
            misc_flags,
            structure_stride,
        }
    }
}

/// What is known of a token.
#[derive(Debug)]
pub enum Asked {
    /// Nothing yet; ask again.
    Waiting,
    /// Nobody shares it, as of now.
    Unknown,
    /// It is this, and whoever asked counts as having it until it [withdraws](Broker::withdraw).
    Found(Box<SharedImage>, OwnedFd),
}

/// A worker's way to what other workers share.
pub trait Broker: Send + Sync {
    /// Lets others have an image. One whose token is in use is not shared.
    fn publish(&self, token: ShareToken, image: &SharedImage, memory: OwnedFd);

    /// This worker does not have it any more.
    fn withdraw(&self, token: ShareToken);

    /// Asks for an image; does not wait.
    fn ask(&self, token: ShareToken) -> Asked;
}

/// A worker has an image that others may have as well. Dropping it says that it has not any more.
pub struct Holding {
    broker: Arc<dyn Broker>,
    token: ShareToken,
}

impl Holding {
    /// Lets others have an image, for as long as a worker has it.
    pub fn publish(
        broker: &Arc<dyn Broker>,
        token: ShareToken,
        image: &SharedImage,
        memory: OwnedFd,
    ) -> Self {
        broker.publish(token, image, memory);
        Self { broker: broker.clone(), token }
    }
}

impl std::fmt::Debug for Holding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A token is a right; logs are no place for it.
        f.debug_struct("Holding").finish_non_exhaustive()
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.broker.withdraw(self.token);
    }
}

/// Another worker's image that this one may make its own.
#[derive(Debug)]
pub struct Offer {
    /// What it is.
    pub image: SharedImage,
    /// Its memory.
    pub memory: OwnedFd,
    /// That this worker has it.
    pub holding: Holding,
}

impl Offer {
    /// Asks for an image; none if nobody is known to share it so far.
    pub fn ask(broker: &Arc<dyn Broker>, token: ShareToken) -> Option<Self> {
        match broker.ask(token) {
            Asked::Found(image, memory) => {
                Some(Self { image: *image, memory, holding: Holding { broker: broker.clone(), token } })
            }
            Asked::Waiting | Asked::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_survive_the_way() {
        let mut next = 0;
        let mut count = || {
            next += 1;
            next
        };
        let command = CreateResource {
            heap: HeapRange::default(),
            dimension: count(),
            format: count(),
            width: count(),
            height: count(),
            depth: count(),
            mip_levels: count(),
            array_size: count(),
            sample_count: count(),
            sample_quality: count(),
            usage: count(),
            bind_flags: count(),
            misc_flags: count(),
            structure_stride: count(),
            id: 77,
        };
        let gpu = GpuUuids::default();
        let image = SharedImage { command: SharedImage::words(&command), size: 1, memory_type: 2, gpu };
        assert_eq!(image.description(77), command);
        let text = serde_json::to_string(&image).expect("writes");
        assert_eq!(serde_json::from_str::<SharedImage>(&text).expect("reads"), image);
    }
}
