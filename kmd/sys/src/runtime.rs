//! What compiled code expects of a C runtime: memory routines, stack probes, two symbols.
//!
//! The kernel exports the memory routines as well, but the driver imports no more than it names itself.
#![expect(unsafe_code, reason = "defines symbols that the compiler refers to")]

use core::arch::global_asm;

// void *memcpy(void *destination, const void *source, size_t bytes), and memmove. Copies upwards, or downwards where the
// destination begins inside the source.
global_asm!(
    ".text",
    ".globl memcpy",
    ".globl memmove",
    ".p2align 4, 0xCC",
    ".seh_proc memcpy",
    "memcpy:",
    "memmove:",
    "push rsi",
    ".seh_pushreg rsi",
    "push rdi",
    ".seh_pushreg rdi",
    ".seh_endprologue",
    "mov rax, rcx",
    "mov rdi, rcx",
    "mov rsi, rdx",
    "mov rcx, r8",
    "mov r9, rdi",
    "sub r9, rsi",
    "cmp r9, r8",
    "jb 2f",
    "rep movsb",
    "pop rdi",
    "pop rsi",
    "ret",
    "2:",
    "lea rsi, [rsi + r8 - 1]",
    "lea rdi, [rdi + r8 - 1]",
    "std",
    "rep movsb",
    "cld",
    "pop rdi",
    "pop rsi",
    "ret",
    ".seh_endproc",
);

// void *memset(void *destination, int value, size_t bytes)
global_asm!(
    ".text",
    ".globl memset",
    ".p2align 4, 0xCC",
    ".seh_proc memset",
    "memset:",
    "push rdi",
    ".seh_pushreg rdi",
    ".seh_endprologue",
    "mov r9, rcx",
    "mov rdi, rcx",
    "mov eax, edx",
    "mov rcx, r8",
    "rep stosb",
    "mov rax, r9",
    "pop rdi",
    "ret",
    ".seh_endproc",
);

// int memcmp(const void *a, const void *b, size_t bytes): eight bytes at a time while they are equal.
global_asm!(
    ".text",
    ".globl memcmp",
    ".p2align 4, 0xCC",
    "memcmp:",
    "2:",
    "cmp r8, 8",
    "jb 3f",
    "mov rax, qword ptr [rcx]",
    "cmp rax, qword ptr [rdx]",
    "jne 3f",
    "add rcx, 8",
    "add rdx, 8",
    "sub r8, 8",
    "jmp 2b",
    "3:",
    "test r8, r8",
    "jz 4f",
    "movzx eax, byte ptr [rcx]",
    "movzx r9d, byte ptr [rdx]",
    "sub eax, r9d",
    "jne 5f",
    "inc rcx",
    "inc rdx",
    "dec r8",
    "jmp 3b",
    "4:",
    "xor eax, eax",
    "5:",
    "ret",
);

// Touches each page of a frame of rax bytes before it is used, so that the guard page below the stack is met in order. Keeps every
// register, rax among them. A kernel stack has no room for such frames, and the driver has none; the compiler may refer to it
// all the same.
global_asm!(
    ".text",
    ".globl __chkstk",
    ".p2align 4, 0xCC",
    "__chkstk:",
    "push rcx",
    "push rax",
    "lea rcx, [rsp + 24]", // the stack pointer of the caller
    "2:",
    "cmp rax, 0x1000",
    "jb 3f",
    "sub rcx, 0x1000",
    "test byte ptr [rcx], 0",
    "sub rax, 0x1000",
    "jmp 2b",
    "3:",
    "sub rcx, rax",
    "test byte ptr [rcx], 0",
    "pop rax",
    "pop rcx",
    "ret",
);

/// Refers to floating point, which libraries mention and the driver never uses.
#[cfg(not(feature = "wdk"))]
#[unsafe(no_mangle)]
pub static _fltused: i32 = 0;

/// The personality of functions that unwind. The standard library that rustup brings was compiled to unwind and names it;
/// nothing here ever throws.
#[cfg(not(feature = "wdk"))]
#[unsafe(no_mangle)]
pub extern "win64" fn __CxxFrameHandler3() -> i32 {
    /// `ExceptionContinueSearch`.
    const CONTINUE_SEARCH: i32 = 1;
    CONTINUE_SEARCH
}
