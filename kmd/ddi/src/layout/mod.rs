//! Sizes and offsets of every struct, in one table that the compiler checks and that tests, documents and probes read.
//!
//! [`LAYOUTS`] states for each struct its size, the offset of each member, what the header calls it, and where the numbers
//! come from. Stating a number makes it an assertion; leaving a member out does not compile.
//! `docs/layouts.md` and `ci/probe` are written from the table by a test of this crate.

mod table;
mod values;

pub use table::LAYOUTS;
pub use values::VALUES;

/// Which header a struct is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Header {
    /// `wdm.h`, `ntdef.h` and others of NT's own.
    Nt,
    /// `d3dukmdt.h`
    D3dukmdt,
    /// `d3dkmdt.h`
    D3dkmdt,
    /// `d3dkmddi.h`
    D3dkmddi,
    /// `dispmprt.h`
    Dispmprt,
}

impl Header {
    /// The header's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nt => "wdm.h",
            Self::D3dukmdt => "d3dukmdt.h",
            Self::D3dkmdt => "d3dkmdt.h",
            Self::D3dkmddi => "d3dkmddi.h",
            Self::Dispmprt => "dispmprt.h",
        }
    }
}

/// One member.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Our name.
    pub name: &'static str,
    /// The header's, relative to the struct; empty where C cannot name it (padding, bit fields, halves).
    pub c: &'static str,
    /// Bytes from the start of the struct.
    pub offset: usize,
}

/// One struct.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Our name.
    pub name: &'static str,
    /// What it is in C: a type, or for one without a name `TYPE.member`.
    pub c: &'static str,
    /// Where it is declared.
    pub header: Header,
    /// Where the numbers were taken from, by the short names of `SOURCES.md`.
    pub source: &'static str,
    /// Bytes.
    pub size: usize,
    /// The members in order; none for a block that stands for a union.
    pub members: &'static [Member],
    /// The bits of a flag word, with their masks.
    pub bits: &'static [(&'static str, u32)],
    /// Bytes from the start of `c` to a flag word that is only a part of it.
    pub word_offset: usize,
    /// What stands before a bit's name in C.
    pub bit_prefix: &'static str,
}

/// Makes the table. Sections are `Header "sources" { … }`; their rows are `struct Name (c): size { member (c): offset, … }`,
/// `union Block (c): size;` and `flags Name (c, offset, prefix);`, with `(…)` left out where the names agree.
macro_rules! layouts {
    ($($header:ident $source:literal {
        $(struct $name:ident $(($c:literal))?: $size:literal { $($member:ident $(($member_c:literal))?: $offset:literal,)* })*
        $(union $block:ident ($block_c:literal): $block_size:literal;)*
        $(flags $flags:ident $(($flags_c:literal, $word_offset:literal, $prefix:literal))?;)*
    })*) => {
        /// Every struct of this crate that has a layout.
        pub static LAYOUTS: &[Layout] = &[$(
            $(Layout {
                name: stringify!($name),
                c: layouts!(@c $name $($c)?),
                header: Header::$header,
                source: $source,
                size: $size,
                members: &[$(Member {
                    name: stringify!($member),
                    c: layouts!(@c $member $($member_c)?),
                    offset: $offset,
                },)*],
                bits: &[],
                word_offset: 0,
                bit_prefix: "",
            },)*
            $(Layout {
                name: stringify!($block),
                c: $block_c,
                header: Header::$header,
                source: $source,
                size: $block_size,
                members: &[],
                bits: &[],
                word_offset: 0,
                bit_prefix: "",
            },)*
            $(Layout {
                name: stringify!($flags),
                c: layouts!(@c $flags $($flags_c)?),
                header: Header::$header,
                source: $source,
                size: 4,
                members: &[],
                bits: $flags::BITS,
                word_offset: layouts!(@or 0 $($word_offset)?),
                bit_prefix: layouts!(@or "" $($prefix)?),
            },)*
        )*];

        $($(
            const _: () = assert!(size_of::<$name>() == $size, stringify!($name));
            $(const _: () = assert!(
                offset_of!($name, $member) == $offset,
                concat!(stringify!($name), "::", stringify!($member))
            );)*
            // A member that the table lacks does not compile.
            const _: fn(&$name) = |all: &$name| {
                let $name { $($member: _,)* } = all;
            };
        )*)*
        $($(const _: () = assert!(size_of::<$block>() == $block_size, stringify!($block));)*)*
        $($(const _: () = assert!(size_of::<$flags>() == 4, stringify!($flags));)*)*
    };
    (@c $name:ident) => { stringify!($name) };
    (@c $name:ident $c:literal) => { $c };
    (@or $default:literal) => { $default };
    (@or $default:literal $value:literal) => { $value };
}
use layouts;
