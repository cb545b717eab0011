//! Finds the `ROOT\PVGPU` adapter among the system's, and makes a device on it.

use pvgpu_link::DriverError;
use pvgpu_protocol::kernel_interface::{AdapterStatus, PrivateData, device_kind, kind};
use pvgpu_thunks::{Adapter, Device, DeviceThunks, NtStatus, ThunkError};

/// A device on the first adapter of ours that has no host of its own.
///
/// # Errors
/// [`DriverError`] says what is missing.
pub fn open(thunks: &'static dyn DeviceThunks) -> Result<Device<'static>, DriverError> {
    let (ours, others) = Adapter::ours(thunks)?;
    if ours.is_empty() {
        return Err(DriverError::NotInstalled { others });
    }
    for adapter in ours {
        if device(&adapter)? == device_kind::ROOT {
            return Ok(Device::create(thunks, adapter)?);
        }
    }
    Err(DriverError::NoLinkNeeded)
}

/// Which device an adapter of ours is.
fn device(adapter: &Adapter<'_>) -> Result<u32, DriverError> {
    let status = adapter.escape(AdapterStatus::new()).map_err(|error: ThunkError| match error.status() {
        Some(NtStatus::INVALID_PARAMETER | NtStatus::NOT_SUPPORTED) => DriverError::OtherPackage,
        _ => DriverError::Thunks(error),
    })?;
    status.header().check(kind::ADAPTER_STATUS).map_err(|_| DriverError::OtherPackage)?;
    Ok(status.device)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use bytemuck::{bytes_of, pod_read_unaligned};
    use pvgpu_protocol::kernel_interface::PrivateHeader;
    use pvgpu_thunks::{AdapterHandle, DeviceHandle, Thunks};

    use super::*;

    /// Adapters: their user-mode driver, and what each answers to a question for its state.
    struct Fake {
        adapters: Vec<(&'static str, Result<u32, NtStatus>)>,
        kind: u16,
        open: AtomicU32,
        devices: AtomicU32,
    }

    impl Fake {
        fn new(adapters: &[(&'static str, Result<u32, NtStatus>)], kind: u16) -> &'static Self {
            Box::leak(Box::new(Self {
                adapters: adapters.to_vec(),
                kind,
                open: AtomicU32::new(0),
                devices: AtomicU32::new(0),
            }))
        }

        fn left(&self) -> (u32, u32) {
            (self.open.load(Ordering::Relaxed), self.devices.load(Ordering::Relaxed))
        }
    }

    impl Thunks for Fake {
        fn enum_adapters(&self) -> Result<Vec<AdapterHandle>, ThunkError> {
            self.open.fetch_add(self.adapters.len() as u32, Ordering::Relaxed);
            Ok((0..self.adapters.len() as u32).map(AdapterHandle).collect())
        }

        fn user_mode_driver(&self, adapter: AdapterHandle) -> Result<String, ThunkError> {
            Ok(self.adapters[adapter.0 as usize].0.to_owned())
        }

        fn escape(&self, adapter: AdapterHandle, data: &mut [u8]) -> Result<(), ThunkError> {
            let (driver, answer) = self.adapters[adapter.0 as usize];
            assert!(driver.ends_with("pvgpuumd.dll"), "a stranger is asked");
            let call = |status| ThunkError::Call { name: "D3DKMTEscape", status };
            let mut status: AdapterStatus = pod_read_unaligned(data);
            status.device = answer.map_err(call)?;
            status.header = PrivateHeader::new(self.kind);
            data.copy_from_slice(bytes_of(&status));
            Ok(())
        }

        fn close_adapter(&self, _: AdapterHandle) {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
    }

    impl DeviceThunks for Fake {
        fn create_device(&self, adapter: AdapterHandle) -> Result<DeviceHandle, ThunkError> {
            self.devices.fetch_add(1, Ordering::Relaxed);
            Ok(DeviceHandle(adapter.0 + 100))
        }

        fn device_escape(&self, _: AdapterHandle, _: DeviceHandle, _: &mut [u8]) -> Result<(), ThunkError> {
            Ok(())
        }

        fn destroy_device(&self, _: DeviceHandle) {
            self.devices.fetch_sub(1, Ordering::Relaxed);
        }
    }

    const OURS: &str = r"C:\drivers\pvgpuumd.dll";

    #[test]
    fn the_first_adapter_without_a_host_of_its_own_is_taken() {
        let root = (OURS, Ok(device_kind::ROOT));
        let fake =
            Fake::new(&[("other.dll", Ok(0)), (OURS, Ok(device_kind::PCI)), root], kind::ADAPTER_STATUS);
        let device = open(fake).expect("the third one");
        assert_eq!(fake.left(), (1, 1));
        drop(device);
        assert_eq!(fake.left(), (0, 0));
    }

    #[test]
    fn what_is_missing_is_said() {
        let status = kind::ADAPTER_STATUS;
        let check = |adapters: &[(&'static str, Result<u32, NtStatus>)], kind, expected| {
            let fake = Fake::new(adapters, kind);
            assert_eq!(open(fake).expect_err("nothing to open"), expected);
            assert_eq!(fake.left(), (0, 0));
        };
        check(&[], status, DriverError::NotInstalled { others: 0 });
        check(&[("other.dll", Ok(0))], status, DriverError::NotInstalled { others: 1 });
        check(&[(OURS, Ok(device_kind::PCI))], status, DriverError::NoLinkNeeded);
        check(&[(OURS, Ok(device_kind::ROOT))], status + 1, DriverError::OtherPackage);
        check(&[(OURS, Err(NtStatus::NOT_SUPPORTED))], status, DriverError::OtherPackage);
        let removed = NtStatus::DEVICE_REMOVED;
        let call = ThunkError::Call { name: "D3DKMTEscape", status: removed };
        check(&[(OURS, Err(removed))], status, DriverError::Thunks(call));
    }
}
