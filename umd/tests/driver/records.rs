//! What each group of entries puts into the ring, as the host decodes it.

use pvgpu_protocol::command::{CommandRef, NONE, bind, decode, dimension, stage, usage, view_kind};
use pvgpu_umd_ddi::*;

use crate::support::{self, Device, Host, buffer, buffer_shape, resource, texture_shape, texture_view};

/// The names of the commands in the ring.
fn names(host: &mut Host) -> Vec<&'static str> {
    host.drain().iter().map(|words| decode(words).expect("a legal command").name()).collect()
}

/// Takes the only command in the ring. Its words are leaked, so that it can be looked at.
macro_rules! only {
    ($host:expr, $variant:ident) => {{
        let records: &'static [Vec<u64>] = $host.drain().leak();
        let [words] = records else { panic!("{} records", records.len()) };
        match decode(words).expect("a legal command") {
            CommandRef::$variant(command) => command,
            other => panic!("{}", other.name()),
        }
    }};
}

fn id_of(host: &mut Host) -> u32 {
    only!(host, CreateResource).id.into()
}

fn no_errors(runtime: &Device) {
    assert_eq!(runtime.kernel.take_errors(), [0; 0]);
}

#[test]
fn resources_are_described() {
    let (mut runtime, mut host) = support::device();
    let texture = resource(
        &mut runtime,
        texture_shape(20, 10, D3D10_DDI_USAGE_DEFAULT, D3D10_DDI_BIND_RENDER_TARGET),
        None,
    );
    let command = only!(host, CreateResource);
    assert_eq!(command.dimension, dimension::TEXTURE2D);
    assert_eq!((command.width.into(), command.height.into(), command.depth.into()), (20u32, 10u32, 1u32));
    assert_eq!(
        (command.format, command.usage, command.bind_flags),
        (28.into(), usage::DEFAULT.into(), bind::RENDER_TARGET.into())
    );
    assert_eq!(command.heap.length, 0);

    let view = D3D10DDIARG_CREATERENDERTARGETVIEW {
        hDrvResource: texture,
        Format: DXGI_FORMAT_R8G8B8A8_UNORM_SRGB,
        ResourceDimension: D3D10DDIRESOURCE_TEXTURE2D,
        Anonymous: D3D10DDIARG_CREATERENDERTARGETVIEW_0 {
            Tex2D: D3D10DDIARG_TEX2D_RENDERTARGETVIEW { MipSlice: 0, FirstArraySlice: 0, ArraySize: 1 },
        },
    };
    let view = create!(
        runtime,
        D3D10DDI_HRENDERTARGETVIEW,
        pfnCalcPrivateRenderTargetViewSize,
        pfnCreateRenderTargetView,
        view
    );
    let created = only!(host, CreateView);
    assert_eq!(
        (created.kind, created.resource, created.format),
        (view_kind::RENDER_TARGET.into(), command.id, 29.into())
    );
    call!(runtime, pfnClearRenderTargetView, view, [0.25f32, 0.5, 0.75, 1.0].as_ptr());
    assert_eq!(only!(host, ClearRenderTargetView).color, [0.25, 0.5, 0.75, 1.0]);
    call!(runtime, pfnDestroyRenderTargetView, view);
    assert_eq!(only!(host, DestroyObject).id, created.id);
    call!(runtime, pfnDestroyResource, texture);
    assert_eq!(only!(host, DestroyObject).id, command.id);
    no_errors(&runtime);
}

#[test]
fn cube_views_count_faces() {
    let (mut runtime, mut host) = support::device();
    let texture = resource(
        &mut runtime,
        texture_shape(16, 16, D3D10_DDI_USAGE_DEFAULT, D3D10_DDI_BIND_SHADER_RESOURCE),
        None,
    );
    host.drain();
    let view = D3D11DDIARG_CREATESHADERRESOURCEVIEW {
        hDrvResource: texture,
        Format: DXGI_FORMAT_R8G8B8A8_UNORM,
        ResourceDimension: D3D10DDIRESOURCE_TEXTURECUBE,
        Anonymous: D3D11DDIARG_CREATESHADERRESOURCEVIEW_0 {
            TexCube: D3D10_1DDIARG_TEXCUBE_SHADERRESOURCEVIEW {
                MostDetailedMip: 1,
                MipLevels: 2,
                First2DArrayFace: 6,
                NumCubes: 2,
            },
        },
    };
    create!(
        runtime,
        D3D10DDI_HSHADERRESOURCEVIEW,
        pfnCalcPrivateShaderResourceViewSize,
        pfnCreateShaderResourceView,
        view
    );
    let range = only!(host, CreateView).range;
    assert_eq!((range.most_detailed_mip, range.mip_levels), (1.into(), 2.into()));
    assert_eq!((range.first_array_slice, range.array_size), (6.into(), 12.into()));
}

#[test]
fn bindings_are_sent_once() {
    let (mut runtime, mut host) = support::device();
    let vertices = buffer(&mut runtime, 256, D3D10_DDI_BIND_VERTEX_BUFFER);
    let id = id_of(&mut host);
    let view = texture_view(&mut runtime);
    host.drain();
    let (stride, offset) = (32u32, 64u32);
    for _ in 0..2 {
        call!(
            runtime,
            pfnIaSetVertexBuffers,
            3,
            1,
            &raw const vertices,
            &raw const stride,
            &raw const offset
        );
    }
    let command = only!(host, SetVertexBuffers);
    assert_eq!(command.start_slot, 3);
    let binding = command.buffers[0];
    assert_eq!((binding.buffer, binding.stride, binding.offset), (id.into(), 32.into(), 64.into()));

    let views = [view, D3D10DDI_HSHADERRESOURCEVIEW::NULL];
    call!(runtime, pfnPsSetShaderResources, 5, 2, views.as_ptr());
    call!(runtime, pfnPsSetShaderResources, 5, 2, views.as_ptr());
    let command = only!(host, SetShaderResources);
    assert_eq!((command.stage, command.start_slot), (stage::PIXEL.into(), 5.into()));
    assert_eq!((command.views.len(), command.views[1].into()), (2, NONE));

    call!(runtime, pfnIaSetIndexBuffer, vertices, DXGI_FORMAT_R16_UINT, 2);
    call!(runtime, pfnIaSetIndexBuffer, vertices, DXGI_FORMAT_R16_UINT, 2);
    let command = only!(host, SetIndexBuffer);
    assert_eq!((command.buffer, command.format, command.offset), (id.into(), 57.into(), 2.into()));

    let constants = [vertices];
    let (first, number) = (16u32, 32u32);
    call!(runtime, pfnCsSetConstantBuffers, 1, 1, constants.as_ptr(), &raw const first, &raw const number);
    let command = only!(host, SetConstantBuffers);
    assert_eq!(command.stage, stage::COMPUTE);
    assert_eq!((command.buffers[0].first_constant, command.buffers[0].num_constants), (16.into(), 32.into()));
    call!(runtime, pfnCsSetConstantBuffers, 1, 1, constants.as_ptr(), core::ptr::null(), core::ptr::null());
    assert_eq!(only!(host, SetConstantBuffers).buffers[0].num_constants, 4096);

    call!(runtime, pfnIaSetTopology, 4);
    call!(runtime, pfnIaSetTopology, 4);
    assert_eq!(only!(host, SetTopology).topology, 4);
    call!(runtime, pfnSetRasterizerState, D3D10DDI_HRASTERIZERSTATE::NULL);
    assert_eq!(only!(host, SetRasterizerState).state, NONE);
    no_errors(&runtime);
}

#[test]
fn a_new_object_with_an_old_number_is_bound_anew() {
    let (mut runtime, mut host) = support::device();
    let (stride, offset) = (4u32, 0u32);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let vertices = buffer(&mut runtime, 256, D3D10_DDI_BIND_VERTEX_BUFFER);
        ids.push(id_of(&mut host));
        call!(
            runtime,
            pfnIaSetVertexBuffers,
            0,
            1,
            &raw const vertices,
            &raw const stride,
            &raw const offset
        );
        assert_eq!(names(&mut host), ["SetVertexBuffers"]);
        call!(runtime, pfnDestroyResource, vertices);
        assert_eq!(names(&mut host), ["DestroyObject"]);
    }
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn unordered_access_views_keep_what_a_call_does_not_set() {
    let (mut runtime, mut host) = support::device();
    let shape = buffer_shape(64, D3D10_DDI_USAGE_DEFAULT, D3D11_DDI_BIND_UNORDERED_ACCESS);
    let storage = resource(&mut runtime, shape, None);
    let arg = D3D11DDIARG_CREATEUNORDEREDACCESSVIEW {
        hDrvResource: storage,
        Format: DXGI_FORMAT_UNKNOWN,
        ResourceDimension: D3D10DDIRESOURCE_BUFFER,
        Anonymous: D3D11DDIARG_CREATEUNORDEREDACCESSVIEW_0 {
            Buffer: D3D11DDIARG_BUFFER_UNORDEREDACCESSVIEW { FirstElement: 0, NumElements: 16, Flags: 0 },
        },
    };
    let uav = create!(
        runtime,
        D3D11DDI_HUNORDEREDACCESSVIEW,
        pfnCalcPrivateUnorderedAccessViewSize,
        pfnCreateUnorderedAccessView,
        arg
    );
    host.drain();
    let no_target = D3D10DDI_HDEPTHSTENCILVIEW::NULL;
    let (none, counts) = (core::ptr::null(), [9u32]);
    call!(runtime, pfnSetRenderTargets, none, 0, 0, no_target, &raw const uav, counts.as_ptr(), 2, 1, 2, 1);
    let command = only!(host, SetRenderTargets);
    assert_eq!(
        (command.uav_start, command.uavs.len(), command.uavs[0].initial_count),
        (2.into(), 1, 9.into())
    );
    // Another slot: the first stays, and its counter is not set again.
    call!(runtime, pfnSetRenderTargets, none, 0, 0, no_target, &raw const uav, core::ptr::null(), 4, 1, 4, 1);
    let command = only!(host, SetRenderTargets);
    assert_eq!(
        (command.uav_start, command.uavs.len(), command.uavs[0].initial_count),
        (2.into(), 3, u32::MAX.into())
    );
    // The whole range cleared.
    call!(
        runtime,
        pfnSetRenderTargets,
        none,
        0,
        0,
        no_target,
        core::ptr::null(),
        core::ptr::null(),
        0,
        0,
        0,
        8
    );
    assert_eq!(only!(host, SetRenderTargets).uavs.len(), 0);
    no_errors(&runtime);
}

#[test]
fn shaders_and_layouts_carry_their_signatures() {
    let (mut runtime, mut host) = support::device();
    let code = [0x0001_0050u32, 5, 1, 2, 3];
    let input = [D3D11_1DDIARG_SIGNATURE_ENTRY2 {
        Register: 1,
        Mask: 7,
        RegisterComponentType: 3,
        ..Default::default()
    }];
    let signatures = D3D11_1DDIARG_STAGE_IO_SIGNATURES {
        pInputSignature: input.as_ptr(),
        NumInputSignatureEntries: 1,
        ..Default::default()
    };
    let bytes = call!(runtime, pfnCalcPrivateShaderSize, code.as_ptr(), &raw const signatures);
    let shader = D3D10DDI_HSHADER(runtime.place(bytes));
    call!(runtime, pfnCreateVertexShader, code.as_ptr(), shader, Default::default(), &raw const signatures);
    let command = only!(host, CreateShader);
    assert_eq!((command.stage, command.tokens.length), (stage::VERTEX.into(), 20.into()));
    assert_eq!((command.input.len(), command.output.len(), command.patch_constant.len()), (1, 0, 0));
    let element = command.input[0];
    assert_eq!((element.register, element.mask, element.component_type), (1.into(), 7.into(), 3.into()));
    let tokens = runtime.kernel.read(command.tokens.offset.into(), 20);
    assert_eq!(tokens, code.iter().flat_map(|token| token.to_le_bytes()).collect::<Vec<_>>());

    // A length beyond every limit is refused before anything is read.
    let absurd = [0x0001_0050u32, u32::MAX];
    call!(runtime, pfnCreatePixelShader, absurd.as_ptr(), shader, Default::default(), core::ptr::null());
    assert_eq!(runtime.kernel.take_errors(), [E_INVALIDARG]);

    let elements =
        [D3D10DDIARG_INPUT_ELEMENT_DESC { InputSlot: 2, Format: 6, InputRegister: 1, ..Default::default() }];
    let arg = D3D10DDIARG_CREATEELEMENTLAYOUT { pVertexElements: elements.as_ptr(), NumElements: 1 };
    create!(runtime, D3D10DDI_HELEMENTLAYOUT, pfnCalcPrivateElementLayoutSize, pfnCreateElementLayout, arg);
    let command = only!(host, CreateElementLayout);
    assert_eq!((command.elements[0].input_slot, command.elements[0].input_register), (2.into(), 1.into()));
}

#[test]
fn state_objects_travel_as_the_ddi_has_them() {
    let (mut runtime, mut host) = support::device();
    let mut desc = D3D11_1_DDI_BLEND_DESC { IndependentBlendEnable: TRUE, ..Default::default() };
    desc.RenderTarget[3].BlendEnable = TRUE;
    desc.RenderTarget[3].SrcBlend = D3D10_DDI_BLEND_SRC_ALPHA;
    desc.RenderTarget[3].RenderTargetWriteMask = 0xf;
    let blend =
        create!(runtime, D3D10DDI_HBLENDSTATE, pfnCalcPrivateBlendStateSize, pfnCreateBlendState, desc);
    let command = only!(host, CreateBlendState);
    assert_eq!((command.independent_blend_enable, command.render_targets[3].src_blend), (1.into(), 5.into()));
    assert_eq!(command.render_targets[3].write_mask, 15);
    // What is not used may be anything, and becomes the default.
    assert_eq!(
        (command.render_targets[0].src_blend, command.render_targets[0].blend_op),
        (2.into(), 1.into())
    );
    call!(runtime, pfnSetBlendState, blend, [0.5f32; 4].as_ptr(), 0xff);
    let set = only!(host, SetBlendState);
    assert_eq!((set.state, set.sample_mask), (command.id, 0xff.into()));
    let desc = D3D10_DDI_SAMPLER_DESC { Filter: 0x55, MaxAnisotropy: 8, MaxLOD: 3.5, ..Default::default() };
    create!(runtime, D3D10DDI_HSAMPLER, pfnCalcPrivateSamplerSize, pfnCreateSampler, desc);
    let command = only!(host, CreateSampler);
    assert_eq!((command.filter, command.max_anisotropy), (0x55.into(), 8.into()));
    assert_eq!(command.max_lod, 3.5);
    let desc = D3D11_1_DDI_RASTERIZER_DESC { FillMode: 3, CullMode: 2, DepthBias: -7, ..Default::default() };
    create!(
        runtime,
        D3D10DDI_HRASTERIZERSTATE,
        pfnCalcPrivateRasterizerStateSize,
        pfnCreateRasterizerState,
        desc
    );
    assert_eq!(only!(host, CreateRasterizerState).depth_bias, -7);
    let desc = D3D10_DDI_DEPTH_STENCIL_DESC { DepthEnable: 5, StencilReadMask: 0xab, ..Default::default() };
    create!(
        runtime,
        D3D10DDI_HDEPTHSTENCILSTATE,
        pfnCalcPrivateDepthStencilStateSize,
        pfnCreateDepthStencilState,
        desc
    );
    let command = only!(host, CreateDepthStencilState);
    assert_eq!((command.depth_enable, command.stencil_read_mask), (1.into(), 0xab.into()));
    assert_eq!((command.front_face.func, command.back_face.pass_op), (8.into(), 1.into()));
}

#[test]
fn draws_become_one_record_each() {
    let (mut runtime, mut host) = support::device();
    let arguments = buffer(&mut runtime, 64, 0);
    host.drain();
    call!(runtime, pfnDraw, 3, 1);
    let command = only!(host, Draw);
    assert_eq!(
        (command.vertex_count, command.instance_count, command.start_vertex),
        (3.into(), 1.into(), 1.into())
    );
    call!(runtime, pfnDrawIndexedInstanced, 6, 2, 3, -4, 5);
    let command = only!(host, DrawIndexed);
    assert_eq!(
        (command.index_count, command.base_vertex, command.start_instance),
        (6.into(), (-4).into(), 5.into())
    );
    call!(runtime, pfnDispatch, 1, 2, 3);
    assert_eq!(only!(host, Dispatch).z, 3);
    call!(runtime, pfnDrawIndexedInstancedIndirect, arguments, 16);
    assert_eq!(only!(host, DrawIndirect).offset, 16);
    no_errors(&runtime);
}

#[test]
fn a_long_frame_gets_fences_without_kernel_calls() {
    let (runtime, mut host) = support::device();
    for _ in 0..600 {
        call!(runtime, pfnDraw, 3, 0);
    }
    let names = names(&mut host);
    assert_eq!(names.iter().filter(|name| **name == "Fence").count(), 2);
    assert!(runtime.kernel.renders.lock().expect("no panic").is_empty());
}

#[test]
fn updates_choose_their_way() {
    let (mut runtime, mut host) = support::device();
    let small = buffer(&mut runtime, 64, D3D10_DDI_BIND_CONSTANT_BUFFER);
    let large = buffer(&mut runtime, 8192, D3D10_DDI_BIND_SHADER_RESOURCE);
    let texture = resource(
        &mut runtime,
        texture_shape(5, 4, D3D10_DDI_USAGE_DEFAULT, D3D10_DDI_BIND_SHADER_RESOURCE),
        None,
    );
    host.drain();
    let data: Vec<u8> = (0..8192u32).map(|index| index as u8).collect();
    let memory = data.as_ptr().cast();

    call!(runtime, pfnDefaultConstantBufferUpdateSubresourceUP, small, 0, core::ptr::null(), memory, 0, 0, 0);
    let command = only!(host, UpdateInline);
    assert_eq!((command.offset, &command.data[..]), (0.into(), &data[..64]));

    let part = D3D10_DDI_BOX { left: 8, right: 28, top: 0, bottom: 1, front: 0, back: 1 };
    call!(runtime, pfnResourceUpdateSubresourceUP, small, 0, &raw const part, memory, 0, 0, 0);
    let command = only!(host, UpdateInline);
    assert_eq!((command.offset, &command.data[..]), (8.into(), &data[..20]));

    call!(runtime, pfnResourceUpdateSubresourceUP, large, 0, core::ptr::null(), memory, 0, 0, 0);
    let command = only!(host, UpdateSubresource);
    assert_eq!((command.data.length, command.dst_box.right), (8192.into(), 8192.into()));
    assert_eq!(runtime.kernel.read(command.data.offset.into(), 8192), data);

    let part = D3D10_DDI_BOX { left: 1, right: 4, top: 1, bottom: 3, front: 0, back: 1 };
    call!(runtime, pfnResourceUpdateSubresourceUP, texture, 0, &raw const part, memory, 100, 0, 0);
    let command = only!(host, UpdateSubresource);
    assert_eq!((command.row_pitch, command.data.length), (16.into(), 32.into()));
    let bytes = runtime.kernel.read(command.data.offset.into(), 32);
    assert_eq!((&bytes[..12], &bytes[16..28]), (&data[..12], &data[100..112]));
    no_errors(&runtime);
}

#[test]
fn a_huge_upload_is_split() {
    let (mut runtime, mut host) = support::device();
    let data = vec![7u8; 2048 * 4 * 1500];
    let shape = texture_shape(2048, 1500, D3D10_DDI_USAGE_IMMUTABLE, D3D10_DDI_BIND_SHADER_RESOURCE);
    resource(&mut runtime, shape, Some((&data, 2048 * 4)));
    let records = host.drain();
    let mut rows = 0;
    for words in &records[1..] {
        let CommandRef::UpdateSubresource(command) = decode(words).expect("a legal command") else {
            panic!()
        };
        assert_eq!(command.dst_box.top, rows);
        assert!(command.data.length.to_native() <= 4 << 20);
        rows = command.dst_box.bottom.into();
    }
    assert_eq!((records.len(), rows), (4, 1500));
    no_errors(&runtime);
}

#[test]
fn copies_and_resolves_name_both_sides() {
    let (mut runtime, mut host) = support::device();
    let shape = texture_shape(8, 8, D3D10_DDI_USAGE_DEFAULT, D3D10_DDI_BIND_RENDER_TARGET);
    let dst = resource(&mut runtime, shape, None);
    let dst_id = id_of(&mut host);
    let src = resource(&mut runtime, shape, None);
    let src_id = id_of(&mut host);
    call!(runtime, pfnResourceCopy, dst, src);
    let command = only!(host, CopyResource);
    assert_eq!((command.dst, command.src), (dst_id.into(), src_id.into()));
    call!(runtime, pfnResourceCopyRegion, dst, 0, 1, 2, 0, src, 0, core::ptr::null(), 0);
    let command = only!(host, CopyRegion);
    assert_eq!(
        (command.dst_x, command.dst_y, command.src_box.right, command.src_box.back),
        (1.into(), 2.into(), 8.into(), 1.into())
    );
    let empty = D3D10_DDI_BOX { left: 3, right: 3, top: 0, bottom: 8, front: 0, back: 1 };
    call!(runtime, pfnResourceCopyRegion, dst, 0, 0, 0, 0, src, 0, &raw const empty, 0);
    assert_eq!(names(&mut host), [""; 0]);
    call!(runtime, pfnResourceResolveSubresource, dst, 0, src, 0, 28);
    assert_eq!(only!(host, ResolveSubresource).format, 28);
    no_errors(&runtime);
}

#[test]
fn stream_output_is_declared_bound_and_drawn() {
    let (mut runtime, mut host) = support::device();
    let buffer = buffer(&mut runtime, 64, D3D10_DDI_BIND_STREAM_OUTPUT | D3D10_DDI_BIND_VERTEX_BUFFER);
    let id = id_of(&mut host);
    let entry = |register, mask| D3D11DDIARG_STREAM_OUTPUT_DECLARATION_ENTRY {
        Stream: 0,
        OutputSlot: 1,
        RegisterIndex: register,
        RegisterMask: mask,
    };
    let declaration = [entry(2, 0xe), entry(u32::MAX, 0x3), entry(0, 0)];
    let strides = [0u32, 20];
    // The code of a vertex shader stands for none: the outputs of the stage before are passed through.
    for (program_type, passed_through) in [(1u32, true), (2, false)] {
        let code = [program_type << 16 | 0x50, 3, 0x3e | 1 << 24];
        let argument = D3D11DDIARG_CREATEGEOMETRYSHADERWITHSTREAMOUTPUT {
            pShaderCode: code.as_ptr(),
            pOutputStreamDecl: declaration.as_ptr(),
            NumEntries: 3,
            BufferStridesInBytes: strides.as_ptr(),
            NumStrides: 2,
            RasterizedStream: u32::MAX,
        };
        let memory = runtime.place(call!(
            runtime,
            pfnCalcPrivateGeometryShaderWithStreamOutput,
            &raw const argument,
            core::ptr::null()
        ));
        call!(
            runtime,
            pfnCreateGeometryShaderWithStreamOutput,
            &raw const argument,
            D3D10DDI_HSHADER(memory),
            Default::default(),
            core::ptr::null()
        );
        let created = only!(host, CreateStreamOutputShader);
        assert_eq!(created.tokens.length, if passed_through { 0 } else { 12 });
        assert_eq!(created.strides.map(u32::from), [0, 20, 0, 0]);
        assert_eq!(created.rasterized_stream, u32::MAX);
        let entries: Vec<_> =
            created.entries.iter().map(|e| [e.stream, e.buffer, e.register, e.mask].map(u32::from)).collect();
        assert_eq!(entries, [[0, 1, 2, 0xe], [0, 1, u32::MAX, 0x3]], "what captures nothing is left out");
        call!(runtime, pfnGsSetShader, D3D10DDI_HSHADER(memory));
        assert_eq!(u32::from(only!(host, SetShader).stage), stage::GEOMETRY);
    }
    let (targets, offsets) = ([D3D10DDI_HRESOURCE::NULL, buffer], [0, u32::MAX]);
    call!(runtime, pfnSoSetTargets, 2, 0, targets.as_ptr(), offsets.as_ptr());
    let bound = only!(host, SetStreamOutputTargets);
    let bound: Vec<_> = bound.targets.iter().map(|t| (u32::from(t.buffer), u32::from(t.offset))).collect();
    assert_eq!(bound, [(NONE, 0), (id, u32::MAX)]);
    call!(runtime, pfnDrawAuto);
    assert_eq!(names(&mut host), ["DrawAuto"]);
    for expected in [&["SetStreamOutputTargets"][..], &[]] {
        call!(runtime, pfnSoSetTargets, 0, 2, targets.as_ptr(), offsets.as_ptr());
        assert_eq!(names(&mut host), expected, "unbound once");
    }
    no_errors(&runtime);
}

#[test]
fn a_predicate_leaves_out_no_map() {
    let (mut runtime, mut host) = support::device();
    let argument = D3D10DDIARG_CREATEQUERY {
        Query: D3D10DDI_QUERY_OCCLUSIONPREDICATE,
        MiscFlags: D3D10DDI_QUERY_MISCFLAG_PREDICATEHINT,
    };
    let query = create!(runtime, D3D10DDI_HQUERY, pfnCalcPrivateQuerySize, pfnCreateQuery, argument);
    let id: u32 = only!(host, CreateQuery).id.into();
    call!(runtime, pfnSetPredication, query, 1);
    let set = only!(host, SetPredication);
    assert_eq!([set.query, set.value, set.hint].map(u32::from), [id, 1, 1]);
    // Initial contents arrive whatever the predicate says; an update does not.
    let data = [7u8; 64];
    let shape = buffer_shape(64, D3D10_DDI_USAGE_IMMUTABLE, D3D10_DDI_BIND_VERTEX_BUFFER);
    let filled = resource(&mut runtime, shape, Some((&data, 64)));
    let wrapped = ["CreateResource", "SetPredication", "UpdateInline", "SetPredication"];
    assert_eq!(names(&mut host), wrapped);
    let memory = data.as_ptr().cast();
    call!(runtime, pfnResourceUpdateSubresourceUP, filled, 0, core::ptr::null(), memory, 0, 0, 0);
    assert_eq!(names(&mut host), ["UpdateInline"]);
    call!(runtime, pfnSetPredication, D3D10DDI_HQUERY::NULL, 1);
    assert_eq!(u32::from(only!(host, SetPredication).query), NONE);
    call!(runtime, pfnSetPredication, D3D10DDI_HQUERY::NULL, 0);
    assert_eq!(names(&mut host), [""; 0]);
    no_errors(&runtime);
}
