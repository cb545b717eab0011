//! The WDDM kernel-mode device driver interface, and the NT types it needs, as Rust.
//!
//! Both sides of it in this repository use these types: the driver (`kmd/wddm`, `kmd/sys`) and the model of dxgkrnl that
//! calls it (`runtime/dxgkrnl`). They describe the x64 layout of `dispmprt.h`, `d3dkmddi.h`, `d3dkmdt.h` and `d3dukmdt.h`
//! for `DXGKDDI_INTERFACE_VERSION_WDDM1_3`; [`DRIVER_INITIALIZATION_DATA`] goes on to WDDM 2.2. Where each type comes from, and
//! what is in doubt, is in `SOURCES.md`; sizes and offsets are in the table [`LAYOUTS`] and in `docs/layouts.md`.
//!
//! - Names of types, members and values are Microsoft's, so that the DDI reference can be searched for them.
//! - C enumerations are integer aliases with constants: the other side may send any number.
//! - A flag word (`union { struct { bits }; UINT Value; }`, or a struct of bits alone) is a struct with `Value` and masks as
//!   associated constants; `has`, `get` and `with` read and write it.
//! - A union whose members are all pointers, handles or integers of one size is its first member, with functions of the other
//!   members' names. Any other union is a [`bytemuck::Pod`] block of words with typed readers and writers, so that no user needs
//!   `unsafe` to read one; pointers inside it are [`Address`]es.
//! - Function pointers are `Option<unsafe extern "win64" fn>`; null is `None`. A type of the header that is a function
//!   pointer keeps its name; `DXGKDDI_X` stands for the header's `PDXGKDDI_X`.
//! - Every struct is `Copy` and has a `Default` of zeros and nulls. Members named `Padding…` are the compiler's padding.
//!
//! # Invariants
//! Nothing here runs against memory: there is no unsafe code, only declarations, and every layout is asserted.
#![no_std]
#![forbid(unsafe_code)]
#![expect(non_camel_case_types, non_snake_case, non_upper_case_globals, reason = "names are Microsoft's")]
#![expect(missing_docs, reason = "members keep Microsoft's names; the DDI reference describes each one")]

#[cfg(not(target_arch = "x86_64"))]
compile_error!("pvgpu-kmd-ddi describes the x64 layout only");

#[macro_use]
mod macros;

mod address;
mod d3dkmddi;
mod d3dkmdt;
mod d3dukmdt;
mod dispmprt;
mod layout;
mod nt;

pub use address::*;
pub use d3dkmddi::*;
pub use d3dkmdt::*;
pub use d3dukmdt::*;
pub use dispmprt::*;
pub use layout::*;
pub use nt::*;
