//! `PVGPU_WDDM_HEADERS=DIR`: a C compiler confirms the table with the headers in that folder.
//!
//! The folder holds any of `d3dukmdt.h`, `d3dkmdt.h`, `d3dkmddi.h`, `dispmprt.h`; what it holds is compared. Microsoft's libdxg
//! has the first two under the MIT licence. NT's own types come from mingw's `ddk/ntddk.h`.
//! Each number becomes a comparison that the compiler can fold; one that is false leaves a call to a function that must not
//! be called, which is an error that names the struct and member.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use pvgpu_kmd_ddi::{DXGKDDI_INTERFACE_VERSION_WDDM1_3, Header, LAYOUTS, Layout, VALUES};

use crate::probe::{members, path};

const COMPILER: &str = "x86_64-w64-mingw32-gcc";

/// What the headers expect to have been included; `video.h` wants two names that only its own callers use.
const PRELUDE: &str = r"
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ntddk.h>
#include <windef.h>
typedef void *PEMULATOR_ACCESS_ENTRY;
typedef void *PBANKED_SECTION_ROUTINE;
#include <video.h>
#define _D3DKMTHK_H_
#define D3DKMDT_SPECIAL_MULTIPLATFORM_TOOL
#define BYTE unsigned char
";

/// libdxg's `d3dkmdt.h`, made for Linux, declares these again; they get other names while it is read.
const DECLARED_AGAIN: &[&str] = &[
    "POWER_ACTION",
    "PPOWER_ACTION",
    "_DEVICE_POWER_STATE",
    "DEVICE_POWER_STATE",
    "PDEVICE_POWER_STATE",
    "PowerActionNone",
    "PowerActionReserved",
    "PowerActionSleep",
    "PowerActionHibernate",
    "PowerActionShutdown",
    "PowerActionShutdownReset",
    "PowerActionShutdownOff",
    "PowerActionWarmEject",
    "PowerActionDisplayOff",
    "PowerDeviceUnspecified",
    "PowerDeviceD0",
    "PowerDeviceD1",
    "PowerDeviceD2",
    "PowerDeviceD3",
    "PowerDeviceMaximum",
];

/// Fails to compile, with this name, unless the condition holds.
fn must(c: &mut String, number: usize, what: &str, condition: &str) {
    let _ = writeln!(c, "extern void wrong_{number}(void) __attribute__((error(\"{what}\")));");
    let _ = writeln!(c, "void check_{number}(void) {{ if (!({condition})) wrong_{number}(); }}");
}

fn checks(layout: &Layout, c: &mut String, number: &mut usize) {
    let version = DXGKDDI_INTERFACE_VERSION_WDDM1_3;
    let (base, part) = path(layout);
    let mut check = |what: String, condition: String| {
        must(c, *number, &what, &condition);
        *number += 1;
    };
    for (bit, mask) in layout.bits {
        let (word, prefix) = (layout.word_offset, layout.bit_prefix);
        let condition = format!(
            "({{ {base} x; unsigned v; memset(&x, 0, sizeof x); x.{prefix}{bit} = -1; \
             memcpy(&v, (char *)&x + {word}, 4); v == {mask:#x}u; }})"
        );
        check(format!("{}::{bit} is not {mask:#x}", layout.name), condition);
    }
    if !layout.bits.is_empty() {
        return;
    }
    let size = if layout.name == "DRIVER_INITIALIZATION_DATA" {
        pvgpu_kmd_ddi::DRIVER_INITIALIZATION_DATA::size_for(version)
    } else {
        layout.size
    };
    let actual = match part {
        None => format!("sizeof({base})"),
        Some(part) => format!("sizeof((({base} *)0)->{part})"),
    };
    check(format!("{} has not {size} bytes", layout.name), format!("{actual} == {size}"));
    for member in members(layout, version) {
        let (name, offset) = (member.name, member.offset);
        let actual = match part {
            None => format!("offsetof({base}, {})", member.c),
            Some(part) => format!("offsetof({base}, {part}.{}) - offsetof({base}, {part})", member.c),
        };
        check(format!("{}::{name} is not at {offset}", layout.name), format!("{actual} == {offset}"));
    }
}

/// The folder of mingw's kernel headers, which lie beside its libraries.
fn kernel_headers() -> Result<String, String> {
    let output = Command::new(COMPILER).arg("-print-file-name=../include/ddk").output();
    let output = output.map_err(|error| format!("{COMPILER}: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Compiles the checks for these headers; gives how many there were, or what the compiler said.
fn compile(folder: Option<&Path>, headers: &[Header]) -> Result<usize, String> {
    let mut c = PRELUDE.to_owned();
    for name in DECLARED_AGAIN {
        let _ = writeln!(c, "#define {name} Again_{name}");
    }
    for header in headers.iter().filter(|header| matches!(header, Header::D3dukmdt | Header::D3dkmdt)) {
        let _ = writeln!(c, "#include \"{}\"", header.name());
    }
    for name in DECLARED_AGAIN {
        let _ = writeln!(c, "#undef {name}");
    }
    // Its values lie on both sides of zero and one is 0x80000000: an int for Microsoft's compiler, eight bytes for gcc.
    c.push_str("#define D3DKMDT_VIDEO_OUTPUT_TECHNOLOGY int\n");
    for header in headers.iter().filter(|header| matches!(header, Header::D3dkmddi | Header::Dispmprt)) {
        let _ = writeln!(c, "#include \"{}\"", header.name());
    }
    let mut number = 0;
    for layout in LAYOUTS.iter().filter(|layout| headers.contains(&layout.header)) {
        checks(layout, &mut c, &mut number);
    }
    for (_, name, value) in VALUES.iter().filter(|(header, ..)| headers.contains(header)) {
        // CAST: compared in the lower 32 bits.
        let value = *value as u32;
        must(
            &mut c,
            number,
            &format!("{name} is not {value:#x}"),
            &format!("(unsigned)({name}) == {value:#x}u"),
        );
        number += 1;
    }
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let source = scratch.path().join("check.c");
    std::fs::write(&source, c).expect("the scratch folder can be written");
    let mut command = Command::new(COMPILER);
    command.args(["-O2", "-w", "-fms-extensions", "-mms-bitfields", "-D_WIN32_WINNT=0x0A00", "-c", "-o"]);
    command.arg(scratch.path().join("check.o"));
    command.args(["-DNTDDI_VERSION=0x0A000000", "-DNT_PROCESSOR_GROUPS"]);
    command.arg(format!("-DDXGKDDI_INTERFACE_VERSION={DXGKDDI_INTERFACE_VERSION_WDDM1_3:#x}"));
    if let Some(folder) = folder {
        command.arg("-I").arg(folder);
    }
    command.arg("-I").arg(kernel_headers()?);
    let output = command.arg(&source).output().map_err(|error| format!("{COMPILER}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(number) } else { Err(said) }
}

/// NT's own types come from mingw, which the Windows build needs anyway.
#[test]
fn mingw_agrees_on_nt_types() {
    if Command::new(COMPILER).arg("--version").output().is_err() {
        println!("{COMPILER} is not installed: nothing to compare with");
        return;
    }
    let compared = compile(None, &[Header::Nt]).unwrap_or_else(|said| panic!("{said}"));
    assert!(compared > 100, "only {compared} numbers compared");
}

#[test]
fn public_headers_agree() {
    let Some(folder) = std::env::var_os("PVGPU_WDDM_HEADERS") else {
        println!("PVGPU_WDDM_HEADERS names no folder: nothing to compare with");
        return;
    };
    let folder = Path::new(&folder);
    let all = [Header::D3dukmdt, Header::D3dkmdt, Header::D3dkmddi, Header::Dispmprt];
    let present: Vec<_> = all.into_iter().filter(|header| folder.join(header.name()).exists()).collect();
    assert!(!present.is_empty(), "{} holds none of the headers", folder.display());
    let compared = compile(Some(folder), &present).unwrap_or_else(|said| panic!("{said}"));
    let names: Vec<_> = present.iter().map(|header| header.name()).collect();
    println!("{compared} numbers agree with {} in {}", names.join(", "), folder.display());
}
