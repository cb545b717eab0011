//! The questions to SetupAPI and to the registry.
#![expect(unsafe_code, reason = "SetupAPI and the registry are C interfaces")]

use std::ffi::c_void;

use windows::Win32::Devices::DeviceAndDriverInstallation::{
    INF_STYLE_WIN4, INFCONTEXT, SPINST_REGISTRY, SPSVCINST_FLAGS, SetupCloseInfFile, SetupEnumInfSectionsW,
    SetupFindFirstLineW, SetupFindNextLine, SetupGetFieldCount, SetupGetSourceFileLocationW,
    SetupGetStringFieldW, SetupInstallFromInfSectionW, SetupInstallServicesFromInfSectionW,
    SetupOpenInfFileW,
};
use windows::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows::Win32::System::Registry::{
    HKEY, HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, KEY_ALL_ACCESS, REG_OPTION_NON_VOLATILE, REG_VALUE_TYPE,
    RegCloseKey, RegCreateKeyExW, RegDeleteTreeW, RegEnumKeyExW, RegEnumValueW,
};
use windows_core::{HSTRING, PCWSTR, PWSTR, Result};

/// SetupAPI's limits: MAX_INF_STRING_LENGTH and MAX_INF_SECTION_NAME_LENGTH of setupapi.h, and a registry name's.
const FIELD: usize = 4096;
const NAME: usize = 256;
/// The longest data of a value that an INF of ours writes, with room to spare.
const DATA: usize = 16 * 1024;
/// Where sections' registry parts are tried out. It is removed again.
const SCRATCH: &str = r"Software\pvgpu-inf-probe";

/// Where services stand below HKEY_LOCAL_MACHINE.
const SERVICES: &str = r"System\CurrentControlSet\Services";

/// An INF that SetupAPI has opened.
struct Inf(*mut c_void);

impl Drop for Inf {
    fn drop(&mut self) {
        // SAFETY: the handle came from SetupOpenInfFileW and is closed once.
        unsafe { SetupCloseInfFile(self.0) };
    }
}

/// A registry key.
struct Key(HKEY);

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: the handle came from RegCreateKeyExW and is closed once. Nothing can be done about a failure.
        let _closed = unsafe { RegCloseKey(self.0) };
    }
}

/// Prints everything about the file, and what the named sections write to the registry.
pub fn probe(file: &str, registry_sections: &[String]) -> Result<()> {
    let inf = open(file)?;
    for section in sections(&inf)? {
        for_each_line(&inf, &section, |fields| println!("entry\t{section}\t{}", fields.join("\t")))?;
    }
    let mut files = Vec::new();
    for_each_line(&inf, "SourceDisksFiles", |fields| files.extend(fields.first().cloned()))?;
    for file in files {
        let (disk, place) = source(&inf, &file)?;
        println!("source\t{file}\t{disk}\t{place}");
    }
    let mut arguments = registry_sections.iter();
    while let Some(section) = arguments.next() {
        if section == "--services" {
            arguments.next().map_or(Ok(()), |section| install_services(&inf, section))?;
        } else {
            install_registry(&inf, section)?;
        }
    }
    Ok(())
}

fn open(file: &str) -> Result<Inf> {
    let name = HSTRING::from(file);
    let mut line = 0;
    // SAFETY: the name is a terminated string and the line a variable of ours; both live through the call.
    let handle = unsafe { SetupOpenInfFileW(&name, PCWSTR::null(), INF_STYLE_WIN4, Some(&raw mut line)) };
    if handle == INVALID_HANDLE_VALUE.0 {
        let error = windows_core::Error::from_thread();
        eprintln!("inf-probe: SetupAPI refuses line {line}");
        return Err(error);
    }
    Ok(Inf(handle))
}

fn sections(inf: &Inf) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for index in 0.. {
        let mut buffer = [0; NAME];
        // SAFETY: the handle is open and the buffer has the length that its slice says.
        let found = unsafe { SetupEnumInfSectionsW(inf.0, index, Some(&mut buffer), None) };
        if found.is_err() {
            break;
        }
        names.push(text(&buffer));
    }
    Ok(names)
}

/// Calls back with each line of a section: its key or an empty string, and its fields.
fn for_each_line(inf: &Inf, section: &str, mut with: impl FnMut(&[String])) -> Result<()> {
    let name = HSTRING::from(section);
    let mut context = INFCONTEXT::default();
    // SAFETY: the handle is open, the name is terminated, and the context is a variable of ours.
    let mut more = unsafe { SetupFindFirstLineW(inf.0, &name, PCWSTR::null(), &raw mut context) };
    while more.is_ok() {
        // SAFETY: the context was filled by the last successful call.
        let count = unsafe { SetupGetFieldCount(&raw const context) };
        // Field 0 is the key; a line without one gives its first field again.
        let fields: Vec<String> = (0..=count).map(|index| field(&context, index)).collect::<Result<_>>()?;
        with(&fields);
        let last = context;
        // SAFETY: both contexts are variables of ours, the first was filled by a successful call.
        more = unsafe { SetupFindNextLine(&raw const last, &raw mut context) };
    }
    Ok(())
}

fn field(context: &INFCONTEXT, index: u32) -> Result<String> {
    let mut buffer = [0; FIELD];
    // SAFETY: the context was filled by SetupAPI and the buffer has the length that its slice says.
    let found = unsafe { SetupGetStringFieldW(context, index, Some(&mut buffer), None) };
    // A line without a key has no field 0.
    if found.is_err() && index == 0 {
        return Ok(String::new());
    }
    found.map(|()| text(&buffer))
}

fn source(inf: &Inf, file: &str) -> Result<(u32, String)> {
    let name = HSTRING::from(file);
    let mut buffer = [0; FIELD];
    let mut disk = 0;
    // SAFETY: the handle is open, the name is terminated, the number is ours, the buffer's slice says its length.
    unsafe { SetupGetSourceFileLocationW(inf.0, None, &name, &raw mut disk, Some(&mut buffer), None) }?;
    Ok((disk, text(&buffer)))
}

/// Has SetupAPI do a section's registry part below the scratch key, prints the values, and removes them.
fn install_registry(inf: &Inf, section: &str) -> Result<()> {
    let key = create(HKEY_CURRENT_USER, SCRATCH)?;
    let name = HSTRING::from(section);
    // SAFETY: the handle and the key are open, the name is terminated; nothing but the registry part is asked for, which
    // needs neither a source folder nor a callback.
    let done = unsafe {
        SetupInstallFromInfSectionW(
            None,
            inf.0,
            &name,
            SPINST_REGISTRY,
            Some(key.0),
            PCWSTR::null(),
            0,
            None,
            None,
            None,
            None,
        )
    };
    let printed = done.and_then(|()| print_values(section, "", &key));
    drop(key);
    let scratch = HSTRING::from(SCRATCH);
    // SAFETY: the name is terminated; the key is ours alone.
    unsafe { RegDeleteTreeW(HKEY_CURRENT_USER, &scratch) }.ok()?;
    printed
}

/// Has SetupAPI install the services of a section, and prints what then stands in the registry of the first one.
fn install_services(inf: &Inf, section: &str) -> Result<()> {
    let mut services = Vec::new();
    for_each_line(inf, section, |fields| services.extend(fields.get(1).cloned()))?;
    let name = HSTRING::from(section);
    // SAFETY: the handle is open and the name is terminated.
    unsafe { SetupInstallServicesFromInfSectionW(inf.0, &name, SPSVCINST_FLAGS(0)) }?;
    for service in services {
        let key = create(HKEY_LOCAL_MACHINE, &format!(r"{SERVICES}\{service}"))?;
        for (name, value) in values(&key) {
            println!("service\t{service}\t{name}\t{value}");
        }
    }
    Ok(())
}

fn create(root: HKEY, path: &str) -> Result<Key> {
    let name = HSTRING::from(path);
    let mut key = HKEY::default();
    // SAFETY: the name is terminated and the key is a variable of ours.
    unsafe {
        RegCreateKeyExW(
            root,
            &name,
            None,
            PCWSTR::null(),
            REG_OPTION_NON_VOLATILE,
            KEY_ALL_ACCESS,
            None,
            &raw mut key,
            None,
        )
    }
    .ok()?;
    Ok(Key(key))
}

/// The names of a key's values, and each value as [`shown`] writes it.
fn values(key: &Key) -> Vec<(String, String)> {
    let mut values = Vec::new();
    for index in 0.. {
        let mut name = [0; NAME];
        let mut name_length = NAME as u32;
        let mut data = vec![0; DATA];
        let (mut kind, mut size) = (0, DATA as u32);
        let name_buffer = Some(PWSTR(name.as_mut_ptr()));
        let data_buffer = Some(data.as_mut_ptr());
        let lengths = (&raw mut name_length, &raw mut kind, &raw mut size);
        // SAFETY: the key is open; each buffer has the length that the variable beside it says; all are ours.
        let found = unsafe {
            RegEnumValueW(
                key.0,
                index,
                name_buffer,
                lengths.0,
                None,
                Some(lengths.1),
                data_buffer,
                Some(lengths.2),
            )
        };
        if found.is_err() {
            break;
        }
        data.truncate(size as usize);
        values.push((text(&name), shown(REG_VALUE_TYPE(kind), &data)));
    }
    values
}

fn print_values(section: &str, path: &str, key: &Key) -> Result<()> {
    for (name, value) in values(key) {
        println!("value\t{section}\t{path}\t{name}\t{value}");
    }
    for index in 0.. {
        let mut name = [0; NAME];
        let mut length = NAME as u32;
        let buffer = Some(PWSTR(name.as_mut_ptr()));
        // SAFETY: the key is open and the buffer has the length that the variable says.
        let found = unsafe { RegEnumKeyExW(key.0, index, buffer, &raw mut length, None, None, None, None) };
        if found.is_err() {
            break;
        }
        let name = text(&name);
        let inner = create(HKEY_CURRENT_USER, &[SCRATCH, path, &name].join("\\").replace("\\\\", "\\"))?;
        let path = if path.is_empty() { name } else { format!("{path}\\{name}") };
        print_values(section, &path, &inner)?;
    }
    Ok(())
}

/// A value as text: its kind, then its data.
fn shown(kind: REG_VALUE_TYPE, data: &[u8]) -> String {
    use windows::Win32::System::Registry::{REG_DWORD, REG_MULTI_SZ, REG_SZ};

    let wide: Vec<u16> = data.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    match (kind, data) {
        (REG_DWORD, [a, b, c, d]) => format!("dword\t{}", u32::from_le_bytes([*a, *b, *c, *d])),
        (REG_SZ, _) => format!("string\t{}", text(&wide)),
        (REG_MULTI_SZ, _) => {
            let all = String::from_utf16_lossy(&wide);
            format!("strings\t{}", all.trim_end_matches('\0').replace('\0', "\t"))
        }
        (other, _) => format!("type {}\t{data:?}", other.0),
    }
}

/// The text up to the first zero.
fn text(buffer: &[u16]) -> String {
    let end = buffer.iter().position(|unit| *unit == 0).unwrap_or(buffer.len());
    String::from_utf16_lossy(&buffer[..end])
}
