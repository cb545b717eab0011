//! The display entries through the table: a monitor, a mode set, the pointer, the vertical blank, Windows' last screen.

use core::ffi::c_void;
use core::sync::atomic::{AtomicU64, Ordering};
use std::ptr::{from_mut, from_ref, null, null_mut};
use std::vec::Vec;

use pvgpu_kmd::display::{DEFAULT_MODE, EDID_BYTES, SIZES};
use pvgpu_kmd_ddi::*;
use pvgpu_protocol::aperture::GuestHello;
use pvgpu_protocol::kernel_interface::SetMode;
use pvgpu_protocol::mode::DisplayMode;

use super::fake_nt::{at_irql, fire, nt};
use super::port::{interface, port, run_dpc};
use super::rig::{Rig, ddi};
use crate::ffi::display::display_tests::{QUERY_VIDPN, VIDPN, balance, set_network};

/// No IRQL is higher.
const HIGH_LEVEL: u8 = 15;

/// An adapter on a dxgkrnl with VidPNs.
fn started() -> Rig {
    started_with(|_| {})
}

fn started_with(change: impl FnOnce(&mut DXGKRNL_INTERFACE)) -> Rig {
    let rig = Rig::new();
    let mut interface = DXGKRNL_INTERFACE { DxgkCbQueryVidPnInterface: QUERY_VIDPN, ..interface() };
    change(&mut interface);
    assert_eq!(rig.start_with(interface), STATUS_SUCCESS);
    rig
}

fn ended(mut rig: Rig, service: HANDLE) {
    assert_eq!(ddi!(rig, DxgkDdiDestroyDevice, service), STATUS_SUCCESS);
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    rig.remove();
}

fn child_status(rig: &Rig, kind: u32, child: u32) -> Result<bool, NTSTATUS> {
    let mut status = DXGK_CHILD_STATUS { Type: kind, ChildUid: child, ..DXGK_CHILD_STATUS::default() };
    match ddi!(rig, DxgkDdiQueryChildStatus, rig.context, from_mut(&mut status), 1) {
        STATUS_SUCCESS => Ok(status.Connected != 0),
        error => Err(error),
    }
}

/// A part of the EDID, in a buffer that was full of `0xEE`.
fn descriptor(rig: &Rig, offset: u32, length: u32) -> Result<Vec<u8>, NTSTATUS> {
    let mut buffer = std::vec![0xEE_u8; length as usize + 1];
    let mut descriptor = DXGK_DEVICE_DESCRIPTOR {
        DescriptorOffset: offset,
        DescriptorLength: length,
        DescriptorBuffer: buffer.as_mut_ptr().cast(),
    };
    let status = ddi!(rig, DxgkDdiQueryDeviceDescriptor, rig.context, 0, from_mut(&mut descriptor));
    assert_eq!(buffer.pop(), Some(0xEE), "nothing behind the buffer is written");
    if status == STATUS_SUCCESS { Ok(buffer) } else { Err(status) }
}

#[test]
fn one_child_with_a_monitor_while_there_is_a_host() {
    let rig = started();
    let mut children = [DXGK_CHILD_DESCRIPTOR::default(); 2];
    let bytes = u32::try_from(size_of_val(&children)).expect("small");
    let first = children.as_mut_ptr();
    let relations = |size| ddi!(rig, DxgkDdiQueryChildRelations, rig.context, first, size);
    assert_eq!(relations(bytes - 1), STATUS_BUFFER_TOO_SMALL);
    assert_eq!(relations(bytes), STATUS_SUCCESS);
    assert_eq!(children[1], DXGK_CHILD_DESCRIPTOR::default(), "the last one stays zero");
    assert_eq!(children[0].ChildDeviceType, TypeVideoOutput);
    assert_eq!(children[0].ChildCapabilities.HpdAwareness, HpdAwarenessInterruptible);

    assert_eq!(child_status(&rig, StatusConnection, 0), Ok(false));
    assert_eq!(descriptor(&rig, 0, 128), Err(STATUS_MONITOR_NO_DESCRIPTOR));
    let (service, _) = rig.link();
    assert_eq!(port(|port| core::mem::take(&mut port.connected)), [true]);
    assert_eq!(child_status(&rig, StatusConnection, 0), Ok(true));
    assert_eq!(child_status(&rig, StatusConnection, 1), Err(STATUS_INVALID_PARAMETER));
    assert_eq!(child_status(&rig, StatusRotation, 0), Err(STATUS_INVALID_PARAMETER));

    let edid = descriptor(&rig, 0, 128).expect("connected");
    assert_eq!(edid[..8], [0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0]);
    assert_eq!(edid.len(), EDID_BYTES);
    assert_eq!(descriptor(&rig, 64, 8).expect("inside"), edid[64..72]);
    let beyond = descriptor(&rig, 120, 16).expect("some of it is there");
    assert_eq!((&beyond[..8], &beyond[8..]), (&edid[120..], &[0; 8][..]), "zeroed behind the end");
    assert_eq!(descriptor(&rig, 128, 128), Err(STATUS_MONITOR_NO_MORE_DESCRIPTOR_DATA));
    assert_eq!(descriptor(&rig, u32::MAX, 128), Err(STATUS_MONITOR_NO_MORE_DESCRIPTOR_DATA));
    assert_eq!(descriptor(&rig, 0, 0), Ok(Vec::new()));

    // The service goes, and the monitor with it.
    assert_eq!(ddi!(rig, DxgkDdiDestroyDevice, service), STATUS_SUCCESS);
    run_dpc();
    assert_eq!(port(|port| core::mem::take(&mut port.connected)), [false]);
    assert_eq!(child_status(&rig, StatusConnection, 0), Ok(false));
    let mut rig = rig;
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    rig.remove();
}

#[test]
fn a_monitor_that_is_there_before_dxgkrnl_asks_is_no_news() {
    let rig = started();
    let (service, _) = rig.link();
    run_dpc();
    set_network(Some(DEFAULT_MODE));
    let enforce = |commit: &mut DXGKARG_COMMITVIDPN| commit.MonitorConnectivityChecks = D3DKMDT_MCC_ENFORCE;
    assert_eq!(commit(&rig, enforce), STATUS_SUCCESS, "the driver itself knows of it");
    run_dpc();
    let told = || port(|port| core::mem::take(&mut port.connected));
    assert_eq!(told(), [], "a child that dxgkrnl does not know yet");
    assert_eq!(child_status(&rig, StatusConnection, 0), Ok(true));
    run_dpc();
    assert_eq!(told(), []);
    let mut mode = SetMode::new(DisplayMode { width: 1000, height: 700, refresh_millihertz: 50_000 });
    assert_eq!(rig.escape(service, null_mut(), &mut mode), STATUS_SUCCESS);
    run_dpc();
    assert_eq!(told(), [false, true]);
    ended(rig, service);
}

#[test]
fn vertical_blanks_go_on_after_a_sleep() {
    let rig = started();
    let (service, _) = rig.link();
    run_dpc();
    set_network(Some(DEFAULT_MODE));
    assert_eq!(commit(&rig, |_| {}), STATUS_SUCCESS);
    let due = || nt(|nt| nt.timers.values().filter(|timer| timer.period_ms == 0).count());
    let power = |state| {
        let status =
            ddi!(rig, DxgkDdiSetPowerState, rig.context, DISPLAY_ADAPTER_HW_ID, state, PowerActionSleep);
        assert_eq!(status, STATUS_SUCCESS);
    };
    let vsyncs = || {
        let reports = port(|port| core::mem::take(&mut port.reports));
        assert!(reports.iter().all(|report| report.InterruptType == DXGK_INTERRUPT_CRTC_VSYNC));
        reports.len()
    };
    let notified = || port(|port| core::mem::take(&mut port.notified_dpcs));
    let _ = notified();
    assert_eq!(ddi!(rig, DxgkDdiControlInterrupt, rig.context, DXGK_INTERRUPT_CRTC_VSYNC, 1), STATUS_SUCCESS);
    assert_eq!(due(), 1);
    power(PowerDeviceD3);
    assert_eq!(due(), 0);
    nt(|nt| nt.ticks += 10_000_000);
    power(PowerDeviceD0);
    assert_eq!(due(), 1, "dxgkrnl does not ask for it again");
    run_dpc();
    nt(|nt| nt.ticks += 200_000);
    fire(0);
    assert_eq!(
        (vsyncs(), notified()),
        (0, 0),
        "dxgkrnl has named no address, and expects one in each report"
    );
    assert_eq!(set_address(&rig, 200 << 20), STATUS_SUCCESS);
    nt(|nt| nt.ticks += 200_000);
    fire(0);
    assert_eq!((vsyncs(), notified()), (1, 0), "that is the driver's DPC's");
    run_dpc();
    assert_eq!((vsyncs(), notified()), (0, 1));
    assert_eq!(due(), 1);
    ended(rig, service);
}

fn commit(rig: &Rig, change: impl FnOnce(&mut DXGKARG_COMMITVIDPN)) -> NTSTATUS {
    let mut argument = DXGKARG_COMMITVIDPN { hFunctionalVidPn: VIDPN, ..DXGKARG_COMMITVIDPN::default() };
    change(&mut argument);
    let status = ddi!(rig, DxgkDdiCommitVidPn, rig.context, from_ref(&argument));
    balance("commit");
    status
}

fn set_address(rig: &Rig, address: i64) -> NTSTATUS {
    let argument = DXGKARG_SETVIDPNSOURCEADDRESS { PrimaryAddress: address, ..Default::default() };
    ddi!(rig, DxgkDdiSetVidPnSourceAddress, rig.context, from_ref(&argument))
}

fn set_visibility(rig: &Rig, source: u32, visible: bool) -> NTSTATUS {
    let argument = DXGKARG_SETVIDPNSOURCEVISIBILITY { VidPnSourceId: source, Visible: u8::from(visible) };
    ddi!(rig, DxgkDdiSetVidPnSourceVisibility, rig.context, from_ref(&argument))
}

fn system_display(rig: &Rig, target: u32) -> Result<(u32, u32, u32), NTSTATUS> {
    let (mut width, mut height, mut format) = (0, 0, 0);
    let status = at_irql(HIGH_LEVEL, || {
        ddi!(
            rig,
            DxgkDdiSystemDisplayEnable,
            rig.context,
            target,
            null_mut(),
            from_mut(&mut width),
            from_mut(&mut height),
            from_mut(&mut format)
        )
    });
    if status == STATUS_SUCCESS { Ok((width, height, format)) } else { Err(status) }
}

/// Where the heap begins in the aperture, in bytes.
fn heap_offset(aperture: &[AtomicU64]) -> u64 {
    let hello = GuestHello::read(|cell| aperture[cell].load(Ordering::Acquire)).expect("a hello");
    pvgpu_protocol::aperture::Layout::new(hello.sizes).expect("sizes").heap_offset
}

#[test]
fn a_mode_is_set_and_windows_stops() {
    let rig = started();
    let (service, aperture) = rig.link();
    assert_eq!(system_display(&rig, 0), Err(STATUS_NOT_SUPPORTED), "nothing is shown");
    set_network(Some(DEFAULT_MODE));
    assert_eq!(set_address(&rig, 0), STATUS_INVALID_PARAMETER, "no mode yet");
    assert_eq!(
        commit(&rig, |commit| commit.AffectedVidPnSourceId = 1),
        STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE
    );
    let powered_off = DXGKARG_COMMITVIDPN_FLAGS::new(DXGKARG_COMMITVIDPN_FLAGS::PathPoweredOff);
    assert_eq!(commit(&rig, |commit| commit.Flags = powered_off), STATUS_SUCCESS);
    assert_eq!(set_address(&rig, 0), STATUS_INVALID_PARAMETER, "that was no mode");
    let enforce = |commit: &mut DXGKARG_COMMITVIDPN| {
        commit.AffectedVidPnSourceId = D3DDDI_ID_ALL;
        commit.MonitorConnectivityChecks = D3DKMDT_MCC_ENFORCE;
    };
    assert_eq!(commit(&rig, enforce), STATUS_SUCCESS);
    // Of 256 MiB the last 60 are in the segment.
    let address = 200 << 20;
    let elsewhere = 64 << 20;
    assert_eq!(set_address(&rig, elsewhere), STATUS_INVALID_PARAMETER, "a context's, perhaps");
    assert_eq!(set_address(&rig, address), STATUS_SUCCESS);
    assert_eq!(set_address(&rig, -8), STATUS_INVALID_PARAMETER);
    assert_eq!(set_visibility(&rig, D3DDDI_ID_ALL, true), STATUS_SUCCESS);
    assert_eq!(set_visibility(&rig, 1, true), STATUS_INVALID_PARAMETER);

    assert_eq!(system_display(&rig, 0), Ok((1920, 1080, D3DDDIFMT_X8R8G8B8)));
    assert_eq!(system_display(&rig, 1), Err(STATUS_NOT_SUPPORTED));
    // Two rows of two pixels, with a stride that holds three.
    let mut image = [1_u32, 2, 77, 3, 4, 77];
    let source: *mut c_void = image.as_mut_ptr().cast();
    let write = |stride| {
        at_irql(HIGH_LEVEL, || {
            ddi!(rig, DxgkDdiSystemDisplayWrite, rig.context, source, 2, 2, stride, 10, 20)
        });
    };
    let row = |y: u64| {
        let at = heap_offset(aperture) + (200 << 20) + y * 7680 + 40;
        let cell = |index: u64| aperture[(at / 8 + index) as usize].load(Ordering::Relaxed);
        [cell(0), cell(1)]
    };
    write(4);
    assert_eq!(row(20), [0, 0], "a stride that holds no row");
    write(12);
    assert_eq!(row(20), [0xFF00_0002_FF00_0001, 0]);
    assert_eq!(row(21), [0xFF00_0004_FF00_0003, 0]);
    assert_eq!(row(22), [0, 0]);

    // A commit that fails leaves what was set.
    set_network(Some(DisplayMode { refresh_millihertz: 50_000, ..DEFAULT_MODE }));
    assert_eq!(commit(&rig, |_| {}), STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE_MODE);
    assert_eq!(system_display(&rig, 0), Ok((1920, 1080, D3DDDIFMT_X8R8G8B8)));
    set_network(None);
    assert_eq!(commit(&rig, |_| {}), STATUS_SUCCESS);
    assert_eq!(system_display(&rig, 0), Err(STATUS_NOT_SUPPORTED));
    ended(rig, service);
}

#[test]
fn a_mode_without_a_monitor_is_refused_when_dxgkrnl_says_so() {
    let mut rig = started();
    set_network(Some(DEFAULT_MODE));
    let enforce = |commit: &mut DXGKARG_COMMITVIDPN| commit.MonitorConnectivityChecks = D3DKMDT_MCC_ENFORCE;
    assert_eq!(commit(&rig, enforce), STATUS_GRAPHICS_INVALID_VIDPN_TOPOLOGY);
    assert_eq!(commit(&rig, |commit| commit.MonitorConnectivityChecks = D3DKMDT_MCC_IGNORE), STATUS_SUCCESS);
    let recommend = DXGKARG_RECOMMENDFUNCTIONALVIDPN {
        hRecommendedFunctionalVidPn: VIDPN,
        ..DXGKARG_RECOMMENDFUNCTIONALVIDPN::default()
    };
    let status = ddi!(rig, DxgkDdiRecommendFunctionalVidPn, rig.context, from_ref(&recommend));
    assert_eq!(status, STATUS_GRAPHICS_NO_RECOMMENDED_FUNCTIONAL_VIDPN);
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    // dxgkrnl's functions are not touched any more.
    assert_eq!(commit(&rig, |_| {}), STATUS_DEVICE_REMOVED);
    rig.remove();
}

#[test]
fn networks_are_checked_enumerated_and_recommended() {
    let rig = started();
    let (service, _) = rig.link();
    set_network(Some(DEFAULT_MODE));
    let supported = |vid_pn| {
        let mut argument = DXGKARG_ISSUPPORTEDVIDPN { hDesiredVidPn: vid_pn, IsVidPnSupported: 7 };
        let status = ddi!(rig, DxgkDdiIsSupportedVidPn, rig.context, from_mut(&mut argument));
        (status, argument.IsVidPnSupported)
    };
    assert_eq!(supported(VIDPN), (STATUS_SUCCESS, 1));
    assert_eq!(supported(D3DKMDT_HVIDPN::NULL), (STATUS_SUCCESS, 1));
    let stranger = D3DKMDT_HVIDPN(core::ptr::without_provenance_mut(0x77));
    assert_eq!(supported(stranger), (STATUS_GRAPHICS_INVALID_VIDPN, 0));
    let enumerate = DXGKARG_ENUMVIDPNCOFUNCMODALITY {
        hConstrainingVidPn: VIDPN,
        EnumPivotType: D3DKMDT_EPT_NOPIVOT,
        ..DXGKARG_ENUMVIDPNCOFUNCMODALITY::default()
    };
    assert_eq!(ddi!(rig, DxgkDdiEnumVidPnCofuncModality, rig.context, from_ref(&enumerate)), STATUS_SUCCESS);
    set_network(None);
    let recommend = DXGKARG_RECOMMENDFUNCTIONALVIDPN {
        hRecommendedFunctionalVidPn: VIDPN,
        ..DXGKARG_RECOMMENDFUNCTIONALVIDPN::default()
    };
    let status = ddi!(rig, DxgkDdiRecommendFunctionalVidPn, rig.context, from_ref(&recommend));
    assert_eq!(status, STATUS_SUCCESS);
    balance("recommended");
    assert_eq!(commit(&rig, |_| {}), STATUS_SUCCESS);

    let topology = |source| {
        let argument = DXGKARG_RECOMMENDVIDPNTOPOLOGY { VidPnSourceId: source, ..Default::default() };
        ddi!(rig, DxgkDdiRecommendVidPnTopology, rig.context, from_ref(&argument))
    };
    assert_eq!(topology(D3DDDI_ID_ALL), STATUS_GRAPHICS_NO_RECOMMENDED_VIDPN_TOPOLOGY);
    assert_eq!(topology(4), STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE);
    let capability = |source, target| {
        let mut argument = DXGKARG_QUERYVIDPNHWCAPABILITY {
            SourceId: source,
            TargetId: target,
            VidPnHWCaps: D3DKMDT_VIDPN_HW_CAPABILITY::new(u32::MAX),
            ..DXGKARG_QUERYVIDPNHWCAPABILITY::default()
        };
        let status = ddi!(rig, DxgkDdiQueryVidPnHWCapability, rig.context, from_mut(&mut argument));
        (status, argument.VidPnHWCaps.Value)
    };
    assert_eq!(capability(0, 0), (STATUS_SUCCESS, 0));
    assert_eq!(capability(0, 9).0, STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_TARGET);
    let path = DXGKARG_UPDATEACTIVEVIDPNPRESENTPATH::default();
    assert_eq!(ddi!(rig, DxgkDdiUpdateActiveVidPnPresentPath, rig.context, from_ref(&path)), STATUS_SUCCESS);
    ended(rig, service);
}

#[test]
fn the_pointer_moves() {
    let rig = started();
    let (service, _) = rig.link();
    set_network(Some(DEFAULT_MODE));
    assert_eq!(commit(&rig, |_| {}), STATUS_SUCCESS);
    let mut position = DXGKARG_SETPOINTERPOSITION { X: -4, Y: 9, ..DXGKARG_SETPOINTERPOSITION::default() };
    assert_eq!(ddi!(rig, DxgkDdiSetPointerPosition, rig.context, from_ref(&position)), STATUS_SUCCESS);
    position.VidPnSourceId = 1;
    let status = ddi!(rig, DxgkDdiSetPointerPosition, rig.context, from_ref(&position));
    assert_eq!(status, STATUS_INVALID_PARAMETER);
    let pixels = [0_u32; 32 * 32];
    let shape = DXGKARG_SETPOINTERSHAPE {
        Flags: DXGK_POINTERFLAGS::new(DXGK_POINTERFLAGS::Color),
        Width: 32,
        Height: 32,
        Pitch: 128,
        pPixels: pixels.as_ptr().cast(),
        ..DXGKARG_SETPOINTERSHAPE::default()
    };
    let set =
        |shape: DXGKARG_SETPOINTERSHAPE| ddi!(rig, DxgkDdiSetPointerShape, rig.context, from_ref(&shape));
    assert_eq!(set(shape), STATUS_SUCCESS);
    assert_eq!(set(DXGKARG_SETPOINTERSHAPE { pPixels: null(), ..shape }), STATUS_INVALID_PARAMETER);
    assert_eq!(set(DXGKARG_SETPOINTERSHAPE { Width: 0, ..shape }), STATUS_INVALID_PARAMETER);
    assert_eq!(set(DXGKARG_SETPOINTERSHAPE { Pitch: u32::MAX, ..shape }), STATUS_INVALID_PARAMETER);
    assert_eq!(
        set(DXGKARG_SETPOINTERSHAPE { Flags: DXGK_POINTERFLAGS::new(3), ..shape }),
        STATUS_INVALID_PARAMETER
    );
    let palette = DXGKARG_SETPALETTE::default();
    assert_eq!(ddi!(rig, DxgkDdiSetPalette, rig.context, from_ref(&palette)), STATUS_NOT_SUPPORTED);
    ended(rig, service);
}

#[test]
fn the_vertical_blank_has_a_timer_while_it_is_wanted() {
    let rig = started();
    let (service, _) = rig.link();
    let timers = || nt(|nt| nt.timers.len());
    let before = timers();
    let control = |kind, enable| ddi!(rig, DxgkDdiControlInterrupt, rig.context, kind, enable);
    assert_eq!(control(DXGK_INTERRUPT_DMA_COMPLETED, 1), STATUS_NOT_IMPLEMENTED);
    assert_eq!(control(DXGK_INTERRUPT_CRTC_VSYNC, 1), STATUS_SUCCESS);
    assert_eq!(timers(), before + 1);
    let line = |target| {
        let mut argument = DXGKARG_GETSCANLINE { VidPnTargetId: target, ..DXGKARG_GETSCANLINE::default() };
        let status = ddi!(rig, DxgkDdiGetScanLine, rig.context, from_mut(&mut argument));
        (status, argument.InVerticalBlank, argument.ScanLine)
    };
    let (status, in_blank, scan_line) = line(0);
    assert_eq!((status, in_blank != 0), (STATUS_SUCCESS, scan_line >= 1080), "line {scan_line}");
    assert_eq!(line(1).0, STATUS_INVALID_PARAMETER);
    assert_eq!(control(DXGK_INTERRUPT_CRTC_VSYNC, 0), STATUS_SUCCESS);
    assert_eq!(timers(), before);
    ended(rig, service);
}

unsafe extern "win64" fn acquire_post_display(_: HANDLE, place: *mut DXGK_DISPLAY_INFORMATION) -> NTSTATUS {
    let information = DXGK_DISPLAY_INFORMATION {
        Width: 2560,
        Height: 1440,
        ColorFormat: D3DDDIFMT_X8R8G8B8,
        TargetId: D3DDDI_ID_UNINITIALIZED,
        ..DXGK_DISPLAY_INFORMATION::default()
    };
    // SAFETY: the driver's place.
    unsafe { place.write(information) };
    STATUS_SUCCESS
}

unsafe extern "win64" fn no_post_display(_: HANDLE, _: *mut DXGK_DISPLAY_INFORMATION) -> NTSTATUS {
    STATUS_UNSUCCESSFUL
}

#[test]
fn what_was_on_the_screen_is_preferred() {
    let width = |rig: &Rig| {
        let edid = descriptor(rig, 0, 128).expect("connected");
        u32::from(edid[56]) | u32::from(edid[58] & 0xF0) << 4
    };
    let rig =
        started_with(|interface| interface.DxgkCbAcquirePostDisplayOwnership = Some(acquire_post_display));
    let (service, _) = rig.link();
    assert_eq!(width(&rig), 2560);
    ended(rig, service);
    let rig = started_with(|interface| interface.DxgkCbAcquirePostDisplayOwnership = Some(no_post_display));
    let (service, _) = rig.link();
    assert_eq!(width(&rig), 1920);
    // The adapter is not the one that firmware draws on, and says so; StopDevice follows.
    let mut information = DXGK_DISPLAY_INFORMATION::default();
    let stop = |place| ddi!(rig, DxgkDdiStopDeviceAndReleasePostDisplayOwnership, rig.context, 0, place);
    assert_eq!(stop(from_mut(&mut information)), STATUS_NOT_SUPPORTED);
    assert_eq!(stop(null_mut()), STATUS_INVALID_PARAMETER);
    ended(rig, service);
}

/// Numbers that look random and are the same each time (xorshift, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    /// Often a mode that there is, sometimes one that there is not.
    fn mode(&mut self) -> DisplayMode {
        let size = SIZES[self.roll(15) as usize];
        let rate = [60_000, 75_000, 120_000, 144_000, 50_000, 59_940][self.roll(6) as usize];
        match self.roll(8) {
            0 => DisplayMode { width: self.roll(9000), height: self.roll(5000), refresh_millihertz: rate },
            _ => size.at(rate),
        }
    }
}

/// Whatever the order: what is supported can be committed, what is not leaves the screen as it was, and all is given back.
#[test]
fn a_storm_of_modes() {
    let rig = started();
    let (service, _) = rig.link();
    let mut dice = Dice(0x5EED_1234_ABCD);
    let (mut sets, mut refused, mut shown) = (0, 0, None);
    for step in 0..4000 {
        match dice.roll(7) {
            0 | 1 => {
                let mode = dice.mode();
                set_network(Some(mode));
                let mut supported = DXGKARG_ISSUPPORTEDVIDPN { hDesiredVidPn: VIDPN, ..Default::default() };
                let status = ddi!(rig, DxgkDdiIsSupportedVidPn, rig.context, from_mut(&mut supported));
                assert_eq!(status, STATUS_SUCCESS);
                let committed = commit(&rig, |_| {}) == STATUS_SUCCESS;
                assert_eq!(committed, supported.IsVidPnSupported == 1, "step {step}: {mode}");
                if committed {
                    sets += 1;
                    // Another mode wants another primary.
                    shown = shown.filter(|shown| *shown == mode);
                    if set_address(&rig, i64::from(200 + dice.roll(4)) << 20) == STATUS_SUCCESS {
                        shown = Some(mode);
                    }
                } else {
                    refused += 1;
                }
            }
            2 => {
                let DisplayMode { width, height, refresh_millihertz } = dice.mode();
                let mut wish = SetMode::new(DisplayMode { width, height, refresh_millihertz });
                let _ = rig.escape(null_mut(), null_mut(), &mut wish);
                run_dpc();
            }
            3 => {
                let _ = set_visibility(&rig, dice.roll(2), dice.roll(2) == 1);
            }
            4 => {
                set_network(if dice.roll(2) == 0 { Some(dice.mode()) } else { None });
                let argument = DXGKARG_ENUMVIDPNCOFUNCMODALITY {
                    hConstrainingVidPn: VIDPN,
                    EnumPivotType: dice.roll(7),
                    EnumPivot: DXGK_ENUM_PIVOT { VidPnSourceId: dice.roll(2), VidPnTargetId: dice.roll(2) },
                };
                let _ = ddi!(rig, DxgkDdiEnumVidPnCofuncModality, rig.context, from_ref(&argument));
                balance("enumerated");
            }
            5 => {
                let argument = DXGKARG_SETPOINTERPOSITION {
                    X: i32::try_from(dice.roll(8000)).expect("small") - 2000,
                    Y: i32::MIN,
                    Flags: DXGK_SETPOINTERPOSITIONFLAGS::new(dice.roll(4)),
                    VidPnSourceId: dice.roll(2),
                };
                let _ = ddi!(rig, DxgkDdiSetPointerPosition, rig.context, from_ref(&argument));
            }
            _ => {
                let pixels = [0_u32; 64];
                let (x, y) = (dice.roll(8000), dice.roll(5000));
                let source: *mut c_void = pixels.as_ptr().cast_mut().cast();
                ddi!(rig, DxgkDdiSystemDisplayWrite, rig.context, source, 16, 4, 64, x, y);
            }
        }
        let screen = system_display(&rig, 0).ok();
        let expect = shown.map(|mode| (mode.width, mode.height, D3DDDIFMT_X8R8G8B8));
        assert_eq!(screen, expect, "step {step}");
    }
    assert!(sets > 500 && refused > 100, "{sets} modes were set, {refused} refused");
    ended(rig, service);
}

#[test]
fn null_is_refused_everywhere() {
    let mut rig = started();
    let nobody: HANDLE = null_mut();
    macro_rules! refuse {
        ($($entry:ident($($argument:expr),*);)+) => {$(
            assert_eq!(ddi!(rig, $entry, rig.context $(, $argument)*), STATUS_INVALID_PARAMETER);
            assert_eq!(ddi!(rig, $entry, nobody $(, $argument)*), STATUS_INVALID_PARAMETER);
        )+};
    }
    refuse! {
        DxgkDdiQueryChildRelations(null_mut(), 1000);
        DxgkDdiQueryChildStatus(null_mut(), 1);
        DxgkDdiQueryDeviceDescriptor(0, null_mut());
        DxgkDdiSetPalette(null());
        DxgkDdiSetPointerPosition(null());
        DxgkDdiSetPointerShape(null());
        DxgkDdiIsSupportedVidPn(null_mut());
        DxgkDdiRecommendFunctionalVidPn(null());
        DxgkDdiEnumVidPnCofuncModality(null());
        DxgkDdiSetVidPnSourceAddress(null());
        DxgkDdiSetVidPnSourceVisibility(null());
        DxgkDdiCommitVidPn(null());
        DxgkDdiUpdateActiveVidPnPresentPath(null());
        DxgkDdiRecommendMonitorModes(null());
        DxgkDdiRecommendVidPnTopology(null());
        DxgkDdiGetScanLine(null_mut());
        DxgkDdiQueryVidPnHWCapability(null_mut());
        DxgkDdiStopDeviceAndReleasePostDisplayOwnership(0, null_mut());
        DxgkDdiSystemDisplayEnable(0, null_mut(), null_mut(), null_mut(), null_mut());
    }
    for context in [rig.context, nobody] {
        ddi!(rig, DxgkDdiSystemDisplayWrite, context, null_mut(), 10, 10, 40, 0, 0);
    }
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    rig.remove();
}
