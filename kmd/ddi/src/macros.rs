//! The shapes that the headers use again and again: enumerations, flag words, handles, blocks that stand for unions.

/// A C enumeration: an integer alias and its constants.
macro_rules! enumeration {
    ($(#[$meta:meta])* $name:ident: $int:ty { $($(#[$value_meta:meta])* $value:ident = $number:expr,)* }) => {
        $(#[$meta])*
        pub type $name = $int;
        $($(#[$value_meta])* pub const $value: $name = $number;)*
    };
}

/// A 32-bit flag word. `Name = bit` is one bit, `Name = first..end` is a field of several.
macro_rules! flags {
    ($(#[$meta:meta])* $name:ident { $($(#[$bit_meta:meta])* $bit:ident = $first:literal $(.. $end:literal)?,)* }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
        pub struct $name {
            /// All bits; the associated constants are masks of it.
            pub Value: u32,
        }

        impl $name {
            $($(#[$bit_meta])* pub const $bit: u32 = flags!(@mask $first $($end)?);)*

            /// Each bit or field with its mask.
            pub const BITS: &'static [(&'static str, u32)] = &[$((stringify!($bit), Self::$bit)),*];

            /// A word with these bits.
            #[must_use]
            pub const fn new(value: u32) -> Self {
                Self { Value: value }
            }

            /// Whether all bits of `mask` are set.
            #[must_use]
            pub const fn has(self, mask: u32) -> bool {
                self.Value & mask == mask
            }

            /// The value of the field that `mask` covers.
            #[must_use]
            pub const fn get(self, mask: u32) -> u32 {
                (self.Value & mask) >> (mask.trailing_zeros() & 31)
            }

            /// The word with the field that `mask` covers set to `value`, whose higher bits are dropped.
            #[must_use]
            pub const fn with(self, mask: u32, value: u32) -> Self {
                Self { Value: (self.Value & !mask) | ((value << (mask.trailing_zeros() & 31)) & mask) }
            }
        }
    };
    (@mask $first:literal) => { 1u32 << $first };
    (@mask $first:literal $end:literal) => { (u32::MAX >> (32 - ($end - $first))) << $first };
}

/// Opaque handles, one type each, so that one cannot stand for another.
macro_rules! handles {
    ($($(#[$meta:meta])* $name:ident,)*) => {$(
        $(#[$meta])*
        #[repr(transparent)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name(pub *mut core::ffi::c_void);

        impl $name {
            /// No object.
            pub const NULL: Self = Self(core::ptr::null_mut());

            /// Whether there is no object.
            #[must_use]
            pub fn is_null(self) -> bool {
                self.0.is_null()
            }
        }
    )*};
}

/// A union as a block of words: one constructor and one reader per member.
///
/// Every member must be plain data ([`bytemuck::Pod`]) that is not larger than the block; this is checked at compile time.
/// What a member does not cover is zero after construction.
macro_rules! union_block {
    ($(#[$meta:meta])* $name:ident: [$word:ty; $count:literal] {
        $($(#[$member_meta:meta])* $member:ident: $type:ty, $constructor:ident;)*
    }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
        pub struct $name {
            words: [$word; $count],
        }

        impl Default for $name {
            fn default() -> Self {
                bytemuck::Zeroable::zeroed()
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.words).finish()
            }
        }

        impl $name {
            $(
                $(#[$member_meta])*
                #[must_use]
                pub fn $member(&self) -> $type {
                    const { assert!(size_of::<$type>() <= size_of::<$name>()) };
                    // PANIC: the member is not larger than the block (asserted above), and an unaligned read needs no alignment.
                    bytemuck::pod_read_unaligned(&bytemuck::bytes_of(self)[..size_of::<$type>()])
                }

                /// The union with this member set.
                #[must_use]
                pub fn $constructor(value: $type) -> Self {
                    const { assert!(size_of::<$type>() <= size_of::<$name>()) };
                    let mut block = Self::default();
                    // PANIC: the member is not larger than the block (asserted above).
                    bytemuck::bytes_of_mut(&mut block)[..size_of::<$type>()].copy_from_slice(bytemuck::bytes_of(&value));
                    block
                }
            )*
        }
    };
}
