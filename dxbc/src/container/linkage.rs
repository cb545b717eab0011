//! The IFCE chunk: which classes a program knows, which instances of them its constant buffers hold, and which classes each
//! of its interfaces takes.
//!
//! Microsoft documents no layout; this one is what its compiler writes (read off programs with known sources). Offsets
//! count from the chunk's start:
//!
//! ```text
//!  0  number of instances, classes, interface declarations, interface slots
//! 16  offsets of instances, classes, declarations; 0; a magic number
//!     instance     name offset; class and number of elements, constant buffer and first element in it, first texture and
//!                  sampler, 16 bits each (all bits for "has none")
//!     class        name offset; 16 bits of 0 and elements of a constant buffer; numbers of textures and samplers, 16 bits each
//!     declaration  slots, number of classes, offset of 16-bit class numbers, offset of 32-bit function table numbers
//! ```

use super::{Chunk, dword, range, text};
use crate::error::ContainerError;
use crate::limits;

/// A class of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its name in the source.
    pub name: String,
    /// Elements of 16 bytes that an instance has in a constant buffer.
    pub constants: u16,
    /// Textures of an instance.
    pub textures: u16,
    /// Samplers of an instance.
    pub samplers: u16,
}

/// An instance, or an array of them, in a program's constant buffers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its name in the source.
    pub name: String,
    /// The number of its class.
    pub class: u16,
    /// Elements of the array; 1 where it is none.
    pub count: u16,
    /// The constant buffer's slot.
    pub constant_buffer: u16,
    /// The first element of 16 bytes in it.
    pub constant_offset: u16,
    /// The slot of its first texture; 0 where it has none.
    pub texture: u16,
    /// The slot of its first sampler; 0 where it has none.
    pub sampler: u16,
}

/// An interface of a program, or an array of them: the slots that follow those of the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceSlots {
    /// Elements of the array; 1 where it is none.
    pub count: u32,
    /// The classes that it takes, each with the number of its function table.
    pub classes: Vec<(u16, u32)>,
}

/// What the chunk says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Linkage {
    /// The classes, by number.
    pub classes: Vec<Class>,
    /// The instances.
    pub instances: Vec<Instance>,
    /// The interfaces, in order of their slots.
    pub interfaces: Vec<InterfaceSlots>,
}

impl Linkage {
    /// Slots of all interfaces: how many instances a program is bound with.
    pub fn slots(&self) -> usize {
        // Each interface has at most as many as the limit allows for all.
        self.interfaces.iter().map(|interface| interface.count as usize).sum()
    }

    /// The interface that has a slot.
    pub fn interface_of(&self, slot: usize) -> Option<&InterfaceSlots> {
        let mut first = 0_usize;
        self.interfaces.iter().find(|interface| {
            first = first.saturating_add(interface.count as usize);
            slot < first
        })
    }
}

/// Parses the chunk.
pub fn parse(chunk: &Chunk<'_>) -> Result<Linkage, ContainerError> {
    let bytes = chunk.bytes;
    let counts = [
        (dword(bytes, 0)?, "class instances", limits::CLASS_INSTANCES),
        (dword(bytes, 4)?, "classes", limits::CLASSES),
        (dword(bytes, 8)?, "interfaces", limits::INTERFACES),
    ];
    for (count, what, limit) in counts {
        if count > limit {
            return Err(ContainerError::TooMany { what, count, limit });
        }
    }
    let [(instances, ..), (classes, ..), (declarations, ..)] = counts;
    let (instances_at, classes_at, declarations_at) =
        (dword(bytes, 16)?, dword(bytes, 20)?, dword(bytes, 24)?);
    let mut linkage = Linkage::default();
    for index in 0..classes {
        let class = record(bytes, classes_at, index, 12)?;
        let resources = halves(dword(class, 8)?);
        linkage.classes.push(Class {
            name: text(bytes, dword(class, 0)? as usize)?,
            constants: halves(dword(class, 4)?).1,
            textures: resources.0,
            samplers: resources.1,
        });
    }
    for index in 0..instances {
        let instance = record(bytes, instances_at, index, 16)?;
        let (class, count) = halves(dword(instance, 4)?);
        let (constant_buffer, constant_offset) = halves(dword(instance, 8)?);
        let (texture, sampler) = halves(dword(instance, 12)?);
        // All bits are "none".
        let slot = |slot: u16| if slot == u16::MAX { 0 } else { slot };
        linkage.instances.push(Instance {
            name: text(bytes, dword(instance, 0)? as usize)?,
            class,
            count,
            constant_buffer: slot(constant_buffer),
            constant_offset: slot(constant_offset),
            texture: slot(texture),
            sampler: slot(sampler),
        });
    }
    for index in 0..declarations {
        let declaration = record(bytes, declarations_at, index, 16)?;
        let (slots, count) = (dword(declaration, 0)?, dword(declaration, 4)?);
        let all = linkage.slots().saturating_add(slots as usize);
        if all > limits::INTERFACES as usize {
            let limit = limits::INTERFACES;
            return Err(ContainerError::TooMany { what: "interface slots", count: slots, limit });
        }
        if count > limits::CLASSES {
            let limit = limits::CLASSES;
            return Err(ContainerError::TooMany { what: "classes of an interface", count, limit });
        }
        let (classes_at, tables_at) = (dword(declaration, 8)?, dword(declaration, 12)?);
        let mut taken = Vec::new();
        for class in 0..count {
            let number = record(bytes, classes_at, class, 2)?;
            let number = number.first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes));
            taken.push((number, dword(record(bytes, tables_at, class, 4)?, 0)?));
        }
        linkage.interfaces.push(InterfaceSlots { count: slots, classes: taken });
    }
    Ok(linkage)
}

/// Record `index` of `size` bytes behind `offset`.
fn record(bytes: &[u8], offset: u32, index: u32, size: usize) -> Result<&[u8], ContainerError> {
    let start = (index as usize).checked_mul(size).and_then(|place| place.checked_add(offset as usize));
    range(bytes, start.unwrap_or(usize::MAX), size)
}

/// The lower and the upper half.
fn halves(word: u32) -> (u16, u16) {
    // CAST: halves.
    (word as u16, (word >> 16) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linkage_of(container: &[u8]) -> Linkage {
        super::super::parse_linkage(container).expect("a good container")
    }

    #[test]
    fn classes_instances_and_interfaces_are_those_of_the_source() {
        let linkage = linkage_of(include_bytes!("../../tests/in/cs_classes.dxbc"));
        let names: Vec<_> =
            linkage.classes.iter().map(|class| (class.name.as_str(), class.constants)).collect();
        assert_eq!(names, [("Empty", 0), ("Circle", 1), ("Square", 1)]);
        let instances: Vec<_> = linkage
            .instances
            .iter()
            .map(|one| (one.name.as_str(), one.class, one.count, one.constant_buffer, one.constant_offset))
            .collect();
        assert_eq!(instances, [("square", 2, 1, 0, 0), ("circle", 1, 1, 0, 1), ("squares", 2, 3, 0, 2)]);
        assert_eq!(linkage.slots(), 4);
        let of = |slot| linkage.interface_of(slot).map(|interface| interface.classes.clone());
        assert_eq!(of(0), Some(vec![(0, 0), (1, 1), (2, 2)]));
        assert_eq!(of(1), Some(vec![(0, 3), (1, 4), (2, 5)]));
        assert_eq!((of(3), of(4)), (of(1), None));
    }

    #[test]
    fn instances_with_textures_and_samplers_have_their_slots() {
        let linkage = linkage_of(include_bytes!("../../tests/in/ps_classes.dxbc"));
        let textured = linkage.instances.iter().find(|one| one.name == "textured").expect("an instance");
        assert_eq!((textured.constant_buffer, textured.texture, textured.sampler), (2, 0, 0));
        let class = &linkage.classes[usize::from(textured.class)];
        assert_eq!((class.name.as_str(), class.textures, class.samplers), ("Textured", 1, 1));
    }

    #[test]
    fn programs_without_classes_have_no_linkage() {
        let linkage = linkage_of(include_bytes!("../../tests/in/vs_clip.dxbc"));
        assert_eq!(linkage, Linkage::default());
    }

    #[test]
    fn any_bytes_give_a_linkage_or_an_error() {
        let whole = include_bytes!("../../tests/in/cs_classes.dxbc");
        let at = whole.windows(4).position(|tag| tag == b"IFCE").expect("the chunk") + 8;
        let good = &whole[at..at + 240];
        for place in (0..good.len()).step_by(4) {
            for value in [0, 1, 0x7f, 240, 0xffff, 0x7fff_ffff, u32::MAX] {
                let mut bytes = good.to_vec();
                bytes[place..place + 4].copy_from_slice(&u32::to_le_bytes(value));
                let _ = parse(&Chunk { tag: *b"IFCE", bytes: &bytes });
            }
        }
        // The last byte is padding.
        for length in 0..good.len() - 1 {
            assert!(parse(&Chunk { tag: *b"IFCE", bytes: &good[..length] }).is_err(), "{length}");
        }
    }
}
