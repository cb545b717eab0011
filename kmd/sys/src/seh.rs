//! The two calls that may raise an exception, each with a handler that turns it into a failure.
//!
//! Rust has no structured exceptions, so both are assembly: a function with unwind data that names NT's
//! `__C_specific_handler` and a scope table of one entry, which is what a C compiler makes of `__try` and `__except
//! (EXCEPTION_EXECUTE_HANDLER)`. The layout is that of "struct UNWIND_INFO" and "Language-specific handler" in Microsoft's
//! description of x64 exception handling.
#![expect(unsafe_code, reason = "structured exceptions can only be handled in assembly")]

use core::arch::global_asm;
use core::ffi::c_void;

use pvgpu_kmd_ddi::*;

/// The end of user space: `MmUserProbeAddress`, which is this number on every x64 Windows (`MM_USER_PROBE_ADDRESS` of
/// `wdm.h`).
const USER_PROBE_ADDRESS: usize = 0x7FFF_FFFF_0000;

// bool pvgpu_copy_guarded(u8 *destination, const u8 *source, usize length)
global_asm!(
    ".text",
    ".globl pvgpu_copy_guarded",
    ".p2align 4, 0xCC",
    ".seh_proc pvgpu_copy_guarded",
    "pvgpu_copy_guarded:",
    "push rsi",
    ".seh_pushreg rsi",
    "push rdi",
    ".seh_pushreg rdi",
    ".seh_endprologue",
    "mov rdi, rcx",
    "mov rsi, rdx",
    "mov rcx, r8",
    "2:",
    "rep movsb",
    "3:",
    "mov eax, 1",
    "4:",
    "pop rdi",
    "pop rsi",
    "ret",
    // Here the handler continues, with this frame's stack and registers.
    "5:",
    "xor eax, eax",
    "jmp 4b",
    ".seh_handler __C_specific_handler, @except",
    ".seh_handlerdata",
    ".long 1", // scopes
    ".long 2b@IMGREL",
    ".long 3b@IMGREL",
    ".long 1", // the filter: EXCEPTION_EXECUTE_HANDLER
    ".long 5b@IMGREL",
    ".text",
    ".seh_endproc",
);

// void *pvgpu_map_guarded(the six arguments of MmMapLockedPagesSpecifyCache)
global_asm!(
    ".text",
    ".globl pvgpu_map_guarded",
    ".p2align 4, 0xCC",
    ".seh_proc pvgpu_map_guarded",
    "pvgpu_map_guarded:",
    // Room for the callee's four registers, two arguments, and 8 bytes that align the stack.
    "sub rsp, 0x38",
    ".seh_stackalloc 0x38",
    ".seh_endprologue",
    // The fifth and the sixth argument lie above the return address and the caller's room for registers.
    "mov eax, dword ptr [rsp + 0x60]",
    "mov dword ptr [rsp + 0x20], eax",
    "mov eax, dword ptr [rsp + 0x68]",
    "mov dword ptr [rsp + 0x28], eax",
    "2:",
    "call MmMapLockedPagesSpecifyCache",
    // The return address must lie in the scope.
    "nop",
    "3:",
    "add rsp, 0x38",
    "ret",
    "4:",
    "xor eax, eax",
    "jmp 3b",
    ".seh_handler __C_specific_handler, @except",
    ".seh_handlerdata",
    ".long 1",
    ".long 2b@IMGREL",
    ".long 3b@IMGREL",
    ".long 1",
    ".long 4b@IMGREL",
    ".text",
    ".seh_endproc",
);

unsafe extern "win64" {
    fn pvgpu_copy_guarded(destination: *mut u8, source: *const u8, length: usize) -> bool;
    fn pvgpu_map_guarded(
        mdl: *mut MDL,
        access_mode: KPROCESSOR_MODE,
        cache_type: MEMORY_CACHING_TYPE,
        requested_address: *mut c_void,
        bug_check_on_failure: u32,
        priority: u32,
    ) -> *mut c_void;
}

/// Copies from user memory; false if not all of it lies in user space and can be read. IRQL ≤ `APC_LEVEL`.
///
/// # Safety
/// `destination` is kernel memory with room for `length` bytes.
pub unsafe fn copy_from_user(destination: *mut u8, source: *const u8, length: usize) -> bool {
    let end = source.addr().checked_add(length);
    if end.is_none_or(|end| end > USER_PROBE_ADDRESS) {
        return false;
    }
    // SAFETY: the destination is the caller's promise; a source that cannot be read raises an exception, which is handled.
    unsafe { pvgpu_copy_guarded(destination, source, length) }
}

/// `MmMapLockedPagesSpecifyCache`; null where it fails, also in user mode, where it says so with an exception.
///
/// # Safety
/// As the export's.
pub unsafe fn map_locked_pages(
    mdl: *mut MDL,
    access_mode: KPROCESSOR_MODE,
    cache_type: MEMORY_CACHING_TYPE,
    requested_address: *mut c_void,
    bug_check_on_failure: u32,
    priority: u32,
) -> *mut c_void {
    // SAFETY: the caller's promise.
    unsafe {
        pvgpu_map_guarded(mdl, access_mode, cache_type, requested_address, bug_check_on_failure, priority)
    }
}
