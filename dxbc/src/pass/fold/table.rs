//! Where ids are defined: among the globals, whose constants have values, or in the code that is being written.

use rspirv::spirv::{Op, StorageClass, Word};

use crate::ir::{Module, Scalar};

/// A constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constant {
    /// A 32-bit scalar.
    Scalar(Scalar, u32),
    /// A vector of scalars: its parts are the operands of the global at this place.
    Vector(usize),
    /// All bits zero, of a type.
    Null(Word),
}

/// What is known of an id.
#[derive(Debug, Clone, Copy)]
enum Definition {
    Unknown,
    Constant(Constant),
    /// A global variable: its type.
    Variable(Word),
    /// An instruction of the function: its place.
    Place(u32),
}

/// All ids.
#[derive(Debug, Default)]
pub struct Table {
    definitions: Vec<Definition>,
    /// Storage classes of pointer types.
    classes: Vec<(Word, u32)>,
    /// The ids with a place in the function at hand.
    placed: Vec<Word>,
    /// Constants that were added since: how many globals have been looked at.
    globals: usize,
}

impl Table {
    /// The globals of a module.
    pub fn of(module: &Module) -> Self {
        let mut table = Self::default();
        table.update(module);
        table
    }

    /// Takes in globals that were declared since.
    pub fn update(&mut self, module: &Module) {
        let globals = module.globals.instructions();
        while self.globals < globals.len() {
            let place = self.globals;
            self.globals += 1;
            let Some((instruction, operands)) = module.globals.get(place) else { continue };
            let definition = match (instruction.op, operands) {
                (Op::Constant, [bits]) => match module.shape(instruction.ty) {
                    Some(shape) => Definition::Constant(Constant::Scalar(shape.scalar, *bits)),
                    None => Definition::Unknown,
                },
                (Op::ConstantComposite, _) if module.shape(instruction.ty).is_some() => {
                    Definition::Constant(Constant::Vector(place))
                }
                (Op::ConstantNull, _) if module.shape(instruction.ty).is_some() => {
                    Definition::Constant(Constant::Null(instruction.ty))
                }
                (Op::Variable, _) => Definition::Variable(instruction.ty),
                (Op::TypePointer, [class, _]) => {
                    self.classes.push((instruction.result, *class));
                    Definition::Unknown
                }
                _ => Definition::Unknown,
            };
            self.set(instruction.result, definition);
        }
    }

    fn set(&mut self, id: Word, definition: Definition) {
        let place = id as usize;
        if place >= self.definitions.len() {
            self.definitions.resize(place + 1, Definition::Unknown);
        }
        if let Some(slot) = self.definitions.get_mut(place) {
            *slot = definition;
        }
    }

    /// Notes that `id` is the result of the instruction at `place`.
    pub fn define(&mut self, id: Word, place: usize) {
        // CAST: the length of a program is limited.
        self.set(id, Definition::Place(place as u32));
        self.placed.push(id);
    }

    /// The next function has other places.
    pub fn forget_places(&mut self) {
        for id in std::mem::take(&mut self.placed) {
            self.set(id, Definition::Unknown);
        }
    }

    /// The place of the instruction whose result `id` is.
    pub fn place(&self, id: Word) -> Option<usize> {
        match self.definitions.get(id as usize) {
            Some(Definition::Place(place)) => Some(*place as usize),
            _ => None,
        }
    }

    /// The constant with this id.
    pub fn constant(&self, id: Word) -> Option<Constant> {
        match self.definitions.get(id as usize) {
            Some(Definition::Constant(constant)) => Some(*constant),
            _ => None,
        }
    }

    /// The type of a global variable; 0 for anything else.
    pub fn type_of_global(&self, id: Word) -> Word {
        match self.definitions.get(id as usize) {
            Some(Definition::Variable(ty)) => *ty,
            _ => 0,
        }
    }

    /// The storage class of a pointer type.
    pub fn storage_class(&self, pointer: Word) -> Option<StorageClass> {
        let found = self.classes.iter().find(|(id, _)| *id == pointer);
        found.and_then(|(_, class)| StorageClass::from_u32(*class))
    }
}
