//! Resources that other devices use: how they are made known, and how they are opened.
//!
//! The host knows a shared resource by a token. It travels from device to device in the resource's private data, which
//! dxgkrnl hands to those who may open it and to nobody else; see [`ShareResource`].

use core::ffi::c_void;
use core::hash::{BuildHasher, Hasher};
use std::hash::RandomState;

use pvgpu_protocol::command::{OpenSharedResource, SHARE_TOKEN_WORDS, ShareResource, dimension};
use pvgpu_protocol::format;
use pvgpu_protocol::kernel_interface::{AllocationData, PrivateHeader, SharedResourceData, kind};
use pvgpu_protocol::staging::Shape;
use pvgpu_umd_ddi::D3DKMT_HANDLE;

use crate::device::Device;
use crate::error::Error;
use crate::resource::{Description, Memory, Resource};

/// What a shared resource is to the kernel.
#[derive(Debug)]
pub(crate) struct Share {
    /// The runtime's handle of the resource, under which it was allocated or opened.
    pub runtime_resource: *mut c_void,
    /// The kernel's handle.
    pub allocation: D3DKMT_HANDLE,
}

/// A token that nobody can guess: hashes under keys that the standard library draws from the system's randomness.
fn new_token() -> [u64; SHARE_TOKEN_WORDS] {
    core::array::from_fn(|_| {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u64(0);
        // Zero is no token's; one hash in 2^64 is.
        hasher.finish().max(1)
    })
}

impl Device {
    /// Lets other devices open a resource that was just created.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for anything but 2D textures; [`Error::DeviceRemoved`], or what the kernel returned.
    pub(crate) fn share(
        &mut self,
        resource: &Resource,
        description: &Description,
        runtime_resource: *mut c_void,
    ) -> Result<Share, Error> {
        if description.dimension != dimension::TEXTURE2D {
            return Err(Error::Unsupported("shared resources other than 2D textures"));
        }
        let token = new_token();
        self.context.emit(&ShareResource { token, id: resource.id, reserved: 0 })?;
        let Shape { width, height, depth, mip_levels, array_size } = resource.shape;
        let format = description.format;
        let data = AllocationData {
            header: PrivateHeader::new(kind::ALLOCATION),
            context: self.context.number(),
            resource: resource.id,
            width,
            height,
            format,
            row_pitch: 0,
            frames_offset: 0,
            frame_bytes: 0,
        };
        let shared = SharedResourceData {
            header: PrivateHeader::new(kind::SHARED_RESOURCE),
            token,
            dimension: description.dimension,
            format,
            width,
            height,
            depth,
            mip_levels,
            array_size,
            misc_flags: description.misc_flags,
        };
        let allocation = self.context.kernel.allocate(runtime_resource, &data, Some(&shared))?;
        let share = Share { runtime_resource, allocation };
        // Whoever opens it finds it, and what was recorded before; later submissions are ordered with theirs.
        let context = &mut self.context;
        context.flush()?;
        context.stream.begin_gates(&mut *context.kernel)?;
        Ok(share)
    }

    /// `OpenResource`: makes what another device shares a resource of this one.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a format without a known layout; [`Error::OutOfMemory`], [`Error::DeviceRemoved`].
    pub fn open_shared(
        &mut self,
        data: &SharedResourceData,
        runtime_resource: *mut c_void,
        allocation: D3DKMT_HANDLE,
    ) -> Result<Resource, Error> {
        let format = format::info(data.format).ok_or(Error::Unsupported("textures of this format"))?;
        let context = &mut self.context;
        context.stream.begin_gates(&mut *context.kernel)?;
        let shape = Shape {
            width: data.width,
            height: data.height,
            depth: data.depth,
            mip_levels: data.mip_levels,
            array_size: data.array_size,
        };
        let share = Some(Share { runtime_resource, allocation });
        self.create(
            |context, id| context.emit(&OpenSharedResource { token: data.token, id, reserved: 0 }),
            |id| Resource {
                id,
                shape,
                format,
                is_buffer: false,
                misc_flags: data.misc_flags,
                memory: Memory::Host,
                surface: None,
                share,
            },
        )
    }
}
