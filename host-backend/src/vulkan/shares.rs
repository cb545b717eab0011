//! Textures that several contexts of a worker use.
//!
//! All contexts record on the worker's one thread and submit to one queue, and each batch begins with a barrier against all
//! before. So sharing asks for two things only: that batches reach the queue in the order in which they were decoded
//! ([`super::Context::end_turn`] sees to it), and that an image outlives the last batch of any context that uses it. The latter
//! is why shared images end on a list of their own, which travels with the next submission of whichever context.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use super::Device;
use super::resource::Texture;
use super::trash::{Bag, Garbage, Trash, destroy_image};
use crate::ops::ShareToken;

/// Shared textures by token.
pub struct Shares {
    textures: RefCell<HashMap<ShareToken, Weak<Texture>>>,
    trash: Rc<Trash>,
}

impl Shares {
    /// None yet.
    pub fn new(device: Arc<Device>) -> Self {
        Self { textures: RefCell::default(), trash: Trash::new(device) }
    }

    /// Lets whoever knows the token have a texture, as long as some context does.
    pub fn add(&self, token: ShareToken, texture: &Rc<Texture>) {
        texture.image().dispose_to(&self.trash);
        let mut textures = self.textures.borrow_mut();
        textures.retain(|_, texture| texture.strong_count() != 0);
        textures.insert(token, Rc::downgrade(texture));
    }

    /// The texture of a token.
    pub fn find(&self, token: ShareToken) -> Option<Rc<Texture>> {
        self.textures.borrow().get(&token).and_then(Weak::upgrade)
    }

    /// Images that no context has any more; batches that were submitted may still use them.
    pub fn take_garbage(&self) -> Bag {
        self.trash.take()
    }
}

impl Drop for Shares {
    fn drop(&mut self) {
        let garbage = self.trash.take().into_items();
        if !garbage.is_empty() {
            self.trash.device.wait_idle();
        }
        for image in garbage {
            if let Garbage::Image(image, allocation) = image {
                destroy_image(&self.trash.device, image, allocation);
            }
        }
    }
}
