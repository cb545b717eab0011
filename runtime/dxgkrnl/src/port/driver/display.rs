//! Calls of the display's entries: VidPNs, source address and visibility, pointer, scan line, vertical blank, the system display.

use pvgpu_kmd_ddi::*;

use super::{Driver, DriverHandle, NtResult};
use crate::irql::Irql;
use crate::system;

impl Driver {
    /// `DxgkDdiIsSupportedVidPn`.
    pub(crate) fn is_supported_vidpn(&self, vidpn: D3DKMDT_HVIDPN) -> NtResult<bool> {
        let mut args = DXGKARG_ISSUPPORTEDVIDPN { hDesiredVidPn: vidpn, IsVidPnSupported: 0 };
        nt!(self, self.kernel(), Passive, DxgkDdiIsSupportedVidPn(self.context(), &raw mut args))?;
        Ok(args.IsVidPnSupported != 0)
    }

    /// `DxgkDdiEnumVidPnCofuncModality` with a pivot.
    pub(crate) fn enum_vidpn_cofunc_modality(
        &self,
        vidpn: D3DKMDT_HVIDPN,
        pivot: D3DKMDT_ENUMCOFUNCMODALITY_PIVOT_TYPE,
        (source, target): (u32, u32),
    ) -> NtResult<()> {
        let args = DXGKARG_ENUMVIDPNCOFUNCMODALITY {
            hConstrainingVidPn: vidpn,
            EnumPivotType: pivot,
            EnumPivot: DXGK_ENUM_PIVOT { VidPnSourceId: source, VidPnTargetId: target },
        };
        nt!(self, self.kernel(), Passive, DxgkDdiEnumVidPnCofuncModality(self.context(), &raw const args))
            .map(drop)
    }

    /// `DxgkDdiRecommendFunctionalVidPn`.
    pub(crate) fn recommend_functional_vidpn(
        &self,
        vidpn: D3DKMDT_HVIDPN,
        targets: &[u32],
        reason: DXGK_RECOMMENDFUNCTIONALVIDPN_REASON,
    ) -> NtResult<()> {
        let args = DXGKARG_RECOMMENDFUNCTIONALVIDPN {
            NumberOfVidPnTargets: targets.len() as u32,
            pVidPnTargetPrioritizationVector: targets.as_ptr(),
            hRecommendedFunctionalVidPn: vidpn,
            RequestReason: reason,
            ..Default::default()
        };
        nt!(self, self.kernel(), Passive, DxgkDdiRecommendFunctionalVidPn(self.context(), &raw const args))
            .map(drop)
    }

    /// `DxgkDdiRecommendVidPnTopology`.
    pub(crate) fn recommend_vidpn_topology(&self, vidpn: D3DKMDT_HVIDPN, source: u32) -> NtResult<()> {
        let args = DXGKARG_RECOMMENDVIDPNTOPOLOGY {
            hVidPn: vidpn,
            VidPnSourceId: source,
            RequestReason: DXGK_RVT_INITIALIZATION_NOLKG,
            ..Default::default()
        };
        nt!(self, self.kernel(), Passive, DxgkDdiRecommendVidPnTopology(self.context(), &raw const args))
            .map(drop)
    }

    /// `DxgkDdiRecommendMonitorModes`.
    pub(crate) fn recommend_monitor_modes(
        &self,
        target: u32,
        set: D3DKMDT_HMONITORSOURCEMODESET,
        interface: *const DXGK_MONITORSOURCEMODESET_INTERFACE,
    ) -> NtResult<()> {
        let args = DXGKARG_RECOMMENDMONITORMODES {
            VideoPresentTargetId: target,
            hMonitorSourceModeSet: set,
            pMonitorSourceModeSetInterface: interface,
        };
        nt!(self, self.kernel(), Passive, DxgkDdiRecommendMonitorModes(self.context(), &raw const args))
            .map(drop)
    }

    /// `DxgkDdiCommitVidPn`.
    pub(crate) fn commit_vidpn(
        &self,
        vidpn: D3DKMDT_HVIDPN,
        source: u32,
        primary: DriverHandle,
    ) -> NtResult<()> {
        let args = DXGKARG_COMMITVIDPN {
            hFunctionalVidPn: vidpn,
            AffectedVidPnSourceId: source,
            hPrimaryAllocation: primary.pointer(),
            ..Default::default()
        };
        nt!(self, self.kernel(), Passive, DxgkDdiCommitVidPn(self.context(), &raw const args)).map(drop)
    }

    /// `DxgkDdiUpdateActiveVidPnPresentPath`.
    pub(crate) fn update_active_path(&self, path: D3DKMDT_VIDPN_PRESENT_PATH) -> NtResult<()> {
        let args = DXGKARG_UPDATEACTIVEVIDPNPRESENTPATH { VidPnPresentPathInfo: path };
        nt!(
            self,
            self.kernel(),
            Passive,
            DxgkDdiUpdateActiveVidPnPresentPath(self.context(), &raw const args)
        )
        .map(drop)
    }

    /// `DxgkDdiQueryVidPnHWCapability`: the flags.
    pub(crate) fn query_vidpn_capability(&self, vidpn: D3DKMDT_HVIDPN, path: (u32, u32)) -> NtResult<u32> {
        let mut args = DXGKARG_QUERYVIDPNHWCAPABILITY {
            hFunctionalVidPn: vidpn,
            SourceId: path.0,
            TargetId: path.1,
            ..Default::default()
        };
        nt!(self, self.kernel(), Passive, DxgkDdiQueryVidPnHWCapability(self.context(), &raw mut args))?;
        Ok(args.VidPnHWCaps.Value)
    }

    /// `DxgkDdiSetVidPnSourceAddress`.
    pub(crate) fn set_source_address(
        &self,
        source: u32,
        (allocation, segment, address): (DriverHandle, u32, u64),
        flags: u32,
    ) -> NtResult<()> {
        let args = DXGKARG_SETVIDPNSOURCEADDRESS {
            VidPnSourceId: source,
            PrimarySegment: segment,
            PrimaryAddress: address.cast_signed(),
            hAllocation: allocation.pointer(),
            Flags: DXGK_SETVIDPNSOURCEADDRESS_FLAGS::new(flags),
            ..Default::default()
        };
        nt!(self, self.kernel(), Passive, DxgkDdiSetVidPnSourceAddress(self.context(), &raw const args))
            .map(drop)
    }

    /// `DxgkDdiSetVidPnSourceVisibility`.
    pub(crate) fn set_source_visibility(&self, source: u32, visible: bool) -> NtResult<()> {
        let args = DXGKARG_SETVIDPNSOURCEVISIBILITY { VidPnSourceId: source, Visible: u8::from(visible) };
        nt!(self, self.kernel(), Passive, DxgkDdiSetVidPnSourceVisibility(self.context(), &raw const args))
            .map(drop)
    }

    /// `DxgkDdiControlInterrupt` for the vertical blank.
    pub(crate) fn control_vsync(&self, enable: bool) -> NtResult<()> {
        let (kind, enable) = (DXGK_INTERRUPT_CRTC_VSYNC, u8::from(enable));
        nt!(self, self.kernel(), Passive, DxgkDdiControlInterrupt(self.context(), kind, enable)).map(drop)
    }

    /// `DxgkDdiControlInterrupt2` for the vertical blank: a value of `DXGK_CRTC_VSYNC_STATE`.
    pub(crate) fn control_vsync2(&self, state: DXGK_CRTC_VSYNC_STATE) -> NtResult<()> {
        let args =
            DXGKARG_CONTROLINTERRUPT2 { InterruptType: DXGK_INTERRUPT_CRTC_VSYNC, InterruptState: state };
        nt!(self, self.kernel(), Passive, DxgkDdiControlInterrupt2(self.context(), args)).map(drop)
    }

    /// `DxgkDdiGetScanLine`: whether it is in the vertical blank, and the line.
    pub(crate) fn get_scan_line(&self, target: u32) -> NtResult<(bool, u32)> {
        let mut args = DXGKARG_GETSCANLINE { VidPnTargetId: target, ..Default::default() };
        nt!(self, self.kernel(), Passive, DxgkDdiGetScanLine(self.context(), &raw mut args))?;
        Ok((args.InVerticalBlank != 0, args.ScanLine))
    }

    /// `DxgkDdiSetPointerPosition`.
    pub(crate) fn set_pointer_position(
        &self,
        source: u32,
        (x, y): (i32, i32),
        visible: bool,
    ) -> NtResult<()> {
        let flags = if visible { DXGK_SETPOINTERPOSITIONFLAGS::Visible } else { 0 };
        let args = DXGKARG_SETPOINTERPOSITION {
            VidPnSourceId: source,
            X: x,
            Y: y,
            Flags: DXGK_SETPOINTERPOSITIONFLAGS::new(flags),
        };
        nt!(self, self.kernel(), Passive, DxgkDdiSetPointerPosition(self.context(), &raw const args))
            .map(drop)
    }

    /// `DxgkDdiSetPointerShape`; `pixels` is as large as the flags, the size and the pitch say.
    pub(crate) fn set_pointer_shape(
        &self,
        source: u32,
        flags: u32,
        (width, height, pitch): (u32, u32, u32),
        (x_hot, y_hot): (u32, u32),
        pixels: &[u8],
    ) -> NtResult<()> {
        // Nobody reads what the driver may write there.
        let mut pixels = pixels.to_vec();
        let mut pixels = self.lend("DxgkDdiSetPointerShape", &mut pixels);
        let args = DXGKARG_SETPOINTERSHAPE {
            Flags: DXGK_POINTERFLAGS::new(flags),
            Width: width,
            Height: height,
            Pitch: pitch,
            VidPnSourceId: source,
            pPixels: pixels.pointer().cast(),
            XHot: x_hot,
            YHot: y_hot,
        };
        nt!(self, self.kernel(), Passive, DxgkDdiSetPointerShape(self.context(), &raw const args)).map(drop)
    }

    /// `DxgkDdiSetPalette`.
    pub(crate) fn set_palette(&self, source: u32, entries: &mut [D3DKMDT_PALETTEDATA]) -> NtResult<()> {
        let count = entries.len() as u32;
        let mut entries = self.lend("DxgkDdiSetPalette", entries);
        let args = DXGKARG_SETPALETTE {
            VidPnSourceId: source,
            FirstEntry: 0,
            NumEntries: count,
            pLookupTable: entries.pointer(),
        };
        nt!(self, self.kernel(), Passive, DxgkDdiSetPalette(self.context(), &raw const args)).map(drop)
    }

    /// `DxgkDdiSystemDisplayEnable`: width, height and `D3DDDIFORMAT`.
    pub(crate) fn system_display_enable(&self, target: u32) -> NtResult<(u32, u32, u32)> {
        let mut flags = DXGKARG_SYSTEM_DISPLAY_ENABLE_FLAGS::default();
        let (mut width, mut height, mut format) = (0, 0, 0);
        let context = self.context();
        nt!(
            self,
            self.kernel(),
            Passive,
            DxgkDdiSystemDisplayEnable(
                context,
                target,
                &raw mut flags,
                &raw mut width,
                &raw mut height,
                &raw mut format,
            )
        )?;
        Ok((width, height, format))
    }

    /// `DxgkDdiSystemDisplayWrite` of 32-bit pixels, at the highest IRQL that the model has.
    pub(crate) fn system_display_write(
        &self,
        pixels: &[u32],
        (width, height): (u32, u32),
        (x, y): (u32, u32),
    ) -> NtResult<()> {
        let source = pixels.as_ptr().cast_mut().cast();
        let stride = width.saturating_mul(4);
        let context = self.context();
        call!(
            self,
            self.kernel(),
            Device,
            DxgkDdiSystemDisplayWrite(context, source, width, height, stride, x, y)
        )
    }

    /// `DxgkDdiStopDeviceAndReleasePostDisplayOwnership`.
    pub(crate) fn release_post_display(&self, target: u32) -> NtResult<DXGK_DISPLAY_INFORMATION> {
        let mut information = DXGK_DISPLAY_INFORMATION::default();
        let context = self.context();
        nt!(
            self,
            self.kernel(),
            Passive,
            DxgkDdiStopDeviceAndReleasePostDisplayOwnership(context, target, &raw mut information)
        )?;
        Ok(information)
    }

    /// `DxgkDdiResetDevice`: any IRQL; the display goes back to what the firmware knows.
    pub(crate) fn reset_device(&self) -> NtResult<()> {
        call!(self, self.kernel(), Device, DxgkDdiResetDevice(self.context()))
    }

    /// `DxgkDdiGetStandardAllocationDriverData`, first for the sizes and then for the data: the allocation's private data.
    /// `surface` is the struct of the type.
    pub(crate) fn standard_allocation_data<T: Copy>(
        &self,
        kind: D3DKMDT_STANDARDALLOCATION_TYPE,
        surface: &mut T,
    ) -> NtResult<Vec<u8>> {
        const ENTRY: &str = "DxgkDdiGetStandardAllocationDriverData";
        let mut surface = self.lend(ENTRY, std::slice::from_mut(surface));
        let mut args = DXGKARG_GETSTANDARDALLOCATIONDRIVERDATA {
            StandardAllocationType: kind,
            pSurfaceData: surface.pointer().cast(),
            ..Default::default()
        };
        let context = self.context();
        nt!(self, self.kernel(), Passive, DxgkDdiGetStandardAllocationDriverData(context, &raw mut args))?;
        let mut allocation = vec![0; args.AllocationPrivateDriverDataSize as usize];
        let mut resource = vec![0u8; args.ResourcePrivateDriverDataSize as usize];
        let mut lent = self.lend(ENTRY, &mut allocation);
        let mut lent_resource = self.lend(ENTRY, &mut resource);
        args.pAllocationPrivateDriverData = lent.pointer().cast();
        args.pResourcePrivateDriverData = lent_resource.pointer().cast();
        nt!(self, self.kernel(), Passive, DxgkDdiGetStandardAllocationDriverData(context, &raw mut args))?;
        lent.take_back();
        Ok(allocation)
    }

    /// `DxgkDdiCalibrateGpuClock` of node 0's engine.
    pub(crate) fn calibrate_gpu_clock(&self) -> NtResult<DXGKARG_CALIBRATEGPUCLOCK> {
        let mut data = DXGKARG_CALIBRATEGPUCLOCK::default();
        let context = self.context();
        nt!(self, self.kernel(), Dispatch, DxgkDdiCalibrateGpuClock(context, 0, 0, &raw mut data))?;
        Ok(data)
    }
}
