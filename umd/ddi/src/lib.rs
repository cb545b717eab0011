//! The DDI between a Direct3D 11 runtime and its user-mode driver, as Rust types.
//!
//! Both sides of this repository use it: `umd` fills the tables, the runtime calls them, and its model of
//! dxgkrnl fills the kernel callbacks. The types describe the x64 ABI of `d3d10umddi.h`, `dxgiddi.h` and
//! `d3dumddi.h` up to WDDM 1.3; where each comes from, and what is in doubt, is listed in `SOURCES.md`.
//!
//! - Names of types, members and values are Microsoft's, so that the DDI reference can be searched for them.
//! - C enums are `u32` aliases with constants: the other side may send any number.
//! - A flag word (`union { struct { bits }; UINT Value; }`) is a struct with `Value` and associated mask
//!   constants.
//! - Other anonymous unions are members named `Anonymous`, of a union type `<struct>_<n>`.
//! - Function pointers are `Option<unsafe extern "system" fn>`; null is `None`.
//! - Every struct is `Copy` and has a `Default` of zeros and nulls.
//!
//! # Invariants
//! Nothing here runs against memory: there is no unsafe code, only declarations, and sizes and offsets are
//! asserted.
#![no_std]
#![forbid(unsafe_code)]

/// The asserted sizes and offsets are those of x64. On x86 the layouts follow from the same declarations, with pointers of 4
/// bytes and 64-bit numbers aligned to 8 as Microsoft's compiler has them; nothing is asserted there.
#[cfg(not(target_pointer_width = "64"))]
macro_rules! assert {
    ($($anything:tt)*) => {
        ()
    };
}

/// Gives a union of pointers or plain data the `Default` (through its largest member) and `Debug` that derive
/// cannot.
macro_rules! union_impls {
    ($name:ident, $largest:ident) => {
        impl Default for $name {
            fn default() -> Self {
                Self { $largest: Default::default() }
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

mod adapter;
mod basic;
mod caps;
mod context;
mod core_layer;
mod device_funcs;
mod dxgi;
mod format;
mod functions;
mod handles;
mod kernel;
mod query;
mod resource;
mod shader;
mod state;
mod version;
mod view;

pub use adapter::*;
pub use basic::*;
pub use caps::*;
pub use context::*;
pub use core_layer::*;
pub use device_funcs::*;
pub use dxgi::*;
pub use format::*;
pub use functions::*;
pub use handles::*;
pub use kernel::*;
pub use query::*;
pub use resource::*;
pub use shader::*;
pub use state::*;
pub use version::*;
pub use view::*;

// The tables hold nothing but pointers, so their sizes on x86 follow from the counts of `SOURCES.md`.
#[cfg(target_pointer_width = "32")]
const _: () = core::assert!(
    size_of::<D3D11DDI_DEVICEFUNCS>() == 150 * 4
        && size_of::<D3D11_1DDI_DEVICEFUNCS>() == 155 * 4
        && size_of::<D3DWDDM1_3DDI_DEVICEFUNCS>() == 164 * 4
);
