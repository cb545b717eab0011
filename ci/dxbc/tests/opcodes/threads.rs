//! Threads: their numbers, and barriers between them (specification 22.3.40, 22.3.41, 22.17.7).

use crate::coverage::tests;
use crate::harness::execute_buffers;

tests! {
    thread_ids: "dcl_input", "dcl_thread_group", "dcl_temps", "dcl_global_flags";
    barriers: "sync";
}

fn thread_ids() {
    let listing = "cs_5_0
        dcl_globalFlags refactoringAllowed | skipOptimization
        dcl_uav_raw u0
        dcl_input vThreadID.xyz
        dcl_input vThreadGroupID.xyz
        dcl_input vThreadIDInGroup.xyz
        dcl_input vThreadIDInGroupFlattened
        dcl_temps 1
        dcl_thread_group 2, 3, 4
        imad r0.x, vThreadGroupID.x, l(24), vThreadIDInGroupFlattened
        imul null, r0.x, r0.x, l(40)
        store_raw u0.xyz, r0.x, vThreadID.xyzx
        iadd r0.x, r0.x, l(12)
        store_raw u0.xyz, r0.x, vThreadGroupID.xyzx
        iadd r0.x, r0.x, l(12)
        store_raw u0.xyz, r0.x, vThreadIDInGroup.xyzx
        iadd r0.x, r0.x, l(12)
        store_raw u0.x, r0.x, vThreadIDInGroupFlattened
        ret";
    let mut buffers = [vec![0; 3 * 24 * 10]];
    execute_buffers(listing, &mut buffers, 3);
    for (n, found) in buffers[0].chunks(10).enumerate() {
        let (group, flat) = (n as u32 / 24, n as u32 % 24);
        let place = [flat % 2, flat / 2 % 3, flat / 6];
        assert_eq!(found[..3], [group * 2 + place[0], place[1], place[2]]);
        assert_eq!(found[3..6], [group, 0, 0]);
        assert_eq!(found[6..], [place[0], place[1], place[2], flat]);
    }
}

/// Every form of `sync`: threads hand dwords to each other through the memory that the form orders. Forms that do
/// not wait for other threads order what one thread does.
fn barriers() {
    for form in ["sync_g_t", "sync_uglobal_g_t", "sync_ugroup_g_t", "sync_uglobal_t", "sync_ugroup_t"] {
        for shared in [true, false] {
            if shared && !form.contains("_g") || !shared && !form.contains("_u") {
                continue;
            }
            let memory = if shared { "g0" } else { "u0" };
            let listing = format!(
                "cs_5_0
                dcl_globalFlags refactoringAllowed
                dcl_uav_raw u0
                dcl_uav_raw u1
                dcl_input vThreadIDInGroupFlattened
                dcl_temps 2
                dcl_tgsm_raw g0, 1024
                dcl_thread_group 256, 1, 1
                ishl r0.x, vThreadIDInGroupFlattened, l(2)
                imul null, r0.y, vThreadIDInGroupFlattened, l(3)
                store_raw {memory}.x, r0.x, r0.y
                {form}
                iadd r0.z, l(1020), -r0.x
                ld_raw r0.w, r0.z, {memory}.xxxx
                {form}
                store_raw {memory}.x, r0.x, r0.w
                {form}
                ld_raw r1.x, r0.z, {memory}.xxxx
                ishl r0.x, r0.x, l(1)
                mov r1.y, r0.w
                store_raw u1.xy, r0.x, r1.xyxx
                ret"
            );
            let mut buffers = [vec![0; 256], vec![0; 512]];
            execute_buffers(&listing, &mut buffers, 1);
            for (n, found) in (0..).zip(buffers[1].chunks(2)) {
                assert_eq!(found, [3 * n, 3 * (255 - n)], "{form} of {memory}");
            }
        }
    }
    for form in ["sync_g", "sync_ugroup", "sync_uglobal", "sync_uglobal_g", "sync_ugroup_g"] {
        let listing = format!(
            "cs_5_0
            dcl_globalFlags refactoringAllowed
            dcl_uav_raw_glc u0
            dcl_input vThreadIDInGroupFlattened
            dcl_temps 2
            dcl_tgsm_raw g0, 128
            dcl_thread_group 32, 1, 1
            ishl r0.x, vThreadIDInGroupFlattened, l(2)
            store_raw g0.x, r0.x, r0.x
            store_raw u0.x, r0.x, r0.x
            {form}
            ld_raw r0.y, r0.x, g0.xxxx
            ld_raw r0.z, r0.x, u0.xxxx
            iadd r0.y, r0.y, r0.z
            store_raw u0.x, r0.x, r0.y
            ret"
        );
        let mut buffers = [vec![0; 32]];
        execute_buffers(&listing, &mut buffers, 1);
        assert_eq!(buffers[0], (0..32).map(|n| 8 * n).collect::<Vec<u32>>(), "{form}");
    }
}
