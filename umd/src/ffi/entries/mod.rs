//! The entries of the device table, by group. Each is a thin hull over a method of [`crate::device::Device`].

pub(super) mod bind;
pub(super) mod draw;
pub(super) mod lifecycle;
pub(super) mod query;
pub(super) mod resource;
pub(super) mod shader;
pub(super) mod state;
pub(super) mod tiled;
pub(super) mod transfer;
pub(super) mod view;
