//! The COM objects of the runtime, the driver behind them, and the DLL's exports.
//!
//! An object is a [`object::Com`] box: vtables, counts, the driver's handle, and what its class needs. The vtables are
//! `windows-core`'s (`*_Vtbl::new` over the generated `*_Impl` traits, the machinery under its `#[implement]`), but the
//! boxes are ours, because Direct3D 11 counts references in a way that `#[implement]` cannot: binding an object keeps
//! it alive without a visible reference, so the same object comes back from `*Get*` after its last `Release`; and a
//! visible reference to a child is one to its device.
//!
//! # Invariants
//! - Everything an object changes after its creation is atomic, or is changed only under its device's lock.
//! - Nothing here calls an application's code (the release of private data) while it holds the lock.
//! - Pointers that come from the application are what the API says they are: this is what Direct3D trusts too.
#![expect(
    unsafe_code,
    reason = "COM: raw interface pointers in and out, and calls of the driver's function tables"
)]

mod adapter;
mod context;
mod convert;
mod create;
mod d3d10;
mod device;
mod device2;
mod device5;
mod device_child;
mod device_create;
mod device_dxgi;
mod device_present;
mod device_support;
mod driver;
mod fence;
mod guard;
mod kernel;
mod linkage;
mod lock;
mod memory;
mod object;
mod query;
mod record;
mod removal;
mod resource;
mod section;
mod shader;
mod share;
mod state_object;
mod surface;
mod surface_dc;
mod view;
