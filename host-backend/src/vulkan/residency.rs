//! Where textures live when the GPU's own memory is short.
//!
//! A resource that finds no room in the GPU's own memory (the share that the guest may have, or what the driver says is left)
//! is made in the system's, where the GPU reaches it too, only slower. At the end of a batch the two kinds trade places:
//! textures in system memory that the batch has used come in, and textures that have not been used for the longest time go out.
//! A move is a copy on the GPU between two images of one texture; nobody waits for it.
//!
//! Buffers stay where they were made: most are small, and the large ones are read in order.

use std::rc::Rc;

use ash::vk;
use pvgpu_protocol::staging::mip_extent;

use super::Context;
use super::context::Counters;
use super::recorder::Access;
use super::resource::{Image, Texture};
use crate::fault::Fault;

/// Batches without use after which a texture may go out: about a frame of a few thousand draws.
const COLD: usize = 16;
/// Bytes that move in one batch at most, in each direction: some ms over PCI Express.
const MAX_MOVED: u64 = 64 << 20;

impl Context {
    /// Lets textures trade places at the end of a batch, outside rendering.
    pub(super) fn balance_memory(&mut self) -> Result<(), Fault> {
        let cold_before = self.recorder.begin_of_batch(COLD);
        if self.device.spilled() == 0 || self.recorder.is_empty() {
            return Ok(());
        }
        let (batch, mut hot, mut cold) = (self.recorder.batch_epoch(), Vec::new(), Vec::new());
        for texture in self.textures() {
            let image = texture.image();
            let used = image.tracker.last_use();
            if image.is_spilled() && used >= batch {
                hot.push(texture);
            } else if !image.is_spilled() && used < cold_before {
                cold.push((used, texture));
            }
        }
        // What is needed most comes first: the smallest gain nothing from waiting for the largest.
        hot.sort_by_key(|texture| texture.image().bytes());
        cold.sort_by_key(|(used, _)| *used);
        let mut room = self.device.local_room();
        let (mut moved, mut wanted) = (0, 0);
        for texture in hot {
            let bytes = texture.image().bytes();
            if moved + bytes > MAX_MOVED {
                break;
            }
            if bytes <= room {
                self.move_texture(&texture, false)?;
                room -= bytes;
                moved += bytes;
            } else {
                wanted += bytes - room;
                room = 0;
            }
        }
        // Room that is made now can be used once the GPU has copied what was there.
        let mut evicted = 0;
        for (_, texture) in cold {
            if evicted >= wanted.min(MAX_MOVED) {
                break;
            }
            evicted += texture.image().bytes();
            self.move_texture(&texture, true)?;
            self.count(|counters: &Counters| &counters.evictions, 1);
        }
        Ok(())
    }

    /// Moves a texture into or out of the GPU's own memory.
    fn move_texture(&mut self, texture: &Rc<Texture>, out: bool) -> Result<(), Fault> {
        // Without room it stays where it is.
        if let Ok(new) = Image::placed(&texture.desc, &self.trash, out, texture.image().storable) {
            self.exchange_image(texture, new)?;
        }
        Ok(())
    }

    /// Gives a texture an image that shaders may store to, or one that they need not, wherever there is room; false if there is none.
    pub(super) fn replace_image(&mut self, texture: &Rc<Texture>, storable: bool) -> Result<bool, Fault> {
        let out = texture.image().is_spilled();
        let places = [out, !out].into_iter();
        let made =
            places.map(|out| Image::placed(&texture.desc, &self.trash, out, storable)).find_map(Result::ok);
        let Some(new) = made else { return Ok(false) };
        self.exchange_image(texture, new)?;
        Ok(true)
    }

    /// Gives a texture another image, with the texels of the one that it had.
    fn exchange_image(&mut self, texture: &Rc<Texture>, new: Image) -> Result<(), Fault> {
        let (old, new) = (texture.image(), Rc::new(new));
        let cmd = self.prepare_use(&[(&old.tracker, Access::Read), (&new.tracker, Access::Write)])?;
        let (aspect_mask, shape) = (old.aspects(), texture.desc.shape);
        cmd.initialise_image(new.raw, aspect_mask);
        let regions: Vec<vk::ImageCopy> = (0..shape.mip_levels)
            .map(|mip| {
                let layers = vk::ImageSubresourceLayers {
                    aspect_mask,
                    mip_level: mip,
                    base_array_layer: 0,
                    layer_count: shape.array_size,
                };
                let [width, height, depth] =
                    [shape.width, shape.height, shape.depth].map(|size| mip_extent(size, mip));
                vk::ImageCopy {
                    src_subresource: layers,
                    dst_subresource: layers,
                    extent: vk::Extent3D { width, height, depth },
                    ..Default::default()
                }
            })
            .collect();
        let layout = vk::ImageLayout::GENERAL;
        cmd.copy_image(old.raw, layout, new.raw, layout, &regions);
        texture.set_image(new);
        Ok(())
    }
}
