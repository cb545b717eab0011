//! DDI versions: what `GetSupportedVersions` lists and what `CreateDevice` receives.
//!
//! A supported version packs the interface (major and minor) in the upper half and the build in bits 16..32.
//! The runtime then puts the interface in
//! [`D3D10DDIARG_CREATEDEVICE::Interface`](crate::D3D10DDIARG_CREATEDEVICE) and the build, with its own
//! revision below it, in `Version`.

/// The major version of every Direct3D 11 interface.
pub const D3D11_DDI_MAJOR_VERSION: u32 = 11;

const fn interface(minor: u32) -> u32 {
    D3D11_DDI_MAJOR_VERSION << 16 | minor
}

const fn supported(interface: u32, build: u64) -> u64 {
    // CAST: u32 to u64 widens; `u64::from` is not const.
    (interface as u64) << 32 | build << 16
}

/// Direct3D 11.0 on Windows Vista with the platform update.
pub const D3D11_0_DDI_INTERFACE_VERSION: u32 = interface(10);
/// As [`D3D11_0_DDI_INTERFACE_VERSION`], in the form of `GetSupportedVersions`.
pub const D3D11_0_DDI_SUPPORTED: u64 = supported(D3D11_0_DDI_INTERFACE_VERSION, 2);
/// Direct3D 11.0 on Windows 7.
pub const D3D11_0_7_DDI_INTERFACE_VERSION: u32 = interface(11);
/// As [`D3D11_0_7_DDI_INTERFACE_VERSION`], in the form of `GetSupportedVersions`.
pub const D3D11_0_7_DDI_SUPPORTED: u64 = supported(D3D11_0_7_DDI_INTERFACE_VERSION, 2);
/// Direct3D 11.1 (WDDM 1.2, Windows 8).
pub const D3D11_1_DDI_INTERFACE_VERSION: u32 = interface(15);
/// As [`D3D11_1_DDI_INTERFACE_VERSION`], in the form of `GetSupportedVersions`.
pub const D3D11_1_DDI_SUPPORTED: u64 = supported(D3D11_1_DDI_INTERFACE_VERSION, 0);
/// Direct3D 11.2 (WDDM 1.3, Windows 8.1).
pub const D3DWDDM1_3_DDI_INTERFACE_VERSION: u32 = interface(16);
/// As [`D3DWDDM1_3_DDI_INTERFACE_VERSION`], in the form of `GetSupportedVersions`.
pub const D3DWDDM1_3_DDI_SUPPORTED: u64 = supported(D3DWDDM1_3_DDI_INTERFACE_VERSION, 1);

/// The interface half of a supported version.
#[must_use]
pub const fn interface_of(supported: u64) -> u32 {
    // CAST: the upper half of a u64 fits in u32.
    (supported >> 32) as u32
}

const _: () = assert!(D3D11_0_DDI_SUPPORTED == 0x000b_000a_0002_0000);
const _: () = assert!(D3D11_1_DDI_SUPPORTED == 0x000b_000f_0000_0000);
const _: () = assert!(D3DWDDM1_3_DDI_SUPPORTED == 0x000b_0010_0001_0000);
const _: () = assert!(interface_of(D3DWDDM1_3_DDI_SUPPORTED) == D3DWDDM1_3_DDI_INTERFACE_VERSION);
