//! Programs of the greatest size that the compiler takes, each full of one thing: what grows faster than its input shows.

use pvgpu_dxbc::token::opcode::{Opcode, OperandForm};
use pvgpu_dxbc::{SignatureElement, Signatures};

use super::case::{Case, Choice};
use super::listing::{Listing, fix_length};

/// Dwords of the greatest program, as `limits::TOKENS` of the compiler.
pub const TOKENS: usize = 1 << 18;

/// Pixel shader 5.0, compute shader 5.0.
const PIXEL: u32 = 0x50;
const COMPUTE: u32 = 0x0005_0050;

fn entry(opcode: Opcode, controls: u32, body: &[u32]) -> Vec<u32> {
    let mut entry = vec![opcode as u32 | controls << 11];
    entry.extend(body);
    fix_length(&mut entry);
    entry
}

/// A register operand with all components; a source where `destination` is not set.
fn register(file: u32, number: u32, destination: bool) -> [u32; 2] {
    let components = if destination { 2 | 0xf << 4 } else { 2 | 1 << 2 | 0xe4 << 4 };
    [components | file << 12 | 1 << 20, number]
}

/// A label or resource operand.
fn bare(file: u32, number: u32) -> [u32; 2] {
    [file << 12 | 1 << 20, number]
}

/// The destination x0[r0.x].
fn array() -> [u32; 4] {
    let [token, _] = register(3, 0, true);
    let [relative, _] = register(0, 0, false);
    [token & !(3 << 20) | 2 << 20 | 2 << 25, 0, relative & !0xfff | 0xa, 0]
}

/// What every program of the kind starts with: temporaries, one of each resource, the group's size.
fn start(version: u32) -> Listing {
    let mut entries = vec![
        entry(Opcode::DclTemps, 0, &[4096]),
        entry(Opcode::DclConstantBuffer, 1, &[2 | 1 << 2 | 0xe4 << 4 | 8 << 12 | 2 << 20, 0, 16]),
        entry(Opcode::DclSampler, 0, &bare(6, 0)),
        entry(Opcode::DclSampler, 1, &bare(6, 1)),
        entry(Opcode::DclResource, 3, &[bare(7, 0)[0], 0, 0x5555]),
        entry(Opcode::DclResource, 4, &[bare(7, 1)[0], 1, 0x5555]),
        entry(Opcode::DclResourceStructured, 0, &[bare(7, 2)[0], 2, 16]),
        entry(Opcode::DclUavTyped, 3, &[bare(30, 0)[0], 0, 0x4444]),
        entry(Opcode::DclUavStructured, 0, &[bare(30, 1)[0], 1, 16]),
        entry(Opcode::DclIndexableTemp, 0, &[0, 16, 4]),
    ];
    if version == COMPUTE {
        entries.push(entry(Opcode::DclThreadGroup, 0, &[1, 1, 1]));
        entries.push(entry(Opcode::DclTgsmRaw, 0, &[bare(31, 0)[0], 0, 1024]));
    } else {
        entries.push(entry(Opcode::DclInputPs, 2, &register(1, 0, true)));
        entries.push(entry(Opcode::DclOutput, 0, &register(2, 0, true)));
    }
    Listing { version, entries }
}

/// A case of `start` with `repeat(n)` appended for n = 0, 1, ... up to `size` dwords, and `end`.
fn filled(
    mut listing: Listing,
    size: usize,
    end: &[Vec<u32>],
    mut repeat: impl FnMut(u32) -> Vec<Vec<u32>>,
) -> Case {
    let mut total = listing.size() + end.iter().map(Vec::len).sum::<usize>();
    for n in 0.. {
        let entries = repeat(n);
        total += entries.iter().map(Vec::len).sum::<usize>();
        if total > size {
            break;
        }
        listing.entries.extend(entries);
    }
    listing.entries.extend(end.iter().cloned());
    Case { tokens: listing.tokens(), signatures: Signatures::default(), choice: Choice::default() }
}

/// The operands of an instruction in a program of [`start`], as short as they can be.
fn operands(opcode: Opcode, n: u32) -> Vec<u32> {
    let OperandForm::Counted(destinations, count) = opcode.form() else { return Vec::new() };
    let name = opcode.name();
    let mut body = Vec::new();
    for place in 0..count {
        let texture = if name.contains("ms") || name == "samplepos" || name == "sampleinfo" { 1 } else { 0 };
        let operand: [u32; 2] = match (name, place) {
            ("call", _) | ("callc", 1) => bare(10, 0),
            ("case", _) => [0x4001, n],
            _ if name.contains("atomic_alloc") || name.contains("atomic_consume") => {
                if place == 0 {
                    register(0, n % 4096, true)
                } else {
                    bare(30, 1)
                }
            }
            _ if name.starts_with("atomic") && place == 0 => bare(30, 0),
            _ if name.starts_with("imm_atomic") && place == 1 => bare(30, 0),
            ("store_uav_typed", 0) => register(30, 0, true),
            ("store_structured", 0) => register(30, 1, true),
            ("store_raw", 0) => register(31, 0, true),
            ("ld_structured", 3) => register(7, 2, false),
            ("ld_raw", 2) => register(31, 0, false),
            ("ld_uav_typed", 2) => register(30, 0, false),
            ("bufinfo", 1) => register(7, 2, false),
            ("samplepos", 2) => register(0, 0, false),
            ("samplepos" | "sampleinfo", 1) => {
                // The rasterizer's, which has no index.
                body.push(0x0000_e00a);
                continue;
            }
            ("lod" | "gather4", 2) | ("ld" | "ld_ms" | "resinfo", 2) => register(7, texture, false),
            ("gather4_po" | "gather4_po_c", 2) => register(0, n % 4096, false),
            ("gather4_po" | "gather4_po_c", 3) => register(7, 0, false),
            ("gather4_po" | "gather4_po_c", 4) => bare(6, u32::from(name.ends_with("_c"))),
            _ if (name.starts_with("sample") || name.starts_with("gather4")) && place == 2 => {
                register(7, 0, false)
            }
            _ if (name.starts_with("sample") || name.starts_with("gather4") || name == "lod")
                && place == 3 =>
            {
                bare(6, u32::from(name.contains("_c")))
            }
            _ if name.starts_with("eval") && place == 1 => register(1, 0, false),
            // Two components for a double, or one result for two doubles.
            ("deq" | "dne" | "dlt" | "dge" | "dtof" | "dtoi" | "dtou", 0) => [2 | 3 << 4 | 1 << 20, n % 4096],
            _ if place < destinations => register(0, (n + u32::from(place)) % 4096, true),
            // What the instruction before has written, so that nothing is dead.
            _ => register(0, n.wrapping_sub(1) % 4096, false),
        };
        body.extend(operand);
    }
    body
}

/// Programs of about `size` dwords, with names. Those that no size changes much are not here.
pub fn cases(size: usize) -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    for number in 0..235 {
        let Some(opcode) = Opcode::from_number(number) else { continue };
        if !matches!(opcode.form(), OperandForm::Counted(..)) {
            continue;
        }
        // These have no place of their own.
        if matches!(
            opcode,
            Opcode::Case
                | Opcode::Default
                | Opcode::Else
                | Opcode::EndIf
                | Opcode::EndLoop
                | Opcode::EndSwitch
                | Opcode::Label
        ) {
            continue;
        }
        let end: &[Opcode] = match opcode {
            Opcode::If => &[Opcode::EndIf],
            Opcode::Loop => &[Opcode::EndLoop],
            _ => &[],
        };
        let name = opcode.name();
        let needs_group = ["ld_raw", "store_raw", "ld_structured", "store_structured", "sync"]
            .contains(&name)
            || name.contains("atomic");
        let version = if needs_group { COMPUTE } else { PIXEL };
        // Some of the registers are written out.
        let results: Vec<Vec<u32>> = (0..if needs_group { 0 } else { (size as u32 / 32).min(4096) })
            .map(|n| entry(Opcode::Mov, 0, &[&array()[..], &register(0, n, false)].concat()))
            .collect();
        // Instructions that need a block get one each.
        let subroutine = [entry(Opcode::Ret, 0, &[]), entry(Opcode::Label, 0, &bare(10, 0))];
        let last: &[Vec<u32>] =
            if matches!(opcode, Opcode::Call | Opcode::Callc) { &subroutine } else { &results };
        let case = filled(start(version), size, last, |n| {
            let mut entries = vec![entry(opcode, 0, &operands(opcode, n))];
            match opcode {
                Opcode::Break | Opcode::Breakc | Opcode::Continue | Opcode::Continuec => {
                    entries.insert(0, entry(Opcode::Loop, 0, &[]));
                    entries.push(entry(Opcode::EndLoop, 0, &[]));
                }
                Opcode::Switch => entries.push(entry(Opcode::EndSwitch, 0, &[])),
                Opcode::Ret => {
                    entries.insert(0, entry(Opcode::If, 0, &operands(Opcode::If, n)));
                    entries.push(entry(Opcode::EndIf, 0, &[]));
                }
                _ => entries.extend(end.iter().map(|opcode| entry(*opcode, 0, &[]))),
            }
            entries
        });
        cases.push((name.to_owned(), case));
    }
    cases.extend(shapes(size));
    cases
}

/// Programs that are large in another way.
fn shapes(size: usize) -> Vec<(String, Case)> {
    let nop = || entry(Opcode::Nop, 0, &[]);
    let mut cases = Vec::new();
    let mut add = |name: &str, case| cases.push((name.to_owned(), case));
    add(
        "constants",
        filled(start(PIXEL), size, &[], |n| {
            let values = [0x4002, 4 * n, 4 * n + 1, 4 * n + 2, 4 * n + 3];
            vec![entry(Opcode::Mov, 0, &[&register(0, n % 4096, true)[..], &values].concat())]
        }),
    );
    add(
        "relative indices",
        filled(start(PIXEL), size, &[], |n| {
            // x0[r0.x + n] in x0[r1.x]
            let x = |destination| {
                let [token, _] = register(3, 0, destination);
                let [relative, _] = register(0, 0, false);
                [token & !(3 << 20) | 2 << 20 | 2 << 25, 0, relative & !0xfff | 0xa, n % 4096]
            };
            vec![entry(Opcode::Mov, 0, &[x(true), x(false)].concat())]
        }),
    );
    add("one switch", {
        let mut listing = start(PIXEL);
        listing.entries.push(entry(Opcode::Switch, 0, &register(0, 0, false)));
        let mut cases = 0;
        filled(listing, size, &[entry(Opcode::EndSwitch, 0, &[])], |n| {
            cases += 1;
            if cases > 16_384 {
                return vec![nop()];
            }
            vec![entry(Opcode::Case, 0, &[0x4001, n]), nop(), entry(Opcode::Break, 0, &[])]
        })
    });
    add(
        "switches",
        filled(start(PIXEL), size, &[], |_| {
            let mut entries = vec![entry(Opcode::Switch, 0, &register(0, 0, false))];
            for n in 0..64 {
                entries.push(entry(Opcode::Case, 0, &[0x4001, n]));
                entries.push(entry(Opcode::Break, 0, &[]));
            }
            entries.push(entry(Opcode::EndSwitch, 0, &[]));
            entries
        }),
    );
    add(
        "deep loops",
        filled(start(PIXEL), size, &[], |_| {
            let (open, close) = (entry(Opcode::Loop, 0, &[]), entry(Opcode::EndLoop, 0, &[]));
            let exit = entry(Opcode::Breakc, 0, &register(0, 0, false));
            [vec![open; 60], vec![exit; 8], vec![close; 60]].concat()
        }),
    );
    add("subroutines", {
        let mut listing = start(PIXEL);
        let labels = (size as u32 / 60).min(1000);
        listing.entries.extend((0..labels).map(|n| entry(Opcode::Call, 0, &bare(10, n))));
        listing.entries.push(entry(Opcode::Ret, 0, &[]));
        let mut label = 0;
        filled(listing, size, &[], |n| {
            if n % 50 == 0 && label < labels {
                label += 1;
                return vec![entry(Opcode::Label, 0, &bare(10, label - 1))];
            }
            vec![nop()]
        })
    });
    add("calls", {
        // Each subroutine calls all that follow: many edges, and a size that must be refused or bounded.
        let mut listing = start(PIXEL);
        listing.entries.push(entry(Opcode::Call, 0, &bare(10, 0)));
        listing.entries.push(entry(Opcode::Ret, 0, &[]));
        let labels = (size as u32 / 220).min(1000);
        for n in 0..labels {
            listing.entries.push(entry(Opcode::Label, 0, &bare(10, n)));
            listing
                .entries
                .extend((n + 1..labels.min(n + 70)).map(|to| entry(Opcode::Call, 0, &bare(10, to))));
        }
        filled(listing, size, &[], |_| vec![nop()])
    });
    // Registers that become phis at every loop around them, and at every path that leaves a loop or switch.
    for registers in [16, 100, 500, 4000] {
        let registers = (size as u32 / 32).min(registers);
        let write =
            move |n: u32| entry(Opcode::Mov, 0, &[register(0, n, true), register(1, 0, false)].concat());
        add(&format!("{registers} registers in deep loops"), {
            filled(start(PIXEL), size, &[], |_| {
                let (open, close) = (entry(Opcode::Loop, 0, &[]), entry(Opcode::EndLoop, 0, &[]));
                let mut entries = vec![open; 60];
                entries.extend((0..registers).map(write));
                entries.push(entry(Opcode::Breakc, 0, &register(1, 0, false)));
                entries.extend(vec![close; 60]);
                entries.push(entry(Opcode::Mov, 0, &[register(2, 0, true), register(0, 0, false)].concat()));
                entries
            })
        });
        add(&format!("{registers} registers and many breaks"), {
            let mut listing = start(PIXEL);
            listing.entries.push(entry(Opcode::Loop, 0, &[]));
            let read = |n| entry(Opcode::Mov, 0, &[&array()[..], &register(0, n, false)].concat());
            let mut end = vec![entry(Opcode::EndLoop, 0, &[])];
            end.extend((0..registers).map(read));
            filled(listing, size, &end, |n| {
                let exit = if n % 2 == 0 { Opcode::Breakc } else { Opcode::Continuec };
                vec![write(n % registers), entry(exit, 0, &register(1, 0, false))]
            })
        });
        add(&format!("{registers} registers and many branches"), {
            filled(start(PIXEL), size, &[], |n| {
                let open = entry(Opcode::If, 0, &register(1, 0, false));
                vec![open, write(n % registers), entry(Opcode::Else, 0, &[]), entry(Opcode::EndIf, 0, &[])]
            })
        });
    }
    let icb = |elements: u32| {
        let mut block = vec![Opcode::CustomData as u32 | 3 << 11, 2 + 4 * elements];
        block.extend((0..4 * elements).map(|n| n.wrapping_mul(0x9e37_79b9)));
        block
    };
    add(
        "immediate constant buffers",
        filled(start(PIXEL), size, &[], |_| vec![icb(4096.min(size as u32 / 8))]),
    );
    add("small immediate constant buffers", filled(start(PIXEL), size, &[], |n| vec![icb(n % 3)]));
    add("one comment", {
        let mut listing = start(PIXEL);
        let mut block = vec![0; size - listing.size()];
        block[0] = Opcode::CustomData as u32;
        block[1] = block.len() as u32;
        listing.entries.push(block);
        filled(listing, size, &[], |_| vec![nop()])
    });
    let many = |declaration: &dyn Fn(u32) -> Vec<u32>, end: &[Vec<u32>]| {
        filled(start(PIXEL), size, end, |n| vec![declaration(n)])
    };
    add("dcl_temps", many(&|n| entry(Opcode::DclTemps, 0, &[n % 4097]), &[]));
    add("dcl_indexable_temp", many(&|n| entry(Opcode::DclIndexableTemp, 0, &[n % 4096, 1, 4]), &[]));
    add("dcl_resource", many(&|n| entry(Opcode::DclResource, 3, &[bare(7, 0)[0], n % 128, 0x5555]), &[]));
    add("dcl_input_ps", many(&|n| entry(Opcode::DclInputPs, 2, &register(1, n % 32, true)), &[]));
    add("dcl_output", many(&|n| entry(Opcode::DclOutput, 0, &register(2, n % 8, true)), &[]));
    add("dcl_index_range", many(&|_| entry(Opcode::DclIndexRange, 0, &[register(1, 0, true)[0], 0, 1]), &[]));
    add("dcl_global_flags", many(&|n| entry(Opcode::DclGlobalFlags, n % 16, &[]), &[]));
    add("inputs evaluated", {
        let evaluate = [&register(0, 0, true)[..], &register(1, 0, false)].concat();
        filled(start(PIXEL), size, &[], |n| {
            // Half the program declares, half of it asks.
            if n < size as u32 / 6 {
                vec![entry(Opcode::DclInputPs, 2, &register(1, 0, true))]
            } else {
                vec![entry(Opcode::EvalCentroid, 0, &evaluate)]
            }
        })
    });
    add("vertex inputs and outputs", {
        let mut listing = start(PIXEL);
        listing.version = 0x0001_0050;
        listing.entries.truncate(1);
        filled(listing, size, &[], |n| {
            if n % 2 == 0 {
                vec![entry(Opcode::DclInput, 0, &register(1, n / 2 % 32, true))]
            } else {
                vec![entry(Opcode::DclOutput, 0, &register(2, n / 2 % 32, true))]
            }
        })
    });
    add("clip distances", {
        let mut listing = start(PIXEL);
        listing.version = 0x0001_0050;
        listing.entries.truncate(1);
        filled(listing, size, &[], |n| {
            let [token, number] = register(2, n % 32, true);
            vec![entry(Opcode::DclOutputSiv, 0, &[token, number, 2])]
        })
    });
    add("shared memory", {
        filled(start(COMPUTE), size, &[], |n| {
            let [token, _] = bare(31, 0);
            vec![entry(Opcode::DclTgsmRaw, 0, &[token, n % 4096, 4])]
        })
    });
    add("signature elements", {
        let element =
            |n: u32| SignatureElement { register: n % 32, mask: 15, component_type: 3, ..Default::default() };
        let list: Vec<_> = (0..100_000).map(element).collect();
        let mut case = filled(start(PIXEL), size, &[], |n| {
            vec![entry(Opcode::DclInputPs, 2, &register(1, n % 32, true))]
        });
        // The register that is looked for comes last.
        case.signatures.input =
            list.iter().cloned().map(|one| SignatureElement { register: 40, ..one }).collect();
        case.signatures.output = list.clone();
        case.signatures.patch_constant = list;
        case
    });
    cases
}
