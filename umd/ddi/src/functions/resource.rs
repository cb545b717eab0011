//! Function types of the device table that create, map, copy and destroy resources.
//!
//! Each type is an `Option`: a null pointer is `None`. Null handles unbind.
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]

use core::ffi::c_void;

use crate::*;

/// Copies user memory into (a box of) one subresource; `RowPitch` and `DepthPitch` in bytes.
pub type PFND3D10DDI_RESOURCEUPDATESUBRESOURCEUP = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hDstResource: D3D10DDI_HRESOURCE,
        DstSubresource: u32,
        pDstBox: *const D3D10_DDI_BOX,
        pSysMemUP: *const c_void,
        RowPitch: u32,
        DepthPitch: u32,
    ),
>;

/// As [`PFND3D10DDI_RESOURCEUPDATESUBRESOURCEUP`], with
/// [`D3D11_1_DDI_COPY_FLAGS`](crate::D3D11_1_DDI_COPY_FLAGS).
pub type PFND3D11_1DDI_RESOURCEUPDATESUBRESOURCEUP = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hDstResource: D3D10DDI_HRESOURCE,
        DstSubresource: u32,
        pDstBox: *const D3D10_DDI_BOX,
        pSysMemUP: *const c_void,
        RowPitch: u32,
        DepthPitch: u32,
        CopyFlags: u32,
    ),
>;

/// Maps one subresource; `Flags` are `D3D10_DDI_MAP_FLAG_*`.
pub type PFND3D10DDI_RESOURCEMAP = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hResource: D3D10DDI_HRESOURCE,
        Subresource: u32,
        DDIMap: D3D10_DDI_MAP,
        Flags: u32,
        pMappedSubResource: *mut D3D10DDI_MAPPED_SUBRESOURCE,
    ),
>;

/// Ends the mapping of one subresource.
pub type PFND3D10DDI_RESOURCEUNMAP = Option<
    unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hResource: D3D10DDI_HRESOURCE, Subresource: u32),
>;

/// Answers whether the GPU still uses the resource (TRUE: busy).
pub type PFND3D10DDI_RESOURCEISSTAGINGBUSY =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hResource: D3D10DDI_HRESOURCE) -> BOOL>;

/// Says that the resource is about to be read after it was written.
pub type PFND3D10DDI_RESOURCEREADAFTERWRITEHAZARD =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hResource: D3D10DDI_HRESOURCE)>;

/// Says that the view's resource is about to be read after it was written.
pub type PFND3D10DDI_SHADERRESOURCEVIEWREADAFTERWRITEHAZARD = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hShaderResourceView: D3D10DDI_HSHADERRESOURCEVIEW,
        hResource: D3D10DDI_HRESOURCE,
    ),
>;

/// Copies a whole resource (or converts it, in the `Convert` slot).
pub type PFND3D10DDI_RESOURCECOPY = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hDstResource: D3D10DDI_HRESOURCE,
        hSrcResource: D3D10DDI_HRESOURCE,
    ),
>;

/// Copies a box (null: all) of one subresource to a point of another.
pub type PFND3D10DDI_RESOURCECOPYREGION = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hDstResource: D3D10DDI_HRESOURCE,
        DstSubresource: u32,
        DstX: u32,
        DstY: u32,
        DstZ: u32,
        hSrcResource: D3D10DDI_HRESOURCE,
        SrcSubresource: u32,
        pSrcBox: *const D3D10_DDI_BOX,
    ),
>;

/// As [`PFND3D10DDI_RESOURCECOPYREGION`], with [`D3D11_1_DDI_COPY_FLAGS`](crate::D3D11_1_DDI_COPY_FLAGS).
pub type PFND3D11_1DDI_RESOURCECOPYREGION = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hDstResource: D3D10DDI_HRESOURCE,
        DstSubresource: u32,
        DstX: u32,
        DstY: u32,
        DstZ: u32,
        hSrcResource: D3D10DDI_HRESOURCE,
        SrcSubresource: u32,
        pSrcBox: *const D3D10_DDI_BOX,
        copyFlags: u32,
    ),
>;

/// Resolves a multisampled subresource.
pub type PFND3D10DDI_RESOURCERESOLVESUBRESOURCE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hDstResource: D3D10DDI_HRESOURCE,
        DstSubresource: u32,
        hSrcResource: D3D10DDI_HRESOURCE,
        SrcSubresource: u32,
        ResolveFormat: DXGI_FORMAT,
    ),
>;

/// Fills the lower mip levels of the view's resource.
pub type PFND3D10DDI_GENMIPS = Option<
    unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hShaderResourceView: D3D10DDI_HSHADERRESOURCEVIEW),
>;

/// Sets the least mip level the resource is sampled at.
pub type PFND3D11DDI_SETRESOURCEMINLOD =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hResource: D3D10DDI_HRESOURCE, MinLOD: f32)>;

/// Writes the hidden counter of an append/counter view to a buffer.
pub type PFND3D11DDI_COPYSTRUCTURECOUNT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hDstBuffer: D3D10DDI_HRESOURCE,
        DstAlignedByteOffset: u32,
        hSrcView: D3D11DDI_HUNORDEREDACCESSVIEW,
    ),
>;

/// Bytes of driver memory the runtime must allocate for the resource.
pub type PFND3D11DDI_CALCPRIVATERESOURCESIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateResource: *const D3D11DDIARG_CREATERESOURCE,
    ) -> usize,
>;

/// Bytes of driver memory the runtime must allocate for a shared resource it opens.
pub type PFND3D10DDI_CALCPRIVATEOPENEDRESOURCESIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pOpenResource: *const D3D10DDIARG_OPENRESOURCE,
    ) -> usize,
>;

/// Creates a resource.
pub type PFND3D11DDI_CREATERESOURCE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateResource: *const D3D11DDIARG_CREATERESOURCE,
        hResource: D3D10DDI_HRESOURCE,
        hRTResource: D3D10DDI_HRTRESOURCE,
    ),
>;

/// Opens a shared resource.
pub type PFND3D10DDI_OPENRESOURCE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pOpenResource: *const D3D10DDIARG_OPENRESOURCE,
        hResource: D3D10DDI_HRESOURCE,
        hRTResource: D3D10DDI_HRTRESOURCE,
    ),
>;

/// Destroys a resource.
pub type PFND3D10DDI_DESTROYRESOURCE =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hResource: D3D10DDI_HRESOURCE)>;

/// Discards the content of a resource or view, or of rectangles of it.
pub type PFND3D11_1DDI_DISCARD = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        HandleType: D3D11DDI_HANDLETYPE,
        hResourceOrView: *mut c_void,
        pRects: *const D3D10_DDI_RECT,
        NumRects: u32,
    ),
>;

/// Answers whether DWM may flip to the second resource in place of the first.
pub type PFND3D11_1DDI_CHECKDIRECTFLIPSUPPORT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hResource1: D3D10DDI_HRESOURCE,
        hResource2: D3D10DDI_HRESOURCE,
        CheckDirectFlipFlags: u32,
        pSupported: *mut BOOL,
    ),
>;

/// Maps tiles of a tiled resource to tiles of a pool.
pub type PFND3DWDDM1_3DDI_UPDATETILEMAPPINGS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hTiledResource: D3D10DDI_HRESOURCE,
        NumTiledResourceRegions: u32,
        pTiledResourceRegionStartCoords: *const D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE,
        pTiledResourceRegionSizes: *const D3DWDDM1_3DDI_TILE_REGION_SIZE,
        hTilePool: D3D10DDI_HRESOURCE,
        NumRanges: u32,
        pRangeFlags: *const u32,
        pTilePoolStartOffsets: *const u32,
        pRangeTileCounts: *const u32,
        Flags: u32,
    ),
>;

/// Copies tile mappings between tiled resources.
pub type PFND3DWDDM1_3DDI_COPYTILEMAPPINGS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hDestTiledResource: D3D10DDI_HRESOURCE,
        pDestRegionStartCoord: *const D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE,
        hSourceTiledResource: D3D10DDI_HRESOURCE,
        pSourceRegionStartCoord: *const D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE,
        pTileRegionSize: *const D3DWDDM1_3DDI_TILE_REGION_SIZE,
        Flags: u32,
    ),
>;

/// Copies tiles between a tiled resource and a buffer.
pub type PFND3DWDDM1_3DDI_COPYTILES = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hTiledResource: D3D10DDI_HRESOURCE,
        pTileRegionStartCoord: *const D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE,
        pTileRegionSize: *const D3DWDDM1_3DDI_TILE_REGION_SIZE,
        hBuffer: D3D10DDI_HRESOURCE,
        BufferStartOffsetInBytes: u64,
        Flags: u32,
    ),
>;

/// Copies user memory into tiles.
pub type PFND3DWDDM1_3DDI_UPDATETILES = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hDestTiledResource: D3D10DDI_HRESOURCE,
        pDestTileRegionStartCoord: *const D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE,
        pDestTileRegionSize: *const D3DWDDM1_3DDI_TILE_REGION_SIZE,
        pSourceTileData: *const c_void,
        Flags: u32,
    ),
>;

/// Orders accesses that reach the same tiles through different resources or views.
pub type PFND3DWDDM1_3DDI_TILEDRESOURCEBARRIER = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        TiledResourceAccessBeforeBarrierHandleType: D3D11DDI_HANDLETYPE,
        hTiledResourceAccessBeforeBarrier: *mut c_void,
        TiledResourceAccessAfterBarrierHandleType: D3D11DDI_HANDLETYPE,
        hTiledResourceAccessAfterBarrier: *mut c_void,
    ),
>;

/// Reports how many mip levels are packed, and into how many tiles.
pub type PFND3DWDDM1_3DDI_GETMIPPACKING = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hTiledResource: D3D10DDI_HRESOURCE,
        pNumPackedMips: *mut u32,
        pNumTilesForPackedMips: *mut u32,
    ),
>;

/// Resizes a tile pool, in bytes.
pub type PFND3DWDDM1_3DDI_RESIZETILEPOOL = Option<
    unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hTilePool: D3D10DDI_HRESOURCE, NewSizeInBytes: u64),
>;
