//! The `*Get*` functions: bound objects with a reference for the caller.

use core::ffi::c_void;

use windows::Win32::Foundation::RECT;
use windows::Win32::Graphics::Direct3D11::D3D11_VIEWPORT;
use windows_core::{OutRef, Type};

use super::super::driver::Stage;
use super::super::guard::Pipeline;
use super::super::linkage::ClassInstance;
use super::super::object::Class;
use super::super::record::Sink;
use super::state::{CONSTANT_BUFFERS, Slot, Slots, WHOLE_BUFFER};

/// Where an interface pointer goes; null for "not wanted".
pub type Out = *mut *mut c_void;

/// The address in an out argument.
pub fn address<I: Type<I>>(out: OutRef<'_, I>) -> Out {
    const { assert!(size_of::<OutRef<'_, I>>() == size_of::<Out>()) };
    // SAFETY: an `OutRef` is a transparent pointer to where the interface pointer goes.
    unsafe { core::mem::transmute_copy(&out) }
}

/// Writes a value if it is wanted.
///
/// # Safety
/// `out` is null or valid for a write.
pub unsafe fn put<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: the caller's promise.
        unsafe { out.write(value) };
    }
}

/// Writes the object of a slot with a reference, if it is wanted.
///
/// # Safety
/// `out` is null or valid for a write.
pub unsafe fn put_slot<T: Class>(out: Out, slot: &Slot<T>) {
    if !out.is_null() {
        // SAFETY: the caller's promise.
        unsafe { out.write(slot.hand_out()) };
    }
}

/// Writes as many class instances as there is room for, with references and nulls after them, and how many there are.
///
/// # Safety
/// `count` is null or valid; `out` is null or valid for `*count` writes.
pub unsafe fn put_instances(out: Out, instances: &[Slot<ClassInstance>], count: *mut u32) {
    // SAFETY: the caller's promise.
    let Some(count) = (unsafe { count.as_mut() }) else { return };
    if !out.is_null() {
        for at in 0..*count as usize {
            // SAFETY: the caller's promise.
            let place = unsafe { out.add(at) };
            let object = instances.get(at).map_or(core::ptr::null_mut(), Slot::hand_out);
            // SAFETY: as above.
            unsafe { place.write(object) };
        }
    }
    // CAST: an application bound them with a 32-bit count.
    *count = instances.len() as u32;
}

/// Writes the objects of `count` slots with references, if they are wanted.
///
/// # Safety
/// `out` is null or valid for `count` writes.
pub unsafe fn put_slots<T: Class, const N: usize>(out: Out, slots: &Slots<T, N>, start: u32, count: u32) {
    if out.is_null() {
        return;
    }
    for at in 0..count as usize {
        // SAFETY: the caller's promise.
        let place = unsafe { out.add(at) };
        let object = slots.hand_out((start as usize).saturating_add(at));
        // SAFETY: as above.
        unsafe { place.write(object) };
    }
}

/// Copies `count` numbers of a row that starts at `start`, if they are wanted.
///
/// # Safety
/// `out` is null or valid for `count` writes.
pub unsafe fn put_numbers(out: *mut u32, row: &[u32], start: u32, count: u32) {
    for at in 0..count as usize {
        let value = row.get((start as usize).saturating_add(at)).copied().unwrap_or(0);
        if !out.is_null() {
            // SAFETY: the caller's promise.
            let place = unsafe { out.add(at) };
            // SAFETY: as above.
            unsafe { place.write(value) };
        }
    }
}

/// Where a `*GetConstantBuffers1` call puts its answers.
#[derive(Clone, Copy)]
pub struct ConstantBuffersOut {
    /// First slot.
    pub start: u32,
    /// Slots.
    pub count: u32,
    /// Buffers.
    pub buffers: Out,
    /// First constants.
    pub firsts: *mut u32,
    /// Numbers of constants.
    pub counts: *mut u32,
}

impl<D: Sink> Pipeline<D> {
    /// `*GetConstantBuffers` and `*GetConstantBuffers1`.
    ///
    /// # Safety
    /// The pointers are null or valid for `count` writes.
    pub unsafe fn get_constant_buffers(&self, stage: Stage, out: ConstantBuffersOut) {
        // PANIC: there are six stages and six states.
        let bound = &self.state.stages[stage as usize];
        // SAFETY: the caller's promise.
        unsafe { put_slots(out.buffers, &bound.constant_buffers, out.start, out.count) };
        // SAFETY: as above.
        unsafe { put_numbers(out.firsts, &bound.firsts, out.start, out.count) };
        // An empty slot shows what a binding without a window has.
        let shown: [u32; CONSTANT_BUFFERS] =
            core::array::from_fn(|slot| match bound.constant_buffers.get(slot) {
                Some(_) => bound.counts.get(slot).copied().unwrap_or(0),
                None => WHOLE_BUFFER.1,
            });
        // SAFETY: as above.
        unsafe { put_numbers(out.counts, &shown, out.start, out.count) };
    }

    /// `RSGetViewports`: fills at most `*count` viewports and zeroes the rest, or tells how many are set.
    ///
    /// # Safety
    /// `count` is null or valid; `viewports` is null or valid for `*count` writes.
    pub unsafe fn get_viewports(&self, count: *mut u32, viewports: *mut D3D11_VIEWPORT) {
        let bound = self.state.viewports.iter().take(self.state.viewport_count);
        let bound = bound.map(|viewport| D3D11_VIEWPORT {
            TopLeftX: viewport.TopLeftX,
            TopLeftY: viewport.TopLeftY,
            Width: viewport.Width,
            Height: viewport.Height,
            MinDepth: viewport.MinDepth,
            MaxDepth: viewport.MaxDepth,
        });
        // SAFETY: the caller's promise.
        unsafe { put_row(count, viewports, bound, self.state.viewport_count) };
    }

    /// `RSGetScissorRects`, as [`Locked::get_viewports`].
    ///
    /// # Safety
    /// As for [`Locked::get_viewports`].
    pub unsafe fn get_scissor_rects(&self, count: *mut u32, rects: *mut RECT) {
        let bound = self.state.scissors.iter().take(self.state.scissor_count);
        let bound =
            bound.map(|rect| RECT { left: rect.left, top: rect.top, right: rect.right, bottom: rect.bottom });
        // SAFETY: the caller's promise.
        unsafe { put_row(count, rects, bound, self.state.scissor_count) };
    }
}

/// # Safety
/// `count` is null or valid; `out` is null or valid for `*count` writes.
unsafe fn put_row<T: Default>(
    count: *mut u32,
    out: *mut T,
    mut row: impl Iterator<Item = T>,
    available: usize,
) {
    // SAFETY: the caller's promise.
    let Some(count) = (unsafe { count.as_mut() }) else { return };
    if !out.is_null() {
        for at in 0..*count as usize {
            // SAFETY: the caller's promise.
            let place = unsafe { out.add(at) };
            // SAFETY: as above.
            unsafe { place.write(row.next().unwrap_or_default()) };
        }
    }
    // CAST: at most 16.
    *count = available as u32;
}
