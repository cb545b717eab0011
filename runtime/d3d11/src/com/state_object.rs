//! Blend, depth-stencil, rasterizer and sampler states, shared by description.

use core::cell::RefCell;
use core::ffi::c_void;
use core::ptr::NonNull;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

use pvgpu_umd_ddi::{
    D3D10_DDI_DEPTH_STENCIL_DESC, D3D10_DDI_SAMPLER_DESC, D3D11_1_DDI_BLEND_DESC, D3D11_1_DDI_RASTERIZER_DESC,
};
use windows::Win32::Graphics::Direct3D10::{
    ID3D10BlendState1_Vtbl, ID3D10DepthStencilState_Vtbl, ID3D10RasterizerState_Vtbl, ID3D10SamplerState_Vtbl,
};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_BLEND_DESC, D3D11_BLEND_DESC1, D3D11_DEPTH_STENCIL_DESC, D3D11_RASTERIZER_DESC,
    D3D11_RASTERIZER_DESC1, D3D11_RASTERIZER_DESC2, D3D11_SAMPLER_DESC, ID3D11BlendState_Impl,
    ID3D11BlendState1_Impl, ID3D11BlendState1_Vtbl, ID3D11DepthStencilState_Impl,
    ID3D11DepthStencilState_Vtbl, ID3D11RasterizerState_Impl, ID3D11RasterizerState1_Impl,
    ID3D11RasterizerState2_Impl, ID3D11RasterizerState2_Vtbl, ID3D11SamplerState_Impl,
    ID3D11SamplerState_Vtbl,
};
use windows_core::GUID;

use super::convert;
use super::d3d10;
use super::device::Device;
use super::driver::Object;
use super::guard::{Guard, Locked};
use super::object::{Class, Com, Vtables, vtable};
use crate::desc::state as rules;
use crate::hresult::{D3D11_ERROR_TOO_MANY_UNIQUE_STATE_OBJECTS, Result};

/// `D3D11_REQ_BLEND_OBJECT_COUNT_PER_DEVICE` and its three kin: all 4096.
const MAX_OBJECTS: usize = 4096;

/// A normalised description.
pub enum Desc {
    /// `ID3D11BlendState1`.
    Blend(Box<D3D11_1_DDI_BLEND_DESC>),
    /// `ID3D11DepthStencilState`.
    DepthStencil(D3D10_DDI_DEPTH_STENCIL_DESC),
    /// `ID3D11RasterizerState1`.
    Rasterizer(D3D11_1_DDI_RASTERIZER_DESC),
    /// `ID3D11SamplerState`.
    Sampler(D3D10_DDI_SAMPLER_DESC),
}

/// The four kinds, as indices of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Blend,
    DepthStencil,
    Rasterizer,
    Sampler,
}

impl Desc {
    fn kind(&self) -> Kind {
        match self {
            Self::Blend(_) => Kind::Blend,
            Self::DepthStencil(_) => Kind::DepthStencil,
            Self::Rasterizer(_) => Kind::Rasterizer,
            Self::Sampler(_) => Kind::Sampler,
        }
    }
}

/// A state object.
pub struct StateObject {
    desc: Desc,
    /// Its place in the cache; empty once it is out of it.
    key: RefCell<rules::Key>,
    _memory: Object,
}

/// Live state objects by what they are made from. Hashed without random numbers: std takes those from a DLL that Wine 8
/// lacks.
type Table = HashMap<rules::Key, NonNull<Com<StateObject>>, BuildHasherDefault<DefaultHasher>>;

/// The live state objects of a device.
#[derive(Default)]
pub struct StateCache {
    kinds: [Table; 4],
}

impl StateCache {
    fn kind(&mut self, kind: Kind) -> &mut Table {
        // PANIC: there are four kinds and four tables.
        &mut self.kinds[kind as usize]
    }
}

impl Com<Device> {
    /// The state object of a description, an old one if there is one: a public reference as an interface pointer.
    ///
    /// # Errors
    /// The driver's, or `D3D11_ERROR_TOO_MANY_UNIQUE_STATE_OBJECTS`.
    pub fn state_object(&self, desc: Desc, key: rules::Key) -> Result<*mut c_void> {
        self.inner.kernel.require_alive()?;
        let kind = desc.kind();
        let mut guard = Guard::new(&self.inner);
        if let Some(found) = guard.own.states.kind(kind).get(&key) {
            // SAFETY: the cache holds live objects only: they leave it when they are destroyed, under this lock.
            return Ok(unsafe { found.as_ref() }.hand_out());
        }
        if guard.own.states.kind(kind).len() >= MAX_OBJECTS {
            return Err(D3D11_ERROR_TOO_MANY_UNIQUE_STATE_OBJECTS);
        }
        let mut memory = match &desc {
            Desc::Blend(desc) => guard.driver.create_blend_state(desc),
            Desc::DepthStencil(desc) => guard.driver.create_depth_stencil_state(desc),
            Desc::Rasterizer(desc) => guard.driver.create_rasterizer_state(desc),
            Desc::Sampler(desc) => guard.driver.create_sampler(desc),
        }?;
        let handle = memory.handle();
        let inner = StateObject { desc, key: RefCell::new(key.clone()), _memory: memory };
        let object = Com::new(vtables(kind), self, handle, inner);
        guard.own.states.kind(kind).insert(key, object);
        Ok(object.as_ptr().cast())
    }
}

impl Class for StateObject {
    fn chain(&self, iid: &GUID) -> Option<usize> {
        let found = match self.desc.kind() {
            Kind::Blend => ID3D11BlendState1_Vtbl::matches(iid),
            Kind::DepthStencil => ID3D11DepthStencilState_Vtbl::matches(iid),
            Kind::Rasterizer => ID3D11RasterizerState2_Vtbl::matches(iid),
            Kind::Sampler => ID3D11SamplerState_Vtbl::matches(iid),
        };
        if found {
            return Some(0);
        }
        let old = match self.desc.kind() {
            Kind::Blend => ID3D10BlendState1_Vtbl::matches(iid),
            Kind::DepthStencil => ID3D10DepthStencilState_Vtbl::matches(iid),
            Kind::Rasterizer => ID3D10RasterizerState_Vtbl::matches(iid),
            Kind::Sampler => ID3D10SamplerState_Vtbl::matches(iid),
        };
        old.then_some(d3d10::CHAIN)
    }

    fn destroy(&self, handle: *mut c_void, locked: &mut Locked) {
        let kind = self.desc.kind();
        locked.own.states.kind(kind).remove(&self.key.take());
        match kind {
            Kind::Blend => locked.driver.destroy_blend_state(handle),
            Kind::DepthStencil => locked.driver.destroy_depth_stencil_state(handle),
            Kind::Rasterizer => locked.driver.destroy_rasterizer_state(handle),
            Kind::Sampler => locked.driver.destroy_sampler(handle),
        }
    }
}

fn vtables(kind: Kind) -> Vtables {
    let mut vtables = [core::ptr::null(); super::object::CHAINS];
    vtables[0] = match kind {
        Kind::Blend => vtable!(ID3D11BlendState1_Vtbl, Com<StateObject>, 0),
        Kind::DepthStencil => vtable!(ID3D11DepthStencilState_Vtbl, Com<StateObject>, 0),
        Kind::Rasterizer => vtable!(ID3D11RasterizerState2_Vtbl, Com<StateObject>, 0),
        Kind::Sampler => vtable!(ID3D11SamplerState_Vtbl, Com<StateObject>, 0),
    };
    vtables[d3d10::CHAIN] = match kind {
        Kind::Blend => vtable!(ID3D10BlendState1_Vtbl, Com<StateObject>, 4),
        Kind::DepthStencil => vtable!(ID3D10DepthStencilState_Vtbl, Com<StateObject>, 4),
        Kind::Rasterizer => vtable!(ID3D10RasterizerState_Vtbl, Com<StateObject>, 4),
        Kind::Sampler => vtable!(ID3D10SamplerState_Vtbl, Com<StateObject>, 4),
    };
    vtables
}

// An object has the vtable of its own kind only, so each `GetDesc` meets its own description.

impl ID3D11BlendState_Impl for Com<StateObject> {
    fn GetDesc(&self, desc: *mut D3D11_BLEND_DESC) {
        // SAFETY: COM's contract: not null means valid.
        if let (Some(out), Desc::Blend(desc)) = (unsafe { desc.as_mut() }, &self.inner.desc) {
            *out = convert::blend_desc(desc);
        }
    }
}

impl ID3D11BlendState1_Impl for Com<StateObject> {
    fn GetDesc1(&self, desc: *mut D3D11_BLEND_DESC1) {
        // SAFETY: COM's contract: not null means valid.
        if let (Some(out), Desc::Blend(desc)) = (unsafe { desc.as_mut() }, &self.inner.desc) {
            *out = convert::blend_desc1(desc);
        }
    }
}

impl ID3D11DepthStencilState_Impl for Com<StateObject> {
    fn GetDesc(&self, desc: *mut D3D11_DEPTH_STENCIL_DESC) {
        // SAFETY: COM's contract: not null means valid.
        if let (Some(out), Desc::DepthStencil(desc)) = (unsafe { desc.as_mut() }, &self.inner.desc) {
            *out = convert::depth_stencil_desc(desc);
        }
    }
}

impl ID3D11RasterizerState_Impl for Com<StateObject> {
    fn GetDesc(&self, desc: *mut D3D11_RASTERIZER_DESC) {
        // SAFETY: COM's contract: not null means valid.
        if let (Some(out), Desc::Rasterizer(desc)) = (unsafe { desc.as_mut() }, &self.inner.desc) {
            *out = convert::rasterizer_desc(desc);
        }
    }
}

impl ID3D11RasterizerState1_Impl for Com<StateObject> {
    fn GetDesc1(&self, desc: *mut D3D11_RASTERIZER_DESC1) {
        // SAFETY: COM's contract: not null means valid.
        if let (Some(out), Desc::Rasterizer(desc)) = (unsafe { desc.as_mut() }, &self.inner.desc) {
            *out = convert::rasterizer_desc1(desc);
        }
    }
}

impl ID3D11SamplerState_Impl for Com<StateObject> {
    fn GetDesc(&self, desc: *mut D3D11_SAMPLER_DESC) {
        // SAFETY: COM's contract: not null means valid.
        if let (Some(out), Desc::Sampler(desc)) = (unsafe { desc.as_mut() }, &self.inner.desc) {
            *out = convert::sampler_desc(desc);
        }
    }
}

impl ID3D11RasterizerState2_Impl for Com<StateObject> {
    fn GetDesc2(&self, desc: *mut D3D11_RASTERIZER_DESC2) {
        // The description begins with the older one; there is no conservative rasterization.
        // SAFETY: COM's contract: not null means valid.
        if let Some(out) = unsafe { desc.as_mut() } {
            *out = D3D11_RASTERIZER_DESC2::default();
        }
        ID3D11RasterizerState1_Impl::GetDesc1(self, desc.cast());
    }
}
