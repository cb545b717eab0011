//! Checks of `ShareResource`, `OpenSharedResource` and `TryOpenSharedResource`.

use std::rc::Rc;

use pvgpu_protocol::CommandRef;
use pvgpu_protocol::command::{self, HeapRange, bind, dimension, misc, open_status, usage};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::limits::MAX_OBJECTS;
use rkyv::rend::u64_le;

use super::{Decoder, Object, Step};
use crate::fault::Fault;
use crate::ops::{Backend, Op, ResourceDesc, ShareToken};

fn token(words: &[u64_le; command::SHARE_TOKEN_WORDS]) -> Result<ShareToken, Fault> {
    let token = words.map(|word| word.to_native());
    // Zeros are what a guest has that never drew a token.
    if token.contains(&0) {
        return Err(Fault::argument("a share token with a zero"));
    }
    Ok(token)
}

impl Decoder {
    pub(super) fn share_resource(
        &mut self,
        c: &command::ArchivedShareResource,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let (id, token) = (c.id.to_native(), token(&c.token)?);
        check_shareable(self.resource(id)?).map_err(|fault| fault.about(id))?;
        if backend.shared(token).is_some() {
            return Err(Fault::argument("a share token that is in use").about(id));
        }
        backend.execute(Op::ShareResource { id, token }).map_err(|fault| fault.about(id))
    }

    pub(super) fn open_shared_resource(
        &mut self,
        c: &command::ArchivedOpenSharedResource,
        backend: &mut impl Backend,
    ) -> Result<Step, Fault> {
        let opened = self.open_token(c.id.to_native(), token(&c.token)?, backend)?;
        Ok(if opened { Step::Continue } else { Step::AwaitShare })
    }

    pub(super) fn try_open_shared_resource(
        &mut self,
        c: &command::ArchivedTryOpenSharedResource,
        backend: &mut impl Backend,
    ) -> Result<Step, Fault> {
        let (id, token, status) = (c.id.to_native(), token(&c.token)?, self.status(c)?);
        match self.open_token(id, token, backend) {
            Ok(false) => return Ok(Step::AwaitShare),
            Ok(true) => self.heap.write(status.offset, &open_status::OPENED.to_le_bytes()),
            // What another worker shares may not fit in here; a number that is in use is this guest's mistake.
            Err(fault) if self.objects.get(id).is_none() && id < MAX_OBJECTS => {
                log::warn!("a shared resource is not opened: {fault}");
                self.heap.write(status.offset, &open_status::REFUSED.to_le_bytes());
            }
            Err(fault) => return Err(fault),
        }
        Ok(Step::Continue)
    }

    /// Where the answer goes.
    fn status(&self, c: &command::ArchivedTryOpenSharedResource) -> Result<HeapRange, Fault> {
        let status = self.heap_place(c.status)?;
        if status.length != 8 || !status.offset.is_multiple_of(8) {
            let what = format!("an answer at heap range {:#x}+{:#x}", status.offset, status.length);
            return Err(Fault::new(error_code::BAD_HEAP_RANGE, what));
        }
        Ok(status)
    }

    /// Whether a held record could be answered that nobody shares the token; else it is an error that nobody does.
    ///
    /// # Errors
    /// A [`Fault`] that poisons the context.
    pub fn refuse_open(&mut self, words: &[u64]) -> Result<(), Fault> {
        let nobody = || Fault::argument("a share token of which no context has a resource");
        match command::decode(words) {
            Ok(CommandRef::TryOpenSharedResource(c)) => {
                let status = self.status(c)?;
                self.heap.write(status.offset, &open_status::REFUSED.to_le_bytes());
                Ok(())
            }
            _ => Err(nobody()),
        }
    }

    /// Makes what is shared under a token an object; false while nobody shares it.
    fn open_token(&mut self, id: u32, token: ShareToken, backend: &mut impl Backend) -> Result<bool, Fault> {
        self.check_free(id)?;
        let desc = if let Some(desc) = backend.shared(token) {
            backend.execute(Op::OpenSharedResource { id, token }).map_err(|fault| fault.about(id))?;
            desc
        } else if let Some(offer) = backend.offer(token) {
            // Another worker has checked this as its guest said it; nothing is taken from that.
            let desc = self.describe(offer.image.description(id), HeapRange::default());
            let desc = Rc::new(desc.map_err(|fault| fault.about(id))?);
            check_shareable(&desc).map_err(|fault| fault.about(id))?;
            let op = Op::ImportResource { id, token, desc: desc.clone(), offer };
            backend.execute(op).map_err(|fault| fault.about(id))?;
            desc
        } else {
            return Ok(false);
        };
        self.insert(id, Object::Resource(desc))?;
        Ok(true)
    }
}

fn check_shareable(desc: &ResourceDesc) -> Result<(), Fault> {
    let command = &desc.command;
    let plain = command.dimension == dimension::TEXTURE2D && command.usage == usage::DEFAULT;
    if !plain || command.bind_flags & bind::PRESENT != 0 || command.misc_flags & misc::TILED != 0 {
        let what = "only a 2D texture that is neither presented nor tiled can be shared";
        return Err(Fault::argument(what));
    }
    Ok(())
}
