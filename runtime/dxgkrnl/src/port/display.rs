//! The display as dxgkrnl's display manager drives it: which modes there are, and how one is set.

use pvgpu_kmd_ddi::*;

use super::Port;
use super::device::KernelAllocation;
use super::driver::{DriverHandle, NtResult};
use super::vidpn;
use crate::verifier::Rule;

/// Where everything is shown: the adapter's first source and its first target.
pub(crate) const PATH: (u32, u32) = (0, 0);

/// A mode: pixels, pixels, frames a second × 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ModeFacts {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) refresh_millihertz: u32,
}

impl ModeFacts {
    fn of(source: &D3DKMDT_VIDPN_SOURCE_MODE, target: &D3DKMDT_VIDPN_TARGET_MODE) -> Self {
        let size = source.Format.Graphics.PrimSurfSize;
        Self { width: size.cx, height: size.cy, refresh_millihertz: refresh(target) }
    }
}

/// Frames a second × 1000 of a target's mode.
fn refresh(mode: &D3DKMDT_VIDPN_TARGET_MODE) -> u32 {
    let D3DDDI_RATIONAL { Numerator, Denominator } = mode.VideoSignalInfo.VSyncFreq;
    let millihertz = (u64::from(Numerator) * 1000 + u64::from(Denominator) / 2)
        .checked_div(u64::from(Denominator))
        .unwrap_or(0);
    u32::try_from(millihertz).unwrap_or(u32::MAX)
}

impl Port {
    /// Runs with a new VidPN of these paths, and ends it.
    fn with_vidpn<R>(&self, paths: &[(u32, u32)], run: impl FnOnce(D3DKMDT_HVIDPN) -> R) -> R {
        let vidpn = self.vidpns.lock().create(paths, self.topology());
        let result = run(vidpn);
        self.vidpns.lock().destroy(vidpn);
        result
    }

    /// A call of the driver about a VidPN: whatever it acquired must have been given back.
    fn about_vidpn<T>(&self, entry: &'static str, call: impl FnOnce() -> NtResult<T>) -> NtResult<T> {
        let result = call();
        self.vidpns.lock().check_released(&self.system().verifier, entry);
        result
    }

    fn is_supported(&self, vidpn: D3DKMDT_HVIDPN) -> NtResult<bool> {
        self.about_vidpn("DxgkDdiIsSupportedVidPn", || self.driver.is_supported_vidpn(vidpn))
    }

    fn enumerate(&self, vidpn: D3DKMDT_HVIDPN, pivot: D3DKMDT_ENUMCOFUNCMODALITY_PIVOT_TYPE) -> NtResult<()> {
        self.about_vidpn("DxgkDdiEnumVidPnCofuncModality", || {
            self.driver.enum_vidpn_cofunc_modality(vidpn, pivot, PATH)
        })
    }

    /// All modes that the driver offers on its one path.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn modes(&self) -> NtResult<Vec<ModeFacts>> {
        let sizes = self.with_vidpn(&[PATH], |vidpn| -> NtResult<_> {
            if !self.is_supported(vidpn)? {
                return Ok(Vec::new());
            }
            self.enumerate(vidpn, D3DKMDT_EPT_NOPIVOT)?;
            Ok(self.vidpns.lock().source_modes(vidpn, PATH.0))
        })?;
        let mut modes = Vec::new();
        for size in sizes {
            let targets = self.with_vidpn(&[PATH], |vidpn| -> NtResult<_> {
                self.enumerate(vidpn, D3DKMDT_EPT_NOPIVOT)?;
                let found = self.find_source(vidpn, size.Format.Graphics.PrimSurfSize);
                let Some(id) = found else { return Ok(Vec::new()) };
                self.vidpns.lock().pin_source(vidpn, PATH.0, id);
                self.enumerate(vidpn, D3DKMDT_EPT_VIDPNSOURCE)?;
                Ok(self.vidpns.lock().target_modes(vidpn, PATH.1))
            })?;
            for target in &targets {
                let mode = ModeFacts::of(&size, target);
                if !modes.contains(&mode) {
                    modes.push(mode);
                }
            }
        }
        Ok(modes)
    }

    fn find_source(&self, vidpn: D3DKMDT_HVIDPN, size: D3DKMDT_2DREGION) -> Option<u32> {
        let modes = self.vidpns.lock().source_modes(vidpn, PATH.0);
        modes.iter().find(|mode| mode.Format.Graphics.PrimSurfSize == size).map(|mode| mode.Id)
    }

    /// Sets a mode and shows a primary: enumerate, pin, enumerate, ask, commit, address, visibility.
    ///
    /// # Errors
    /// `STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE_MODE` for a mode that the driver does not offer, the driver's status.
    pub(crate) fn set_mode(
        &self,
        mode: ModeFacts,
        primary: &std::sync::Arc<KernelAllocation>,
    ) -> NtResult<()> {
        let (segment, address) = self.make_resident(primary)?;
        self.with_vidpn(&[PATH], |vidpn| -> NtResult<_> {
            self.enumerate(vidpn, D3DKMDT_EPT_NOPIVOT)?;
            let size = D3DKMDT_2DREGION { cx: mode.width, cy: mode.height };
            let source =
                self.find_source(vidpn, size).ok_or(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE_MODE)?;
            self.vidpns.lock().pin_source(vidpn, PATH.0, source);
            self.enumerate(vidpn, D3DKMDT_EPT_VIDPNSOURCE)?;
            let targets = self.vidpns.lock().target_modes(vidpn, PATH.1);
            let target = targets.iter().find(|target| refresh(target) == mode.refresh_millihertz);
            let target = target.ok_or(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_TARGET_MODE)?.Id;
            self.vidpns.lock().pin_target(vidpn, PATH.1, target);
            self.enumerate(vidpn, D3DKMDT_EPT_NOPIVOT)?;
            if !self.is_supported(vidpn)? {
                self.system().verifier.report(Rule::VidPn, "DxgkDdiIsSupportedVidPn", || {
                    format!("it refuses {mode:?}, which it has enumerated")
                });
                return Err(STATUS_GRAPHICS_VIDPN_MODALITY_NOT_SUPPORTED);
            }
            self.driver.set_source_visibility(PATH.0, false)?;
            self.about_vidpn("DxgkDdiCommitVidPn", || {
                self.driver.commit_vidpn(vidpn, PATH.0, primary.driver_handle())
            })
        })?;
        let flags = DXGK_SETVIDPNSOURCEADDRESS_FLAGS::ModeChange;
        self.driver.set_source_address(PATH.0, (primary.driver_handle(), segment, address), flags)?;
        self.driver.set_source_visibility(PATH.0, true)
    }

    /// Shows another primary of the same mode.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn show(&self, primary: &std::sync::Arc<KernelAllocation>) -> NtResult<()> {
        let (segment, address) = self.make_resident(primary)?;
        self.driver.set_source_address(PATH.0, (primary.driver_handle(), segment, address), 0)
    }

    /// Shows nothing any more: a VidPN without paths.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn blank(&self) -> NtResult<()> {
        self.driver.set_source_visibility(PATH.0, false)?;
        self.with_vidpn(&[], |vidpn| -> NtResult<_> {
            self.about_vidpn("DxgkDdiCommitVidPn", || {
                self.driver.commit_vidpn(vidpn, PATH.0, DriverHandle::default())
            })
        })
    }

    /// `DxgkDdiRecommendFunctionalVidPn`, asked with an empty VidPN: the mode that it recommends, with everything pinned.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn recommend(&self) -> NtResult<usize> {
        self.with_vidpn(&[], |vidpn| -> NtResult<_> {
            self.about_vidpn("DxgkDdiRecommendFunctionalVidPn", || {
                self.driver.recommend_functional_vidpn(vidpn, &[PATH.1], DXGK_RFVR_HOTKEY)
            })?;
            Ok(self.vidpns.lock().paths(vidpn).len())
        })
    }

    /// `DxgkDdiRecommendVidPnTopology`, asked with an empty VidPN: how many paths it recommends.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn recommend_topology(&self) -> NtResult<usize> {
        self.with_vidpn(&[], |vidpn| -> NtResult<_> {
            self.about_vidpn("DxgkDdiRecommendVidPnTopology", || {
                self.driver.recommend_vidpn_topology(vidpn, PATH.0)
            })?;
            Ok(self.vidpns.lock().paths(vidpn).len())
        })
    }

    /// `DxgkDdiRecommendMonitorModes`: how many modes it adds to what the EDID says.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn recommend_monitor_modes(&self) -> NtResult<usize> {
        let set = self.vidpns.lock().create_monitor_set();
        let result = self.driver.recommend_monitor_modes(PATH.1, set, vidpn::monitor_mode_interface());
        let modes = self.vidpns.lock().take_monitor_set(&self.system().verifier, set);
        result.map(|()| modes.len())
    }

    /// `DxgkDdiUpdateActiveVidPnPresentPath` with a path of which nothing changes.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn update_active_path(&self) -> NtResult<()> {
        let path = self.with_vidpn(&[PATH], |vidpn| self.vidpns.lock().paths(vidpn).first().copied());
        let mut path = path.ok_or(STATUS_INVALID_PARAMETER)?;
        path.ContentTransformation.Scaling = D3DKMDT_VPPS_IDENTITY;
        path.ContentTransformation.Rotation = D3DKMDT_VPPR_IDENTITY;
        self.driver.update_active_path(path)
    }

    /// `DxgkDdiQueryVidPnHWCapability`: what the driver itself does, as flags.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn capability(&self) -> NtResult<u32> {
        self.with_vidpn(&[PATH], |vidpn| -> NtResult<_> {
            self.about_vidpn("DxgkDdiQueryVidPnHWCapability", || {
                self.driver.query_vidpn_capability(vidpn, PATH)
            })
        })
    }
}
