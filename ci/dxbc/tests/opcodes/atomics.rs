//! Atomics on every kind of memory, and counters (specification 22.17.8 to 22.17.28).

use std::fmt::Write;

use pvgpu_dxbc_tests::gpu::{Contents, Format, Image, ImageKind};

use crate::cases::INTEGERS;
use crate::coverage::tests;
use crate::harness::{execute, execute_buffers};

tests! {
    raw_memory:
        "atomic_iadd", "atomic_and", "atomic_or", "atomic_xor", "atomic_imax", "atomic_imin", "atomic_umax",
        "atomic_umin", "atomic_cmp_store", "imm_atomic_iadd", "imm_atomic_and", "imm_atomic_or",
        "imm_atomic_xor", "imm_atomic_imax", "imm_atomic_imin", "imm_atomic_umax", "imm_atomic_umin",
        "imm_atomic_exch", "imm_atomic_cmp_exch";
    structured_memory: "atomic_iadd", "imm_atomic_cmp_exch";
    typed_buffers: "atomic_iadd", "imm_atomic_cmp_exch", "dcl_uav_typed";
    typed_textures: "atomic_iadd", "imm_atomic_cmp_exch", "dcl_uav_typed";
    shared_memory: "atomic_iadd", "imm_atomic_cmp_exch", "dcl_tgsm_raw", "dcl_tgsm_structured";
    contention: "imm_atomic_iadd", "atomic_umax", "imm_atomic_exch", "imm_atomic_cmp_exch";
    counters: "imm_atomic_alloc", "imm_atomic_consume";
    outside: "atomic_iadd", "atomic_cmp_store", "imm_atomic_umax";
}

/// The old value and the operand to the new value.
type Operation = (&'static str, fn(u32, u32) -> u32);

const OPERATIONS: [Operation; 8] = [
    ("iadd", u32::wrapping_add),
    ("and", |a, b| a & b),
    ("or", |a, b| a | b),
    ("xor", |a, b| a ^ b),
    ("imax", |a, b| (a as i32).max(b as i32) as u32),
    ("imin", |a, b| (a as i32).min(b as i32) as u32),
    ("umax", u32::max),
    ("umin", u32::min),
];

/// Rows of memory: the operations, then the comparing ones, then the exchange.
const ROWS: usize = OPERATIONS.len() + 2;
/// Threads, each with an element of each row: all pairs of [`INTEGERS`].
const THREADS: usize = INTEGERS.len() * INTEGERS.len();
const GROUP: usize = 64;

/// What an element holds at first, and the two operands of the thread that changes it.
fn operands(thread: usize) -> (u32, u32, u32) {
    let (a, b) = (INTEGERS[thread / INTEGERS.len()], INTEGERS[thread % INTEGERS.len()]);
    (a, b, INTEGERS[thread * 7 % INTEGERS.len()])
}

/// What a row's element holds at last, and what the instruction that returns it returned.
fn expected(row: usize, thread: usize) -> (u32, u32) {
    let (a, b, c) = operands(thread);
    if let Some((_, operation)) = OPERATIONS.get(row) {
        let between = operation(a, b);
        return (operation(between, c), between);
    }
    if row == OPERATIONS.len() {
        // Compared with b and replaced by c, then compared with c and replaced by b.
        let between = if a == b { c } else { a };
        return (if between == c { b } else { between }, between);
    }
    (b, a)
}

/// The program: `declarations` for u0; `address` computes r0 for row {row}; memory other than u0 is filled by `before`
/// and copied by `after`, which leaves the final value in r2.y.
fn program(declarations: &str, target: &str, address: &str, before: &str, after: &str) -> String {
    let mut code = String::new();
    for row in 0..ROWS {
        let address =
            address.replace("{row}", &row.to_string()).replace("{base}", &(row * THREADS).to_string());
        writeln!(code, "{address}\n{before}").unwrap();
        if let Some((name, _)) = OPERATIONS.get(row) {
            writeln!(
                code,
                "atomic_{name} {target}, r0.xyzw, r1.x\n imm_atomic_{name} r2.x, {target}, r0.xyzw, r1.y"
            )
        } else if row == OPERATIONS.len() {
            writeln!(
                code,
                "atomic_cmp_store {target}, r0.xyzw, r1.x, r1.y
                imm_atomic_cmp_exch r2.x, {target}, r0.xyzw, r1.y, r1.x"
            )
        } else {
            writeln!(code, "imm_atomic_exch r2.x, {target}, r0.xyzw, r1.x")
        }
        .unwrap();
        writeln!(
            code,
            "{after}\n iadd r3.y, r3.x, l({})\n store_raw u1.xy, r3.y, r2.xyxx",
            row * THREADS * 8
        )
        .unwrap();
    }
    format!(
        "cs_5_0
        dcl_globalFlags refactoringAllowed
        dcl_resource_raw t0
        {declarations}
        dcl_uav_raw u1
        dcl_input vThreadID.x
        dcl_input vThreadIDInGroupFlattened
        dcl_temps 4
        dcl_thread_group {GROUP}, 1, 1
        imul null, r3.x, vThreadID.x, l(12)
        ld_raw r1.xyz, r3.x, t0.xyzx
        ishl r3.x, vThreadID.x, l(3)
        mov r2.xy, l(0, 0, 0, 0)
        {code}
        ret"
    )
}

/// Runs the program; `memory` is u0, `None` for shared memory. `at`: the dword of memory of a row's element.
fn check(listing: &str, memory: Option<Contents>, at: impl Fn(usize, usize) -> usize, signed_image: bool) {
    let input: Vec<u32> = (0..THREADS)
        .flat_map(|thread| {
            let (a, b, c) = operands(thread);
            [b, c, a]
        })
        .collect();
    let mut contents = vec![Contents::Buffer(input)];
    let has_memory = memory.is_some();
    contents.extend(memory);
    contents.push(Contents::Buffer(vec![0; ROWS * THREADS * 2]));
    execute(listing, &mut contents, (THREADS / GROUP) as u32);
    let results = contents.last().unwrap().dwords();
    for row in 0..ROWS {
        for thread in 0..THREADS {
            let (last, returned) = expected(row, thread);
            let place = (row * THREADS + thread) * 2;
            let shown = operands(thread);
            assert_eq!(results[place], returned, "row {row} returned, of {shown:x?}");
            let found = match &contents[1] {
                _ if !has_memory => results[place + 1],
                Contents::Image(image) => image.texel(0, 0, [thread as u32, row as u32, 0], 0)[0],
                memory => memory.dwords()[at(row, thread)],
            };
            assert_eq!(found, last, "row {row} left, of {shown:x?}, signed: {signed_image}");
        }
    }
}

/// Memory whose element of each row and thread is at dword `at`.
fn filled(dwords: usize, at: impl Fn(usize, usize) -> usize) -> Vec<u32> {
    let mut memory = vec![0xbad; dwords];
    for row in 0..ROWS {
        for thread in 0..THREADS {
            memory[at(row, thread)] = operands(thread).0;
        }
    }
    memory
}

fn raw_memory() {
    let at = |row: usize, thread: usize| row * THREADS + thread;
    let memory = Contents::Buffer(filled(ROWS * THREADS, at));
    let address = "iadd r0.x, vThreadID.x, l({base})\n ishl r0.x, r0.x, l(2)";
    check(&program("dcl_uav_raw u0", "u0", address, "", ""), Some(memory), at, false);
}

fn structured_memory() {
    let at = |row: usize, thread: usize| (row * THREADS + thread) * 3 + 1;
    let memory = Contents::Buffer(filled(ROWS * THREADS * 3, at));
    let address = "iadd r0.x, vThreadID.x, l({base})\n mov r0.y, l(4)";
    check(&program("dcl_uav_structured u0, 12", "u0", address, "", ""), Some(memory), at, false);
}

fn typed_buffers() {
    let at = |row: usize, thread: usize| row * THREADS + thread;
    for (ty, format) in [("uint", Format::R32Uint), ("sint", Format::R32Sint)] {
        let memory = Contents::TypedBuffer { format, dwords: filled(ROWS * THREADS, at) };
        let declaration = format!("dcl_uav_typed_buffer ({ty},{ty},{ty},{ty}) u0");
        let listing = program(&declaration, "u0", "iadd r0.x, vThreadID.x, l({base})", "", "");
        check(&listing, Some(memory), at, ty == "sint");
    }
}

fn typed_textures() {
    for (ty, format) in [("uint", Format::R32Uint), ("sint", Format::R32Sint)] {
        let image = Image::new(ImageKind::D2, format, [THREADS as u32, ROWS as u32, 1]);
        let image = image.filled(|_, _, [thread, ..], _| [operands(thread as usize).0; 4]);
        let declaration = format!("dcl_uav_typed_texture2d ({ty},{ty},{ty},{ty}) u0");
        let address = "mov r0.x, vThreadID.x\n mov r0.y, l({row})";
        let listing = program(&declaration, "u0", address, "", "");
        check(&listing, Some(Contents::Image(image)), |_, _| 0, ty == "sint");
    }
}

fn shared_memory() {
    let listing = program(
        "dcl_tgsm_raw g0, 256",
        "g0",
        "ishl r0.x, vThreadIDInGroupFlattened, l(2)",
        "sync_g_t\n store_raw g0.x, r0.x, r1.z\n sync_g_t",
        "sync_g_t\n ld_raw r2.y, r0.x, g0.xxxx",
    );
    check(&listing, None, |_, _| 0, false);
    let listing = program(
        "dcl_tgsm_structured g0, 8, 64",
        "g0",
        "mov r0.x, vThreadIDInGroupFlattened\n mov r0.y, l(4)",
        "store_structured g0.y, r0.x, l(0), r1.z",
        "ld_structured r2.y, r0.x, l(0), g0.yyyy",
    );
    check(&listing, None, |_, _| 0, false);
}

/// All threads change the same elements: nothing is lost, and no two see the same.
fn contention() {
    for (declarations, target, copy) in [
        ("dcl_uav_raw u0", "u0", ""),
        (
            "dcl_uav_raw u0\n dcl_tgsm_raw g0, 64",
            "g0",
            "sync_g_t\n ld_raw r1.xyz, l(0), g0.xyzx\n store_raw u0.xyz, l(0), r1.xyzx",
        ),
    ] {
        let clear = if target == "g0" { "store_raw g0.xyzw, l(0), l(0, 0, 7, 0)\n sync_g_t" } else { "nop" };
        let listing = format!(
            "cs_5_0
            dcl_globalFlags refactoringAllowed
            {declarations}
            dcl_uav_raw u1
            dcl_input vThreadID.x
            dcl_temps 3
            dcl_thread_group 256, 1, 1
            {clear}
            imm_atomic_iadd r0.x, {target}, l(0), l(1)
            atomic_umax {target}, l(4), vThreadID.x
            iadd r2.x, vThreadID.x, l(100)
            imm_atomic_exch r0.y, {target}, l(8), r2.x
            mov r0.z, l(0)
            loop
                // Only the thread whose turn it is succeeds.
                imm_atomic_cmp_exch r0.w, {target}, l(12), vThreadID.x, r2.x
                ieq r2.y, r0.w, vThreadID.x
                breakc_nz r2.y
                iadd r0.z, r0.z, l(1)
                uge r2.y, r0.z, l(3)
                breakc_nz r2.y
            endloop
            {copy}
            ishl r1.x, vThreadID.x, l(3)
            store_raw u1.xy, r1.x, r0.xyxx
            ret"
        );
        let mut buffers = [vec![0, 0, 7, 0], vec![0; 512]];
        execute_buffers(&listing, &mut buffers, 1);
        assert_eq!(buffers[0][..2], [256, 255], "{target}");
        let mut counted: Vec<u32> = buffers[1].iter().copied().step_by(2).collect();
        counted.sort_unstable();
        assert_eq!(counted, (0..256).collect::<Vec<u32>>(), "{target}");
        // The exchanged values form a chain from 7 to what is left.
        let mut seen: Vec<u32> =
            buffers[1].iter().copied().skip(1).step_by(2).chain([buffers[0][2]]).collect();
        seen.sort_unstable();
        assert_eq!(seen, [7].into_iter().chain(100..356).collect::<Vec<u32>>(), "{target}");
        if target == "u0" {
            // Thread 0 makes it 100, and then thread 100 and thread 200 may find their turn.
            assert!([100, 200, 300].contains(&buffers[0][3]), "{}", buffers[0][3]);
        }
    }
}

/// 22.17.17, 22.17.18: the counter before it is incremented, and after it is decremented; both wrap.
fn counters() {
    let listing = |instruction: &str| {
        format!(
            "cs_5_0
            dcl_globalFlags refactoringAllowed
            dcl_uav_structured_opc u0, 4
            dcl_uav_raw u1
            dcl_input vThreadID.x
            dcl_temps 1
            dcl_thread_group 64, 1, 1
            {instruction} r0.x, u0
            ishl r0.y, vThreadID.x, l(2)
            store_raw u1.x, r0.y, r0.x
            and r0.x, r0.x, l(127)
            store_structured u0.x, r0.x, l(0), l(1)
            ret"
        )
    };
    for (instruction, start, end, range) in [
        ("imm_atomic_alloc", 0u32, 64u32, 0..64u32),
        ("imm_atomic_alloc", 40, 104, 40..104),
        ("imm_atomic_consume", 64, 0, 0..64),
        ("imm_atomic_consume", 100, 36, 36..100),
    ] {
        let mut buffers = [vec![0; 128], vec![0; 64], vec![start]];
        execute_buffers(&listing(instruction), &mut buffers, 1);
        assert_eq!(buffers[2], [end], "{instruction}");
        buffers[1].sort_unstable();
        assert_eq!(buffers[1], range.clone().collect::<Vec<u32>>(), "{instruction}");
        assert!(buffers[0].iter().zip(0..).all(|(value, n)| (*value == 1) == range.contains(&n)));
    }
    for (instruction, start, end) in
        [("imm_atomic_alloc", u32::MAX - 3, 60), ("imm_atomic_consume", 3, 3u32.wrapping_sub(64))]
    {
        let mut buffers = [vec![0; 128], vec![0; 64], vec![start]];
        execute_buffers(&listing(instruction), &mut buffers, 1);
        assert_eq!(buffers[2], [end], "{instruction} wraps");
    }
}

/// An address outside changes nothing.
fn outside() {
    for (declaration, addresses) in [
        ("dcl_uav_raw u0", ["l(64, 0, 0, 0)", "l(0x40000000, 0, 0, 0)", "l(0xfffffffc, 0, 0, 0)"]),
        ("dcl_uav_structured u0, 8", ["l(8, 0, 0, 0)", "l(0x20000000, 4, 0, 0)", "l(0xffffffff, 4, 0, 0)"]),
        (
            "dcl_uav_typed_buffer (uint,uint,uint,uint) u0",
            ["l(16, 0, 0, 0)", "l(0x40000000, 0, 0, 0)", "l(0xffffffff, 0, 0, 0)"],
        ),
    ] {
        for address in addresses {
            let listing = format!(
                "cs_5_0
                dcl_globalFlags refactoringAllowed
                {declaration}
                dcl_temps 1
                dcl_thread_group 1, 1, 1
                atomic_iadd u0, {address}, l(5)
                atomic_cmp_store u0, {address}, l(0), l(6)
                imm_atomic_umax r0.x, u0, {address}, l(7)
                ret"
            );
            let data: Vec<u32> = (0..16).map(|n| n % 3).collect();
            let memory = if declaration.contains("typed") {
                Contents::TypedBuffer { format: Format::R32Uint, dwords: data.clone() }
            } else {
                Contents::Buffer(data.clone())
            };
            let mut contents = [memory];
            execute(&listing, &mut contents, 1);
            assert_eq!(contents[0].dwords(), data, "{declaration} at {address}");
        }
    }
}
