//! Windows' list of network adapters, as plain values.
//!
//! Page: "GetAdaptersAddresses function (iphlpapi.h)" of Microsoft's documentation.
#![expect(
    unsafe_code,
    reason = "GetAdaptersAddresses is a C interface that fills a buffer with linked lists"
)]

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use windows::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_DNS_SERVER, GAA_FLAG_SKIP_MULTICAST, GetAdaptersAddresses,
    IP_ADAPTER_ADDRESSES_LH, IP_ADAPTER_UNICAST_ADDRESS_LH,
};
use windows::Win32::NetworkManagement::Ndis::IfOperStatusUp;
use windows::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, AF_UNSPEC, IpDadStateDeprecated, IpDadStatePreferred, SOCKET_ADDRESS,
};
use windows::core::PWSTR;

use super::adapters::Adapter;

/// Bytes that the documentation says to begin with.
const FIRST_BYTES: u32 = 15_000;
/// How often the list may grow between two calls.
const ATTEMPTS: usize = 4;
/// Adapters, and addresses of one, that are looked at.
const MOST: usize = 1024;
const ERROR_BUFFER_OVERFLOW: u32 = 111;
const ERROR_NO_DATA: u32 = 232;

/// All network adapters.
///
/// # Errors
/// What Windows said.
pub(super) fn adapters() -> io::Result<Vec<Adapter>> {
    let flags = GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER;
    let mut bytes = FIRST_BYTES;
    for _ in 0..ATTEMPTS {
        // Cells of 8 bytes, which is what the structures are aligned to.
        let mut buffer = vec![0_u64; (bytes as usize).div_ceil(8)];
        let first = buffer.as_mut_ptr().cast::<IP_ADAPTER_ADDRESSES_LH>();
        // SAFETY: the buffer has `bytes` bytes at least, is aligned, and nothing else refers to it during the call.
        let result =
            unsafe { GetAdaptersAddresses(u32::from(AF_UNSPEC.0), flags, None, Some(first), &raw mut bytes) };
        match result {
            0 => return Ok(list(first)),
            ERROR_NO_DATA => return Ok(Vec::new()),
            ERROR_BUFFER_OVERFLOW => {}
            // CAST: a Windows error code is given as the bits of an i32.
            code => return Err(io::Error::from_raw_os_error(code as i32)),
        }
    }
    Err(io::ErrorKind::OutOfMemory.into())
}

/// The list that begins at `next`, which a call that succeeded has written.
fn list(mut next: *const IP_ADAPTER_ADDRESSES_LH) -> Vec<Adapter> {
    let mut adapters = Vec::new();
    while !next.is_null() && adapters.len() < MOST {
        // SAFETY: Windows wrote whole structures into the buffer, linked with each other and null at the end; the buffer
        // outlives this function.
        let adapter = unsafe { &*next };
        adapters.push(Adapter {
            friendly_name: text(adapter.FriendlyName),
            description: text(adapter.Description),
            index_v6: adapter.Ipv6IfIndex,
            index_v4: index_v4(adapter),
            is_up: adapter.OperStatus == IfOperStatusUp,
            mtu: adapter.Mtu,
            mac: (adapter.PhysicalAddressLength == 6)
                .then(|| adapter.PhysicalAddress.first_chunk().copied())
                .flatten(),
            addresses: addresses(adapter.FirstUnicastAddress),
        });
        next = adapter.Next;
    }
    adapters
}

fn index_v4(adapter: &IP_ADAPTER_ADDRESSES_LH) -> u32 {
    // SAFETY: both members of the union are plain numbers of the same bytes.
    let numbers = unsafe { adapter.Anonymous1.Anonymous };
    numbers.IfIndex
}

fn addresses(mut next: *const IP_ADAPTER_UNICAST_ADDRESS_LH) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for _ in 0..MOST {
        if next.is_null() {
            break;
        }
        // SAFETY: as in `list`: structures in the same buffer, linked, null at the end.
        let one = unsafe { &*next };
        if one.DadState == IpDadStatePreferred || one.DadState == IpDadStateDeprecated {
            addresses.extend(address(&one.Address));
        }
        next = one.Next;
    }
    addresses
}

/// The address of a `SOCKADDR_IN` or `SOCKADDR_IN6`.
fn address(address: &SOCKET_ADDRESS) -> Option<IpAddr> {
    let length = usize::try_from(address.iSockaddrLength).ok().filter(|_| !address.lpSockaddr.is_null())?;
    // SAFETY: Windows wrote a socket address of that many bytes into the same buffer.
    let bytes = unsafe { std::slice::from_raw_parts(address.lpSockaddr.cast::<u8>(), length) };
    let family = u16::from_ne_bytes(*bytes.first_chunk()?);
    if family == AF_INET.0 {
        return Some(IpAddr::V4(Ipv4Addr::from(*bytes.get(4..)?.first_chunk::<4>()?)));
    }
    (family == AF_INET6.0).then_some(())?;
    Some(IpAddr::V6(Ipv6Addr::from(*bytes.get(8..)?.first_chunk::<16>()?)))
}

fn text(text: PWSTR) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: Windows wrote a terminated string into the same buffer.
    let units = unsafe { text.as_wide() };
    String::from_utf16_lossy(units)
}
