//! The load configuration: where the loader finds the tables for control-flow guard, and the security cookie.
//!
//! The linker makes the tables and looks for a symbol `_load_config_used`, which is IMAGE_LOAD_CONFIG_DIRECTORY64 up to and
//! including the exception-handling continuations. A C compiler's driver gets it from BufferOverflowFastFailK.lib.
//!
//! Each indirect call goes through the pointer `__guard_dispatch_icall_fptr`. Windows sets it to its own check when the
//! hypervisor enforces code integrity; otherwise it keeps what is here: a jump to the target.
#![expect(unsafe_code, reason = "defines symbols that the linker and the compiler refer to")]

use core::arch::global_asm;

global_asm!(
    ".text",
    ".p2align 4, 0xCC",
    ".def pvgpu_guard_check; .scl 3; .type 32; .endef",
    "pvgpu_guard_check:",
    "ret",
    ".p2align 4, 0xCC",
    ".def pvgpu_guard_dispatch; .scl 3; .type 32; .endef",
    "pvgpu_guard_dispatch:",
    "jmp rax",
    // The loader writes these two before the section becomes read-only.
    ".section .00cfg, \"dr\"",
    ".p2align 3",
    ".globl __guard_check_icall_fptr",
    "__guard_check_icall_fptr: .quad pvgpu_guard_check",
    ".globl __guard_dispatch_icall_fptr",
    "__guard_dispatch_icall_fptr: .quad pvgpu_guard_dispatch",
    // The loader replaces this value, by which it knows an unused cookie, with a random one.
    ".section .data, \"dw\"",
    ".p2align 3",
    ".globl __security_cookie",
    "__security_cookie: .quad 0x2B992DDFA232",
    ".section .rdata, \"dr\"",
    ".p2align 4",
    ".globl _load_config_used",
    "_load_config_used:",
    ".long 0x118",                       // Size
    ".zero 0x58 - 0x04",                 // nothing that applies to drivers
    ".quad __security_cookie",           // 0x58 SecurityCookie
    ".quad 0, 0",                        // 0x60 SEHandlerTable, SEHandlerCount: x86 only
    ".quad __guard_check_icall_fptr",    // 0x70 GuardCFCheckFunctionPointer
    ".quad __guard_dispatch_icall_fptr", // 0x78 GuardCFDispatchFunctionPointer
    ".quad __guard_fids_table",          // 0x80 GuardCFFunctionTable
    ".quad __guard_fids_count",          // 0x88 GuardCFFunctionCount
    ".long __guard_flags",               // 0x90 GuardFlags
    ".zero 12",                          // 0x94 CodeIntegrity
    ".quad __guard_iat_table",           // 0xA0 GuardAddressTakenIatEntryTable
    ".quad __guard_iat_count",           // 0xA8 GuardAddressTakenIatEntryCount
    ".quad __guard_longjmp_table",       // 0xB0 GuardLongJumpTargetTable
    ".quad __guard_longjmp_count",       // 0xB8 GuardLongJumpTargetCount
    ".zero 0x108 - 0xC0",                // no hot patches, no enclave, no volatile metadata
    ".quad __guard_eh_cont_table",       // 0x108 GuardEHContinuationTable
    ".quad __guard_eh_cont_count",       // 0x110 GuardEHContinuationCount
    ".text",
);
