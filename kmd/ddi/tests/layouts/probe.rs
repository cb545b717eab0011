//! `ci/probe`: a C program that prints the table from a WDK's headers, and what it must print.

use std::fmt::Write;

use pvgpu_kmd_ddi::{
    DRIVER_INITIALIZATION_DATA, DXGKDDI_INTERFACE_VERSION_WDDM1_3, LAYOUTS, Layout, Member, VALUES,
};

const HEAD: &str = r#"/*
 * Prints the layouts of the WDDM kernel DDI as the headers of the installed WDK have them.
 *
 * Written from the table in kmd/ddi/src/layout by a test of that crate (PVGPU_BLESS=1); do not edit. In a command prompt of
 * Visual Studio for x64, with %WDK% the folder Include\<version> of the Windows Kits:
 *
 *   cl /nologo /TC /W3 /WX- /DDXGKDDI_INTERFACE_VERSION=0x4002 /I"%WDK%\shared" /I"%WDK%\km" layouts.c
 *   layouts.exe > actual.txt && fc /L actual.txt expected.txt
 *
 * and again with /DDXGKDDI_INTERFACE_VERSION=0x700A /DPVGPU_ENTRY_TABLE for expected-entry-table.txt: the table of entry points
 * up to WDDM 2.2.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <ntddk.h>
#include <dispmprt.h>

/* A type, and a member of one that has no name of its own. */
#define TYPE(name, type) printf("%s %u\n", name, (unsigned)sizeof(type))
#define PART(name, type, path) printf("%s %u\n", name, (unsigned)sizeof(((type *)0)->path))
#define MEMBER(name, type, path) printf("  %s %u\n", name, (unsigned)offsetof(type, path))
#define MEMBER_OF(name, type, base, path) \
    printf("  %s %u\n", name, (unsigned)(offsetof(type, base.path) - offsetof(type, base)))
/* The mask of a bit field: all ones in it, zeros elsewhere. */
#define BITS(name, type, word, path) \
    do { \
        union { type whole; unsigned char bytes[sizeof(type)]; } probe; \
        unsigned value; \
        memset(&probe, 0, sizeof(probe)); \
        probe.whole.path = -1; \
        memcpy(&value, probe.bytes + word, sizeof(value)); \
        printf("  %s 0x%08x\n", name, value); \
    } while (0)
#define VALUE(name) printf("%s 0x%08x\n", #name, (unsigned)(name))

"#;

/// The type and the path within it that C calls a struct.
pub fn path(layout: &Layout) -> (&'static str, Option<&'static str>) {
    match layout.c.split_once('.') {
        Some((base, path)) => (base, Some(path)),
        None => (layout.c, None),
    }
}

fn in_table(layout: &Layout, member: &Member, version: u32) -> bool {
    layout.name != "DRIVER_INITIALIZATION_DATA"
        || member.offset < DRIVER_INITIALIZATION_DATA::size_for(version)
}

/// The bytes of a struct at this interface version.
fn size(layout: &Layout, version: u32) -> usize {
    let table = layout.name == "DRIVER_INITIALIZATION_DATA";
    if table { DRIVER_INITIALIZATION_DATA::size_for(version) } else { layout.size }
}

/// The members that C can name.
pub fn members(layout: &Layout, version: u32) -> impl Iterator<Item = &'static Member> {
    layout.members.iter().filter(move |member| !member.c.is_empty() && in_table(layout, member, version))
}

/// The statements for one struct.
fn statements(layout: &Layout, version: u32, c: &mut String) {
    let (base, part) = path(layout);
    let name = layout.name;
    if !layout.bits.is_empty() {
        let _ = writeln!(c, "    printf(\"%s\\n\", \"{name}\");");
        for (bit, _) in layout.bits {
            let prefix = layout.bit_prefix;
            let _ = writeln!(c, "    BITS(\"{bit}\", {base}, {}, {prefix}{bit});", layout.word_offset);
        }
        return;
    }
    let _ = match part {
        None => writeln!(c, "    TYPE(\"{name}\", {base});"),
        Some(part) => writeln!(c, "    PART(\"{name}\", {base}, {part});"),
    };
    for member in members(layout, version) {
        let _ = match part {
            None => writeln!(c, "    MEMBER(\"{}\", {base}, {});", member.name, member.c),
            Some(part) => writeln!(c, "    MEMBER_OF(\"{}\", {base}, {part}, {});", member.name, member.c),
        };
    }
}

/// The lines that they print.
fn lines(layout: &Layout, version: u32, text: &mut String) {
    if !layout.bits.is_empty() {
        let _ = writeln!(text, "{}", layout.name);
        for (bit, mask) in layout.bits {
            let _ = writeln!(text, "  {bit} 0x{mask:08x}");
        }
        return;
    }
    let _ = writeln!(text, "{} {}", layout.name, size(layout, version));
    for member in members(layout, version) {
        let _ = writeln!(text, "  {} {}", member.name, member.offset);
    }
}

#[test]
fn the_program_is_the_table() {
    let newest = u32::MAX;
    let mut c = HEAD.to_owned();
    c.push_str("static void entry_table(void)\n{\n");
    let table = crate::layout("DRIVER_INITIALIZATION_DATA");
    let split = DRIVER_INITIALIZATION_DATA::size_for(DXGKDDI_INTERFACE_VERSION_WDDM1_3);
    let mut all = String::new();
    statements(table, newest, &mut all);
    let older = 1 + members(table, DXGKDDI_INTERFACE_VERSION_WDDM1_3).count();
    for (number, line) in all.lines().enumerate() {
        if number == older {
            c.push_str("#ifdef PVGPU_ENTRY_TABLE\n");
        }
        c.push_str(line);
        c.push('\n');
    }
    assert!(split < table.size);
    c.push_str("#endif\n}\n\n#ifndef PVGPU_ENTRY_TABLE\n");
    let rest = || LAYOUTS.iter().filter(|layout| layout.name != table.name);
    // One function for each header keeps a compiler's diagnostics near their cause.
    let mut functions = Vec::new();
    for header in rest().map(|layout| layout.header).collect::<std::collections::BTreeSet<_>>() {
        let function = header.name().replace('.', "_");
        let _ = writeln!(c, "static void {function}(void)\n{{");
        rest().filter(|layout| layout.header == header).for_each(|layout| statements(layout, newest, &mut c));
        for (_, name, _) in VALUES.iter().filter(|(of, ..)| *of == header) {
            let _ = writeln!(c, "    VALUE({name});");
        }
        c.push_str("}\n\n");
        functions.push(function);
    }
    c.push_str("#endif\n\nint main(void)\n{\n    entry_table();\n#ifndef PVGPU_ENTRY_TABLE\n");
    for function in functions {
        let _ = writeln!(c, "    {function}();");
    }
    c.push_str("#endif\n    return 0;\n}\n");
    crate::current("ci/probe/layouts.c", &c);
}

#[test]
fn the_expected_output_is_the_table() {
    let table = crate::layout("DRIVER_INITIALIZATION_DATA");
    let mut text = String::new();
    lines(table, u32::MAX, &mut text);
    crate::current("ci/probe/expected-entry-table.txt", &text);
    let version = DXGKDDI_INTERFACE_VERSION_WDDM1_3;
    let mut text = String::new();
    lines(table, version, &mut text);
    let rest = || LAYOUTS.iter().filter(|layout| layout.name != table.name);
    for header in rest().map(|layout| layout.header).collect::<std::collections::BTreeSet<_>>() {
        rest().filter(|layout| layout.header == header).for_each(|layout| lines(layout, version, &mut text));
        for (_, name, value) in VALUES.iter().filter(|(of, ..)| *of == header) {
            // CAST: the probe prints the lower 32 bits, too.
            let _ = writeln!(text, "{name} 0x{:08x}", *value as u32);
        }
    }
    crate::current("ci/probe/expected.txt", &text);
}
