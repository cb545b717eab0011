//! Command lists: what a deferred context recorded, with the objects that it uses.

use core::cell::RefCell;
use core::ffi::c_void;
use core::ptr::NonNull;

use windows::Win32::Graphics::Direct3D11::{ID3D11CommandList_Impl, ID3D11CommandList_Vtbl};
use windows_core::GUID;

use super::super::device::Device;
use super::super::guard::Locked;
use super::super::object::{CHAINS, Class, Com, vtable};
use super::super::record::Recording;
use super::super::record::references::Kept;

/// `ID3D11CommandList`.
pub struct CommandList {
    recording: Recording,
    /// Emptied when the list is destroyed.
    kept: RefCell<Kept>,
}

impl CommandList {
    /// Makes the recorded calls. The driver has nothing bound before and after.
    pub fn play(&self, locked: &mut Locked) {
        self.recording.play(locked);
    }
}

/// A new list with one public reference.
pub fn new(device: &Com<Device>, recording: Recording, kept: Kept) -> NonNull<Com<CommandList>> {
    let mut vtables = [core::ptr::null(); CHAINS];
    vtables[0] = vtable!(ID3D11CommandList_Vtbl, Com<CommandList>, 0);
    let list = CommandList { recording, kept: RefCell::new(kept) };
    Com::new(vtables, device, core::ptr::null_mut(), list)
}

impl Class for CommandList {
    fn chain(&self, iid: &GUID) -> Option<usize> {
        ID3D11CommandList_Vtbl::matches(iid).then_some(0)
    }

    fn destroy(&self, _handle: *mut c_void, locked: &mut Locked) {
        self.kept.borrow_mut().forget(&mut locked.graves);
    }
}

impl ID3D11CommandList_Impl for Com<CommandList> {
    fn GetContextFlags(&self) -> u32 {
        // Those of the deferred context, which has none.
        0
    }
}
