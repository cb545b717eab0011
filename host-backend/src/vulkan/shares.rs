//! Textures that several contexts of a worker use.
//!
//! All contexts record on the worker's one thread and submit to one queue, and each batch begins with a barrier against all
//! before. So sharing asks for two things only: that batches reach the queue in the order in which they were decoded
//! ([`super::Context::end_turn`] sees to it), and that an image outlives the last batch of any context that uses it. The latter
//! is why shared images end on a list of their own, which travels with the next submission of whichever context.
//!
//! What a worker does not know, another one may share: [`crate::shared_image`] is the way there, [`super::external`] what comes
//! of it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use super::Device;
use super::resource::Image;
use super::resource::Texture;
use super::trash::{Bag, Garbage, Trash, destroy_image};
use crate::fault::Fault;
use crate::ops::{ResourceDesc, ShareToken};
use crate::shared_image::{Broker, Holding, Offer};

/// Shared textures by token.
pub struct Shares {
    textures: RefCell<HashMap<ShareToken, Weak<Texture>>>,
    /// Images that other workers may have.
    outside: RefCell<Vec<Weak<Image>>>,
    /// The way to other workers, if there is one.
    broker: Option<Arc<dyn Broker>>,
    trash: Rc<Trash>,
}

impl Shares {
    /// None yet; `broker` is the way to other workers.
    pub fn new(device: Arc<Device>, broker: Option<Arc<dyn Broker>>) -> Self {
        let trash = Trash::new(device);
        Self { textures: RefCell::default(), outside: RefCell::default(), broker, trash }
    }

    /// Lets whoever knows the token have a texture, as long as some context does.
    pub fn add(&self, token: ShareToken, texture: &Rc<Texture>) {
        texture.image().dispose_to(&self.trash);
        let mut textures = self.textures.borrow_mut();
        textures.retain(|_, texture| texture.strong_count() != 0);
        textures.insert(token, Rc::downgrade(texture));
        drop(textures);
        let Some(broker) = &self.broker else { return };
        if texture.is_held() {
            return;
        }
        let image = texture.image();
        if let Some((shared, memory)) = image.export(&texture.desc) {
            texture.hold(Holding::publish(broker, token, &shared, memory));
            self.note_outside(&image);
        }
    }

    fn note_outside(&self, image: &Rc<Image>) {
        let mut outside = self.outside.borrow_mut();
        outside.retain(|image| image.strong_count() != 0);
        outside.push(Rc::downgrade(image));
    }

    /// Asks whether another worker shares under a token.
    pub fn ask(&self, token: ShareToken) -> Option<Offer> {
        Offer::ask(self.broker.as_ref()?, token)
    }

    /// Makes what another worker shares a texture of this one.
    ///
    /// # Errors
    /// [`Fault`] when it cannot be one.
    pub fn import(
        &self,
        token: ShareToken,
        desc: &Rc<ResourceDesc>,
        offer: Offer,
    ) -> Result<Rc<Texture>, Fault> {
        let Offer { image, memory, holding } = offer;
        let texture = Rc::new(Texture::imported(desc.clone(), &self.trash, &image, memory)?);
        texture.hold(holding);
        self.note_outside(&texture.image());
        let mut textures = self.textures.borrow_mut();
        textures.retain(|_, texture| texture.strong_count() != 0);
        textures.insert(token, Rc::downgrade(&texture));
        Ok(texture)
    }

    /// Images of this worker that others may have.
    pub fn outside(&self) -> Vec<Rc<Image>> {
        self.outside.borrow().iter().filter_map(Weak::upgrade).collect()
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
