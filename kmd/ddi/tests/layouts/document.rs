//! `docs/layouts.md`: the table for people.

use std::fmt::Write;

use pvgpu_kmd_ddi::{Header, LAYOUTS};

const INTRODUCTION: &str = "\
# Layouts of the kernel DDI

Sizes and offsets in bytes, on x64, of every struct of `kmd/ddi`: what `DXGKDDI_INTERFACE_VERSION_WDDM1_3` has, and
`DRIVER_INITIALIZATION_DATA` up to WDDM 2.2. This page is written from the table `pvgpu_kmd_ddi::LAYOUTS` by that crate's tests,
which fail when the two differ (`PVGPU_BLESS=1` rewrites it). What the short names of the sources mean, and what is in doubt, is in
`kmd/ddi/SOURCES.md`. `ci/probe` prints the same numbers from the headers of a WDK.

A name in parentheses is what C calls a thing that we call otherwise; a member marked `–` has no name in C. Flag words have four
bytes and list their bits as masks.
";

fn text() -> String {
    let mut page = INTRODUCTION.to_owned();
    for header in [Header::Nt, Header::D3dukmdt, Header::D3dkmdt, Header::D3dkmddi, Header::Dispmprt] {
        let name = if header == Header::Nt { "wdm.h, ntdef.h, video.h, windef.h" } else { header.name() };
        let _ = write!(page, "\n## {name}\n\n| struct | bytes | offsets | source |\n|---|---|---|---|\n");
        for layout in LAYOUTS.iter().filter(|layout| layout.header == header) {
            let mut members = Vec::new();
            for member in layout.members {
                let c = match member.c {
                    "" => " –".to_owned(),
                    c if c == member.name => String::new(),
                    c => format!(" ({c})"),
                };
                members.push(format!("{}{c} {}", member.name, member.offset));
            }
            members.extend(layout.bits.iter().map(|(name, mask)| format!("{name} {mask:#x}")));
            let members = if members.is_empty() { "a union".to_owned() } else { members.join(", ") };
            let c = if layout.c == layout.name { String::new() } else { format!(" ({})", layout.c) };
            let _ =
                writeln!(page, "| {}{c} | {} | {members} | {} |", layout.name, layout.size, layout.source);
        }
    }
    page
}

#[test]
fn the_page_is_the_table() {
    crate::current("docs/layouts.md", &text());
}
