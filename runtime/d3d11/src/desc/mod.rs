//! Descriptions of objects: validation and normalisation, apart from COM.
//!
//! Each submodule takes what the application passed as plain integers, refuses what Direct3D 11 refuses, fills in what it
//! fills in (mip levels 0, view descriptions that are null), and gives the COM edge what the DDI and `GetDesc` need.

pub mod buffer;
pub mod level;
pub mod resource;
pub mod state;
pub mod stream_output;
pub mod subresource;
pub mod texture;
pub mod view;
