//! `ID3DUserDefinedAnnotation`: names for parts of a frame, which only a tool would read.

use windows::Win32::Graphics::Direct3D11::ID3DUserDefinedAnnotation_Impl;
use windows_core::{BOOL, PCWSTR};

use super::super::object::Com;
use super::Kind;

/// What `BeginEvent` and `EndEvent` return while no tool is attached.
const NO_TOOL: i32 = -1;

impl<C: Kind> ID3DUserDefinedAnnotation_Impl for Com<C> {
    fn BeginEvent(&self, _name: &PCWSTR) -> i32 {
        NO_TOOL
    }

    fn EndEvent(&self) -> i32 {
        NO_TOOL
    }

    fn SetMarker(&self, _name: &PCWSTR) {}

    fn GetStatus(&self) -> BOOL {
        false.into()
    }
}
