//! The errors of this crate: which rule a program or container broke, with the numbers.
//!
//! Every function that reads foreign bytes returns [`Error`]; nothing here panics. The offsets are in dwords from the
//! first token (the version token), so they match the listing of [`crate::dump`].

use std::fmt;

/// Why a container or a token stream was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The DXBC container around the program is malformed.
    Container(ContainerError),
    /// The token stream ends inside a token.
    Truncated {
        /// Dword offset at which a further dword was needed.
        offset: u32,
    },
    /// The version token names a program type or shader model that this crate does not know.
    BadVersion {
        /// The version token.
        token: u32,
    },
    /// The length token does not fit the number of dwords given.
    BadLength {
        /// Dwords that the length token declares.
        declared: u32,
        /// Dwords that were given.
        given: usize,
    },
    /// An opcode outside the tokenised program format (or one of the reserved numbers).
    UnknownOpcode {
        /// The opcode number, bits 10:0 of the token.
        opcode: u32,
        /// Dword offset of the instruction.
        offset: u32,
    },
    /// An instruction or declaration breaks a rule of the format.
    Invalid {
        /// Mnemonic of the instruction.
        opcode: &'static str,
        /// Dword offset of the instruction.
        offset: u32,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A count, size or nesting depth is above what a valid D3D11 program can have.
    Limit {
        /// What was counted.
        what: &'static str,
        /// The value found.
        value: u64,
        /// The greatest value allowed.
        limit: u64,
    },
    /// A valid program that needs something this compiler does not translate.
    Unsupported {
        /// The instruction, stage or form.
        what: &'static str,
    },
    /// An interface of the program has no class instance in [`crate::CompileOptions::class_instances`].
    NoClassInstance {
        /// The fp# number.
        interface: u32,
    },
    /// The class instance of an interface is of a class that the program does not have for it.
    WrongClassInstance {
        /// The fp# number.
        interface: u32,
        /// The ft# number that the instance names.
        function_table: u32,
    },
    /// A valid program that needs a Vulkan feature which [`crate::TargetCapabilities`] says is absent.
    MissingCapability {
        /// The feature, under its Vulkan name.
        feature: &'static str,
    },
}

/// Why a DXBC container was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerError {
    /// The first four bytes are not "DXBC".
    BadMagic(u32),
    /// The header's checksum does not match the bytes.
    BadChecksum,
    /// The header's size field is not the number of bytes given.
    BadSize {
        /// Bytes that the header declares.
        declared: u32,
        /// Bytes given.
        given: usize,
    },
    /// A chunk, a field or a string lies outside the container.
    OutOfRange {
        /// Byte offset in the container.
        offset: usize,
        /// Bytes needed there.
        size: usize,
    },
    /// A chunk lies over the header, the chunk table, or another chunk.
    Overlap {
        /// Byte offset of the chunk.
        offset: usize,
    },
    /// A second chunk holds what one chunk has already given.
    Repeated {
        /// What they hold.
        what: &'static str,
        /// Byte offset of the second one.
        offset: usize,
    },
    /// There is no SHDR or SHEX chunk.
    NoProgram,
    /// The header or a chunk declares more entries than a container can have.
    TooMany {
        /// What was counted.
        what: &'static str,
        /// The count found.
        count: u32,
        /// The greatest count allowed.
        limit: u32,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(error) => write!(f, "bad DXBC container: {error}"),
            Self::Truncated { offset } => {
                write!(f, "the token stream ends at dword {offset}, inside a token")
            }
            Self::BadVersion { token } => {
                write!(f, "version token {token:#010x} names no shader model 4.0 to 5.0 stage")
            }
            Self::BadLength { declared, given } => {
                write!(f, "the length token declares {declared} dwords, but {given} were given")
            }
            Self::UnknownOpcode { opcode, offset } => write!(f, "unknown opcode {opcode} at dword {offset}"),
            Self::Invalid { opcode, offset, rule } => write!(f, "{opcode} at dword {offset}: {rule}"),
            Self::Limit { what, value, limit } => write!(f, "{what}: {value} is above the limit of {limit}"),
            Self::Unsupported { what } => write!(f, "unsupported: {what}"),
            Self::NoClassInstance { interface } => write!(f, "interface fp{interface} has no class instance"),
            Self::WrongClassInstance { interface, function_table } => {
                write!(
                    f,
                    "interface fp{interface} cannot have a class with function table ft{function_table}"
                )
            }
            Self::MissingCapability { feature } => write!(f, "the Vulkan device lacks {feature}"),
        }
    }
}

impl fmt::Display for ContainerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadMagic(found) => write!(f, "magic {found:#010x} is not DXBC"),
            Self::BadChecksum => f.write_str("the checksum does not match"),
            Self::BadSize { declared, given } => {
                write!(f, "the header declares {declared} bytes, but {given} were given")
            }
            Self::OutOfRange { offset, size } => {
                write!(f, "{size} bytes at byte offset {offset} are outside the container")
            }
            Self::Overlap { offset } => {
                write!(f, "the chunk at byte offset {offset} overlaps what is before it")
            }
            Self::Repeated { what, offset } => {
                write!(f, "the chunk at byte offset {offset} is a second {what}")
            }
            Self::NoProgram => f.write_str("no SHDR or SHEX chunk"),
            Self::TooMany { what, count, limit } => {
                write!(f, "{count} {what} are above the limit of {limit}")
            }
        }
    }
}

impl std::error::Error for Error {}
impl std::error::Error for ContainerError {}

impl From<ContainerError> for Error {
    fn from(error: ContainerError) -> Self {
        Self::Container(error)
    }
}
