//! Checks of `ShareResource` and `OpenSharedResource`.

use pvgpu_protocol::command::{self, bind, dimension, usage};
use rkyv::rend::u64_le;

use super::{Decoder, Object, Step};
use crate::fault::Fault;
use crate::ops::{Backend, Op, ShareToken};

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
        let desc = &self.resource(id)?.command;
        let plain = desc.dimension == dimension::TEXTURE2D && desc.usage == usage::DEFAULT;
        if !plain || desc.bind_flags & bind::PRESENT != 0 {
            return Err(Fault::argument("only a 2D texture that is not presented can be shared").about(id));
        }
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
        let (id, token) = (c.id.to_native(), token(&c.token)?);
        self.check_free(id)?;
        let Some(desc) = backend.shared(token) else { return Ok(Step::AwaitShare) };
        backend.execute(Op::OpenSharedResource { id, token }).map_err(|fault| fault.about(id))?;
        self.insert(id, Object::Resource(desc))?;
        Ok(Step::Continue)
    }
}
