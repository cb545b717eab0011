//! `Map` and `Unmap`.

use pvgpu_umd_ddi::D3D10DDI_MAPPED_SUBRESOURCE;

use super::super::guard::Locked;
use super::super::object::Com;
use super::super::resource::Resource;
use crate::desc::resource::{Usage, cpu};
use crate::hresult::{E_INVALIDARG, Result, require};
use crate::map::{Mode, entry};

/// `D3D11_MAP_FLAG_DO_NOT_WAIT`.
const DO_NOT_WAIT: u32 = 0x10_0000;

impl Locked {
    /// Maps a subresource.
    ///
    /// # Errors
    /// `E_INVALIDARG` when the resource does not allow the mode or is mapped already, `DXGI_ERROR_WAS_STILL_DRAWING`,
    /// and what else the driver reports.
    #[inline]
    pub fn map(
        &mut self,
        resource: &Com<Resource>,
        subresource: u32,
        mode: u32,
        flags: u32,
    ) -> Result<D3D10DDI_MAPPED_SUBRESOURCE> {
        let mode = Mode::new(mode)?;
        let entry = entry(resource.inner.flags(), resource.inner.is_buffer(), mode)?;
        require(flags & !DO_NOT_WAIT == 0)?;
        let do_not_wait = flags & DO_NOT_WAIT != 0;
        require(!do_not_wait || !matches!(mode, Mode::WriteDiscard | Mode::WriteNoOverwrite))?;
        let mapped = resource.inner.mapped.get(subresource as usize).ok_or(E_INVALIDARG)?;
        require(!mapped.get())?;
        let memory = self.driver.map(entry, mode, resource.handle(), subresource, do_not_wait)?;
        mapped.set(true);
        Ok(memory)
    }

    /// Unmaps a subresource; what is not mapped is left alone.
    #[inline]
    pub fn unmap(&mut self, resource: &Com<Resource>, subresource: u32) {
        let Some(mapped) = resource.inner.mapped.get(subresource as usize) else { return };
        if !mapped.replace(false) {
            return;
        }
        // The mode plays no part in the choice of the family.
        let mode = match resource.inner.flags().usage {
            Usage::Staging | Usage::Default if resource.inner.flags().cpu & cpu::READ != 0 => Mode::Read,
            Usage::Staging | Usage::Default => Mode::Write,
            _ => Mode::WriteDiscard,
        };
        if let Ok(entry) = entry(resource.inner.flags(), resource.inner.is_buffer(), mode) {
            self.driver.unmap(entry, resource.handle(), subresource);
        }
    }
}
