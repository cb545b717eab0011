//! One safe method per entry of the device table that the immediate context uses.

use pvgpu_umd_ddi as ddi;

use super::super::guard::Locked;
use super::super::record::Recorder;
use super::super::record::stream::{Reader, Value};
use super::{Driver, Raw, Stage};
use crate::hresult::Result;
use crate::map::{Entry, Mode};

use ddi::{
    D3D10_DDI_BOX, D3D10_DDI_RECT, D3D10_DDI_VIEWPORT, D3D10DDI_HBLENDSTATE, D3D10DDI_HDEPTHSTENCILSTATE,
    D3D10DDI_HDEPTHSTENCILVIEW, D3D10DDI_HELEMENTLAYOUT, D3D10DDI_HQUERY, D3D10DDI_HRASTERIZERSTATE,
    D3D10DDI_HRENDERTARGETVIEW, D3D10DDI_HRESOURCE, D3D10DDI_HSHADER, D3D10DDI_HSHADERRESOURCEVIEW,
    D3D10DDI_HT_RESOURCE, D3D11DDI_HUNORDEREDACCESSVIEW, D3DWDDM1_3DDI_TILE_REGION_SIZE,
    D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE,
};

/// One subresource of a resource.
#[derive(Clone, Copy, Debug)]
pub struct Subresource {
    /// The resource's handle.
    pub resource: Raw,
    /// Number of the subresource.
    pub index: u32,
}

/// The length of a list of bindings: at most 128.
fn len<T>(list: &[T]) -> u32 {
    // CAST: see above.
    list.len() as u32
}

/// A box argument: null for "everything".
fn pointer<T>(value: Option<&T>) -> *const T {
    value.map_or(core::ptr::null(), core::ptr::from_ref)
}

/// A trait of driver calls: made at once by [`Driver`], kept for later by [`Recorder`].
macro_rules! recorded {
    ($(#[$trait_doc:meta])* $trait:ident {
        $($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*);)*
    }) => {
        $(#[$trait_doc])*
        pub trait $trait {
            $($(#[$doc])* fn $name(&mut self, $($arg: $type),*);)*
        }

        impl $trait for Driver {
            $(
                #[inline]
                fn $name(&mut self, $($arg: $type),*) {
                    Self::$name(self, $($arg),*);
                }
            )*
        }

        impl $trait for Recorder {
            $(
                #[inline]
                fn $name(&mut self, $($arg: $type),*) {
                    fn play(locked: &mut Locked, _reader: &mut Reader<'_>) {
                        $(let $arg: $type = Value::get(_reader);)*
                        locked.driver.$name($($arg),*);
                    }
                    let mut _writer = self.begin(play, 0 $(+ Value::words(&$arg))*);
                    $(Value::put($arg, &mut _writer);)*
                }
            )*
        }
    };
}

/// Methods that are one entry each.
macro_rules! entries {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) => $entry:ident($($value:expr),*);)*) => {
        impl Driver {
            $(
                $(#[$doc])*
                #[inline]
                pub fn $name(&mut self, $($arg: $type),*) {
                    if let Some(entry) = self.funcs.$entry {
                        // SAFETY: handles are those of live objects of this device or null, lists are as long as said,
                        // and the device's lock is held: it guards `self`.
                        unsafe { entry(self.device, $($value),*) };
                    }
                }
            )*
        }
    };
}

/// Entries that deferred contexts record.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) => $entry:ident($($value:expr),*);)*) => {
        entries! {
            $($(#[$doc])* $name($($arg: $type),*) => $entry($($value),*);)*
        }

        recorded! {
            /// Calls that are one entry each.
            Calls {
                $($(#[$doc])* $name($($arg: $type),*);)*
            }
        }
    };
}

calls! {
    /// Draws.
    draw(count: u32, first: u32) => pfnDraw(count, first);
    /// Draws with indices.
    draw_indexed(count: u32, first: u32, base: i32) => pfnDrawIndexed(count, first, base);
    /// Draws instances.
    draw_instanced(count: u32, instances: u32, first: u32, first_instance: u32) =>
        pfnDrawInstanced(count, instances, first, first_instance);
    /// Draws instances with indices.
    draw_indexed_instanced(count: u32, instances: u32, first: u32, base: i32, first_instance: u32) =>
        pfnDrawIndexedInstanced(count, instances, first, base, first_instance);
    /// Draws what stream output wrote.
    draw_auto() => pfnDrawAuto();
    /// Draws with arguments from a buffer.
    draw_instanced_indirect(arguments: Raw, offset: u32) =>
        pfnDrawInstancedIndirect(D3D10DDI_HRESOURCE(arguments), offset);
    /// Draws with indices and with arguments from a buffer.
    draw_indexed_instanced_indirect(arguments: Raw, offset: u32) =>
        pfnDrawIndexedInstancedIndirect(D3D10DDI_HRESOURCE(arguments), offset);
    /// Runs thread groups.
    dispatch(x: u32, y: u32, z: u32) => pfnDispatch(x, y, z);
    /// Runs thread groups with arguments from a buffer.
    dispatch_indirect(arguments: Raw, offset: u32) =>
        pfnDispatchIndirect(D3D10DDI_HRESOURCE(arguments), offset);

    /// Binds an input layout.
    ia_set_input_layout(layout: Raw) => pfnIaSetInputLayout(D3D10DDI_HELEMENTLAYOUT(layout));
    /// Binds vertex buffers; the three lists are of one length.
    ia_set_vertex_buffers(first: u32, buffers: &[Raw], strides: &[u32], offsets: &[u32]) =>
        pfnIaSetVertexBuffers(first, len(buffers), buffers.as_ptr().cast(), strides.as_ptr(), offsets.as_ptr());
    /// Binds an index buffer.
    ia_set_index_buffer(buffer: Raw, format: u32, offset: u32) =>
        pfnIaSetIndexBuffer(D3D10DDI_HRESOURCE(buffer), format, offset);
    /// Sets the topology.
    ia_set_topology(topology: u32) => pfnIaSetTopology(topology);
    /// Binds stream-output targets, of which the last `clear` have to be unbound.
    so_set_targets(count: u32, clear: u32, targets: &[Raw; 4], offsets: &[u32; 4]) =>
        pfnSoSetTargets(count, clear, targets.as_ptr().cast(), offsets.as_ptr());
    /// Sets viewports and unsets the `clear` after them.
    set_viewports(viewports: &[D3D10_DDI_VIEWPORT], clear: u32) =>
        pfnSetViewports(len(viewports), clear, viewports.as_ptr());
    /// Sets scissor rectangles and unsets the `clear` after them.
    set_scissor_rects(rects: &[D3D10_DDI_RECT], clear: u32) =>
        pfnSetScissorRects(len(rects), clear, rects.as_ptr());
    /// Binds a rasterizer state.
    set_rasterizer_state(state: Raw) => pfnSetRasterizerState(D3D10DDI_HRASTERIZERSTATE(state));
    /// Binds a blend state.
    set_blend_state(state: Raw, factor: &[f32; 4], mask: u32) =>
        pfnSetBlendState(D3D10DDI_HBLENDSTATE(state), factor.as_ptr(), mask);
    /// Binds a depth-stencil state.
    set_depth_stencil_state(state: Raw, reference: u32) =>
        pfnSetDepthStencilState(D3D10DDI_HDEPTHSTENCILSTATE(state), reference);
    /// Binds the compute stage's unordered-access views; a count of -1 keeps the hidden counter.
    cs_set_unordered_access_views(first: u32, views: &[Raw], counts: &[u32]) =>
        pfnCsSetUnorderedAccessViews(first, len(views), views.as_ptr().cast(), counts.as_ptr());

    /// Clears a render target.
    clear_render_target_view(view: Raw, color: &[f32; 4]) =>
        pfnClearRenderTargetView(D3D10DDI_HRENDERTARGETVIEW(view), color.as_ptr());
    /// Clears depth and stencil.
    clear_depth_stencil_view(view: Raw, flags: u32, depth: f32, stencil: u8) =>
        pfnClearDepthStencilView(D3D10DDI_HDEPTHSTENCILVIEW(view), flags, depth, stencil);
    /// Clears to integers.
    clear_unordered_access_view_uint(view: Raw, values: &[u32; 4]) =>
        pfnClearUnorderedAccessViewUint(D3D11DDI_HUNORDEREDACCESSVIEW(view), values.as_ptr());
    /// Clears to floats.
    clear_unordered_access_view_float(view: Raw, values: &[f32; 4]) =>
        pfnClearUnorderedAccessViewFloat(D3D11DDI_HUNORDEREDACCESSVIEW(view), values.as_ptr());
    /// Clears rectangles of a view of kind `kind` (`D3D11DDI_HANDLETYPE`).
    clear_view(kind: u32, view: Raw, color: &[f32; 4], rects: &[D3D10_DDI_RECT]) =>
        pfnClearView(kind, view, color.as_ptr(), rects.as_ptr(), len(rects));
    /// Says that the contents of a resource or view are not needed any more.
    discard(kind: u32, object: Raw, rects: &[D3D10_DDI_RECT]) =>
        pfnDiscard(kind, object, rects.as_ptr(), len(rects));

    /// Copies everything.
    resource_copy(to: Raw, from: Raw) => pfnResourceCopy(D3D10DDI_HRESOURCE(to), D3D10DDI_HRESOURCE(from));
    /// Copies a box.
    resource_copy_region(
        to: Subresource, at: [u32; 3], from: Subresource, region: Option<&D3D10_DDI_BOX>, flags: u32
    ) => pfnResourceCopyRegion(
        D3D10DDI_HRESOURCE(to.resource), to.index, at[0], at[1], at[2], D3D10DDI_HRESOURCE(from.resource),
        from.index, pointer(region), flags
    );
    /// Resolves a multisampled subresource.
    resource_resolve_subresource(to: Raw, to_subresource: u32, from: Raw, from_subresource: u32, format: u32) =>
        pfnResourceResolveSubresource(
            D3D10DDI_HRESOURCE(to), to_subresource, D3D10DDI_HRESOURCE(from), from_subresource, format
        );
    /// Makes the lower mip levels of a view.
    gen_mips(view: Raw) => pfnGenMips(D3D10DDI_HSHADERRESOURCEVIEW(view));
    /// Sets the most detailed level that must be in memory.
    set_resource_min_lod(resource: Raw, lod: f32) => pfnSetResourceMinLOD(D3D10DDI_HRESOURCE(resource), lod);
    /// Copies a hidden counter to a buffer.
    copy_structure_count(to: Raw, offset: u32, view: Raw) =>
        pfnCopyStructureCount(D3D10DDI_HRESOURCE(to), offset, D3D11DDI_HUNORDEREDACCESSVIEW(view));
    /// Maps tiles of a resource to those of a pool. `ranges` has the flags of all ranges, then their first tiles in the pool, then
    /// their counts.
    update_tile_mappings(
        resource: Raw, starts: &[D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE], sizes: &[D3DWDDM1_3DDI_TILE_REGION_SIZE],
        pool: Raw, ranges: &[u32], how: u32
    ) => pfnUpdateTileMappings(
        D3D10DDI_HRESOURCE(resource), len(starts), starts.as_ptr(), sizes.as_ptr(), D3D10DDI_HRESOURCE(pool),
        len(ranges) / 3, ranges.as_ptr(), ranges.as_ptr().wrapping_add(ranges.len() / 3),
        ranges.as_ptr().wrapping_add(ranges.len() / 3 * 2), how
    );
    /// Maps tiles to what others are mapped to.
    copy_tile_mappings(
        to: Raw, to_start: &[D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE; 1], from: Raw,
        from_start: &[D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE; 1], size: &[D3DWDDM1_3DDI_TILE_REGION_SIZE; 1],
        how: u32
    ) => pfnCopyTileMappings(
        D3D10DDI_HRESOURCE(to), to_start.as_ptr(), D3D10DDI_HRESOURCE(from), from_start.as_ptr(), size.as_ptr(), how
    );
    /// Copies tiles to or from a buffer.
    copy_tiles(
        resource: Raw, start: &[D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE; 1], size: &[D3DWDDM1_3DDI_TILE_REGION_SIZE; 1],
        buffer: Raw, offset: u64, how: u32
    ) => pfnCopyTiles(
        D3D10DDI_HRESOURCE(resource), start.as_ptr(), size.as_ptr(), D3D10DDI_HRESOURCE(buffer), offset, how
    );
    /// Writes tiles: 64 KiB for each.
    update_tiles(
        resource: Raw, start: &[D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE; 1], size: &[D3DWDDM1_3DDI_TILE_REGION_SIZE; 1],
        data: &[u8], how: u32
    ) => pfnUpdateTiles(
        D3D10DDI_HRESOURCE(resource), start.as_ptr(), size.as_ptr(), data.as_ptr().cast(), how
    );
    /// Orders everything that shares tiles.
    tiled_resource_barrier() => pfnTiledResourceBarrier(
        D3D10DDI_HT_RESOURCE, core::ptr::null_mut(), D3D10DDI_HT_RESOURCE, core::ptr::null_mut()
    );
    /// Gives a tile pool another size.
    resize_tile_pool(pool: Raw, bytes: u64) => pfnResizeTilePool(D3D10DDI_HRESOURCE(pool), bytes);
    /// Makes drawing depend on a query.
    set_predication(query: Raw, value: i32) => pfnSetPredication(D3D10DDI_HQUERY(query), value);
}

entries! {
    /// Sends everything to the GPU.
    flush() => pfnFlush(0);
    /// Starts a query.
    query_begin(query: Raw) => pfnQueryBegin(D3D10DDI_HQUERY(query));
    /// Ends a query.
    query_end(query: Raw) => pfnQueryEnd(D3D10DDI_HQUERY(query));
}

recorded! {
    /// Calls that have an entry for each stage, or arguments of another form than their entry.
    StageCalls {
        /// Binds a shader.
        set_shader(stage: Stage, shader: Raw);
        /// Binds a shader with class instances: a function table and the bits of a `D3D11DDIARG_POINTERDATA` for each interface.
        set_shader_with_ifaces(stage: Stage, shader: Raw, tables: &[u32], pointers: &[u32]);
        /// Binds constant buffers, or windows of them.
        set_constant_buffers(stage: Stage, first: u32, buffers: &[Raw], windows: Option<(&[u32], &[u32])>);
        /// Binds shader-resource views.
        set_shader_resources(stage: Stage, first: u32, views: &[Raw]);
        /// Binds samplers.
        set_samplers(stage: Stage, first: u32, samplers: &[Raw]);
        /// Binds the output merger's targets.
        set_render_targets(
            targets: &[Raw], before: u32, depth: Raw, uav_slot: u32, uavs: &[Raw], counts: &[u32]
        );
    }
}

/// Calls the entry of one stage.
macro_rules! by_stage {
    ($self:ident, $stage:ident, [$vs:ident, $hs:ident, $ds:ident, $gs:ident, $ps:ident, $cs:ident], $($value:expr),*) => {
        let entry = match $stage {
            Stage::Vertex => $self.funcs.$vs,
            Stage::Hull => $self.funcs.$hs,
            Stage::Domain => $self.funcs.$ds,
            Stage::Geometry => $self.funcs.$gs,
            Stage::Pixel => $self.funcs.$ps,
            Stage::Compute => $self.funcs.$cs,
        };
        if let Some(entry) = entry {
            // SAFETY: as in `calls!`.
            unsafe { entry($self.device, $($value),*) };
        }
    };
}

impl Driver {
    /// Binds a shader.
    #[inline]
    pub fn set_shader(&mut self, stage: Stage, shader: Raw) {
        by_stage!(
            self,
            stage,
            [pfnVsSetShader, pfnHsSetShader, pfnDsSetShader, pfnGsSetShader, pfnPsSetShader, pfnCsSetShader],
            D3D10DDI_HSHADER(shader)
        );
    }

    /// Binds a shader with class instances: a function table and the bits of a `D3D11DDIARG_POINTERDATA` for each interface.
    pub fn set_shader_with_ifaces(&mut self, stage: Stage, shader: Raw, tables: &[u32], pointers: &[u32]) {
        by_stage!(
            self,
            stage,
            [
                pfnVsSetShaderWithIfaces,
                pfnHsSetShaderWithIfaces,
                pfnDsSetShaderWithIfaces,
                pfnGsSetShaderWithIfaces,
                pfnPsSetShaderWithIfaces,
                pfnCsSetShaderWithIfaces
            ],
            D3D10DDI_HSHADER(shader),
            len(tables),
            tables.as_ptr(),
            pointers.as_ptr().cast()
        );
    }

    /// Binds constant buffers, or windows of them when `windows` gives first constants and numbers of constants.
    #[inline]
    pub fn set_constant_buffers(
        &mut self,
        stage: Stage,
        first: u32,
        buffers: &[Raw],
        windows: Option<(&[u32], &[u32])>,
    ) {
        let (firsts, counts) = match windows {
            Some((firsts, counts)) => (firsts.as_ptr(), counts.as_ptr()),
            None => (core::ptr::null(), core::ptr::null()),
        };
        by_stage!(
            self,
            stage,
            [
                pfnVsSetConstantBuffers,
                pfnHsSetConstantBuffers,
                pfnDsSetConstantBuffers,
                pfnGsSetConstantBuffers,
                pfnPsSetConstantBuffers,
                pfnCsSetConstantBuffers
            ],
            first,
            len(buffers),
            buffers.as_ptr().cast(),
            firsts,
            counts
        );
    }

    /// Binds shader-resource views.
    #[inline]
    pub fn set_shader_resources(&mut self, stage: Stage, first: u32, views: &[Raw]) {
        by_stage!(
            self,
            stage,
            [
                pfnVsSetShaderResources,
                pfnHsSetShaderResources,
                pfnDsSetShaderResources,
                pfnGsSetShaderResources,
                pfnPsSetShaderResources,
                pfnCsSetShaderResources
            ],
            first,
            len(views),
            views.as_ptr().cast()
        );
    }

    /// Binds samplers.
    #[inline]
    pub fn set_samplers(&mut self, stage: Stage, first: u32, samplers: &[Raw]) {
        by_stage!(
            self,
            stage,
            [
                pfnVsSetSamplers,
                pfnHsSetSamplers,
                pfnDsSetSamplers,
                pfnGsSetSamplers,
                pfnPsSetSamplers,
                pfnCsSetSamplers
            ],
            first,
            len(samplers),
            samplers.as_ptr().cast()
        );
    }

    /// Binds the output merger's targets: `targets` from slot 0, of which there were `before`; `uavs` and their counts from
    /// slot `uav_slot`.
    pub fn set_render_targets(
        &mut self,
        targets: &[Raw],
        before: u32,
        depth: Raw,
        uav_slot: u32,
        uavs: &[Raw],
        counts: &[u32],
    ) {
        let Some(entry) = self.funcs.pfnSetRenderTargets else { return };
        let unbind = before.saturating_sub(len(targets));
        // SAFETY: as in `calls!`. `uavs` and `counts` are of one length.
        unsafe {
            entry(
                self.device,
                targets.as_ptr().cast(),
                len(targets),
                unbind,
                D3D10DDI_HDEPTHSTENCILVIEW(depth),
                uavs.as_ptr().cast(),
                counts.as_ptr(),
                uav_slot,
                len(uavs),
                uav_slot,
                len(uavs),
            );
        }
    }

    /// Updates a box of a resource from the application's memory; a constant buffer has an entry of its own.
    ///
    /// # Safety
    /// `data` has as many bytes as the box (or the subresource) takes with these pitches.
    pub unsafe fn update_subresource(
        &mut self,
        constant_buffer: bool,
        to: Subresource,
        region: Option<&D3D10_DDI_BOX>,
        data: *const core::ffi::c_void,
        pitches: [u32; 2],
        flags: u32,
    ) {
        let entry = if constant_buffer {
            self.funcs.pfnDefaultConstantBufferUpdateSubresourceUP
        } else {
            self.funcs.pfnResourceUpdateSubresourceUP
        };
        let Some(entry) = entry else { return };
        let [row, depth] = pitches;
        let resource = D3D10DDI_HRESOURCE(to.resource);
        // SAFETY: as in `calls!`, and the caller's promise for `data`.
        unsafe { entry(self.device, resource, to.index, pointer(region), data, row, depth, flags) };
    }

    /// Maps a subresource through the entries that `entry` names.
    ///
    /// # Errors
    /// What the driver reports, `DXGI_ERROR_WAS_STILL_DRAWING` among it.
    #[inline]
    pub fn map(
        &mut self,
        entry: Entry,
        mode: Mode,
        resource: Raw,
        subresource: u32,
        do_not_wait: bool,
    ) -> Result<ddi::D3D10DDI_MAPPED_SUBRESOURCE> {
        let no_overwrite = mode == Mode::WriteNoOverwrite;
        let function = match entry {
            Entry::DynamicIaBuffer if no_overwrite => self.funcs.pfnDynamicIABufferMapNoOverwrite,
            Entry::DynamicIaBuffer => self.funcs.pfnDynamicIABufferMapDiscard,
            Entry::DynamicConstantBuffer if no_overwrite => self.funcs.pfnDynamicConstantBufferMapNoOverwrite,
            Entry::DynamicConstantBuffer => self.funcs.pfnDynamicConstantBufferMapDiscard,
            // The table has no no-overwrite entry for other buffers (shader resources): the general one serves them.
            Entry::DynamicResource if no_overwrite => self.funcs.pfnResourceMap,
            Entry::DynamicResource => self.funcs.pfnDynamicResourceMapDiscard,
            Entry::Staging => self.funcs.pfnStagingResourceMap,
            Entry::Default => self.funcs.pfnResourceMap,
        };
        let number = match mode {
            Mode::Read => ddi::D3D10_DDI_MAP_READ,
            Mode::Write => ddi::D3D10_DDI_MAP_WRITE,
            Mode::ReadWrite => ddi::D3D10_DDI_MAP_READWRITE,
            Mode::WriteDiscard => ddi::D3D10_DDI_MAP_WRITE_DISCARD,
            Mode::WriteNoOverwrite => ddi::D3D10_DDI_MAP_WRITE_NOOVERWRITE,
        };
        let flags = if do_not_wait { ddi::D3D10_DDI_MAP_FLAG_DONOTWAIT } else { 0 };
        let mut mapped = ddi::D3D10DDI_MAPPED_SUBRESOURCE::default();
        self.clear_error();
        if let Some(function) = function {
            let resource = D3D10DDI_HRESOURCE(resource);
            // SAFETY: as in `calls!`.
            unsafe { function(self.device, resource, subresource, number, flags, &mut mapped) };
        }
        self.take_error()?;
        if mapped.pData.is_null() { Err(super::BROKEN) } else { Ok(mapped) }
    }

    /// Unmaps what [`Driver::map`] mapped.
    #[inline]
    pub fn unmap(&mut self, entry: Entry, resource: Raw, subresource: u32) {
        let function = match entry {
            Entry::DynamicIaBuffer => self.funcs.pfnDynamicIABufferUnmap,
            Entry::DynamicConstantBuffer => self.funcs.pfnDynamicConstantBufferUnmap,
            Entry::DynamicResource => self.funcs.pfnDynamicResourceUnmap,
            Entry::Staging => self.funcs.pfnStagingResourceUnmap,
            Entry::Default => self.funcs.pfnResourceUnmap,
        };
        if let Some(function) = function {
            // SAFETY: as in `calls!`.
            unsafe { function(self.device, D3D10DDI_HRESOURCE(resource), subresource) };
        }
    }

    /// Reads a query's result into `data`; an empty `data` only asks whether there is one.
    ///
    /// # Errors
    /// `DXGI_ERROR_WAS_STILL_DRAWING` when there is none yet, and what else the driver reports.
    pub fn query_get_data(&mut self, query: Raw, data: &mut [u64], size: u32, do_not_flush: bool) -> Result {
        let flags = if do_not_flush { ddi::D3D10_DDI_GET_DATA_DO_NOT_FLUSH } else { 0 };
        let pointer = if size == 0 { core::ptr::null_mut() } else { data.as_mut_ptr().cast() };
        self.clear_error();
        if let Some(entry) = self.funcs.pfnQueryGetData {
            // SAFETY: as in `calls!`; `data` is larger than the largest result, and `size` is this query's.
            unsafe { entry(self.device, D3D10DDI_HQUERY(query), pointer, size, flags) };
        }
        self.take_error()
    }

    /// Packed mips of a tiled resource, and the tiles that they share.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn mip_packing(&mut self, resource: Raw) -> Result<[u32; 2]> {
        let (mut mips, mut tiles) = (0, 0);
        self.clear_error();
        if let Some(entry) = self.funcs.pfnGetMipPacking {
            // SAFETY: as in `calls!`.
            unsafe { entry(self.device, D3D10DDI_HRESOURCE(resource), &mut mips, &mut tiles) };
        }
        self.take_error().map(|()| [mips, tiles])
    }

    /// Number of quality levels of a sample count, 0 for "not supported".
    pub fn check_multisample_quality_levels(&mut self, format: u32, samples: u32) -> u32 {
        let mut levels = 0;
        if let Some(entry) = self.funcs.pfnCheckMultisampleQualityLevels {
            // SAFETY: as in `calls!`.
            unsafe { entry(self.device, format, samples, 0, &mut levels) };
        }
        self.clear_error();
        levels
    }
}
