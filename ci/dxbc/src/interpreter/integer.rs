//! Integer and bit instructions: sections 22.11 and 22.12 of the D3D11.3 functional specification.

use pvgpu_dxbc::token::opcode::Opcode;

/// The result of a componentwise instruction with one destination; `None`: it is another instruction.
pub fn compute(opcode: Opcode, sources: &[u32]) -> Option<u32> {
    let truth = |holds: bool| if holds { u32::MAX } else { 0 };
    let signed = |value: u32| value as i32;
    Some(match (opcode, sources) {
        (Opcode::Iadd, &[a, b]) => a.wrapping_add(b),
        (Opcode::Imad | Opcode::Umad, &[a, b, c]) => a.wrapping_mul(b).wrapping_add(c),
        (Opcode::Imax, &[a, b]) => signed(a).max(signed(b)) as u32,
        (Opcode::Imin, &[a, b]) => signed(a).min(signed(b)) as u32,
        (Opcode::Umax, &[a, b]) => a.max(b),
        (Opcode::Umin, &[a, b]) => a.min(b),
        (Opcode::Ineg, &[a]) => a.wrapping_neg(),
        (Opcode::Ieq, &[a, b]) => truth(a == b),
        (Opcode::Ine, &[a, b]) => truth(a != b),
        (Opcode::Ilt, &[a, b]) => truth(signed(a) < signed(b)),
        (Opcode::Ige, &[a, b]) => truth(signed(a) >= signed(b)),
        (Opcode::Ult, &[a, b]) => truth(a < b),
        (Opcode::Uge, &[a, b]) => truth(a >= b),
        (Opcode::And, &[a, b]) => a & b,
        (Opcode::Or, &[a, b]) => a | b,
        (Opcode::Xor, &[a, b]) => a ^ b,
        (Opcode::Not, &[a]) => !a,
        // Shifts take the low five bits.
        (Opcode::Ishl, &[a, b]) => a << (b & 31),
        (Opcode::Ishr, &[a, b]) => (signed(a) >> (b & 31)) as u32,
        (Opcode::Ushr, &[a, b]) => a >> (b & 31),
        (Opcode::CountBits, &[a]) => a.count_ones(),
        (Opcode::Bfrev, &[a]) => a.reverse_bits(),
        (Opcode::FirstbitLo, &[a]) => {
            if a == 0 {
                u32::MAX
            } else {
                a.trailing_zeros()
            }
        }
        (Opcode::FirstbitHi, &[a]) => first_from_top(a),
        (Opcode::FirstbitShi, &[a]) => first_from_top(if signed(a) < 0 { !a } else { a }),
        (Opcode::Ubfe, &[width, offset, a]) => match (width & 31, offset & 31) {
            (0, _) => 0,
            (width, offset) if width + offset < 32 => a << (32 - (width + offset)) >> (32 - width),
            (_, offset) => a >> offset,
        },
        (Opcode::Ibfe, &[width, offset, a]) => match (width & 31, offset & 31) {
            (0, _) => 0,
            (width, offset) if width + offset < 32 => {
                (signed(a << (32 - (width + offset))) >> (32 - width)) as u32
            }
            (_, offset) => (signed(a) >> offset) as u32,
        },
        (Opcode::Bfi, &[width, offset, source, base]) => {
            let (width, offset) = (width & 31, offset & 31);
            let mask = ((1 << width) - 1) << offset;
            source << offset & mask | base & !mask
        }
        // Nearest even, which the specification recommends.
        (Opcode::Itof, &[a]) => (signed(a) as f32).to_bits(),
        (Opcode::Utof, &[a]) => (a as f32).to_bits(),
        _ => return None,
    })
}

fn first_from_top(value: u32) -> u32 {
    if value == 0 { u32::MAX } else { value.leading_zeros() }
}

/// The results of a componentwise instruction with two destinations; `None`: it is another instruction.
pub fn compute_two(opcode: Opcode, a: u32, b: u32) -> Option<[u32; 2]> {
    let wide = |product: u64| [(product >> 32) as u32, product as u32];
    Some(match opcode {
        Opcode::Imul => wide((i64::from(a as i32) * i64::from(b as i32)) as u64),
        Opcode::Umul => wide(u64::from(a) * u64::from(b)),
        Opcode::Udiv => [a.checked_div(b).unwrap_or(u32::MAX), a.checked_rem(b).unwrap_or(u32::MAX)],
        Opcode::Uaddc => {
            let (sum, carry) = a.overflowing_add(b);
            [sum, u32::from(carry)]
        }
        Opcode::Usubb => {
            let (difference, borrow) = a.overflowing_sub(b);
            [difference, u32::from(borrow)]
        }
        _ => return None,
    })
}

/// What memory holds after an atomic instruction that found `old`.
pub fn atomic(opcode: Opcode, old: u32, values: &[u32]) -> Option<u32> {
    Some(match (opcode, values) {
        (Opcode::AtomicAnd | Opcode::ImmAtomicAnd, &[a]) => old & a,
        (Opcode::AtomicOr | Opcode::ImmAtomicOr, &[a]) => old | a,
        (Opcode::AtomicXor | Opcode::ImmAtomicXor, &[a]) => old ^ a,
        (Opcode::AtomicIadd | Opcode::ImmAtomicIadd, &[a]) => old.wrapping_add(a),
        (Opcode::AtomicImax | Opcode::ImmAtomicImax, &[a]) => (old as i32).max(a as i32) as u32,
        (Opcode::AtomicImin | Opcode::ImmAtomicImin, &[a]) => (old as i32).min(a as i32) as u32,
        (Opcode::AtomicUmax | Opcode::ImmAtomicUmax, &[a]) => old.max(a),
        (Opcode::AtomicUmin | Opcode::ImmAtomicUmin, &[a]) => old.min(a),
        (Opcode::ImmAtomicExch, &[a]) => a,
        (Opcode::AtomicCmpStore | Opcode::ImmAtomicCmpExch, &[compare, a]) => {
            if old == compare {
                a
            } else {
                old
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specification_s_examples() {
        assert_eq!(compute(Opcode::Bfrev, &[0x1234_5678]), Some(0x1e6a_2c48));
        assert_eq!(compute(Opcode::FirstbitHi, &[0x1000_0000]), Some(3));
        assert_eq!(compute(Opcode::FirstbitLo, &[1]), Some(0));
        assert_eq!(compute(Opcode::FirstbitShi, &[u32::MAX]), Some(u32::MAX));
        assert_eq!(compute(Opcode::FirstbitShi, &[0xf000_0000]), Some(4));
        assert_eq!(compute(Opcode::Ibfe, &[4, 28, 0x8000_0000]), Some(0xffff_fff8));
        assert_eq!(compute(Opcode::Ibfe, &[4, 4, 0x80]), Some(0xffff_fff8));
        assert_eq!(compute(Opcode::Ubfe, &[31, 31, 0x8000_0000]), Some(1));
        assert_eq!(compute(Opcode::Bfi, &[8, 28, 0xff, 0]), Some(0xf000_0000));
        assert_eq!(compute_two(Opcode::Udiv, 5, 0), Some([u32::MAX; 2]));
        assert_eq!(compute_two(Opcode::Imul, u32::MAX, 2), Some([u32::MAX, 0xffff_fffe]));
        assert_eq!(compute_two(Opcode::Usubb, 1, 2), Some([u32::MAX, 1]));
    }
}
