//! The entries of the driver's DXGI table that the runtime uses.

use pvgpu_interfaces::PvgpuPresent;
use pvgpu_umd_ddi as ddi;

use super::{BROKEN, Driver, Raw, checked};
use crate::hresult::Result;

impl Driver {
    /// Presents a resource.
    ///
    /// # Errors
    /// What the driver returns or reports.
    pub fn present(&mut self, resource: Raw, present: &PvgpuPresent) -> Result {
        use ddi::DXGI_DDI_PRESENT_FLAGS as flag;
        let model = if present.flip != 0 { flag::Flip } else { flag::Blt };
        let keep = if present.keep != 0 { flag::PvgpuKeep } else { 0 };
        let mut argument = ddi::DXGI_DDI_ARG_PRESENT {
            hDevice: self.device.0 as usize,
            hSurfaceToPresent: resource as usize,
            pDXGIContext: present.dxgi_context as Raw,
            Flags: flag { Value: model | keep },
            // The numbers of `DXGI_DDI_FLIP_INTERVAL_TYPE` are the intervals.
            FlipInterval: present.sync_interval.min(ddi::DXGI_DDI_FLIP_INTERVAL_FOUR),
            ..Default::default()
        };
        self.clear_error();
        let entry = self.dxgi.pfnPresent.ok_or(BROKEN)?;
        // SAFETY: the resource is a live one of this device, and the argument is complete.
        checked(unsafe { entry(&mut argument) })?;
        self.take_error()
    }

    /// Resource i takes the identity of resource i + 1, the last that of the first.
    ///
    /// # Errors
    /// What the driver returns.
    pub fn rotate_resource_identities(&mut self, resources: &[usize]) -> Result {
        let mut argument = ddi::DXGI_DDI_ARG_ROTATE_RESOURCE_IDENTITIES {
            hDevice: self.device.0 as usize,
            pResources: resources.as_ptr(),
            // CAST: a swap chain has at most 16 buffers.
            Resources: resources.len() as u32,
        };
        let rotate = self.dxgi.pfnRotateResourceIdentities.ok_or(BROKEN)?;
        // SAFETY: the resources are live ones of this device.
        checked(unsafe { rotate(&mut argument) })
    }

    /// Sets how long a resource should stay in GPU memory.
    pub fn set_resource_priority(&mut self, resource: Raw, priority: u32) {
        let mut argument = ddi::DXGI_DDI_ARG_SETRESOURCEPRIORITY {
            hDevice: self.device.0 as usize,
            hResource: resource as usize,
            Priority: priority,
        };
        if let Some(set) = self.dxgi.pfnSetResourcePriority {
            // SAFETY: the resource is a live one of this device. A failure changes nothing: it is a hint.
            unsafe { set(&mut argument) };
        }
    }

    /// Where resources are: `DXGI_DDI_RESIDENCY` each.
    ///
    /// # Errors
    /// What the driver returns.
    pub fn query_residency(&mut self, resources: &[usize]) -> Result<Vec<u32>> {
        let mut status = vec![0; resources.len()];
        let mut argument = ddi::DXGI_DDI_ARG_QUERYRESOURCERESIDENCY {
            hDevice: self.device.0 as usize,
            pResources: resources.as_ptr(),
            pStatus: status.as_mut_ptr(),
            Resources: resources.len(),
        };
        let query = self.dxgi.pfnQueryResourceResidency.ok_or(BROKEN)?;
        // SAFETY: the resources are live ones of this device, and `status` has as many entries.
        checked(unsafe { query(&mut argument) })?;
        Ok(status)
    }
}
