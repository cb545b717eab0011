//! Views: one class for the four kinds.

use core::ffi::c_void;
use core::ptr::NonNull;

use windows::Win32::Graphics::Direct3D10::{
    ID3D10DepthStencilView_Vtbl, ID3D10RenderTargetView_Vtbl, ID3D10ShaderResourceView1_Vtbl,
};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_DEPTH_STENCIL_VIEW_DESC, D3D11_RENDER_TARGET_VIEW_DESC, D3D11_RENDER_TARGET_VIEW_DESC1,
    D3D11_SHADER_RESOURCE_VIEW_DESC, D3D11_SHADER_RESOURCE_VIEW_DESC1, D3D11_UNORDERED_ACCESS_VIEW_DESC,
    D3D11_UNORDERED_ACCESS_VIEW_DESC1, ID3D11DepthStencilView_Impl, ID3D11DepthStencilView_Vtbl,
    ID3D11RenderTargetView_Impl, ID3D11RenderTargetView1_Impl, ID3D11RenderTargetView1_Vtbl, ID3D11Resource,
    ID3D11ShaderResourceView_Impl, ID3D11ShaderResourceView1_Impl, ID3D11ShaderResourceView1_Vtbl,
    ID3D11UnorderedAccessView_Impl, ID3D11UnorderedAccessView1_Impl, ID3D11UnorderedAccessView1_Vtbl,
    ID3D11View_Impl,
};
use windows_core::{GUID, Interface, OutRef};

use super::d3d10;
use super::device::Device;
use super::driver::Object;
use super::guard::{Guard, Locked};
use super::object::{CHAINS, Class, Com, Vtables, vtable};
use super::resource::Resource;
use crate::desc::view::{self as rules, Desc};
use crate::hresult::Result;
use pvgpu_umd_ddi::D3D10DDI_HRESOURCE;

/// A view of any kind.
pub struct View {
    /// Which kind.
    pub class: rules::Class,
    /// The checked description.
    pub view: rules::View,
    /// The viewed resource, held.
    resource: NonNull<Com<Resource>>,
    /// Whether the resource may be a target too, so that hazards are possible.
    pub hazardous: bool,
    _memory: Object,
}

impl View {
    /// The viewed resource.
    #[inline]
    pub fn resource(&self) -> &Com<Resource> {
        // SAFETY: a view holds its resource until it is destroyed.
        unsafe { self.resource.as_ref() }
    }

    /// Whether the two cover a common subresource.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.resource == other.resource && self.view.range.overlaps(&other.view.range)
    }
}

impl Com<Device> {
    /// Creates a view: a public reference as an interface pointer of chain 0.
    ///
    /// # Errors
    /// `E_INVALIDARG` when the description does not fit the resource, and the driver's.
    pub fn create_view(
        &self,
        class: rules::Class,
        resource: &Com<Resource>,
        desc: Option<Desc>,
    ) -> Result<*mut c_void> {
        self.inner.kernel.require_alive()?;
        let view = rules::View::new(class, &resource.inner.shape, desc)?;
        let target = D3D10DDI_HRESOURCE(resource.handle());
        let mut guard = Guard::new(&self.inner);
        let mut memory = match class {
            rules::Class::ShaderResource => {
                guard.driver.create_shader_resource_view(&view.shader_resource(target))
            }
            rules::Class::RenderTarget => guard.driver.create_render_target_view(&view.render_target(target)),
            rules::Class::DepthStencil => guard.driver.create_depth_stencil_view(&view.depth_stencil(target)),
            rules::Class::UnorderedAccess => {
                guard.driver.create_unordered_access_view(&view.unordered_access(target))
            }
        }?;
        resource.hold(&mut guard.graves);
        let handle = memory.handle();
        let inner = View {
            class,
            view,
            resource: NonNull::from(resource),
            hazardous: resource.inner.can_be_output(),
            _memory: memory,
        };
        Ok(Com::new(vtables(class), self, handle, inner).as_ptr().cast())
    }
}

impl Class for View {
    fn chain(&self, iid: &GUID) -> Option<usize> {
        let found = match self.class {
            rules::Class::ShaderResource => ID3D11ShaderResourceView1_Vtbl::matches(iid),
            rules::Class::RenderTarget => ID3D11RenderTargetView1_Vtbl::matches(iid),
            rules::Class::DepthStencil => ID3D11DepthStencilView_Vtbl::matches(iid),
            rules::Class::UnorderedAccess => ID3D11UnorderedAccessView1_Vtbl::matches(iid),
        };
        if found {
            return Some(0);
        }
        let old = match self.class {
            rules::Class::ShaderResource => ID3D10ShaderResourceView1_Vtbl::matches(iid),
            rules::Class::RenderTarget => ID3D10RenderTargetView_Vtbl::matches(iid),
            rules::Class::DepthStencil => ID3D10DepthStencilView_Vtbl::matches(iid),
            rules::Class::UnorderedAccess => false,
        };
        old.then_some(d3d10::CHAIN)
    }

    fn destroy(&self, handle: *mut c_void, locked: &mut Locked) {
        match self.class {
            rules::Class::ShaderResource => locked.driver.destroy_shader_resource_view(handle),
            rules::Class::RenderTarget => locked.driver.destroy_render_target_view(handle),
            rules::Class::DepthStencil => locked.driver.destroy_depth_stencil_view(handle),
            rules::Class::UnorderedAccess => locked.driver.destroy_unordered_access_view(handle),
        }
        self.resource().unhold(&mut locked.graves);
    }
}

fn vtables(class: rules::Class) -> Vtables {
    let mut vtables = [core::ptr::null(); CHAINS];
    vtables[0] = match class {
        rules::Class::ShaderResource => vtable!(ID3D11ShaderResourceView1_Vtbl, Com<View>, 0),
        rules::Class::RenderTarget => vtable!(ID3D11RenderTargetView1_Vtbl, Com<View>, 0),
        rules::Class::DepthStencil => vtable!(ID3D11DepthStencilView_Vtbl, Com<View>, 0),
        rules::Class::UnorderedAccess => vtable!(ID3D11UnorderedAccessView1_Vtbl, Com<View>, 0),
    };
    vtables[d3d10::CHAIN] = match class {
        rules::Class::ShaderResource => vtable!(ID3D10ShaderResourceView1_Vtbl, Com<View>, 4),
        rules::Class::RenderTarget => vtable!(ID3D10RenderTargetView_Vtbl, Com<View>, 4),
        rules::Class::DepthStencil => vtable!(ID3D10DepthStencilView_Vtbl, Com<View>, 4),
        rules::Class::UnorderedAccess => core::ptr::null(),
    };
    vtables
}

impl ID3D11View_Impl for Com<View> {
    fn GetResource(&self, resource: OutRef<ID3D11Resource>) {
        let _guard = Guard::new(&self.device().inner);
        let pointer = self.inner.resource().hand_out();
        // SAFETY: the pointer has a reference for its new owner.
        let interface = unsafe { ID3D11Resource::from_raw(pointer) };
        // A null out pointer gets nothing, and the reference is given up.
        let _ = resource.write(Some(interface));
    }
}

// The four description structs are 32-bit words: format, dimension, flags of depth-stencil views, and the union.
const _: () = assert!(size_of::<D3D11_SHADER_RESOURCE_VIEW_DESC>() == 24);
const _: () = assert!(size_of::<D3D11_RENDER_TARGET_VIEW_DESC>() == 20);
const _: () = assert!(size_of::<D3D11_DEPTH_STENCIL_VIEW_DESC>() == 24);
const _: () = assert!(size_of::<D3D11_UNORDERED_ACCESS_VIEW_DESC>() == 20);

/// Reads a description of class `class` as words.
///
/// # Safety
/// `desc` is null or points to the class's description struct.
pub unsafe fn read_desc(class: rules::Class, desc: *const c_void) -> Option<Desc> {
    if desc.is_null() {
        return None;
    }
    let word = |at: usize| {
        // SAFETY: the caller's promise; `at` is below the struct's size in words.
        let place = unsafe { desc.cast::<u32>().add(at) };
        // SAFETY: as above.
        unsafe { place.read() }
    };
    let (format, dimension) = (word(0), word(1));
    Some(match class {
        rules::Class::ShaderResource => {
            Desc { format, dimension, flags: 0, args: [word(2), word(3), word(4), word(5)] }
        }
        rules::Class::DepthStencil => {
            Desc { format, dimension, flags: word(2), args: [word(3), word(4), word(5), 0] }
        }
        rules::Class::RenderTarget | rules::Class::UnorderedAccess => {
            Desc { format, dimension, flags: 0, args: [word(2), word(3), word(4), 0] }
        }
    })
}

/// The words of a description struct, in order.
fn words(class: rules::Class, desc: &Desc) -> ([u32; 6], usize) {
    let [a, b, c, d] = desc.args;
    let (format, dimension) = (desc.format, desc.dimension);
    match class {
        rules::Class::ShaderResource => ([format, dimension, a, b, c, d], 6),
        rules::Class::DepthStencil => ([format, dimension, desc.flags, a, b, c], 6),
        rules::Class::RenderTarget | rules::Class::UnorderedAccess => ([format, dimension, a, b, c, 0], 5),
    }
}

impl Com<View> {
    /// Writes the view's description to a struct of its class.
    ///
    /// # Safety
    /// `desc` is null or points to the class's description struct.
    unsafe fn write_desc(&self, desc: *mut c_void) {
        if desc.is_null() {
            return;
        }
        let (words, count) = words(self.inner.class, &self.inner.view.desc);
        // SAFETY: the caller's promise; the struct has `count` words.
        unsafe { core::ptr::copy_nonoverlapping(words.as_ptr(), desc.cast::<u32>(), count) };
    }
}

// An object has the vtable of its own class only, so each `GetDesc` gets its own struct.

impl ID3D11ShaderResourceView_Impl for Com<View> {
    fn GetDesc(&self, desc: *mut D3D11_SHADER_RESOURCE_VIEW_DESC) {
        // SAFETY: COM's contract: not null means valid.
        unsafe { self.write_desc(desc.cast()) };
    }
}

impl ID3D11RenderTargetView_Impl for Com<View> {
    fn GetDesc(&self, desc: *mut D3D11_RENDER_TARGET_VIEW_DESC) {
        // SAFETY: COM's contract: not null means valid.
        unsafe { self.write_desc(desc.cast()) };
    }
}

impl ID3D11DepthStencilView_Impl for Com<View> {
    fn GetDesc(&self, desc: *mut D3D11_DEPTH_STENCIL_VIEW_DESC) {
        // SAFETY: COM's contract: not null means valid.
        unsafe { self.write_desc(desc.cast()) };
    }
}

impl ID3D11UnorderedAccessView_Impl for Com<View> {
    fn GetDesc(&self, desc: *mut D3D11_UNORDERED_ACCESS_VIEW_DESC) {
        // SAFETY: COM's contract: not null means valid.
        unsafe { self.write_desc(desc.cast()) };
    }
}

/// The descriptions of Direct3D 11.3 have a plane more; a plane is chosen by a view's format.
macro_rules! desc1 {
    ($($interface:ident: $old:ident, $desc:ident;)*) => {
        $(
            impl $interface for Com<View> {
                fn GetDesc1(&self, desc: *mut $desc) {
                    // SAFETY: COM's contract: not null means valid.
                    if let Some(out) = unsafe { desc.as_mut() } {
                        *out = $desc::default();
                    }
                    // It begins with the older description.
                    $old::GetDesc(self, desc.cast());
                }
            }
        )*
    };
}

desc1! {
    ID3D11ShaderResourceView1_Impl: ID3D11ShaderResourceView_Impl, D3D11_SHADER_RESOURCE_VIEW_DESC1;
    ID3D11RenderTargetView1_Impl: ID3D11RenderTargetView_Impl, D3D11_RENDER_TARGET_VIEW_DESC1;
    ID3D11UnorderedAccessView1_Impl: ID3D11UnorderedAccessView_Impl, D3D11_UNORDERED_ACCESS_VIEW_DESC1;
}
