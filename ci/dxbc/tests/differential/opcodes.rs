//! Each instruction alone, over all pairs of edge values.

use pvgpu_dxbc_tests::gpu::Contents;
use pvgpu_dxbc_tests::listing::assemble;
use pvgpu_dxbc_tests::mutation::containers;
use pvgpu_dxbc_tests::random::Random;

use crate::support::{Outcome, Pair};

/// Instructions that compute r4 from r0 to r2.
const ROWS: &[&str] = &[
    "add r4.xyzw, r0.xyzw, r1.xyzw",
    "add r4.xyzw, -r0.xyzw, |r1.xyzw|",
    "add_sat r4.xyzw, r0.xyzw, r1.xyzw",
    "mul r4.xyzw, r0.xyzw, r1.xyzw",
    "mul_sat r4.xyzw, r0.xyzw, r1.xyzw",
    "div r4.xyzw, r0.xyzw, r1.xyzw",
    "mad r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw",
    "mov_sat r4.xyzw, r0.xyzw",
    "mov r4.xyzw, -|r0.xyzw|",
    "min r4.xyzw, r0.xyzw, r1.xyzw",
    "max r4.xyzw, r0.xyzw, r1.xyzw",
    "dp2 r4.xyzw, r0.xyzw, r1.xyzw",
    "dp3 r4.xyzw, r0.xyzw, r1.xyzw",
    "dp4 r4.xyzw, r0.xyzw, r1.xyzw",
    "frc r4.xyzw, r0.xyzw",
    "round_ne r4.xyzw, r0.xyzw",
    "round_ni r4.xyzw, r0.xyzw",
    "round_pi r4.xyzw, r0.xyzw",
    "round_z r4.xyzw, r0.xyzw",
    "sqrt r4.xyzw, r0.xyzw",
    "rsq r4.xyzw, r0.xyzw",
    "rcp r4.xyzw, r0.xyzw",
    "exp r4.xyzw, r0.xyzw",
    "log r4.xyzw, r0.xyzw",
    "sincos r4.xyzw, null, r0.xyzw",
    "sincos null, r4.xyzw, r0.xyzw",
    "eq r4.xyzw, r0.xyzw, r1.xyzw",
    "ne r4.xyzw, r0.xyzw, r1.xyzw",
    "lt r4.xyzw, r0.xyzw, r1.xyzw",
    "ge r4.xyzw, r0.xyzw, r1.xyzw",
    "movc r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw",
    "movc_sat r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw",
    "swapc r4.xyzw, r5.xyzw, r0.xyzw, r1.xyzw, r2.xyzw",
    "swapc r5.xyzw, r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw",
    "ftoi r4.xyzw, r0.xyzw",
    "ftou r4.xyzw, r0.xyzw",
    "itof r4.xyzw, r0.xyzw",
    "utof r4.xyzw, r0.xyzw",
    "f16tof32 r4.xyzw, r0.xyzw",
    "f32tof16 r4.xyzw, r0.xyzw",
    "and r4.xyzw, r0.xyzw, r1.xyzw",
    "or r4.xyzw, r0.xyzw, r1.xyzw",
    "xor r4.xyzw, r0.xyzw, r1.xyzw",
    "not r4.xyzw, r0.xyzw",
    "ishl r4.xyzw, r0.xyzw, r1.xyzw",
    "ishr r4.xyzw, r0.xyzw, r1.xyzw",
    "ushr r4.xyzw, r0.xyzw, r1.xyzw",
    "iadd r4.xyzw, r0.xyzw, r1.xyzw",
    "ineg r4.xyzw, r0.xyzw",
    "imul null, r4.xyzw, r0.xyzw, r1.xyzw",
    "imul r4.xyzw, null, r0.xyzw, r1.xyzw",
    "umul null, r4.xyzw, r0.xyzw, r1.xyzw",
    "umul r4.xyzw, null, r0.xyzw, r1.xyzw",
    "imad r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw",
    "umad r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw",
    "udiv r4.xyzw, null, r0.xyzw, r1.xyzw",
    "udiv null, r4.xyzw, r0.xyzw, r1.xyzw",
    "uaddc r4.xyzw, null, r0.xyzw, r1.xyzw",
    "uaddc r5.xyzw, r4.xyzw, r0.xyzw, r1.xyzw",
    "usubb r4.xyzw, null, r0.xyzw, r1.xyzw",
    "usubb r5.xyzw, r4.xyzw, r0.xyzw, r1.xyzw",
    "imin r4.xyzw, r0.xyzw, r1.xyzw",
    "imax r4.xyzw, r0.xyzw, r1.xyzw",
    "umin r4.xyzw, r0.xyzw, r1.xyzw",
    "umax r4.xyzw, r0.xyzw, r1.xyzw",
    "ieq r4.xyzw, r0.xyzw, r1.xyzw",
    "ine r4.xyzw, r0.xyzw, r1.xyzw",
    "ilt r4.xyzw, r0.xyzw, r1.xyzw",
    "ige r4.xyzw, r0.xyzw, r1.xyzw",
    "ult r4.xyzw, r0.xyzw, r1.xyzw",
    "uge r4.xyzw, r0.xyzw, r1.xyzw",
    "countbits r4.xyzw, r0.xyzw",
    "bfrev r4.xyzw, r0.xyzw",
    "firstbit_lo r4.xyzw, r0.xyzw",
    "firstbit_hi r4.xyzw, r0.xyzw",
    "firstbit_shi r4.xyzw, r0.xyzw",
    "ubfe r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw",
    "ibfe r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw",
    "bfi r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw, r0.yzwx",
    "dadd r4.xyzw, r0.xyzw, r1.xyzw",
    "ld_raw r4.xyzw, r0.xxxx, t0.xyzw",
    "ld_raw r4.xyzw, r0.xxxx, u0.xyzw",
    "bufinfo r4.xyzw, t0.xyzw",
    "if_nz r0.x
        mov r4.xyzw, r1.xyzw
    else
        mov r4.xyzw, r2.xyzw
    endif",
    "switch r0.x
        case l(1)
        mov r4.xyzw, r1.xyzw
        break
        case l(2)
        case l(3)
        mov r4.xyzw, r2.xyzw
        break
        default
        mov r4.xyzw, r0.xyzw
        break
    endswitch",
];

/// Instructions with which the two differ, and the section of `dxbc/docs/differences.md` that says which is right.
const TRIAGED: &[(&str, &str)] = &[
    ("sincos r4.xyzw, null, r0.xyzw", "Angles"),
    ("sincos null, r4.xyzw, r0.xyzw", "Angles"),
    ("f32tof16 r4.xyzw, r0.xyzw", "Float to half"),
    ("ftoi r4.xyzw, r0.xyzw", "Float to integer"),
    ("ftou r4.xyzw, r0.xyzw", "Float to integer"),
    ("imul r4.xyzw, null, r0.xyzw, r1.xyzw", "High halves of products"),
    ("umul null, r4.xyzw, r0.xyzw, r1.xyzw", "Unsigned products"),
    ("umul r4.xyzw, null, r0.xyzw, r1.xyzw", "Unsigned products"),
    ("ibfe r4.xyzw, r0.xyzw, r1.xyzw, r2.xyzw", "Signed bit fields"),
];

/// Edge values of integers and floats: zeros, small numbers, ends of ranges, denormals, infinities, NaN.
const VALUES: [u32; 28] = [
    0,
    1,
    2,
    3,
    7,
    31,
    32,
    33,
    0xff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0x8000_0001,
    0xffff_ffff,
    0xaaaa_5555,
    0x0080_0000,
    0x3f00_0000,
    0x3f80_0000,
    0xbf80_0000,
    0x3fc0_0000,
    0xc020_0000,
    0x42c8_0000,
    0x4f00_0000,
    0x4f80_0000,
    0xcf80_0000,
    0x7f80_0000,
    0xff80_0000,
    0x7fc0_0000,
];

/// Threads of a group.
const THREADS: usize = 64;
/// Groups, so that every pair of values has a component of a thread: 28 × 28 pairs, 4 in a thread.
const GROUPS: usize = (VALUES.len() * VALUES.len()).div_ceil(4 * THREADS);

/// One line about an outcome.
pub fn summary(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Same => "same".to_owned(),
        Outcome::Different(differences) => {
            let first = differences[0];
            format!("{} dwords differ, the first {first:x?}", differences.len())
        }
        Outcome::NotTranslated(reason) => format!("not translated: {reason}"),
    }
}

/// The sources of each thread: 16 dwords, of which the first 12 are r0 to r2.
fn inputs() -> Vec<u32> {
    let mut random = Random(0x6469_6666);
    let mut dwords = Vec::new();
    for thread in 0..GROUPS * THREADS {
        let pair = |component: usize| (4 * thread + component) % (VALUES.len() * VALUES.len());
        dwords.extend((0..4).map(|component| VALUES[pair(component) / VALUES.len()]));
        dwords.extend((0..4).map(|component| VALUES[pair(component) % VALUES.len()]));
        dwords.extend((0..8).map(|_| VALUES[random.below(VALUES.len())]));
    }
    dwords
}

/// The container of a program that runs `code` once in each thread.
fn program(code: &str) -> Vec<u8> {
    let listing = format!(
        "cs_5_0
        dcl_globalFlags refactoringAllowed
        dcl_resource_raw t0
        dcl_uav_raw u0
        dcl_input vThreadID.x
        dcl_temps 9
        dcl_thread_group {THREADS}, 1, 1
        ishl r8.x, vThreadID.x, l(6)
        ld_raw r0.xyzw, r8.x, t0.xyzw
        iadd r8.y, r8.x, l(16)
        ld_raw r1.xyzw, r8.y, t0.xyzw
        iadd r8.y, r8.x, l(32)
        ld_raw r2.xyzw, r8.y, t0.xyzw
        mov r4.xyzw, l(0, 0, 0, 0)
        {code}
        ishl r8.x, vThreadID.x, l(4)
        store_raw u0.xyzw, r8.x, r4.xyzw
        ret"
    );
    container(&listing)
}

/// A container with the program of a listing.
pub fn container(listing: &str) -> Vec<u8> {
    let tokens = assemble(listing).iter().flat_map(|token| token.to_le_bytes()).collect();
    // A signature without elements: vkd3d-shader wants both.
    let none = [0u32.to_le_bytes(), 8u32.to_le_bytes()].concat();
    containers::build(&[(*b"ISGN", none.clone()), (*b"OSGN", none), (*b"SHEX", tokens)])
}

#[test]
fn instructions_compute_the_same() {
    let mut pair = Pair::new();
    let inputs = inputs();
    let (mut same, mut failures) = (0, Vec::new());
    for row in ROWS {
        let make = |_: &pvgpu_dxbc::Reflection| {
            vec![Contents::Buffer(inputs.clone()), Contents::Buffer(vec![0; 4 * GROUPS * THREADS])]
        };
        let outcome = pair.compare(&program(row), make, GROUPS as u32);
        eprintln!("{row}: {}", summary(&outcome));
        let triaged = TRIAGED.iter().any(|(triaged, _)| triaged == row);
        match &outcome {
            Outcome::Same if triaged => failures.push(format!("{row}: no longer differs")),
            Outcome::Same => same += 1,
            Outcome::Different(differences) if !triaged => {
                let mut lines = vec![row.to_string()];
                for difference in differences.iter().take(6) {
                    let (thread, component) = (difference.dword / 4, difference.dword % 4);
                    let source = |n: usize| inputs[16 * thread + 4 * n + component];
                    lines.push(format!(
                        "    {:#010x}, {:#010x}, {:#010x} gives {:#010x}, vkd3d {:#010x}",
                        source(0),
                        source(1),
                        source(2),
                        difference.ours,
                        difference.vkd3d
                    ));
                }
                failures.push(lines.join("\n"));
            }
            _ => {}
        }
    }
    assert!(failures.is_empty(), "not triaged:\n{}", failures.join("\n"));
    assert!(same > ROWS.len() / 2, "only {same} instructions were compared");
}
