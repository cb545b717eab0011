//! pvgpukmd.sys, the file: what it must be for Windows to take it, and that it loads and runs here.

use std::ffi::c_void;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

use goblin::pe::PE;
use goblin::pe::exception::UnwindOperation;
use goblin::pe::resource::VersionField;
use goblin::pe::section_table::{IMAGE_SCN_MEM_DISCARDABLE, IMAGE_SCN_MEM_EXECUTE, IMAGE_SCN_MEM_WRITE};
use pvgpu_loader::{Image, LoadError};
use pvgpu_xtask::{kernel, paths};

/// The largest image that is allowed.
const LARGEST_FILE: usize = 512 * 1024;
/// Every export of ntoskrnl.exe that the driver may use.
const IMPORTS: &[&str] = &[
    "DbgPrintEx",
    "ExAllocatePool2",
    "ExEventObjectType",
    "ExFreePoolWithTag",
    "ExSetTimerResolution",
    "IoAllocateMdl",
    "IoBuildDeviceIoControlRequest",
    "IoBuildPartialMdl",
    "IoFreeMdl",
    "IoGetDeviceObjectPointer",
    "IofCallDriver",
    "KeAcquireSpinLockRaiseToDpc",
    "KeBugCheckEx",
    "KeCancelTimer",
    "KeDelayExecutionThread",
    "KeFlushQueuedDpcs",
    "KeInitializeDpc",
    "KeInitializeEvent",
    "KeInitializeTimerEx",
    "KeQueryPerformanceCounter",
    "KeReleaseSpinLock",
    "KeSetCoalescableTimer",
    "KeSetEvent",
    "KeWaitForSingleObject",
    "MmAllocatePagesForMdlEx",
    "MmBuildMdlForNonPagedPool",
    "MmFreePagesFromMdl",
    "MmMapIoSpaceEx",
    "MmMapLockedPagesSpecifyCache",
    "MmUnmapIoSpace",
    "MmUnmapLockedPages",
    "ObReferenceObjectByHandle",
    "ObfDereferenceObject",
    "PsGetCurrentProcessId",
    "RtlInitUnicodeString",
    "SeSinglePrivilegeCheck",
    "ZwClose",
    "ZwLoadDriver",
    "ZwOpenKey",
    "ZwQueryValueKey",
    "__C_specific_handler",
];

/// The image, built unless `PVGPU_BUILT` says that `cargo xtask test` has just done so.
fn path() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        if std::env::var_os("PVGPU_BUILT").is_none() {
            kernel::build().expect("pvgpukmd.sys builds");
        }
    });
    paths::kernel_file("pvgpukmd.sys")
}

fn file() -> Vec<u8> {
    fs::read(path()).expect("pvgpukmd.sys can be read")
}

#[test]
fn it_imports_from_the_kernel_what_it_may_and_nothing_else() {
    let file = file();
    let image = PE::parse(&file).expect("it is a PE file");
    assert_eq!(image.libraries, ["ntoskrnl.exe"]);
    assert!(image.exports.is_empty(), "a driver exports nothing");
    let others: Vec<_> =
        image.imports.iter().map(|import| &*import.name).filter(|name| !IMPORTS.contains(name)).collect();
    assert!(others.is_empty(), "not on the list: {others:?}");
    assert!(image.imports.len() > 20, "only {} imports: is this the driver?", image.imports.len());
}

#[test]
fn it_is_small() {
    let bytes = file().len();
    assert!(bytes <= LARGEST_FILE, "{bytes} bytes");
}

#[test]
fn its_headers_are_a_drivers() {
    /// IMAGE_DLLCHARACTERISTICS_*: 64-bit addresses, any address, no execution of data, WDM, guard.
    const WANTED: u16 = 0x20 | 0x40 | 0x100 | 0x2000 | 0x4000;
    let file = file();
    let image = PE::parse(&file).expect("it is a PE file");
    let windows = image.header.optional_header.expect("it has an optional header").windows_fields;
    assert_eq!((windows.subsystem, windows.major_subsystem_version), (1, 10), "native, Windows 10");
    assert_eq!(windows.dll_characteristics & WANTED, WANTED, "{:#x}", windows.dll_characteristics);
    assert!(!image.is_lib, "a driver is no DLL");
    assert!(image.header.optional_header.is_some_and(|optional| {
        optional.data_directories.get_base_relocation_table().is_some_and(|table| table.size > 0)
    }));
}

#[test]
fn its_checksum_is_right() {
    let file = file();
    let image = PE::parse(&file).expect("it is a PE file");
    let windows = image.header.optional_header.expect("it has an optional header").windows_fields;
    // The field lies 64 bytes into the optional header, which follows the signature and 20 bytes of header.
    let field = image.header.dos_header.pe_pointer as usize + 4 + 20 + 64;
    assert_eq!(windows.check_sum, checksum(&file, field));
}

/// The sum of all 16-bit words but the field's, folded to 16 bits, and the file's length.
fn checksum(file: &[u8], field: usize) -> u32 {
    let words = file.chunks(2).enumerate().filter(|(index, _)| !(field..field + 4).contains(&(index * 2)));
    let sum = words.fold(0_u32, |sum, (_, word)| {
        let word = u32::from(word[0]) | u32::from(word.get(1).copied().unwrap_or_default()) << 8;
        let sum = sum + word;
        (sum & 0xFFFF) + (sum >> 16)
    });
    sum + u32::try_from(file.len()).expect("a driver is small")
}

#[test]
fn init_goes_and_no_section_is_writable_code() {
    let file = file();
    let image = PE::parse(&file).expect("it is a PE file");
    let named = |name: &str| {
        let found = image.sections.iter().find(|section| section.name().is_ok_and(|found| found == name));
        found.unwrap_or_else(|| panic!("there is no section {name}"))
    };
    let init = named("INIT");
    assert_ne!(init.characteristics & IMAGE_SCN_MEM_DISCARDABLE, 0);
    let range = init.virtual_address..init.virtual_address + init.virtual_size;
    assert!(range.contains(&image.entry), "DriverEntry lies in INIT");
    assert_eq!(named(".text").characteristics & IMAGE_SCN_MEM_DISCARDABLE, 0);
    for section in &image.sections {
        let both = IMAGE_SCN_MEM_WRITE | IMAGE_SCN_MEM_EXECUTE;
        assert_ne!(section.characteristics & both, both, "{:?}", section.name());
    }
}

#[test]
fn indirect_calls_are_guarded() {
    /// CF_INSTRUMENTED and CF_FUNCTION_TABLE_PRESENT.
    const WANTED: u32 = 0x100 | 0x400;
    let file = file();
    let image = PE::parse(&file).expect("it is a PE file");
    let config = image.load_config_data.expect("it has a load configuration").directory;
    let flags = config.guard_flags.expect("it has guard flags");
    assert_eq!(flags & WANTED, WANTED, "{flags:#x}");
    // Every entry point of the driver is called through a pointer.
    let functions = config.guard_cf_function_count.expect("it has a table of functions");
    assert!(functions >= 60, "only {functions} functions may be called through pointers");
    for pointer in [
        config.guard_cf_check_function_pointer,
        config.guard_cf_dispatch_function_pointer,
        config.security_cookie,
    ] {
        assert!(pointer.is_some_and(|pointer| pointer > image.image_base), "{pointer:x?}");
    }
}

/// A kernel stack has six pages, for everybody who is on it.
#[test]
fn no_function_needs_a_page_of_stack() {
    let file = file();
    let image = PE::parse(&file).expect("it is a PE file");
    let data = image.exception_data.expect("it has unwind tables");
    let mut checked = 0;
    for function in data.functions() {
        let function = function.expect("the table is whole");
        let info = data.get_unwind_info(function, &image.sections).expect("it has unwind data");
        let sizes = info.unwind_codes().map(|code| match code.expect("the codes are whole").operation {
            UnwindOperation::Alloc(bytes) => bytes,
            UnwindOperation::PushNonVolatile(_) => 8,
            _ => 0,
        });
        let bytes: u32 = sizes.sum();
        assert!(bytes < 4096, "the function at offset {:#x} needs {bytes} bytes", function.begin_address);
        checked += 1;
    }
    assert!(checked > 100, "only {checked} functions have unwind data");
}

#[test]
fn its_debug_information_is_found_by_name_alone() {
    let file = file();
    let image = PE::parse(&file).expect("it is a PE file");
    let debug = image.debug_data.expect("it has a debug directory");
    let name = debug.codeview_pdb70_debug_info.expect("it names its PDB").filename;
    assert_eq!(name.strip_suffix(b"\0").unwrap_or(name), b"pvgpukmd.pdb");
    assert!(paths::kernel_file("pvgpukmd.pdb").exists());
    // Paths of this machine would make the file differ from one machine to another.
    let text = String::from_utf8_lossy(&file);
    let root = paths::root().to_str().expect("a plain path");
    for path in [root, "/usr/lib/rustlib", "/.cargo/", "/.rustup/"] {
        assert!(!text.contains(path), "the image holds {path}");
    }
}

#[test]
fn its_version_is_the_workspaces() {
    let file = file();
    let image = PE::parse(&file).expect("it is a PE file");
    let version = image.resource_data.and_then(|resources| resources.version_info);
    let version = version.expect("it has a version resource");
    let wanted = concat!(env!("CARGO_PKG_VERSION"), ".0");
    let fixed = version.fixed_info.expect("it has numbers");
    // goblin's own reader of this version looks at the date instead.
    let number = VersionField::from_ms_ls(fixed.file_version_ms, fixed.file_version_ls);
    assert_eq!(number.to_string(), wanted);
    assert_eq!(fixed.product_version().to_string(), wanted);
    let strings = version.string_info;
    assert_eq!(strings.file_version().as_deref().map(|text| text.trim_end_matches('\0')), Some(wanted));
    assert_eq!(
        strings.original_filename().as_deref().map(|text| text.trim_end_matches('\0')),
        Some("pvgpukmd.sys")
    );
}

#[test]
fn missing_exports_are_named() {
    let only_one = |name: &str| (name == "ZwClose").then_some(std::ptr::dangling::<c_void>());
    let Err(LoadError::Unresolved(names)) = Image::load(&path(), &only_one) else {
        panic!("it loaded without exports")
    };
    assert!(names.iter().any(|name| name == "ExAllocatePool2"));
    assert!(names.iter().all(|name| IMPORTS.contains(&name.as_str()) && name != "ZwClose"), "{names:?}");
}

#[test]
fn an_address_in_it_is_an_offset() {
    let image = Image::load(&path(), &|_: &str| Some(std::ptr::dangling::<c_void>())).expect("it loads");
    let range = image.range();
    assert_eq!(image.offset(range.start), Some(0));
    assert_eq!(image.offset(range.end - 1), Some(range.len() - 1));
    assert_eq!(image.offset(range.end), None);
    assert_eq!(
        image.offset(image.entry() as *const () as usize),
        PE::parse(&file()).ok().map(|pe| pe.entry as usize)
    );
    assert_eq!(image.scopes().len(), 2, "one handler for reading user memory, one for mapping pages");
}

fn check(task: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pvgpu-image-check"))
        .arg(path())
        .arg(task)
        .output()
        .expect("pvgpu-image-check starts")
}

#[test]
fn it_survives_unreadable_user_memory() {
    let output = check("copy");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn it_hands_all_arguments_of_a_mapping_on() {
    let output = check("map");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn driver_entry_hands_a_refusal_on() {
    let output = check("refused");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn what_was_discarded_cannot_run() {
    let output = check("discarded");
    assert_eq!(output.status.code(), None, "a signal ended it: {output:?}");
    let entry = PE::parse(&file()).expect("it is a PE file").entry;
    let wanted = format!("pvgpukmd.sys: signal 11 at offset {entry:#x}");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains(&wanted), "{message} does not say {wanted}");
}
