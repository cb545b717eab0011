//! The device function tables, and tables whose every entry reports "unsupported".
//!
//! One exported macro per table lists its members; see [`for_each_d3dwddm1_3ddi_device_func!`]. A runtime
//! calls what it finds in a table, null or not, so a driver starts from [`DeviceTable::unsupported`] and
//! overrides what it implements.

mod d3d11;
mod d3d11_1;
mod wddm1_3;

pub use d3d11::D3D11DDI_DEVICEFUNCS;
pub use d3d11_1::D3D11_1DDI_DEVICEFUNCS;
pub use wddm1_3::D3DWDDM1_3DDI_DEVICEFUNCS;

use crate::{BOOL, D3D10DDI_HDEVICE, E_NOTIMPL, FALSE, HRESULT};

/// A device function table.
pub trait DeviceTable: Sized {
    /// The members' names, in the table's order.
    const NAMES: &'static [&'static str];

    /// A table without null entries: each calls [`OnUnsupported::unsupported`] with its own name.
    ///
    /// Entries that return a size answer 0, `Flush` and `ResourceIsStagingBusy` answer FALSE, and entries
    /// that return a result answer `E_NOTIMPL`.
    #[must_use]
    fn unsupported<H: OnUnsupported>() -> Self;
}

/// What an entry that a driver does not implement does when it is called.
pub trait OnUnsupported {
    /// Reports that `entry` (a member of [`DeviceTable::NAMES`]) was called on `device`; must not panic.
    fn unsupported(device: D3D10DDI_HDEVICE, entry: &'static str);
}

/// The type of one table member, able to make its own stub.
trait Entry {
    /// The stub of member number `INDEX` of table `T`.
    fn stub<H: OnUnsupported, T: DeviceTable, const INDEX: usize>() -> Self;
}

/// What a stub returns.
trait Answer {
    fn unsupported(entry: &'static str) -> Self;
}

impl Answer for () {
    fn unsupported(_entry: &'static str) {}
}

impl Answer for usize {
    fn unsupported(_entry: &'static str) -> Self {
        0
    }
}

// BOOL and HRESULT are the same Rust type, so the name tells them apart.
impl Answer for i32 {
    fn unsupported(entry: &'static str) -> Self {
        const NO: BOOL = FALSE;
        const NOT_IMPLEMENTED: HRESULT = E_NOTIMPL;
        match entry {
            "pfnFlush" | "pfnResourceIsStagingBusy" => NO,
            _ => NOT_IMPLEMENTED,
        }
    }
}

macro_rules! entries {
    ($($arg:ident)*) => {
        impl<R: Answer, $($arg),*> Entry for Option<unsafe extern "system" fn(D3D10DDI_HDEVICE, $($arg),*) -> R> {
            fn stub<H: OnUnsupported, T: DeviceTable, const INDEX: usize>() -> Self {
                extern "system" fn stub<H: OnUnsupported, T: DeviceTable, const INDEX: usize, R: Answer, $($arg),*>(
                    device: D3D10DDI_HDEVICE,
                    $(_: $arg),*
                ) -> R {
                    let entry = const { T::NAMES[INDEX] };
                    H::unsupported(device, entry);
                    R::unsupported(entry)
                }
                Some(stub::<H, T, INDEX, R, $($arg),*>)
            }
        }
    };
}

entries!();
entries!(A);
entries!(A B);
entries!(A B C);
entries!(A B C D);
entries!(A B C D E);
entries!(A B C D E F);
entries!(A B C D E F G);
entries!(A B C D E F G I);
entries!(A B C D E F G I J);
entries!(A B C D E F G I J K);

/// Makes a table from its list of members.
macro_rules! device_table {
    ($name:ident; $($member:ident: $type:ty,)*) => {
        /// The device function table, in the order of the header.
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name {
            $(
                #[doc = concat!("Entry `", stringify!($member), "`.")]
                pub $member: $type,
            )*
        }

        impl super::DeviceTable for $name {
            const NAMES: &'static [&'static str] = &[$(stringify!($member)),*];

            fn unsupported<H: super::OnUnsupported>() -> Self {
                Self {
                    $($member: super::Entry::stub::<
                        H,
                        Self,
                        { core::mem::offset_of!($name, $member) / size_of::<usize>() },
                    >(),)*
                }
            }
        }
    };
}
use device_table;
