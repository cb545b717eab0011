//! Declarations, instructions and operands made from nothing: well-formed, with numbers that often fit together.

use pvgpu_dxbc::token::opcode::{Opcode, OperandForm};

use super::listing::{REPRESENTATIONS, fix_length};
use crate::random::Random;

/// Number of register files, `D3D11_SB_OPERAND_TYPE_*`.
const FILES: usize = 41;

/// A number that a declaration or index might hold: mostly small, at times at or next to a limit, at times anything.
pub fn number(random: &mut Random) -> u32 {
    match random.below(32) {
        0..=23 => random.below(4) as u32,
        24..=27 => random.below(32) as u32,
        28 | 29 => (1_u32 << random.below(17)).wrapping_add(random.below(3) as u32).wrapping_sub(1),
        30 => u32::MAX - random.below(3) as u32,
        _ => random.dword(),
    }
}

/// An opcode with operands, or one of any kind.
pub fn opcode(random: &mut Random, form: Option<OperandForm>) -> Opcode {
    loop {
        let opcode = Opcode::from_number(random.below(235) as u32);
        if let Some(opcode) = opcode.filter(|opcode| form.is_none_or(|form| opcode.form() == form)) {
            return opcode;
        }
    }
}

/// The component bits of an operand token: a mask for destinations, else mostly a swizzle.
pub fn components(random: &mut Random, destination: bool) -> u32 {
    match (random.below(40), destination) {
        (0, _) => random.below(2) as u32,
        (1, _) => random.dword() & 0xfff,
        (_, true) => 2 | (1 + random.below(15) as u32) << 4,
        (2..=19, false) => 2 | 1 << 2 | (random.dword() & 0xff) << 4,
        (20..=24, false) => 2 | 1 << 2 | 0xe4 << 4,
        (_, false) => 2 | 2 << 2 | (random.below(4) as u32) << 4,
    }
}

/// An operand. `destination`: one that is written.
pub fn operand(random: &mut Random, destination: bool, depth: usize) -> Vec<u32> {
    let file = match (random.below(4), destination) {
        (0, _) => random.below(FILES) as u32,
        // r#, o#, x#, null.
        (_, true) => [0, 0, 0, 2, 3, 13][random.below(6)],
        // r#, v#, x#, immediates, cb#, icb.
        (_, false) => [0, 0, 0, 1, 3, 4, 4, 5, 8, 9][random.below(10)],
    };
    let mut tokens = vec![components(random, destination) | file << 12];
    if matches!(file, 4 | 5) {
        let count = if tokens[0] & 3 == 1 { file as usize - 3 } else { 4 };
        tokens.extend((0..count).map(|_| immediate(random)));
        return tokens;
    }
    let dimensions = match (random.below(16), file) {
        (0, _) => random.below(4) as u32,
        (_, 3 | 8) => 2,
        (_, 11 | 13 | 22..=24 | 28 | 32..=40) => 0,
        _ => 1,
    };
    tokens[0] |= dimensions << 20;
    for dimension in 0..dimensions {
        let last = dimension + 1 == dimensions;
        let representation = match random.below(8) {
            0 => random.below(5),
            1 if last && depth < 3 => 2 + random.below(2),
            _ => 0,
        };
        tokens[0] |= (representation as u32) << (22 + 3 * dimension);
        let (dwords, relative) = REPRESENTATIONS[representation];
        match dwords {
            0 => {}
            1 => tokens.push(number(random)),
            _ => tokens.extend([0, number(random)]),
        }
        if relative {
            if depth < 5 {
                tokens.extend(operand(random, false, depth + 1));
            } else {
                tokens.extend([0x0010_000a, 0]);
            }
        }
    }
    if !destination && random.below(8) == 0 {
        tokens[0] |= 1 << 31;
        tokens.insert(1, modifier(random));
    }
    tokens
}

/// An extended operand token: a source modifier, and at times a precision.
pub fn modifier(random: &mut Random) -> u32 {
    let precision = if random.below(4) == 0 { random.below(6) as u32 } else { 0 };
    let bits = if random.below(32) == 0 { random.below(256) } else { random.below(4) };
    1 | (bits as u32) << 6 | precision << 14
}

/// An immediate: a number, or a float that is often special.
pub fn immediate(random: &mut Random) -> u32 {
    const FLOATS: [u32; 8] =
        [0, 0x8000_0000, 0x3f80_0000, 0xbf80_0000, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 1];
    if random.below(2) == 0 { FLOATS[random.below(8)] } else { number(random) }
}

/// An instruction of `opcode` whose operands `source` gives (`destination`: it is to be written).
pub fn instruction(
    random: &mut Random,
    opcode: Opcode,
    mut source: impl FnMut(&mut Random, bool) -> Vec<u32>,
) -> Vec<u32> {
    let mut entry = vec![opcode as u32];
    if random.below(4) == 0 {
        // Saturation, tests, precision, return types: whatever the opcode makes of them.
        entry[0] |= random.dword() & 0x00ff_f800;
    }
    if random.below(16) == 0 {
        entry[0] |= 1 << 31;
        entry.push(1 | random.dword() & 0x001f_fe00);
    }
    if let OperandForm::Counted(destinations, count) = opcode.form() {
        for n in 0..count {
            entry.extend(source(random, n < destinations));
        }
    }
    fix_length(&mut entry);
    entry
}

/// A register operand without relative indices, as declarations have it.
fn declared(file: u32, components: u32, indices: &[u32]) -> Vec<u32> {
    let mut tokens = vec![components | file << 12 | (indices.len() as u32) << 20];
    tokens.extend(indices);
    tokens
}

/// A declaration of one register of `file`, for a program of the stage `stage`; `None` if the file has none.
pub fn declaration_of(random: &mut Random, stage: u32, file: u32, number: u32) -> Option<Vec<u32>> {
    let (full, pixel) = (2 | 0xf << 4, stage == 0);
    let view = |random: &mut Random| {
        // Buffer, 1D, 2D, multisampled, 3D, cube, their arrays; float, integers, normalised.
        let dimension = [1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10][random.below(12)];
        let ty = [1, 2, 3, 4, 4, 5, 5, 5][random.below(8)];
        (dimension, ty * 0x1111)
    };
    let (opcode, controls, body) = match (file, random.below(3)) {
        (1, _) if pixel => (Opcode::DclInputPs, random.below(8) as u32, declared(1, full, &[number])),
        (1, _) => (Opcode::DclInput, 0, declared(1, full, &[number])),
        (2, _) => (Opcode::DclOutput, 0, declared(2, full, &[number])),
        (3, _) => (Opcode::DclIndexableTemp, 0, vec![number, 1 + random.below(8) as u32, 4]),
        (6, _) => (Opcode::DclSampler, random.below(2) as u32, declared(6, 0, &[number])),
        (7 | 30, 0) => {
            let opcode = if file == 7 { Opcode::DclResourceRaw } else { Opcode::DclUavRaw };
            (opcode, 0, declared(file, 0, &[number]))
        }
        (7 | 30, 1) => {
            let opcode = if file == 7 { Opcode::DclResourceStructured } else { Opcode::DclUavStructured };
            let stride = 4 * (1 + random.below(8) as u32);
            (opcode, 0, [declared(file, 0, &[number]), vec![stride]].concat())
        }
        (7 | 30, _) => {
            let opcode = if file == 7 { Opcode::DclResource } else { Opcode::DclUavTyped };
            let (dimension, ty) = view(random);
            (opcode, dimension, [declared(file, 0, &[number]), vec![ty]].concat())
        }
        (8, _) => {
            let body = declared(8, 2 | 1 << 2 | 0xe4 << 4, &[number, 1 + random.below(16) as u32]);
            (Opcode::DclConstantBuffer, random.below(2) as u32, body)
        }
        (12 | 15 | 38 | 39, _) => (Opcode::DclOutput, 0, declared(file, 1, &[])),
        (31, _) => {
            let body = [declared(31, 0, &[number]), vec![4 * (1 + random.below(8) as u32), 4]].concat();
            match random.below(2) {
                0 => (Opcode::DclTgsmRaw, 0, body[..3].to_vec()),
                _ => (Opcode::DclTgsmStructured, 0, body),
            }
        }
        (32..=37, _) => (Opcode::DclInput, 0, declared(file, full, &[])),
        _ => return None,
    };
    let mut entry = vec![opcode as u32 | controls << 11];
    entry.extend(body);
    fix_length(&mut entry);
    Some(entry)
}

/// A declaration.
pub fn declaration(random: &mut Random) -> Vec<u32> {
    let mask = 2 | (1 + random.below(15) as u32) << 4;
    let register = number(random);
    let (opcode, controls, body): (Opcode, u32, Vec<u32>) = match random.below(24) {
        0 => {
            let swizzle = 2 | 1 << 2 | 0xe4 << 4;
            let body = declared(8, swizzle, &[register, number(random)]);
            (Opcode::DclConstantBuffer, random.below(2) as u32, body)
        }
        1 => (Opcode::DclSampler, random.below(3) as u32, declared(6, 0, &[register])),
        2..=4 => {
            let ty = 1 + random.below(7) as u32;
            let body = [declared(7, 0, &[register]), vec![ty * 0x1111]].concat();
            (Opcode::DclResource, 1 + random.below(10) as u32, body)
        }
        5 => (Opcode::DclResourceRaw, 0, declared(7, 0, &[register])),
        6 => {
            let body = [declared(7, 0, &[register]), vec![number(random).wrapping_mul(4)]].concat();
            (Opcode::DclResourceStructured, 0, body)
        }
        7 | 8 => {
            let ty = 1 + random.below(7) as u32;
            let body = [declared(30, 0, &[register]), vec![ty * 0x1111]].concat();
            (Opcode::DclUavTyped, (1 + random.below(10) as u32) | (random.below(2) as u32) << 5, body)
        }
        9 => (Opcode::DclUavRaw, (random.below(2) as u32) << 5, declared(30, 0, &[register])),
        10 => {
            let body = [declared(30, 0, &[register]), vec![number(random).wrapping_mul(4)]].concat();
            (Opcode::DclUavStructured, random.dword() & 0x1fff, body)
        }
        11 => {
            let opcode = [Opcode::DclInput, Opcode::DclInputSgv, Opcode::DclInputSiv][random.below(3)];
            let indices = [number(random), register];
            let indices = if random.below(4) == 0 { &indices[..] } else { &indices[1..] };
            let file = [1, 1, 1, 1, 11, 25, 27, 32, 33, 34, 35, 36, 37][random.below(13)];
            let mut body = declared(file, mask, indices);
            if opcode != Opcode::DclInput {
                body.push(random.below(24) as u32);
            }
            (opcode, 0, body)
        }
        12 | 13 => {
            let opcode = [Opcode::DclInputPs, Opcode::DclInputPsSgv, Opcode::DclInputPsSiv][random.below(3)];
            let mut body = declared(1, mask, &[register]);
            if opcode != Opcode::DclInputPs {
                body.push(random.below(24) as u32);
            }
            (opcode, random.below(9) as u32, body)
        }
        14..=16 => {
            let opcode = [Opcode::DclOutput, Opcode::DclOutputSgv, Opcode::DclOutputSiv];
            let opcode = opcode[random.below(3)];
            let mut body = match random.below(4) {
                0 => declared([12, 15, 38, 39][random.below(4)], 1, &[]),
                _ => declared(2, mask, &[register]),
            };
            if opcode != Opcode::DclOutput {
                body.push(random.below(24) as u32);
            }
            (opcode, 0, body)
        }
        17 => {
            let body =
                [declared([1, 2, 25, 26, 27][random.below(5)], mask, &[register]), vec![number(random)]];
            (Opcode::DclIndexRange, 0, body.concat())
        }
        18 => (Opcode::DclTemps, 0, vec![1 + number(random) % 5_000]),
        19 => (Opcode::DclIndexableTemp, 0, vec![register, number(random), 1 + random.below(4) as u32]),
        20 => (Opcode::DclGlobalFlags, random.dword() & 0x1fff, Vec::new()),
        21 => {
            let size = (0..3).map(|_| number(random).max(random.below(2) as u32)).collect();
            (Opcode::DclThreadGroup, 0, size)
        }
        22 => {
            let body =
                [declared(31, 0, &[register]), vec![number(random).wrapping_mul(4), number(random)]].concat();
            match random.below(2) {
                0 => (Opcode::DclTgsmRaw, 0, body[..3].to_vec()),
                _ => (Opcode::DclTgsmStructured, 0, body),
            }
        }
        _ => {
            // Geometry and tessellation: one field in the token, or one dword.
            let opcode = [
                Opcode::DclStream,
                Opcode::DclGsInputPrimitive,
                Opcode::DclGsOutputPrimitiveTopology,
                Opcode::DclGsInstanceCount,
                Opcode::DclMaxOutputVertexCount,
                Opcode::DclInputControlPointCount,
                Opcode::DclOutputControlPointCount,
                Opcode::DclTessDomain,
                Opcode::DclTessPartitioning,
                Opcode::DclTessOutputPrimitive,
                Opcode::DclHsMaxTessfactor,
                Opcode::DclHsForkPhaseInstanceCount,
                Opcode::DclHsJoinPhaseInstanceCount,
            ][random.below(13)];
            let body = match opcode {
                Opcode::DclStream => declared(16, 0, &[register]),
                Opcode::DclGsInstanceCount
                | Opcode::DclMaxOutputVertexCount
                | Opcode::DclHsMaxTessfactor
                | Opcode::DclHsForkPhaseInstanceCount
                | Opcode::DclHsJoinPhaseInstanceCount => vec![number(random)],
                _ => Vec::new(),
            };
            (opcode, number(random) & 0x3f, body)
        }
    };
    let mut entry = vec![opcode as u32 | controls << 11];
    entry.extend(body);
    fix_length(&mut entry);
    entry
}
