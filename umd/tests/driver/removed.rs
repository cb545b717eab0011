//! A device whose host is gone, poisoned, slow or asleep: the program hears of it, and nothing hangs.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pvgpu_protocol::event::error_code;
use pvgpu_umd_ddi::*;

use crate::support::{self, Host, Kernel, Runtime, buffer_shape, map, resource, texture_shape};

#[test]
fn a_poisoned_context_is_a_removed_device() {
    let (mut runtime, _host) = support::device();
    let staging = resource(&mut runtime, buffer_shape(64, D3D10_DDI_USAGE_STAGING, 0), None);
    let source = support::buffer(&mut runtime, 64, 0);
    call!(runtime, pfnResourceCopy, staging, source);
    runtime.kernel.completes_on_wait.store(false, Ordering::Relaxed);
    runtime.kernel.poison(error_code::BAD_OBJECT);
    call!(runtime, pfnFlush, 0);
    assert_eq!(runtime.kernel.take_errors(), [D3DDDIERR_DEVICEREMOVED]);
    let begin = Instant::now();
    assert!(map(&runtime, staging, D3D10_DDI_MAP_READ, 0).pData.is_null());
    assert_eq!(runtime.kernel.take_errors(), [D3DDDIERR_DEVICEREMOVED]);
    assert!(begin.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_host_that_dies_during_a_wait_ends_it() {
    let (mut runtime, _host) = support::device();
    let arg = D3D10DDIARG_CREATEQUERY { Query: D3D10DDI_QUERY_EVENT, MiscFlags: 0 };
    let query = create!(runtime, D3D10DDI_HQUERY, pfnCalcPrivateQuerySize, pfnCreateQuery, arg);
    call!(runtime, pfnQueryEnd, query);
    runtime.kernel.completes_on_wait.store(false, Ordering::Relaxed);
    let staging = resource(&mut runtime, buffer_shape(64, D3D10_DDI_USAGE_STAGING, 0), None);
    let source = support::buffer(&mut runtime, 64, 0);
    call!(runtime, pfnResourceCopy, staging, source);
    let kernel = runtime.kernel;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(50));
            kernel.removed.store(true, Ordering::Relaxed);
        });
        assert!(map(&runtime, staging, D3D10_DDI_MAP_READ, 0).pData.is_null());
    });
    assert_eq!(kernel.take_errors(), [D3DDDIERR_DEVICEREMOVED]);
    let mut data = 0u32;
    call!(runtime, pfnQueryGetData, query, (&raw mut data).cast(), 4, 0);
    assert_eq!(kernel.take_errors(), [D3DDDIERR_DEVICEREMOVED]);
}

#[test]
fn a_full_ring_of_a_removed_device_drops_commands() {
    let kernel = Kernel::new(128 << 10, 1 << 20);
    let runtime: Box<Runtime<D3D11_1DDI_DEVICEFUNCS>> = Runtime::new(kernel, D3D11_1_DDI_INTERFACE_VERSION);
    kernel.completes_on_wait.store(false, Ordering::Relaxed);
    kernel.poison(error_code::DEVICE_LOST);
    let begin = Instant::now();
    for _ in 0..100_000 {
        call!(runtime, pfnDraw, 3, 0);
    }
    assert!(begin.elapsed() < Duration::from_secs(2));
    let errors = kernel.take_errors();
    assert!(!errors.is_empty() && errors.iter().all(|error| *error == D3DDDIERR_DEVICEREMOVED));
    let present = runtime.dxgi.pfnBlt.expect("filled");
    let mut arg = DXGI_DDI_ARG_BLT { hDevice: runtime.device.0.expose_provenance(), ..Default::default() };
    // SAFETY: a complete argument, without resources.
    assert_eq!(unsafe { present(&raw mut arg) }, E_INVALIDARG);
    call!(runtime, pfnDestroyDevice);
    assert_eq!(kernel.contexts.load(Ordering::Relaxed), 0);
}

#[test]
fn a_slow_host_loses_nothing() {
    let kernel = Kernel::new(128 << 10, 1 << 20);
    let runtime: Box<Runtime<D3D11_1DDI_DEVICEFUNCS>> = Runtime::new(kernel, D3D11_1_DDI_INTERFACE_VERSION);
    kernel.completes_on_wait.store(false, Ordering::Relaxed);
    const DRAWS: usize = 20_000;
    let mut drawn = 0;
    std::thread::scope(|scope| {
        let host = scope.spawn(|| {
            let mut host = Host::new(kernel);
            let begin = Instant::now();
            let mut draws = 0;
            while draws < DRAWS && begin.elapsed() < Duration::from_secs(30) {
                for words in host.drain() {
                    let command = pvgpu_protocol::command::decode(&words).expect("a legal command");
                    match command {
                        pvgpu_protocol::CommandRef::Draw(_) => draws += 1,
                        pvgpu_protocol::CommandRef::Fence(fence) => kernel.complete(fence.value.into()),
                        _ => {}
                    }
                }
                std::thread::sleep(Duration::from_micros(200));
            }
            draws
        });
        for _ in 0..DRAWS {
            call!(runtime, pfnDraw, 3, 0);
        }
        // The last records may be held back until here.
        call!(runtime, pfnFlush, 0);
        drawn += host.join().expect("no panic");
    });
    assert_eq!(drawn, DRAWS);
    assert_eq!(kernel.take_errors(), [0; 0]);
}

#[test]
fn a_sleeping_host_is_woken_once() {
    let (runtime, mut host) = support::device();
    assert!(host.consumer.prepare_sleep().expect("an honest driver").sleep);
    call!(runtime, pfnDraw, 3, 0);
    call!(runtime, pfnFlush, 0);
    assert_eq!(runtime.kernel.doorbells.load(Ordering::Relaxed), 1);
    host.consumer.wake_up();
    host.drain();
    call!(runtime, pfnDraw, 3, 0);
    call!(runtime, pfnFlush, 0);
    assert_eq!(runtime.kernel.doorbells.load(Ordering::Relaxed), 1, "an awake host needs no kernel call");
}

#[test]
fn a_present_on_a_removed_device_says_so() {
    let (mut runtime, _host) = support::device();
    let shape = texture_shape(4, 4, D3D10_DDI_USAGE_DEFAULT, D3D10_DDI_BIND_PRESENT);
    let back_buffer = resource(&mut runtime, shape, None);
    runtime.kernel.poison(error_code::DEVICE_LOST);
    let present = runtime.dxgi.pfnPresent.expect("filled");
    let mut arg = DXGI_DDI_ARG_PRESENT {
        hDevice: runtime.device.0.expose_provenance(),
        hSurfaceToPresent: back_buffer.0.expose_provenance(),
        ..Default::default()
    };
    // SAFETY: a complete argument.
    assert_eq!(unsafe { present(&raw mut arg) }, D3DDDIERR_DEVICEREMOVED);
}
