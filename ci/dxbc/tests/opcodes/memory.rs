//! Constant buffers, indexed registers, raw and structured memory: inside and outside their bounds (specification
//! 22.4.10 to 22.4.13, 7.5, 22.3).

use pvgpu_dxbc_tests::gpu::Contents;

use crate::coverage::tests;
use crate::harness::{execute, execute_buffers};

tests! {
    constant_buffers: "dcl_constantbuffer", "mov";
    immediate_constants: "customdata", "mov";
    indexed_registers: "dcl_indexable_temp", "mov";
    raw_buffers: "ld_raw", "store_raw", "dcl_resource_raw", "dcl_uav_raw";
    structured_buffers: "ld_structured", "store_structured", "dcl_resource_structured", "dcl_uav_structured";
    shared_raw_memory: "dcl_tgsm_raw", "ld_raw", "store_raw", "sync";
    shared_structured_memory: "dcl_tgsm_structured", "ld_structured", "store_structured", "sync";
    nothing_bound:
        "ld_raw", "ld_structured", "store_raw", "store_structured", "bufinfo", "dcl_constantbuffer", "ld",
        "ld_uav_typed";
}

/// Numbers inside the bounds, at them, and far outside.
const INDICES: [u32; 16] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 64, 4095, 4096, 0x8000_0000, 0xffff_ffff];

/// Runs `body` for each of [`INDICES`], in r0.x; it leaves r1. `declarations` bind what it needs, beside t0 and u0.
fn check_indices(
    declarations: &str,
    body: &str,
    mut more: Vec<Contents>,
    is_constants: bool,
    expected: impl Fn(u32) -> [u32; 4],
) {
    let listing = format!(
        "cs_5_0
        dcl_globalFlags refactoringAllowed
        {declarations}
        dcl_resource_raw t0
        dcl_uav_raw u0
        dcl_input vThreadID.x
        dcl_temps 4
        dcl_thread_group 16, 1, 1
        ishl r3.x, vThreadID.x, l(2)
        ld_raw r0.x, r3.x, t0.xxxx
        {body}
        ishl r3.x, vThreadID.x, l(4)
        store_raw u0.xyzw, r3.x, r1.xyzw
        ret"
    );
    // Bindings come by class: constant buffers first.
    let split = if is_constants { more.len() } else { 0 };
    let rest = more.split_off(split);
    more.push(Contents::Buffer(INDICES.to_vec()));
    more.extend(rest);
    more.push(Contents::Buffer(vec![0xbad; 64]));
    execute(&listing, &mut more, 1);
    let (found, _) = more.last().unwrap().dwords().as_chunks::<4>();
    for (index, found) in INDICES.iter().zip(found) {
        assert_eq!(*found, expected(*index), "{body} at {index:#x}");
    }
}

/// Four dwords that tell where they lie.
fn element(n: u32) -> [u32; 4] {
    [n * 4 + 100, n * 4 + 101, n * 4 + 102, n * 4 + 103]
}

fn elements(count: u32) -> Vec<u32> {
    (0..count).flat_map(element).collect()
}

/// Elements up to `count`, zeros beyond.
fn bounded(index: u64, count: u64) -> [u32; 4] {
    if index < count { element(index as u32) } else { [0; 4] }
}

/// What is not backed by the bound buffer reads as zero, whether it was declared or not.
fn constant_buffers() {
    let buffer = || vec![Contents::Buffer(elements(8))];
    let declared = "dcl_constantbuffer cb0[8], dynamicIndexed";
    check_indices(declared, "mov r1.xyzw, cb0[r0.x].xyzw", buffer(), true, |n| bounded(n.into(), 8));
    check_indices(declared, "mov r1.xyzw, cb0[r0.x + 3].xyzw", buffer(), true, |n| {
        bounded(u64::from(n.wrapping_add(3)), 8)
    });
    check_indices(declared, "mov r1.xyzw, cb0[5].wzyx", buffer(), true, |_| {
        let [x, y, z, w] = element(5);
        [w, z, y, x]
    });
    // A buffer that is smaller than its declaration.
    let declared = "dcl_constantbuffer cb0[64], immediateIndexed";
    check_indices(declared, "mov r1.xyzw, cb0[7].xyzw", buffer(), true, |_| element(7));
    check_indices(declared, "mov r1.xyzw, cb0[63].xyzw", buffer(), true, |_| [0; 4]);
    // As great as can be, indexed by another buffer's element.
    let declared =
        "dcl_constantbuffer cb0[4096], dynamicIndexed\n dcl_constantbuffer cb3[2], immediateIndexed";
    let both = || vec![Contents::Buffer(elements(4096)), Contents::Buffer(vec![0, 0, 2, 0, 0, 0, 0, 0])];
    check_indices(declared, "iadd r0.y, r0.x, cb3[0].z\n mov r1.xyzw, cb0[r0.y].xyzw", both(), true, |n| {
        bounded(u64::from(n.wrapping_add(2)), 4096)
    });
}

fn immediate_constants() {
    let declared = "dcl_immediateConstantBuffer { { 100, 101, 102, 103 }, { 104, 105, 106, 107 }, { 108, 109, 110, 111 } }";
    check_indices(declared, "mov r1.xyzw, icb[r0.x].xyzw", vec![], false, |n| bounded(n.into(), 3));
    check_indices(declared, "mov r1.xyzw, icb[r0.x + 1].xyzw", vec![], false, |n| {
        bounded(u64::from(n.wrapping_add(1)), 3)
    });
    check_indices(declared, "mov r1.xyzw, icb[2].yyww", vec![], false, |_| [109, 109, 111, 111]);
}

/// 22.3: a read outside is undefined in D3D11, but must not reach anything else; it has to be some value of the
/// registers, and a write outside must leave the elements alone.
fn indexed_registers() {
    let declared = "dcl_indexableTemp x0[4], 4\n dcl_indexableTemp x1[2], 4";
    let fill: String = (0..4)
        .map(|n| {
            let [x, y, z, w] = element(n);
            format!("mov x0[{n}].xyzw, l({x}, {y}, {z}, {w})\n")
        })
        .collect();
    check_indices(declared, &format!("{fill} mov r1.xyzw, x0[r0.x].xyzw"), vec![], false, |n| {
        bounded(n.into(), 4)
    });
    check_indices(declared, &format!("{fill} mov r1.xyzw, x0[r0.x + 2].xyzw"), vec![], false, |n| {
        bounded(u64::from(n.wrapping_add(2)), 4)
    });
    // A write of two components to a computed element, then all elements.
    for k in 0..4 {
        let body = format!(
            "{fill}
            mov x1[0].xyzw, l(7, 7, 7, 7)
            mov x1[1].xyzw, l(8, 8, 8, 8)
            mov x0[r0.x].xz, l(1, 2, 3, 4)
            mov r1.xyzw, x0[{k}].xyzw
            ine r0.y, x1[0].x, l(7)
            ine r0.z, x1[1].w, l(8)
            or r0.y, r0.y, r0.z
            if_nz r0.y
                mov r1.xyzw, l(0, 0, 0, 0)
            endif"
        );
        check_indices(declared, &body, vec![], false, |n| {
            let [x, y, z, w] = element(k);
            if n == k { [1, y, 3, w] } else { [x, y, z, w] }
        });
    }
    // An index that is itself an element.
    let body = format!("{fill} mov x1[1].x, l(3)\n mov r0.y, l(1)\n mov r1.xyzw, x0[x1[r0.y].x].xyzw");
    check_indices(declared, &body, vec![], false, |_| element(3));
}

/// The four dwords from byte `address`, the low two bits of which do not count; zero outside.
fn raw(dwords: &[u32], address: u32) -> [u32; 4] {
    [0, 1, 2, 3].map(|n| dwords.get(address as usize / 4 + n).copied().unwrap_or(0))
}

/// 22.4.10, 22.4.11: each dword outside reads as zero, and is not written.
fn raw_buffers() {
    let data = elements(5);
    let contents = || vec![Contents::Buffer(data.clone())];
    check_indices("dcl_resource_raw t1", "ld_raw r1.xyzw, r0.x, t1.xyzw", contents(), false, |n| {
        raw(&data, n)
    });
    check_indices(
        "dcl_resource_raw t1",
        "mov r1.xyzw, l(0, 0, 0, 0)\n ld_raw r1.yw, r0.x, t1.xwxy",
        contents(),
        false,
        |n| {
            let found = raw(&data, n);
            [0, found[3], 0, found[1]]
        },
    );
    for (place, mask) in INDICES.into_iter().flat_map(|place| ["xyzw", "x", "xyz"].map(|mask| (place, mask)))
    {
        let listing = format!(
            "cs_5_0
            dcl_globalFlags refactoringAllowed
            dcl_uav_raw_glc u0
            dcl_uav_raw u1
            dcl_temps 1
            dcl_thread_group 1, 1, 1
            mov r0.x, l({place:#x})
            store_raw u0.{mask}, r0.x, l(1, 2, 3, 4)
            // Drivers give a load what the same thread has just stored, outside the buffer too.
            sync_uglobal
            ld_raw r0.xyzw, r0.x, u0.xyzw
            store_raw u1.xyzw, l(0), r0.xyzw
            ret"
        );
        let mut buffers = [data.clone(), vec![0; 4]];
        execute_buffers(&listing, &mut buffers, 1);
        let mut expected = data.clone();
        for (n, value) in [1, 2, 3, 4].into_iter().enumerate().take(mask.len()) {
            if let Some(dword) = expected.get_mut(place as usize / 4 + n) {
                *dword = value;
            }
        }
        assert_eq!(buffers[0], expected, "{mask} stored at {place:#x}");
        assert_eq!(buffers[1], raw(&expected, place), "{mask} at {place:#x}");
    }
}

/// 22.4.12, 22.4.13: an index outside reads zero and does not write. An offset beyond the structure is undefined, but
/// nothing outside the buffer is reached.
fn structured_buffers() {
    // Three structures of five dwords.
    let data: Vec<u32> = (0..15).map(|n| 500 + n).collect();
    let contents = || vec![Contents::Buffer(data.clone())];
    let part = |index: u32, offset: usize, count: usize| -> Vec<u32> {
        (0..count).map(|n| if index < 3 { data[index as usize * 5 + offset / 4 + n] } else { 0 }).collect()
    };
    let declared = "dcl_resource_structured t1, 20";
    check_indices(declared, "ld_structured r1.xyzw, r0.x, l(4), t1.xyzw", contents(), false, |n| {
        part(n, 4, 4).try_into().unwrap()
    });
    check_indices(
        declared,
        "mov r1.xyzw, l(0, 0, 0, 0)\n ld_structured r1.xz, r0.x, l(8), t1.zzyx",
        contents(),
        false,
        |n| {
            let found = part(n, 8, 3);
            [found[2], 0, found[1], 0]
        },
    );
    // Offsets beyond the structure: some dword of the buffer or zero.
    let body = "ld_structured r1.x, l(1), r0.x, t1.xxxx\n mov r1.yzw, l(0, 0, 0, 0)";
    check_indices(
        declared,
        &format!(
            "{body}\n uge r2.x, l(514), r1.x\n uge r2.y, r1.x, l(500)\n and r2.x, r2.x, r2.y\n ieq r2.y, r1.x, l(0)\n or r1.x, r2.x, r2.y"
        ),
        contents(),
        false,
        |_| [u32::MAX, 0, 0, 0],
    );
    for place in INDICES {
        let listing = format!(
            "cs_5_0
            dcl_globalFlags refactoringAllowed
            dcl_uav_structured u0, 20
            dcl_uav_raw u1
            dcl_temps 2
            dcl_thread_group 1, 1, 1
            mov r0.x, l({place:#x})
            store_structured u0.xyz, r0.x, l(8), l(1, 2, 3, 4)
            sync_uglobal
            ld_structured r1.xyzw, r0.x, l(4), u0.xyzw
            store_raw u1.xyzw, l(0), r1.xyzw
            ret"
        );
        let mut buffers = [data.clone(), vec![0; 4]];
        execute_buffers(&listing, &mut buffers, 1);
        let mut expected = data.clone();
        let mut read = [0; 4];
        if place < 3 {
            let start = place as usize * 5;
            expected[start + 2..start + 5].copy_from_slice(&[1, 2, 3]);
            read.copy_from_slice(&expected[start + 1..start + 5]);
        }
        assert_eq!(buffers[0], expected, "stored at {place:#x}");
        assert_eq!(buffers[1], read, "loaded at {place:#x}");
    }
}

/// Each of 64 threads gives a dword to another one; addresses outside hit nothing but shared memory.
fn shared_raw_memory() {
    let listing = "cs_5_0
        dcl_globalFlags refactoringAllowed
        dcl_uav_raw u0
        dcl_input vThreadID.x
        dcl_input vThreadIDInGroupFlattened
        dcl_temps 3
        dcl_tgsm_raw g0, 256
        dcl_tgsm_raw g1, 16
        dcl_thread_group 64, 1, 1
        ishl r0.x, vThreadIDInGroupFlattened, l(2)
        imad r0.y, vThreadID.x, l(3), l(1)
        store_raw g0.x, r0.x, r0.y
        ieq r0.z, vThreadIDInGroupFlattened, l(0)
        if_nz r0.z
            store_raw g1.xyzw, l(0), l(5, 6, 7, 8)
        endif
        sync_g_t
        bfi r0.z, l(4), l(2), r0.y, l(0)
        xor r0.z, r0.x, l(252)
        ld_raw r1.x, r0.z, g0.xxxx
        ld_raw r1.yz, l(4), g1.xxyy
        ld_raw r1.w, l(0x40000000), g1.xxxx
        ishl r0.x, vThreadID.x, l(4)
        store_raw u0.xyzw, r0.x, r1.xyzw
        sync_g_t
        store_raw g1.x, r0.x, r0.x
        ret";
    let mut buffers = [vec![0; 64 * 2 * 4]];
    execute_buffers(listing, &mut buffers, 2);
    for (thread, found) in buffers[0].chunks(4).enumerate() {
        let (group, own) = (thread / 64 * 64, thread % 64);
        let other = (group + (own ^ 63)) as u32;
        assert_eq!(found[..3], [3 * other + 1, 6, 7], "thread {thread}");
        // An address outside is undefined within shared memory: the last dword, as it is clamped.
        assert_eq!(found[3], 8);
    }
}

fn shared_structured_memory() {
    let listing = "cs_5_0
        dcl_globalFlags refactoringAllowed
        dcl_uav_raw u0
        dcl_input vThreadID.x
        dcl_input vThreadIDInGroup.xy
        dcl_temps 3
        dcl_tgsm_structured g0, 12, 64
        dcl_thread_group 8, 8, 1
        imad r0.x, vThreadIDInGroup.y, l(8), vThreadIDInGroup.x
        iadd r1.xyz, r0.xxxx, l(1, 100, 1000, 0)
        store_structured g0.xyz, r0.x, l(0), r1.xyzx
        sync_g_t
        iadd r0.y, l(63), -r0.x
        ld_structured r1.xy, r0.y, l(4), g0.xyxx
        ld_structured r1.z, r0.y, l(0), g0.xxxx
        ld_structured r1.w, r0.y, l(0), g0.zzzz
        sync_g_t
        store_structured g0.y, r0.x, l(4), r0.x
        sync_g_t
        ld_structured r2.x, r0.y, l(8), g0.xxxx
        iadd r1.w, r1.w, r2.x
        ishl r0.x, r0.x, l(4)
        store_raw u0.xyzw, r0.x, r1.xyzw
        ret";
    let mut buffers = [vec![0; 64 * 4]];
    execute_buffers(listing, &mut buffers, 1);
    for (thread, found) in buffers[0].chunks(4).enumerate() {
        let other = 63 - thread as u32;
        assert_eq!(found, [other + 100, other + 1000, other + 1, other + 1000 + other], "thread {thread}");
    }
}

/// 5.3: what is not bound reads as zero and ignores writes.
fn nothing_bound() {
    let listing = "cs_5_0
        dcl_globalFlags refactoringAllowed
        dcl_constantbuffer cb0[4], immediateIndexed
        dcl_resource_raw t0
        dcl_resource_structured t1, 16
        dcl_resource_buffer (float,float,float,float) t2
        dcl_resource_texture2d (float,float,float,float) t3
        dcl_uav_raw u0
        dcl_uav_raw u1
        dcl_uav_structured u2, 16
        dcl_uav_typed_buffer (uint,uint,uint,uint) u3
        dcl_temps 2
        dcl_thread_group 1, 1, 1
        ld_raw r0.xyzw, l(0), t0.xyzw
        ld_structured r1.xyzw, l(0), l(0), t1.xyzw
        or r0.xyzw, r0.xyzw, r1.xyzw
        ld_raw r1.xyzw, l(0), u1.xyzw
        or r0.xyzw, r0.xyzw, r1.xyzw
        ld_structured r1.xyzw, l(0), l(0), u2.xyzw
        or r0.xyzw, r0.xyzw, r1.xyzw
        ld_uav_typed r1.xyzw, l(0, 0, 0, 0), u3.xyzw
        or r0.xyzw, r0.xyzw, r1.xxxx
        ld r1.xyzw, l(0, 0, 0, 0), t2.xyzw
        or r0.xyzw, r0.xyzw, r1.xyzw
        ld r1.xyzw, l(0, 0, 0, 0), t3.xyzw
        or r0.xyzw, r0.xyzw, r1.xyzw
        or r0.xyzw, r0.xyzw, cb0[1].xyzw
        bufinfo r1.x, t0.xxxx
        bufinfo r1.y, t1.xxxx
        bufinfo r1.z, u1.xxxx
        bufinfo r1.w, u2.xxxx
        or r0.xyzw, r0.xyzw, r1.xyzw
        store_raw u1.xyzw, l(0), l(1, 2, 3, 4)
        store_structured u2.xyzw, l(0), l(0), l(1, 2, 3, 4)
        store_uav_typed u3.xyzw, l(0, 0, 0, 0), l(1, 2, 3, 4)
        store_raw u0.xyzw, l(0), r0.xyzw
        store_raw u0.x, l(16), l(1)
        ret";
    let mut contents: Vec<Contents> = (0..9).map(|_| Contents::Unbound).collect();
    // cb0, t0 to t3, then u0.
    contents[5] = Contents::Buffer(vec![0xbad; 5]);
    execute(listing, &mut contents, 1);
    assert_eq!(contents[5].dwords(), [0, 0, 0, 0, 1]);
}
