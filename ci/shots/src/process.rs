//! Starting a program with our DLL in it.
//!
//! Two threads are started in the suspended program, one after the other: the first loads the DLL, the second calls
//! the DLL's `pvgpu_shots_start`. Hooking must not happen while the DLL is being loaded, because it creates a Direct3D
//! device, and that starts threads, which wait for the loader.

#![expect(unsafe_code, reason = "starting threads in another process has no safe interface")]

use std::ffi::c_void;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::AsRawHandle;
use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::Command;

use windows::Win32::Foundation::{CloseHandle, HANDLE, HMODULE, WAIT_OBJECT_0};
use windows::Win32::System::Diagnostics::Debug::WriteProcessMemory;
use windows::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, MODULEENTRY32W, Module32FirstW, Module32NextW, TH32CS_SNAPMODULE,
    TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress, LoadLibraryW};
use windows::Win32::System::Memory::{MEM_COMMIT, MEM_RESERVE, PAGE_READWRITE, VirtualAllocEx};
use windows::Win32::System::Threading::{
    CREATE_SUSPENDED, CreateRemoteThread, GetExitCodeThread, LPTHREAD_START_ROUTINE, OpenThread,
    ResumeThread, THREAD_SUSPEND_RESUME, WaitForSingleObject,
};
use windows::core::{HSTRING, PCSTR, s, w};

/// The DLL next to this program.
const DLL: &str = "pvgpu_shots.dll";
/// The DLL's function that hooks Present; takes nothing, returns 0 or an HRESULT.
const START: PCSTR = s!("pvgpu_shots_start");
/// TIMEOUT: milliseconds for loading the DLL or hooking; a first Direct3D device takes about 1 s under Wine on a busy machine.
const STEP_TIMEOUT: u32 = 60_000;

/// Runs the program with frames saved; returns its exit code.
///
/// # Errors
/// A sentence on what could not be done. The program is ended then.
pub fn run_hooked(mut command: Command) -> Result<i32, String> {
    let mut child = command
        .creation_flags(CREATE_SUSPENDED.0)
        .spawn()
        .map_err(|error| format!("cannot start {:?}: {error}", command.get_program()))?;
    let process = HANDLE(child.as_raw_handle());
    if let Err(message) = hook(process, child.id()).and_then(|()| resume(child.id())) {
        // It has not run yet, so ending it loses nothing. If that fails too, the first message is the useful one.
        let _ended = child.kill();
        return Err(message);
    }
    let status = child.wait().map_err(|error| format!("cannot wait for the program: {error}"))?;
    // On Windows a process that has ended always has a code.
    Ok(status.code().unwrap_or_default())
}

/// Loads the DLL into the process and has it hook Present.
fn hook(process: HANDLE, id: u32) -> Result<(), String> {
    let folder =
        std::env::current_exe().map_err(|error| format!("cannot find this program's folder: {error}"))?;
    let path = folder.with_file_name(DLL);
    let text = copy_into(process, &path)?;
    // SAFETY: kernel32 is in every process.
    let kernel =
        unsafe { GetModuleHandleW(w!("kernel32.dll")) }.map_err(|error| format!("no kernel32: {error}"))?;
    // kernel32 has the same address in all processes of a session, so our address of LoadLibraryW is valid there too.
    let load = address(kernel, s!("LoadLibraryW"))?;
    if run_thread(process, load, text)? == 0 {
        return Err(format!("the program cannot load {}", path.display()));
    }
    let start = module_base(id, DLL)? + start_offset(&path)?;
    match run_thread(process, start, std::ptr::null())? {
        0 => Ok(()),
        code => Err(format!("cannot hook Present in the program: HRESULT 0x{code:08X}")),
    }
}

/// Where the hooking function lies in the DLL, measured from the DLL's base.
fn start_offset(dll: &Path) -> Result<usize, String> {
    // SAFETY: our own DLL; loading it runs nothing but the runtime's start-up code.
    let library = unsafe { LoadLibraryW(&HSTRING::from(dll)) };
    let library = library.map_err(|error| format!("cannot load {}: {error}", dll.display()))?;
    Ok(address(library, START)? - library.0 as usize)
}

fn address(module: HMODULE, name: PCSTR) -> Result<usize, String> {
    // SAFETY: the module is loaded and stays so.
    let address = unsafe { GetProcAddress(module, name) };
    // SAFETY: all names passed here are constants of this file, which end with a zero byte.
    let name = || unsafe { name.display() }.to_string();
    address.map(|address| address as usize).ok_or_else(|| format!("function {} not found", name()))
}

/// Writes a path into the process's memory, as UTF-16 with a zero at the end. It stays there until the process ends.
fn copy_into(process: HANDLE, path: &Path) -> Result<*const c_void, String> {
    let text: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
    let size = size_of_val(text.as_slice());
    // SAFETY: new memory, at an address of the system's choice.
    let memory = unsafe { VirtualAllocEx(process, None, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) };
    if memory.is_null() {
        return Err(format!("cannot get memory in the program: {}", windows::core::Error::from_thread()));
    }
    // SAFETY: `size` bytes are readable at `text` and were just made writable in the other process.
    unsafe { WriteProcessMemory(process, memory, text.as_ptr().cast(), size, None) }
        .map_err(|error| format!("cannot write to the program's memory: {error}"))?;
    Ok(memory)
}

/// Runs a function of one argument on a new thread of the process and returns its result's lower 32 bits.
fn run_thread(process: HANDLE, function: usize, argument: *const c_void) -> Result<u32, String> {
    // SAFETY: the caller passes the address of a function with a thread's signature in that process.
    let function: LPTHREAD_START_ROUTINE = unsafe { std::mem::transmute(function) };
    // SAFETY: `argument` means something to `function` in that process; default attributes and stack.
    let thread = unsafe { CreateRemoteThread(process, None, 0, function, Some(argument), 0, None) }
        .map_err(|error| format!("cannot start a thread in the program: {error}"))?;
    // SAFETY: the thread's handle is open.
    let waited = unsafe { WaitForSingleObject(thread, STEP_TIMEOUT) };
    let mut code = 0;
    // SAFETY: as above, and `code` is valid for writing.
    let read = unsafe { GetExitCodeThread(thread, &mut code) };
    // SAFETY: the handle is ours and not used any more. Closing a valid handle does not fail.
    let _closed = unsafe { CloseHandle(thread) };
    if waited != WAIT_OBJECT_0 {
        return Err(format!("a thread in the program did not end within {} s", STEP_TIMEOUT / 1000));
    }
    read.map(|()| code).map_err(|error| format!("cannot read a thread's result: {error}"))
}

/// Where a module lies in a process. (LoadLibraryW's own result does not fit into a thread's 32-bit exit code.)
fn module_base(process: u32, name: &str) -> Result<usize, String> {
    // SAFETY: no pointers are passed.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPMODULE, process) }
        .map_err(|error| format!("cannot list the program's modules: {error}"))?;
    let mut entry = MODULEENTRY32W { dwSize: size_of::<MODULEENTRY32W>() as u32, ..Default::default() };
    // SAFETY: the snapshot is open and `entry` says its size.
    let mut found = unsafe { Module32FirstW(snapshot, &mut entry) };
    let mut base = Err(format!("{name} is not among the program's modules"));
    while found.is_ok() {
        let module = String::from_utf16_lossy(&entry.szModule);
        if module.trim_end_matches('\0').eq_ignore_ascii_case(name) {
            base = Ok(entry.modBaseAddr as usize);
            break;
        }
        // SAFETY: as above.
        found = unsafe { Module32NextW(snapshot, &mut entry) };
    }
    // SAFETY: the handle is ours and not used any more.
    let _closed = unsafe { CloseHandle(snapshot) };
    base
}

/// Lets the suspended program run: its one thread. (The standard library does not hand out the main thread's handle.)
fn resume(process: u32) -> Result<(), String> {
    // SAFETY: no pointers are passed.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) }
        .map_err(|error| format!("cannot list threads: {error}"))?;
    let mut entry = THREADENTRY32 { dwSize: size_of::<THREADENTRY32>() as u32, ..Default::default() };
    // SAFETY: the snapshot is open and `entry` says its size.
    let mut found = unsafe { Thread32First(snapshot, &mut entry) };
    let mut result = Err("the program has no thread to resume".to_owned());
    while found.is_ok() {
        if entry.th32OwnerProcessID == process {
            result = resume_thread(entry.th32ThreadID);
            if result.is_err() {
                break;
            }
        }
        // SAFETY: as above.
        found = unsafe { Thread32Next(snapshot, &mut entry) };
    }
    // SAFETY: the handle is ours and not used any more.
    let _closed = unsafe { CloseHandle(snapshot) };
    result
}

fn resume_thread(id: u32) -> Result<(), String> {
    // SAFETY: no pointers are passed.
    let thread = unsafe { OpenThread(THREAD_SUSPEND_RESUME, false, id) };
    let thread = thread.map_err(|error| format!("cannot open the program's thread: {error}"))?;
    // SAFETY: the handle is open. A thread that was not suspended stays as it is.
    let count = unsafe { ResumeThread(thread) };
    let error = windows::core::Error::from_thread();
    // SAFETY: the handle is ours and not used any more.
    let _closed = unsafe { CloseHandle(thread) };
    if count == u32::MAX { Err(format!("cannot resume the program: {error}")) } else { Ok(()) }
}
