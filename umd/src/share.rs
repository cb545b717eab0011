//! Resources that other devices use: how they are made known, and how they are opened.
//!
//! The host knows a shared resource by a token. It travels from device to device in the resource's private data, which
//! dxgkrnl hands to those who may open it and to nobody else; see [`ShareResource`].

use core::ffi::c_void;
use core::sync::atomic::Ordering;

use pvgpu_protocol::command::{
    SHARE_TOKEN_WORDS, ShareResource, TryOpenSharedResource, dimension, open_status,
};
use pvgpu_protocol::format;
use pvgpu_protocol::kernel_interface::{AllocationData, PrivateHeader, SharedResourceData, kind};
use pvgpu_protocol::staging::Shape;
use pvgpu_umd_ddi::D3DKMT_HANDLE;

use crate::copy;
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

/// Bytes of the host's answer to an opening.
const STATUS_BYTES: u64 = 8;

/// A token that nobody can guess.
fn new_token() -> Result<[u64; SHARE_TOKEN_WORDS], Error> {
    let mut token = [0; SHARE_TOKEN_WORDS];
    getrandom::getrandom(bytemuck::cast_slice_mut(&mut token))
        .map_err(|_| Error::Unsupported("shared resources on a system without random numbers"))?;
    // A word that is zero is no token's; one in 2^64 is.
    Ok(token.map(|word| word.max(1)))
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
        let token = new_token()?;
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

    /// `OpenResource`: makes what another device shares a resource of this one. Waits for the host's answer: whoever shared it
    /// may be gone, with all that it had.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a format without a known layout; [`Error::BadArgument`] when nobody shares it any more;
    /// [`Error::OutOfMemory`], [`Error::DeviceRemoved`].
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
        let block = context.allocate(STATUS_BYTES, 8)?;
        let status = block.range(STATUS_BYTES);
        copy::clear(block.cells());
        let opened = self.create(
            |context, id| context.emit(&TryOpenSharedResource { token: data.token, status, id, reserved: 0 }),
            |id| Resource {
                id,
                shape,
                format,
                is_buffer: false,
                misc_flags: data.misc_flags,
                tiling: Default::default(),
                pool_tiles: Default::default(),
                memory: Memory::Host,
                surface: None,
                share,
            },
        );
        let context = &mut self.context;
        let answered = opened.and_then(|resource| {
            let fence = context.stream.next_fence();
            context.wait(fence).map(|()| resource)
        });
        let status = block.cells().first().map_or(open_status::NONE, |cell| cell.load(Ordering::Acquire));
        context.free(block);
        let resource = answered?;
        if status == open_status::OPENED {
            return Ok(resource);
        }
        // The host has no object of this number; the runtime closes the allocation of what it could not open.
        self.context.ids.free(resource.id);
        Err(Error::BadArgument("a shared resource that nobody has any more"))
    }
}
