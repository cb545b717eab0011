//! Handles that the runtime and the driver exchange.
//!
//! A driver handle (`D3D10DDI_H…`) is a pointer to memory that the runtime allocated with the size the driver
//! asked for; a runtime handle (`D3D10DDI_HRT…`) is a pointer-sized value that only the runtime can read.
//! Kernel handles are 32-bit. In the headers each is a struct with one member; here each is a transparent
//! tuple struct, which has the same ABI.
#![expect(non_camel_case_types, reason = "names are Microsoft's")]

use core::ffi::c_void;
use core::ptr;

/// A Windows object handle, or an opaque runtime handle of the `D3DDDI` callbacks.
pub type HANDLE = *mut c_void;
/// A kernel handle as dxgkrnl gives it to user mode.
pub type D3DKMT_HANDLE = u32;
/// The DXGI name of a driver device: the value of its [`D3D10DDI_HDEVICE`].
pub type DXGI_DDI_HDEVICE = usize;
/// The DXGI name of a driver resource: the value of its [`D3D10DDI_HRESOURCE`].
pub type DXGI_DDI_HRESOURCE = usize;

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[repr(transparent)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(pub *mut c_void);

        impl $name {
            /// The handle of no object.
            pub const NULL: Self = Self(ptr::null_mut());

            /// Whether this is the handle of no object.
            #[must_use]
            pub const fn is_null(self) -> bool {
                self.0.is_null()
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::NULL
            }
        }
        const _: () = assert!(size_of::<$name>() == 8);
    )*};
}

handles! {
    /// The driver's side of an adapter.
    D3D10DDI_HADAPTER;
    /// The driver's side of a device or deferred context.
    D3D10DDI_HDEVICE;
    /// The driver's side of a resource.
    D3D10DDI_HRESOURCE;
    /// The driver's side of a shader-resource view.
    D3D10DDI_HSHADERRESOURCEVIEW;
    /// The driver's side of a render-target view.
    D3D10DDI_HRENDERTARGETVIEW;
    /// The driver's side of a depth-stencil view.
    D3D10DDI_HDEPTHSTENCILVIEW;
    /// The driver's side of a shader.
    D3D10DDI_HSHADER;
    /// The driver's side of an input layout.
    D3D10DDI_HELEMENTLAYOUT;
    /// The driver's side of a blend state.
    D3D10DDI_HBLENDSTATE;
    /// The driver's side of a depth-stencil state.
    D3D10DDI_HDEPTHSTENCILSTATE;
    /// The driver's side of a rasterizer state.
    D3D10DDI_HRASTERIZERSTATE;
    /// The driver's side of a sampler.
    D3D10DDI_HSAMPLER;
    /// The driver's side of a query or counter.
    D3D10DDI_HQUERY;
    /// The driver's side of an unordered-access view.
    D3D11DDI_HUNORDEREDACCESSVIEW;
    /// The driver's side of a command list.
    D3D11DDI_HCOMMANDLIST;
    /// The runtime's side of an adapter.
    D3D10DDI_HRTADAPTER;
    /// The runtime's side of a device.
    D3D10DDI_HRTDEVICE;
    /// The runtime's side of a resource.
    D3D10DDI_HRTRESOURCE;
    /// The runtime's side of a shader-resource view.
    D3D10DDI_HRTSHADERRESOURCEVIEW;
    /// The runtime's side of a render-target view.
    D3D10DDI_HRTRENDERTARGETVIEW;
    /// The runtime's side of a depth-stencil view.
    D3D10DDI_HRTDEPTHSTENCILVIEW;
    /// The runtime's side of a shader.
    D3D10DDI_HRTSHADER;
    /// The runtime's side of an input layout.
    D3D10DDI_HRTELEMENTLAYOUT;
    /// The runtime's side of a blend state.
    D3D10DDI_HRTBLENDSTATE;
    /// The runtime's side of a depth-stencil state.
    D3D10DDI_HRTDEPTHSTENCILSTATE;
    /// The runtime's side of a rasterizer state.
    D3D10DDI_HRTRASTERIZERSTATE;
    /// The runtime's side of a sampler.
    D3D10DDI_HRTSAMPLER;
    /// The runtime's side of a query or counter.
    D3D10DDI_HRTQUERY;
    /// The runtime's core layer of a device or deferred context: first argument of every core-layer callback.
    D3D10DDI_HRTCORELAYER;
    /// The runtime's side of an unordered-access view.
    D3D11DDI_HRTUNORDEREDACCESSVIEW;
    /// The runtime's side of a command list.
    D3D11DDI_HRTCOMMANDLIST;
}

impl D3D10DDI_HDEVICE {
    /// The device that DXGI names by `device`.
    #[must_use]
    pub fn from_dxgi(device: DXGI_DDI_HDEVICE) -> Self {
        Self(ptr::with_exposed_provenance_mut(device))
    }

    /// The DXGI name of this device.
    #[must_use]
    pub fn to_dxgi(self) -> DXGI_DDI_HDEVICE {
        self.0.expose_provenance()
    }
}

impl D3D10DDI_HRESOURCE {
    /// The resource that DXGI names by `resource`.
    #[must_use]
    pub fn from_dxgi(resource: DXGI_DDI_HRESOURCE) -> Self {
        Self(ptr::with_exposed_provenance_mut(resource))
    }

    /// The DXGI name of this resource.
    #[must_use]
    pub fn to_dxgi(self) -> DXGI_DDI_HRESOURCE {
        self.0.expose_provenance()
    }
}

/// The kernel's side of a shared resource.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct D3D10DDI_HKMRESOURCE(pub D3DKMT_HANDLE);
/// The kernel's side of an allocation.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct D3D10DDI_HKMALLOCATION(pub D3DKMT_HANDLE);
