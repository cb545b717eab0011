//! Join phases: the HLSL compiler makes fork phases only, so these are fork phases whose tokens say otherwise.

use pvgpu_dxbc::token::opcode::Opcode;
use pvgpu_dxbc::token::operand::RegisterFile;
use pvgpu_dxbc_tests::gpu::{Attribute, Contents, Draw, Gpu, Stage, vk};

use crate::support::{Program, capture_all, link_programs, program, rows};

/// The hull shader with join phases in the place of its fork phases.
fn joined(mut hull: Program) -> Program {
    let rewritten = [
        (Opcode::HsForkPhase, Opcode::HsJoinPhase),
        (Opcode::DclHsForkPhaseInstanceCount, Opcode::DclHsJoinPhaseInstanceCount),
    ];
    let fork = (RegisterFile::InputForkInstanceId as u32) << 12;
    let join = (RegisterFile::InputJoinInstanceId as u32) << 12;
    let mut place = 2;
    while let Some(token) = hull.tokens.get(place).copied() {
        let number = token & 0x7ff;
        if let Some((_, new)) = rewritten.iter().find(|(old, _)| old.number() == number) {
            hull.tokens[place] = token & !0x7ff | new.number();
        }
        let custom = number == Opcode::CustomData.number();
        let length = if custom { hull.tokens[place + 1] } else { token >> 24 & 0x7f } as usize;
        if !custom {
            // An operand without an index: its components in the low bits, the file above them.
            for token in &mut hull.tokens[place + 1..place + length] {
                if *token & !0xfff == fork {
                    *token = *token & 0xfff | join;
                }
            }
        }
        place += length;
    }
    hull.name += ", joined";
    hull
}

/// The captured vertices: place, sum, ids and factors, 16 dwords each.
fn tessellate(gpu: &Gpu, hull: Program, domain: &str, points: u32, factor: f32) -> Vec<Vec<u32>> {
    let programs = [program("vs_control_point"), hull, program(domain)];
    let captured = capture_all(&programs[2], &["PLACE", "SUM", "IDS", "FACTORS"]);
    let linked = link_programs(gpu, &programs, Some(&captured));
    let positions: Vec<[f32; 4]> = (0..points).map(|n| [n as f32, 2.0 * n as f32, 3.0, 1.0]).collect();
    let mut draw = Draw {
        stages: vec![
            Stage::new(&linked[0]),
            Stage::with(&linked[1], vec![Contents::Buffer(vec![factor.to_bits(); 8])]),
            Stage::new(&linked[2]),
        ],
        attributes: vec![Attribute::floats(0, &positions)],
        topology: vk::PrimitiveTopology::PATCH_LIST,
        patch_control_points: points,
        count: points,
        targets: Vec::new(),
        feedback: vec![1 << 20],
        ..Draw::default()
    };
    let drawn = gpu.draw(&mut draw);
    let count = drawn.primitives[0].written as usize;
    let vertices = if domain == "ds_factors_tri" { 1 } else { 3 };
    rows(&drawn.feedback[0], 16, count * vertices)
}

#[test]
fn join_phases_do_what_fork_phases_do() {
    let gpu = Gpu::open();
    for (hull, domain, points) in
        [("hs_factors_tri", "ds_factors_tri", 3), ("hs_power_of_two", "ds_factors_quad", 4)]
    {
        let forked = tessellate(&gpu, program(hull), domain, points, 4.0);
        assert!(forked.len() > 10, "{hull} made {} vertices", forked.len());
        let join = joined(program(hull));
        assert_ne!(join.tokens, program(hull).tokens, "{hull} has no fork phase");
        assert_eq!(tessellate(&gpu, join, domain, points, 4.0), forked, "{hull}");
        // Every factor is what was given.
        assert!(forked.iter().all(|row| row[12..16] == [4f32.to_bits(); 4]), "{hull}: {:?}", forked[0]);
    }
}
