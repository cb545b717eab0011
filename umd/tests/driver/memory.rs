//! Maps, staging, queries, flushes and presents: what the program gets and what the host is told.

use std::sync::atomic::Ordering;

use pvgpu_protocol::command::{CommandRef, bind, decode};
use pvgpu_protocol::format::FormatInfo;
use pvgpu_protocol::staging::Shape;
use pvgpu_protocol::telemetry::code;
use pvgpu_umd_ddi::*;

use crate::support::{self, Device, Host, buffer_shape, fill, map, resource, texture_shape};

/// The ranges that discards of dynamic buffers, or writes without overwriting, name: whether a discard, offset, length.
fn contents(host: &mut Host) -> Vec<(bool, u64, u64)> {
    let records = host.drain();
    let range = |words: &Vec<u64>| match decode(words).expect("a legal command") {
        CommandRef::DiscardBuffer(command) => {
            Some((true, command.data.offset.into(), command.data.length.into()))
        }
        CommandRef::PlaceBuffer(command) => {
            Some((true, command.data.offset.into(), command.data.length.into()))
        }
        CommandRef::WriteNoOverwrite(command) => {
            Some((false, command.data.offset.into(), command.data.length.into()))
        }
        _ => None,
    };
    records.iter().filter_map(range).collect()
}

/// The names of the commands in the ring.
fn names(host: &mut Host) -> Vec<&'static str> {
    host.drain().iter().map(|words| decode(words).expect("a legal command").name()).collect()
}

fn no_errors(runtime: &Device) {
    assert_eq!(runtime.kernel.take_errors(), [0; 0]);
}

#[test]
fn a_discarded_buffer_takes_what_the_program_wrote() {
    let (mut runtime, mut host) = support::device();
    let shape = buffer_shape(48, D3D10_DDI_USAGE_DYNAMIC, D3D10_DDI_BIND_CONSTANT_BUFFER);
    let constants = resource(&mut runtime, shape, None);
    let mut offsets = Vec::new();
    for round in 0..3u8 {
        let mapped = map(&runtime, constants, D3D10_DDI_MAP_WRITE_DISCARD, 0);
        assert_eq!((mapped.RowPitch, mapped.pData.addr() % 16), (48, 0));
        fill(&mapped, &[round; 48]);
        call!(runtime, pfnDynamicConstantBufferUnmap, constants, 0);
        let [(true, offset, 48)] = contents(&mut host)[..] else { panic!() };
        assert_eq!(runtime.kernel.read(offset, 48), [round; 48]);
        offsets.push(offset);
    }
    // Each has its own memory until a fence has passed.
    offsets.dedup();
    assert_eq!(offsets.len(), 3);
    no_errors(&runtime);
}

#[test]
fn no_overwrite_gives_the_memory_of_the_last_discard() {
    let (mut runtime, mut host) = support::device();
    let shape = buffer_shape(256, D3D10_DDI_USAGE_DYNAMIC, D3D10_DDI_BIND_VERTEX_BUFFER);
    let vertices = resource(&mut runtime, shape, Some((&[3; 256], 0)));
    let [(true, first, 256)] = contents(&mut host)[..] else { panic!("initial contents come as a discard") };
    assert_eq!(runtime.kernel.read(first, 256), [3; 256]);
    let mapped = map(&runtime, vertices, D3D10_DDI_MAP_WRITE_NOOVERWRITE, 0);
    fill(&mapped, &[4; 8]);
    call!(runtime, pfnDynamicIABufferUnmap, vertices, 0);
    assert_eq!(contents(&mut host), [(false, first, 256)]);
    let bytes = runtime.kernel.read(first, 16);
    assert_eq!(bytes, [4, 4, 4, 4, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3, 3]);

    map(&runtime, vertices, D3D10_DDI_MAP_WRITE_DISCARD, 0);
    call!(runtime, pfnDynamicIABufferUnmap, vertices, 0);
    let [(true, second, 256)] = contents(&mut host)[..] else { panic!() };
    assert_ne!(first, second);
    // The first memory comes back once the host is past the second discard.
    call!(runtime, pfnFlush, 0);
    runtime.kernel.complete(1);
    map(&runtime, vertices, D3D10_DDI_MAP_WRITE_DISCARD, 0);
    call!(runtime, pfnDynamicIABufferUnmap, vertices, 0);
    assert_eq!(contents(&mut host), [(true, first, 256)]);
    no_errors(&runtime);

    // What the GPU wrote is not in this memory: it is read back, once.
    let other = support::buffer(&mut runtime, 256, D3D10_DDI_BIND_VERTEX_BUFFER);
    call!(runtime, pfnResourceCopy, vertices, other);
    host.drain();
    map(&runtime, vertices, D3D10_DDI_MAP_WRITE_NOOVERWRITE, 0);
    assert_eq!(names(&mut host), ["CreateResource", "CopyResource", "DestroyObject", "Fence"]);
    assert_eq!(runtime.kernel.waits.load(Ordering::Relaxed), 1);
    call!(runtime, pfnDynamicIABufferUnmap, vertices, 0);
    map(&runtime, vertices, D3D10_DDI_MAP_WRITE_NOOVERWRITE, 0);
    call!(runtime, pfnDynamicIABufferUnmap, vertices, 0);
    assert_eq!(names(&mut host), ["WriteNoOverwrite", "WriteNoOverwrite"]);
    no_errors(&runtime);
}

#[test]
fn a_constant_buffer_can_be_mapped_without_overwriting() {
    let (mut runtime, mut host) = support::device();
    let shape = buffer_shape(64, D3D10_DDI_USAGE_DYNAMIC, D3D10_DDI_BIND_CONSTANT_BUFFER);
    let constants = resource(&mut runtime, shape, None);
    // Nothing in it yet: the same as a discard.
    host.drain();
    map(&runtime, constants, D3D10_DDI_MAP_WRITE_NOOVERWRITE, 0);
    call!(runtime, pfnDynamicConstantBufferUnmap, constants, 0);
    map(&runtime, constants, D3D10_DDI_MAP_WRITE_NOOVERWRITE, 0);
    call!(runtime, pfnDynamicConstantBufferUnmap, constants, 0);
    let [(true, first, 64), (false, second, 64)] = contents(&mut host)[..] else { panic!() };
    assert_eq!(first, second);

    // Discarded before into upload memory, which may be another's by now. Its size is no multiple of a staging layout's.
    let shape = buffer_shape(16, D3D10_DDI_USAGE_DYNAMIC, D3D10_DDI_BIND_CONSTANT_BUFFER);
    let constants = resource(&mut runtime, shape, None);
    map(&runtime, constants, D3D10_DDI_MAP_WRITE_DISCARD, 0);
    call!(runtime, pfnDynamicConstantBufferUnmap, constants, 0);
    host.drain();
    map(&runtime, constants, D3D10_DDI_MAP_WRITE_NOOVERWRITE, 0);
    call!(runtime, pfnDynamicConstantBufferUnmap, constants, 0);
    let records = host.drain();
    let commands: Vec<_> = records.iter().map(|words| decode(words).expect("a legal command")).collect();
    let names: Vec<_> = commands.iter().map(CommandRef::name).collect();
    assert_eq!(names, ["CreateResource", "CopyResource", "DestroyObject", "Fence", "WriteNoOverwrite"]);
    let Some(CommandRef::CreateResource(staging)) = commands.first() else { panic!() };
    let layout = Shape { width: 16, height: 1, depth: 1, mip_levels: 1, array_size: 1 };
    assert_eq!(Some(staging.heap.length.to_native()), layout.total_bytes(FormatInfo::BYTES));
    no_errors(&runtime);
}

#[test]
fn a_dynamic_texture_is_written_at_unmap() {
    let (mut runtime, mut host) = support::device();
    let shape = texture_shape(6, 3, D3D10_DDI_USAGE_DYNAMIC, D3D10_DDI_BIND_SHADER_RESOURCE);
    let texture = resource(&mut runtime, shape, None);
    host.drain();
    let mapped = map(&runtime, texture, D3D10_DDI_MAP_WRITE_DISCARD, 0);
    assert_eq!((mapped.RowPitch, mapped.DepthPitch), (24, 72));
    fill(&mapped, &[9; 72]);
    call!(runtime, pfnDynamicResourceUnmap, texture, 0);
    let records = host.drain();
    let CommandRef::UpdateSubresource(command) = decode(&records[0]).expect("a legal command") else {
        panic!()
    };
    assert_eq!(
        (command.row_pitch, command.dst_box.right, command.dst_box.bottom),
        (24.into(), 6.into(), 3.into())
    );
    assert_eq!(runtime.kernel.read(command.data.offset.into(), 72), [9; 72]);
    no_errors(&runtime);
}

#[test]
fn staging_is_read_after_its_fence() {
    let (mut runtime, mut host) = support::device();
    let shape = texture_shape(4, 4, D3D10_DDI_USAGE_STAGING, 0);
    let staging = resource(&mut runtime, shape, Some((&[8; 64], 16)));
    let records = host.drain();
    let [words] = &records[..] else { panic!("initial contents are written in place") };
    let CommandRef::CreateResource(command) = decode(words).expect("a legal command") else { panic!() };
    let (offset, length) = (command.heap.offset.to_native(), command.heap.length.to_native());
    assert_eq!(runtime.kernel.read(offset, 64), [8; 64]);
    assert!(length >= 64);

    // Nothing uses it: no wait.
    let mapped = map(&runtime, staging, D3D10_DDI_MAP_READ, 0);
    assert_eq!((mapped.RowPitch, mapped.DepthPitch), (16, 64));
    assert_eq!(runtime.kernel.waits.load(Ordering::Relaxed), 0);
    call!(runtime, pfnStagingResourceUnmap, staging, 0);

    let source =
        resource(&mut runtime, texture_shape(4, 4, D3D10_DDI_USAGE_DEFAULT, bind::RENDER_TARGET), None);
    call!(runtime, pfnResourceCopy, staging, source);
    assert_eq!(call!(runtime, pfnResourceIsStagingBusy, staging), TRUE);
    assert!(map(&runtime, staging, D3D10_DDI_MAP_READ, D3D10_DDI_MAP_FLAG_DONOTWAIT).pData.is_null());
    assert_eq!(runtime.kernel.take_errors(), [DXGI_DDI_ERR_WASSTILLDRAWING]);
    // The failed try has flushed, so that it will be ready some time.
    assert_eq!(runtime.kernel.renders.lock().expect("no panic").len(), 1);

    let mapped = map(&runtime, staging, D3D10_DDI_MAP_READ, 0);
    assert!(!mapped.pData.is_null());
    assert_eq!(runtime.kernel.waits.load(Ordering::Relaxed), 1);
    let waited = runtime
        .kernel
        .traces
        .lock()
        .expect("no panic")
        .iter()
        .filter(|(what, _)| *what == code::UMD_WAITED)
        .count();
    assert_eq!(waited, 1, "a wait of the program's thread is counted");
    assert_eq!(call!(runtime, pfnResourceIsStagingBusy, staging), FALSE);
    no_errors(&runtime);
}

#[test]
fn staging_is_updated_in_place() {
    let (mut runtime, mut host) = support::device();
    let staging = resource(&mut runtime, texture_shape(4, 4, D3D10_DDI_USAGE_STAGING, 0), None);
    host.drain();
    let part = D3D10_DDI_BOX { left: 1, right: 3, top: 2, bottom: 4, front: 0, back: 1 };
    let data: Vec<u8> = (1..=16).collect();
    call!(
        runtime,
        pfnResourceUpdateSubresourceUP,
        staging,
        0,
        &raw const part,
        data.as_ptr().cast(),
        8,
        0,
        0
    );
    assert!(host.drain().is_empty());
    let mapped = map(&runtime, staging, D3D10_DDI_MAP_READ, 0);
    // SAFETY: the driver mapped 4 rows of 16 bytes.
    let memory = unsafe { core::slice::from_raw_parts(mapped.pData.cast::<u8>(), 64) };
    assert_eq!((&memory[36..44], &memory[52..60]), (&data[..8], &data[8..]));
    assert_eq!(memory.iter().filter(|byte| **byte != 0).count(), 16);
    no_errors(&runtime);
}

#[test]
fn a_query_is_ready_with_its_fence() {
    let (mut runtime, mut host) = support::device();
    let arg = D3D10DDIARG_CREATEQUERY { Query: D3D10DDI_QUERY_OCCLUSION, MiscFlags: 0 };
    let query = create!(runtime, D3D10DDI_HQUERY, pfnCalcPrivateQuerySize, pfnCreateQuery, arg);
    let records = host.drain();
    let CommandRef::CreateQuery(command) = decode(&records[0]).expect("a legal command") else { panic!() };
    let slot = command.slot.offset.to_native();
    call!(runtime, pfnQueryBegin, query);
    call!(runtime, pfnQueryEnd, query);
    let mut data = 0u64;
    let no_flush = D3D10_DDI_GET_DATA_DO_NOT_FLUSH;
    call!(runtime, pfnQueryGetData, query, (&raw mut data).cast(), 8, no_flush);
    assert!(runtime.kernel.renders.lock().expect("no panic").is_empty());
    call!(runtime, pfnQueryGetData, query, (&raw mut data).cast(), 8, 0);
    assert_eq!(runtime.kernel.take_errors(), [DXGI_DDI_ERR_WASSTILLDRAWING; 2]);
    assert_eq!(runtime.kernel.renders.lock().expect("no panic").len(), 1);
    // The host writes the result, then the fence.
    let cell = ((slot - support::HEAP_OFFSET) / 8) as usize;
    runtime.kernel.heap[cell].store(1234, Ordering::Relaxed);
    runtime.kernel.complete(1);
    call!(runtime, pfnQueryGetData, query, (&raw mut data).cast(), 8, 0);
    assert_eq!(data, 1234);
    no_errors(&runtime);

    // The host takes beginnings and ends in pairs only, a program may call them in any order.
    host.drain();
    call!(runtime, pfnQueryEnd, query);
    call!(runtime, pfnQueryBegin, query);
    call!(runtime, pfnQueryBegin, query);
    let names: Vec<_> =
        host.drain().iter().map(|words| decode(words).expect("a legal command").name()).collect();
    assert_eq!(names, ["BeginQuery", "EndQuery", "BeginQuery", "EndQuery", "BeginQuery"]);

    let arg = D3D10DDIARG_CREATEQUERY { Query: D3D10DDI_COUNTER_GPU_IDLE, MiscFlags: 0 };
    create!(runtime, D3D10DDI_HQUERY, pfnCalcPrivateQuerySize, pfnCreateQuery, arg);
    assert_eq!(runtime.kernel.take_errors(), [E_NOTIMPL]);
}

#[test]
fn a_flush_submits_the_fence_that_ends_the_batch() {
    let (runtime, mut host) = support::device();
    assert_eq!(call!(runtime, pfnFlush, 0), FALSE, "there is nothing to submit");
    call!(runtime, pfnDraw, 3, 0);
    assert_eq!(call!(runtime, pfnFlush, 0), TRUE);
    assert_eq!(call!(runtime, pfnFlush, 0), FALSE);
    host.drain();
    let renders = runtime.kernel.renders.lock().expect("no panic").clone();
    let [marker] = &renders[..] else { panic!() };
    assert_eq!((marker.context, marker.value, marker.gate), (support::CONTEXT, 1, 0));
    assert_eq!(marker.position, host.consumer.consumed());
}

#[test]
fn presents_take_the_frames_in_turn() {
    let (mut runtime, mut host) = support::device();
    let shape =
        texture_shape(10, 4, D3D10_DDI_USAGE_DEFAULT, D3D10_DDI_BIND_RENDER_TARGET | D3D10_DDI_BIND_PRESENT);
    let back_buffer = resource(&mut runtime, shape, None);
    let allocation = runtime.kernel.allocations.lock().expect("no panic")[0];
    assert_eq!((allocation.width, allocation.height, allocation.row_pitch), (10, 4, 40));
    assert_eq!((allocation.context, allocation.frame_bytes % 4096), (support::CONTEXT, 0));
    host.drain();
    let present = runtime.dxgi.pfnPresent.expect("filled");
    for frame in 0..4u64 {
        let mut arg = DXGI_DDI_ARG_PRESENT {
            hDevice: runtime.device.0.expose_provenance(),
            hSurfaceToPresent: back_buffer.0.expose_provenance(),
            pDXGIContext: core::ptr::without_provenance_mut(77),
            ..Default::default()
        };
        // SAFETY: a complete argument.
        assert_eq!(unsafe { present(&raw mut arg) }, S_OK);
        let records = host.drain();
        let CommandRef::Present(command) = decode(&records[0]).expect("a legal command") else { panic!() };
        let offset = allocation.frames_offset + frame % 3 * allocation.frame_bytes;
        assert_eq!((command.frame.offset, command.frame.length), (offset.into(), 160.into()));
        assert_eq!((command.sequence, command.width), ((frame + 1).into(), 10.into()));
        let (source, context, marker) =
            *runtime.kernel.presents.lock().expect("no panic").last().expect("a present");
        assert_eq!((source, context), (0x101, 77));
        assert_eq!((u64::from(marker.frame), marker.value), (frame % 3, frame + 1));
        assert_eq!(runtime.kernel.renders.lock().expect("no panic").last(), Some(&marker));
    }
    call!(runtime, pfnDestroyResource, back_buffer);
    assert_eq!(runtime.kernel.deallocated.load(Ordering::Relaxed), 1);
    no_errors(&runtime);
}

#[test]
fn the_buffers_of_a_large_swap_chain_share_frames() {
    let (mut runtime, _host) = support::device();
    let shape = |width| {
        let bind = D3D10_DDI_BIND_RENDER_TARGET | D3D10_DDI_BIND_PRESENT;
        texture_shape(width, 3000, D3D10_DDI_USAGE_DEFAULT, bind)
    };
    // Three frames take 46 MiB: two surfaces have their own, and one of another size has, too.
    let buffers: Vec<_> = [1340, 1340, 1340, 1340, 1341]
        .map(|width| resource(&mut runtime, shape(width), None))
        .into_iter()
        .collect();
    let kernel = runtime.kernel;
    let offsets = || {
        let allocations = kernel.allocations.lock().expect("no panic");
        allocations.iter().map(|allocation| allocation.frames_offset).collect::<Vec<_>>()
    };
    let [first, second, third, fourth, other] = offsets()[..] else { panic!() };
    assert!(first != second && (third, fourth) == (second, second) && ![first, second].contains(&other));
    // What two share stays until the last of them is gone, and is free then.
    for buffer in &buffers[1..3] {
        call!(runtime, pfnDestroyResource, *buffer);
    }
    resource(&mut runtime, shape(1340), None);
    assert_eq!(offsets()[5], second);
    for buffer in [buffers[3], buffers[0]] {
        call!(runtime, pfnDestroyResource, buffer);
    }
    resource(&mut runtime, shape(1340), None);
    assert_eq!(offsets()[6], second);
    no_errors(&runtime);
}

#[test]
fn a_full_heap_is_out_of_memory_and_nothing_is_lost() {
    let (mut runtime, mut host) = support::device();
    runtime.kernel.heap_left.store(0, Ordering::Relaxed);
    let shape = buffer_shape(8 << 20, D3D10_DDI_USAGE_STAGING, 0);
    resource(&mut runtime, shape, None);
    assert_eq!(runtime.kernel.take_errors(), [E_OUTOFMEMORY]);
    assert!(host.drain().is_empty());
    // What fits works as before.
    resource(&mut runtime, buffer_shape(64, D3D10_DDI_USAGE_STAGING, 0), None);
    assert_eq!(host.drain().len(), 1);
    no_errors(&runtime);
}
