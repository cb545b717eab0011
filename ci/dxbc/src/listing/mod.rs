//! Assembles a listing, written as the HLSL compiler prints one, into the tokens of a program.
//!
//! For what that compiler does not emit, or not reliably. Nothing is checked but the syntax: a listing may well be a
//! program that breaks rules. One instruction a line; `//` begins a comment. Differences from a printed listing: labels
//! are `label0`, and integers and floats in literals are told apart by the point (`l(1.0)` against `l(1)`).

mod declaration;
mod operand;

use std::collections::BTreeMap;

use pvgpu_dxbc::token::opcode::{Opcode, OperandForm};

/// The tokens of a listing, version and length first.
///
/// # Panics
/// The listing has a syntax error.
pub fn assemble(listing: &str) -> Vec<u32> {
    let lines = listing.lines().map(|line| line.split("//").next().unwrap_or_default().trim());
    let mut lines = lines.filter(|line| !line.is_empty());
    let profile = lines.next().expect("a listing begins with its profile");
    let mut tokens = vec![version(profile), 0];
    let names = names();
    for line in lines {
        tokens.extend(instruction(line, &names));
    }
    tokens[1] = tokens.len() as u32;
    tokens
}

fn version(profile: &str) -> u32 {
    let stages = ["ps", "vs", "gs", "hs", "ds", "cs"];
    let parts: Vec<&str> = profile.split('_').collect();
    let [stage, major, minor] = parts[..] else { panic!("not a profile: {profile}") };
    let stage = stages.iter().position(|name| *name == stage).expect("the stage is known") as u32;
    stage << 16 | major.parse::<u32>().unwrap() << 4 | minor.parse::<u32>().unwrap()
}

fn names() -> BTreeMap<&'static str, Opcode> {
    Opcode::all().map(|opcode| (opcode.name(), opcode)).collect()
}

/// The opcode of a mnemonic, and the bits of its token that the mnemonic's endings set.
fn opcode(mnemonic: &str, names: &BTreeMap<&str, Opcode>) -> (Opcode, u32) {
    // The endings, outermost last in the mnemonic.
    const ENDINGS: [(&str, u32); 6] =
        [("_sat", 1 << 13), ("_nz", 1 << 18), ("_z", 0), ("_uint", 0), ("_rcpfloat", 1 << 11), ("_float", 0)];
    if let Some(flags) = mnemonic.strip_prefix("sync") {
        let flags = flags.split('_').filter(|flag| !flag.is_empty()).map(|flag| match flag {
            "t" => 1 << 11,
            "g" => 1 << 12,
            "ugroup" => 1 << 13,
            "uglobal" => 1 << 14,
            _ => panic!("not a part of sync: {flag}"),
        });
        return (Opcode::Sync, flags.sum());
    }
    if let Some(opcode) = names.get(mnemonic) {
        return (*opcode, 0);
    }
    for (ending, bits) in ENDINGS {
        if let Some(opcode) = mnemonic.strip_suffix(ending).and_then(|name| names.get(name)) {
            let bits = match (opcode, ending) {
                (Opcode::ResInfo, "_uint") => 2 << 11,
                (Opcode::SampleInfo, "_uint") => 1 << 11,
                _ => bits,
            };
            return (*opcode, bits);
        }
    }
    panic!("no instruction is called {mnemonic}");
}

fn instruction(line: &str, names: &BTreeMap<&str, Opcode>) -> Vec<u32> {
    if let Some(tokens) = declaration::assemble(line, names) {
        return tokens;
    }
    let (mnemonic, mut rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    // Texel offsets stand right behind the mnemonic.
    let (mnemonic, offsets) = match mnemonic.split_once('(') {
        Some((mnemonic, offsets)) => (mnemonic, Some(offsets.strip_suffix(')').expect("offsets end with )"))),
        None => (mnemonic, None),
    };
    let (opcode, mut token) = opcode(mnemonic, names);
    token |= opcode as u32;
    rest = rest.trim();
    if let Some(precise) = rest.strip_prefix("[precise(") {
        let (components, others) = precise.split_once(")]").expect("precise ends with )]");
        let bits = components.chars().map(|name| 1 << operand::component(name)).sum::<u32>();
        token |= bits << 19;
        rest = others.trim();
    }
    let mut body = Vec::new();
    if let Some(offsets) = offsets {
        let offsets = offsets.split(',').zip([9, 13, 17]).map(|(offset, shift)| {
            let offset: i32 = offset.trim().parse().expect("an offset is a number");
            (offset as u32 & 0xf) << shift
        });
        token |= 1 << 31;
        body.push(1 | offsets.sum::<u32>());
    }
    let destinations = match opcode.form() {
        OperandForm::Counted(destinations, _) => usize::from(destinations),
        _ => panic!("{mnemonic} is not an instruction with operands alone"),
    };
    // A store's or atomic's first operand is written to, though it gives no value; all but a view's is a mask.
    for (n, text) in operand::split(rest).into_iter().enumerate() {
        body.extend(operand::assemble(text, n < destinations));
    }
    finish(token, &body)
}

/// The token with its length, then the body.
fn finish(token: u32, body: &[u32]) -> Vec<u32> {
    let mut tokens = vec![token | (body.len() as u32 + 1) << 24];
    tokens.extend_from_slice(body);
    tokens
}

#[cfg(test)]
mod tests {
    use pvgpu_dxbc::token::operand::{Components, Modifier, RegisterFile};
    use pvgpu_dxbc::token::program::{InfoReturn, Program};

    use super::*;

    #[test]
    fn listings_become_what_they_say() {
        let tokens = assemble(
            "ps_4_1 // A comment.
            dcl_globalFlags refactoringAllowed | forceEarlyDepthStencil
            dcl_constantbuffer cb2[9], dynamicIndexed
            dcl_resource_texture2dms (float,float,float,float) t3
            dcl_temps 2
            mad_sat [precise(xz)] r0.xz, -|r1.wzyx|, cb2[r0.y + 7].y, l(1.5, 2, 0x10, -1)
            sample(-8,7,1) r0.w, r1.xy, t3.xyzw, s1
            resinfo_uint r0.x, l(0), t3.x
            breakc_nz r0.x {min16f}
            retc_z r0.y
            sync_uglobal",
        );
        let program = Program::parse(&tokens).unwrap();
        assert_eq!((program.major, program.minor, program.declarations.len()), (4, 1, 4));
        let [mad, sample, resinfo, breakc, retc, sync] = &program.instructions[..] else { panic!() };
        assert!(mad.saturate() && mad.precise() && !sample.saturate() && !sample.precise());
        assert_eq!(sample.texel_offset, [-8, 7, 1]);
        assert_eq!(resinfo.resinfo_return(), Some(InfoReturn::Uint));
        assert!(breakc.test_nonzero() && !retc.test_nonzero());
        assert!(sync.sync_flags().uav_global && !sync.sync_flags().threads_in_group);
        let operands: Vec<_> = program.operands(mad).copied().collect();
        assert_eq!((operands[0].file, operands[0].mask()), (RegisterFile::Temp, 0b101));
        assert_eq!(operands[1].modifier, Modifier { absolute: true, negate: true });
        assert_eq!(operands[1].components, Components::Swizzle([3, 2, 1, 0]));
        let index = operands[2].indices()[1];
        assert_eq!(index.base, 7);
        let relative = program.operand(index.relative.unwrap()).unwrap();
        assert_eq!((relative.file, relative.components), (RegisterFile::Temp, Components::Swizzle([1; 4])));
        assert_eq!(operands[3].immediate, [1.5f32.to_bits(), 2, 16, u32::MAX]);
        let coordinates = program.operands(sample).nth(1).unwrap();
        assert_eq!(coordinates.components, Components::Swizzle([0, 1, 1, 1]));
    }
}
