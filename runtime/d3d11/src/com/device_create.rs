//! `ID3D11Device1`: creation functions, and the COM edge of the device.
//!
//! "COM's contract" in the SAFETY comments: pointers that are not null are valid, arrays are as long as the call says, and
//! interfaces are this runtime's.

use core::ffi::{CStr, c_void};
use core::sync::atomic::Ordering;

use pvgpu_umd_ddi::D3D10_DDIARG_SUBRESOURCE_UP;
use windows::Win32::Foundation::HANDLE;
use windows::Win32::Graphics::Direct3D::D3D_FEATURE_LEVEL;
use windows::Win32::Graphics::Direct3D10::{ID3D10Device, ID3D10Device1};
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::DXGI_FORMAT;
use windows_core::{GUID, Interface, OutRef, PCSTR, PCWSTR, PSTR, Ref, Type};

use super::context::{deferred, state_object};
use super::convert::{self, com, error};
use super::device::{Device, SINGLETHREADED};
use super::driver::Stage;
use super::object::Com;
use super::query;
use super::resource::Resource;
use super::shader::StreamOutput;
use super::share;
use super::state_object::Desc as StateDesc;
use super::view::read_desc;
use crate::desc::resource::{Flags, Usage, bind, misc};
use crate::desc::texture::Dimension;
use crate::desc::view::{Class, Shape};
use crate::desc::{buffer, level as rules, state, stream_output, texture};
use crate::format;
use crate::hresult::{DXGI_ERROR_INVALID_CALL, E_INVALIDARG, Result, S_FALSE, require};
use crate::level::{self, Level};
use crate::signature::{self, InputElement, Program};

/// `D3D_FEATURE_LEVEL_11_0`.
const FEATURE_LEVEL_11_0: u32 = 0xb000;
/// `D3D11_FORMAT_SUPPORT_RENDER_TARGET`, `…_DEPTH_STENCIL`.
const RENDER_TARGET_SUPPORT: u32 = 0x4000;
const DEPTH_STENCIL_SUPPORT: u32 = 0x1_0000;
/// `D3D11_FORMAT_SUPPORT_TYPED_UNORDERED_ACCESS_VIEW`.
const UNORDERED_ACCESS_SUPPORT: u32 = 0x200_0000;
/// `D3D11_FORMAT_SUPPORT_TEXTURE1D`, `…2D`, `…3D`, `…CUBE`.
const TEXTURE1D_SUPPORT: u32 = 0x10;
const TEXTURE2D_SUPPORT: u32 = 0x20;
const TEXTURE3D_SUPPORT: u32 = 0x40;
const TEXTURECUBE_SUPPORT: u32 = 0x80;
/// `D3D11_1_CREATE_DEVICE_CONTEXT_STATE_SINGLETHREADED`.
const STATE_SINGLETHREADED: u32 = 1;

/// Where a creation function leaves its object.
pub struct Out(*mut *mut c_void);

impl Out {
    /// The place, cleared.
    pub fn new<I: Type<I>>(out: OutRef<'_, I>) -> Self {
        const { assert!(size_of::<OutRef<'_, I>>() == size_of::<*mut *mut c_void>()) };
        // SAFETY: an `OutRef` is a transparent pointer to where the interface pointer goes.
        let out: *mut *mut c_void = unsafe { core::mem::transmute_copy(&out) };
        if !out.is_null() {
            // SAFETY: COM's contract.
            unsafe { out.write(core::ptr::null_mut()) };
        }
        Self(out)
    }

    /// Runs a creation. Without a place for the object the arguments are only checked, which is `S_FALSE`.
    fn fill(
        self,
        check: impl FnOnce() -> Result,
        create: impl FnOnce() -> Result<*mut c_void>,
    ) -> windows_core::Result<()> {
        com(check())?;
        if self.0.is_null() {
            return Err(error(S_FALSE));
        }
        let object = com(create())?;
        // SAFETY: COM's contract.
        unsafe { self.0.write(object) };
        Ok(())
    }
}

fn flags(usage: D3D11_USAGE, bind: u32, cpu: u32, misc: u32) -> Result<Flags> {
    Ok(Flags { usage: Usage::new(usage.0.cast_unsigned())?, bind, cpu, misc })
}

/// The bytes of a shader container.
///
/// # Safety
/// `bytecode` is null or has `length` bytes.
unsafe fn bytes<'a>(bytecode: *const c_void, length: usize) -> &'a [u8] {
    if bytecode.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { core::slice::from_raw_parts(bytecode.cast(), length) }
}

/// A semantic's name.
///
/// # Safety
/// `name` is null or zero-terminated.
unsafe fn semantic(name: PCSTR) -> Result<String> {
    require(!name.is_null())?;
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name.0.cast()) };
    name.to_str().map(str::to_owned).map_err(|_| E_INVALIDARG)
}

impl Com<Device> {
    /// Initial data in the DDI's form, which is the API's.
    ///
    /// # Safety
    /// `data` is null or has an entry for each subresource, whose memory is as large as its pitches say.
    unsafe fn initial(
        data: *const D3D11_SUBRESOURCE_DATA,
        subresources: u32,
    ) -> Result<Vec<D3D10_DDIARG_SUBRESOURCE_UP>> {
        if data.is_null() {
            return Ok(Vec::new());
        }
        // SAFETY: the caller's promise.
        let data = unsafe { core::slice::from_raw_parts(data, subresources as usize) };
        require(data.iter().all(|entry| !entry.pSysMem.is_null()))?;
        let entry = |entry: &D3D11_SUBRESOURCE_DATA| D3D10_DDIARG_SUBRESOURCE_UP {
            pSysMem: entry.pSysMem,
            SysMemPitch: entry.SysMemPitch,
            SysMemSlicePitch: entry.SysMemSlicePitch,
        };
        Ok(data.iter().map(entry).collect())
    }

    /// Creates a texture of any dimension.
    ///
    /// # Safety
    /// `data` is null or has an entry for each subresource.
    unsafe fn create_texture(
        &self,
        desc: Result<texture::Desc>,
        data: *const D3D11_SUBRESOURCE_DATA,
        out: Out,
    ) -> windows_core::Result<()> {
        let checked = desc.and_then(|desc| desc.checked(!data.is_null())).and_then(|desc| {
            rules::texture(&desc, self.inner.feature_level)?;
            self.require_format(&desc)?;
            self.require_tier(desc.flags, Some(desc.format))?;
            Ok(desc)
        });
        let create = || {
            let desc = checked?;
            // SAFETY: the caller's promise.
            let initial = unsafe { Self::initial(data, desc.subresources()) }?;
            self.create_resource(Shape::Texture(desc), &initial, 0)
        };
        out.fill(|| checked.map(|_| ()), create)
    }

    /// Refuses tiled resources that the host cannot do.
    fn require_tier(&self, flags: Flags, format: Option<u32>) -> Result {
        if flags.misc & (misc::TILED | misc::TILE_POOL) == 0 {
            return Ok(());
        }
        let tier = super::guard::Guard::new(&self.inner).driver.caps.tiled_tier();
        require(tier != 0 && self.inner.feature_level >= 0xb000)?;
        require(format.is_none_or(|format| self.can_tile(format)))
    }

    /// Refuses textures in formats that the host cannot do.
    fn require_format(&self, desc: &texture::Desc) -> Result {
        let (support, _) = self.format_support(desc.format).map_err(|_| E_INVALIDARG)?;
        let dimension = match desc.dimension {
            Dimension::One => TEXTURE1D_SUPPORT,
            Dimension::Two if desc.is_cube() => TEXTURECUBE_SUPPORT,
            Dimension::Two => TEXTURE2D_SUPPORT,
            Dimension::Three => TEXTURE3D_SUPPORT,
        };
        require(support & dimension != 0)?;
        let bound = desc.flags.bind;
        if format::is_only_depth(desc.format) {
            require(bound & (bind::RENDER_TARGET | bind::UNORDERED_ACCESS) == 0)?;
        }
        if !format::is_typeless(desc.format) && !format::is_video(desc.format) {
            require(bound & bind::RENDER_TARGET == 0 || support & RENDER_TARGET_SUPPORT != 0)?;
            require(bound & bind::DEPTH_STENCIL == 0 || support & DEPTH_STENCIL_SUPPORT != 0)?;
            let unordered = support & UNORDERED_ACCESS_SUPPORT != 0 || desc.format == format::R8G8B8A8_SRGB;
            require(bound & bind::UNORDERED_ACCESS == 0 || unordered)?;
        }
        if desc.sample_count > 1 {
            let levels = self.multisample_quality_levels(desc.format, desc.sample_count)?;
            let standard = desc.sample_quality >= u32::MAX - 1;
            require(levels != 0 && (desc.sample_quality < levels || standard))?;
        }
        Ok(())
    }

    /// Creates a view of any class.
    ///
    /// # Safety
    /// `desc` is null or a description of the class.
    unsafe fn create_view_from(
        &self,
        class: Class,
        resource: &Ref<ID3D11Resource>,
        desc: *const c_void,
        out: Out,
    ) -> windows_core::Result<()> {
        let resource = com(Com::<Resource>::from_interface(resource).ok_or(E_INVALIDARG))?;
        // SAFETY: the caller's promise.
        let desc = unsafe { read_desc(class, desc) };
        let check = || {
            let view = crate::desc::view::View::new(class, &resource.inner.shape, desc)?;
            rules::view(class, &view.desc, self.inner.feature_level)
        };
        out.fill(check, || self.create_view(class, resource, desc))
    }

    /// Creates a shader of any stage.
    ///
    /// # Safety
    /// `bytecode` is null or has `length` bytes.
    unsafe fn create_shader_from(
        &self,
        stage: Stage,
        bytecode: *const c_void,
        length: usize,
        linkage: &Ref<'_, ID3D11ClassLinkage>,
        out: Out,
    ) -> windows_core::Result<()> {
        // SAFETY: the caller's promise.
        let bytecode = unsafe { bytes(bytecode, length) };
        let linkage = Com::from_interface(linkage);
        // Without a place for the shader its container is still parsed, by the creation that is thrown away.
        out.fill(|| Ok(()), || self.create_shader(stage, bytecode, linkage))
    }
}

macro_rules! shader {
    ($name:ident, $stage:ident, $interface:ident) => {
        fn $name(
            &self,
            bytecode: *const c_void,
            length: usize,
            linkage: Ref<ID3D11ClassLinkage>,
            shader: OutRef<$interface>,
        ) -> windows_core::Result<()> {
            // SAFETY: COM's contract.
            unsafe { self.create_shader_from(Stage::$stage, bytecode, length, &linkage, Out::new(shader)) }
        }
    };
}

macro_rules! view {
    ($name:ident, $class:ident, $interface:ident, $desc:ident) => {
        fn $name(
            &self,
            resource: Ref<ID3D11Resource>,
            desc: *const $desc,
            view: OutRef<$interface>,
        ) -> windows_core::Result<()> {
            // SAFETY: COM's contract.
            unsafe { self.create_view_from(Class::$class, &resource, desc.cast(), Out::new(view)) }
        }
    };
}

macro_rules! state {
    ($name:ident, $desc:ident, $interface:ident, $check:expr) => {
        fn $name(&self, desc: *const $desc, object: OutRef<$interface>) -> windows_core::Result<()> {
            let out = Out::new(object);
            // SAFETY: COM's contract.
            let desc = com(unsafe { desc.as_ref() }.ok_or(E_INVALIDARG))?;
            let (desc, key) = com($check(self, desc))?;
            out.fill(|| Ok(()), || self.state_object(desc, key))
        }
    };
}

type Checked = Result<(StateDesc, state::Key)>;

impl Com<Device> {
    fn blend_state(&self, desc: &D3D11_BLEND_DESC) -> Checked {
        let (desc, key) = state::blend(&convert::blend(desc), false)?;
        rules::blend(&desc, self.inner.feature_level)?;
        Ok((StateDesc::Blend(Box::new(desc)), key))
    }

    fn blend_state1(&self, desc: &D3D11_BLEND_DESC1) -> Checked {
        let logic_op = super::guard::Guard::new(&self.inner).driver.caps.logic_op;
        let (desc, key) = state::blend(&convert::blend1(desc), logic_op)?;
        rules::blend(&desc, self.inner.feature_level)?;
        Ok((StateDesc::Blend(Box::new(desc)), key))
    }

    fn depth_stencil_state(&self, desc: &D3D11_DEPTH_STENCIL_DESC) -> Checked {
        let (desc, key) = state::depth_stencil(&convert::depth_stencil(desc))?;
        Ok((StateDesc::DepthStencil(desc), key))
    }

    fn rasterizer_state(&self, desc: &D3D11_RASTERIZER_DESC) -> Checked {
        let (desc, key) = state::rasterizer(&convert::rasterizer(desc))?;
        rules::rasterizer(&desc, self.inner.feature_level)?;
        Ok((StateDesc::Rasterizer(desc), key))
    }

    fn rasterizer_state1(&self, desc: &D3D11_RASTERIZER_DESC1) -> Checked {
        let (desc, key) = state::rasterizer(&convert::rasterizer1(desc))?;
        rules::rasterizer(&desc, self.inner.feature_level)?;
        Ok((StateDesc::Rasterizer(desc), key))
    }

    fn sampler_state(&self, desc: &D3D11_SAMPLER_DESC) -> Checked {
        let (desc, key) = state::sampler(&convert::sampler(desc))?;
        rules::sampler(&desc, self.inner.feature_level)?;
        Ok((StateDesc::Sampler(desc), key))
    }
}

impl ID3D11Device_Impl for Com<Device> {
    fn CreateBuffer(
        &self,
        desc: *const D3D11_BUFFER_DESC,
        data: *const D3D11_SUBRESOURCE_DATA,
        buffer: OutRef<ID3D11Buffer>,
    ) -> windows_core::Result<()> {
        let out = Out::new(buffer);
        // SAFETY: COM's contract.
        let desc = com(unsafe { desc.as_ref() }.ok_or(E_INVALIDARG))?;
        let checked =
            flags(desc.Usage, desc.BindFlags, desc.CPUAccessFlags, desc.MiscFlags).and_then(|flags| {
                // `MapOnDefaultBuffers` is of feature level 11.0.
                let mapped = flags.usage == Usage::Default && flags.cpu != 0;
                require(!mapped || self.inner.feature_level >= 0xb000)?;
                let desc =
                    buffer::Desc::new(desc.ByteWidth, flags, desc.StructureByteStride, !data.is_null())?;
                rules::buffer(&desc, self.inner.feature_level)?;
                self.require_tier(flags, None)?;
                Ok(desc)
            });
        let create = || {
            // SAFETY: COM's contract.
            let initial = unsafe { Self::initial(data, 1) }?;
            self.create_resource(Shape::Buffer(checked?), &initial, 0)
        };
        out.fill(|| checked.map(|_| ()), create)
    }

    fn CreateTexture1D(
        &self,
        desc: *const D3D11_TEXTURE1D_DESC,
        data: *const D3D11_SUBRESOURCE_DATA,
        texture: OutRef<ID3D11Texture1D>,
    ) -> windows_core::Result<()> {
        let out = Out::new(texture);
        // SAFETY: COM's contract.
        let desc = com(unsafe { desc.as_ref() }.ok_or(E_INVALIDARG))?;
        let flags = flags(desc.Usage, desc.BindFlags, desc.CPUAccessFlags, desc.MiscFlags);
        let desc = flags.map(|flags| texture::Desc {
            dimension: Dimension::One,
            width: desc.Width,
            height: 1,
            depth: 1,
            mip_levels: desc.MipLevels,
            array_size: desc.ArraySize,
            format: desc.Format.0.cast_unsigned(),
            sample_count: 1,
            sample_quality: 0,
            flags,
            back_buffer: false,
        });
        // SAFETY: COM's contract.
        unsafe { self.create_texture(desc, data, out) }
    }

    fn CreateTexture2D(
        &self,
        desc: *const D3D11_TEXTURE2D_DESC,
        data: *const D3D11_SUBRESOURCE_DATA,
        texture: OutRef<ID3D11Texture2D>,
    ) -> windows_core::Result<()> {
        let out = Out::new(texture);
        // SAFETY: COM's contract.
        let desc = com(unsafe { desc.as_ref() }.ok_or(E_INVALIDARG))?;
        let flags = flags(desc.Usage, desc.BindFlags, desc.CPUAccessFlags, desc.MiscFlags);
        let desc = flags.map(|flags| texture::Desc {
            dimension: Dimension::Two,
            width: desc.Width,
            height: desc.Height,
            depth: 1,
            mip_levels: desc.MipLevels,
            array_size: desc.ArraySize,
            format: desc.Format.0.cast_unsigned(),
            sample_count: desc.SampleDesc.Count,
            sample_quality: desc.SampleDesc.Quality,
            flags,
            back_buffer: false,
        });
        // SAFETY: COM's contract.
        unsafe { self.create_texture(desc, data, out) }
    }

    fn CreateTexture3D(
        &self,
        desc: *const D3D11_TEXTURE3D_DESC,
        data: *const D3D11_SUBRESOURCE_DATA,
        texture: OutRef<ID3D11Texture3D>,
    ) -> windows_core::Result<()> {
        let out = Out::new(texture);
        // SAFETY: COM's contract.
        let desc = com(unsafe { desc.as_ref() }.ok_or(E_INVALIDARG))?;
        let flags = flags(desc.Usage, desc.BindFlags, desc.CPUAccessFlags, desc.MiscFlags);
        let desc = flags.map(|flags| texture::Desc {
            dimension: Dimension::Three,
            width: desc.Width,
            height: desc.Height,
            depth: desc.Depth,
            mip_levels: desc.MipLevels,
            array_size: 1,
            format: desc.Format.0.cast_unsigned(),
            sample_count: 1,
            sample_quality: 0,
            flags,
            back_buffer: false,
        });
        // SAFETY: COM's contract.
        unsafe { self.create_texture(desc, data, out) }
    }

    view!(
        CreateShaderResourceView,
        ShaderResource,
        ID3D11ShaderResourceView,
        D3D11_SHADER_RESOURCE_VIEW_DESC
    );
    view!(
        CreateUnorderedAccessView,
        UnorderedAccess,
        ID3D11UnorderedAccessView,
        D3D11_UNORDERED_ACCESS_VIEW_DESC
    );
    view!(CreateRenderTargetView, RenderTarget, ID3D11RenderTargetView, D3D11_RENDER_TARGET_VIEW_DESC);
    view!(CreateDepthStencilView, DepthStencil, ID3D11DepthStencilView, D3D11_DEPTH_STENCIL_VIEW_DESC);

    fn CreateInputLayout(
        &self,
        elements: *const D3D11_INPUT_ELEMENT_DESC,
        count: u32,
        bytecode: *const c_void,
        length: usize,
        layout: OutRef<ID3D11InputLayout>,
    ) -> windows_core::Result<()> {
        let out = Out::new(layout);
        com(require(!elements.is_null()))?;
        // SAFETY: COM's contract.
        let described = unsafe { core::slice::from_raw_parts(elements, count as usize) };
        let mut checked = Vec::with_capacity(described.len());
        for element in described {
            checked.push(InputElement {
                // SAFETY: COM's contract.
                semantic_name: com(unsafe { semantic(element.SemanticName) })?,
                semantic_index: element.SemanticIndex,
                format: element.Format.0.cast_unsigned(),
                slot: element.InputSlot,
                offset: element.AlignedByteOffset,
                class: element.InputSlotClass.0.cast_unsigned(),
                step_rate: element.InstanceDataStepRate,
            });
        }
        // SAFETY: COM's contract.
        let bytecode = unsafe { bytes(bytecode, length) };
        let matched = com(signature::input_layout(&checked, bytecode))?;
        out.fill(|| Ok(()), || self.create_input_layout(&matched))
    }

    shader!(CreateVertexShader, Vertex, ID3D11VertexShader);
    shader!(CreateGeometryShader, Geometry, ID3D11GeometryShader);

    fn CreateGeometryShaderWithStreamOutput(
        &self,
        bytecode: *const c_void,
        length: usize,
        declaration: *const D3D11_SO_DECLARATION_ENTRY,
        count: u32,
        strides: *const u32,
        stride_count: u32,
        rasterized: u32,
        linkage: Ref<ID3D11ClassLinkage>,
        shader: OutRef<ID3D11GeometryShader>,
    ) -> windows_core::Result<()> {
        let out = Out::new(shader);
        // SAFETY: COM's contract.
        let bytecode = unsafe { bytes(bytecode, length) };
        let stages = [signature::Stage::Geometry, signature::Stage::Vertex, signature::Stage::Domain];
        let program = com(Program::new(bytecode, &stages))?;
        com(program.require_level(bytecode, self.inner.feature_level))?;
        let count = count as usize;
        com(require(count <= stream_output::MAX_ENTRIES && stride_count <= 4))?;
        // A declaration that is there has entries; only a geometry shader may do without one.
        com(require(declaration.is_null() == (count == 0) && (count != 0 || program.is_geometry())))?;
        let declared = if declaration.is_null() {
            &[]
        } else {
            // SAFETY: COM's contract.
            unsafe { core::slice::from_raw_parts(declaration, count) }
        };
        let strides = if strides.is_null() {
            &[]
        } else {
            // SAFETY: COM's contract.
            unsafe { core::slice::from_raw_parts(strides, stride_count as usize) }
        };
        let mut entries = Vec::with_capacity(declared.len());
        for entry in declared {
            let semantic = if entry.SemanticName.is_null() {
                None
            } else {
                // SAFETY: COM's contract.
                Some(com(unsafe { semantic(entry.SemanticName) })?)
            };
            entries.push(stream_output::Entry {
                stream: entry.Stream,
                semantic,
                index: entry.SemanticIndex,
                start: u32::from(entry.StartComponent),
                count: u32::from(entry.ComponentCount),
                slot: u32::from(entry.OutputSlot),
            });
        }
        let level_10 = self.inner.feature_level < FEATURE_LEVEL_11_0;
        let declaration = stream_output::Declaration { entries: &entries, strides, rasterized, level_10 };
        let entries =
            com(declaration.resolve(|semantic, index, stream| program.output(semantic, index, stream)))?;
        let output = StreamOutput { entries: &entries, strides, rasterized };
        let linkage = (com(program.linkage(bytecode))?, Com::from_interface(&linkage));
        out.fill(|| Ok(()), || self.create_stream_output_shader(&program, &output, linkage))
    }

    shader!(CreatePixelShader, Pixel, ID3D11PixelShader);
    shader!(CreateHullShader, Hull, ID3D11HullShader);
    shader!(CreateDomainShader, Domain, ID3D11DomainShader);
    shader!(CreateComputeShader, Compute, ID3D11ComputeShader);

    fn CreateClassLinkage(&self) -> windows_core::Result<ID3D11ClassLinkage> {
        let pointer = self.create_class_linkage();
        // SAFETY: the pointer is a new `ID3D11ClassLinkage` with a reference for its owner.
        Ok(unsafe { ID3D11ClassLinkage::from_raw(pointer) })
    }

    state!(CreateBlendState, D3D11_BLEND_DESC, ID3D11BlendState, Self::blend_state);
    state!(
        CreateDepthStencilState,
        D3D11_DEPTH_STENCIL_DESC,
        ID3D11DepthStencilState,
        Self::depth_stencil_state
    );
    state!(CreateRasterizerState, D3D11_RASTERIZER_DESC, ID3D11RasterizerState, Self::rasterizer_state);
    state!(CreateSamplerState, D3D11_SAMPLER_DESC, ID3D11SamplerState, Self::sampler_state);

    fn CreateQuery(
        &self,
        desc: *const D3D11_QUERY_DESC,
        query: OutRef<ID3D11Query>,
    ) -> windows_core::Result<()> {
        let out = Out::new(query);
        // SAFETY: COM's contract.
        let desc = com(unsafe { desc.as_ref() }.ok_or(E_INVALIDARG))?;
        out.fill(|| self.checked_query(desc, false), || self.create_query(desc, false))
    }

    fn CreatePredicate(
        &self,
        desc: *const D3D11_QUERY_DESC,
        predicate: OutRef<ID3D11Predicate>,
    ) -> windows_core::Result<()> {
        let out = Out::new(predicate);
        // SAFETY: COM's contract.
        let desc = com(unsafe { desc.as_ref() }.ok_or(E_INVALIDARG))?;
        out.fill(|| self.checked_query(desc, true), || self.create_query(desc, true))
    }

    fn CreateCounter(
        &self,
        _desc: *const D3D11_COUNTER_DESC,
        counter: OutRef<ID3D11Counter>,
    ) -> windows_core::Result<()> {
        // `CheckCounterInfo` says that there are none.
        Out::new(counter).fill(|| Err(E_INVALIDARG), || Err(E_INVALIDARG))
    }

    fn CreateDeferredContext(
        &self,
        flags: u32,
        context: OutRef<ID3D11DeviceContext>,
    ) -> windows_core::Result<()> {
        self.create_deferred_context(flags, Out::new(context))
    }

    fn OpenSharedResource(
        &self,
        handle: HANDLE,
        riid: *const GUID,
        resource: *mut *mut c_void,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        unsafe { self.open_shared(share::by_handle(handle), riid, resource) }
    }

    fn CheckFormatSupport(&self, format: DXGI_FORMAT) -> windows_core::Result<u32> {
        match self.format_support(format.0.cast_unsigned()) {
            Ok((0, _)) => Err(error(crate::hresult::E_FAIL)),
            Ok((support, _)) => Ok(support),
            Err(code) => Err(error(code)),
        }
    }

    fn CheckMultisampleQualityLevels(&self, format: DXGI_FORMAT, samples: u32) -> windows_core::Result<u32> {
        com(self.multisample_quality_levels(format.0.cast_unsigned(), samples))
    }

    fn CheckCounterInfo(&self, info: *mut D3D11_COUNTER_INFO) {
        if !info.is_null() {
            // SAFETY: COM's contract.
            unsafe { info.write(self.counter_info()) };
        }
    }

    fn CheckCounter(
        &self,
        _desc: *const D3D11_COUNTER_DESC,
        _kind: *mut D3D11_COUNTER_TYPE,
        _active: *mut u32,
        _name: PSTR,
        _name_length: *mut u32,
        _units: PSTR,
        _units_length: *mut u32,
        _description: PSTR,
        _description_length: *mut u32,
    ) -> windows_core::Result<()> {
        Err(error(E_INVALIDARG))
    }

    fn CheckFeatureSupport(
        &self,
        feature: D3D11_FEATURE,
        data: *mut c_void,
        size: u32,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(unsafe { self.check_feature(feature.0.cast_unsigned(), data, size) })
    }

    fn GetPrivateData(
        &self,
        guid: *const GUID,
        size: *mut u32,
        data: *mut c_void,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(unsafe { self.get_private_data(guid, size, data) })
    }

    fn SetPrivateData(&self, guid: *const GUID, size: u32, data: *const c_void) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(unsafe { self.set_private_data(guid, size, data) })
    }

    fn SetPrivateDataInterface(
        &self,
        guid: *const GUID,
        data: Ref<windows_core::IUnknown>,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(unsafe { self.set_private_data_interface(guid, data.cloned()) })
    }

    fn GetFeatureLevel(&self) -> D3D_FEATURE_LEVEL {
        D3D_FEATURE_LEVEL(self.inner.feature_level.cast_signed())
    }

    fn GetCreationFlags(&self) -> u32 {
        self.inner.creation_flags
    }

    fn GetDeviceRemovedReason(&self) -> windows_core::Result<()> {
        com(self.inner.kernel.removed_reason())
    }

    fn GetImmediateContext(&self, context: OutRef<ID3D11DeviceContext>) {
        self.put_context(Out::new(context));
    }

    fn SetExceptionMode(&self, flags: u32) -> windows_core::Result<()> {
        // `D3D11_RAISE_FLAG_DRIVER_INTERNAL_ERROR` is the only flag.
        com(require(flags & !1 == 0))?;
        self.inner.exception_mode.store(flags, Ordering::Relaxed);
        Ok(())
    }

    fn GetExceptionMode(&self) -> u32 {
        self.inner.exception_mode.load(Ordering::Relaxed)
    }
}

impl Com<Device> {
    fn checked_query(&self, desc: &D3D11_QUERY_DESC, predicate: bool) -> Result {
        query::checked(desc, predicate)?;
        rules::query(desc.Query.0.cast_unsigned(), self.inner.feature_level)
    }

    /// The feature level of a new context state: the first of the request that the device serves.
    fn context_state_level(
        &self,
        flags: u32,
        request: &[u32],
        sdk: u32,
        emulated: Option<&GUID>,
    ) -> Result<Level> {
        require(sdk == D3D11_SDK_VERSION && flags & !STATE_SINGLETHREADED == 0)?;
        let interfaces = [ID3D11Device::IID, ID3D11Device1::IID, ID3D10Device::IID, ID3D10Device1::IID];
        require(emulated.is_some_and(|interface| interfaces.contains(interface)))?;
        // A device that promises to be used by one thread has states that do.
        require((flags ^ self.inner.creation_flags) & SINGLETHREADED == 0 || flags == 0)?;
        level::choose(request, self.inner.feature_level)
    }

    /// Creates a deferred context.
    pub fn create_deferred_context(&self, flags: u32, out: Out) -> windows_core::Result<()> {
        let check = || {
            self.inner.kernel.require_alive()?;
            // There are no flags.
            require(flags == 0)?;
            // A device that promises to be used by one thread has no use for one.
            match self.inner.creation_flags & SINGLETHREADED {
                0 => Ok(()),
                _ => Err(DXGI_ERROR_INVALID_CALL),
            }
        };
        out.fill(check, || Ok(deferred::new(self).as_ptr().cast()))
    }

    /// Hands the immediate context out.
    pub fn put_context(&self, out: Out) {
        if let Some(context) = self.inner.context().filter(|_| !out.0.is_null()) {
            // SAFETY: COM's contract.
            unsafe { out.0.write(context.hand_out()) };
        }
    }
}

impl ID3D11Device1_Impl for Com<Device> {
    fn GetImmediateContext1(&self, context: OutRef<ID3D11DeviceContext1>) {
        self.put_context(Out::new(context));
    }

    fn CreateDeferredContext1(
        &self,
        flags: u32,
        context: OutRef<ID3D11DeviceContext1>,
    ) -> windows_core::Result<()> {
        self.create_deferred_context(flags, Out::new(context))
    }

    state!(CreateBlendState1, D3D11_BLEND_DESC1, ID3D11BlendState1, Self::blend_state1);
    state!(CreateRasterizerState1, D3D11_RASTERIZER_DESC1, ID3D11RasterizerState1, Self::rasterizer_state1);

    fn CreateDeviceContextState(
        &self,
        flags: u32,
        levels: *const D3D_FEATURE_LEVEL,
        count: u32,
        sdk: u32,
        emulated: *const GUID,
        chosen: *mut D3D_FEATURE_LEVEL,
        state: OutRef<ID3DDeviceContextState>,
    ) -> windows_core::Result<()> {
        let out = Out::new(state);
        let request = if levels.is_null() {
            &[]
        } else {
            // SAFETY: COM's contract.
            unsafe { core::slice::from_raw_parts(levels, count as usize) }
        };
        let request: Vec<u32> = request.iter().map(|level| level.0.cast_unsigned()).collect();
        // SAFETY: COM's contract: null or valid.
        let emulated = unsafe { emulated.as_ref() };
        let level = self.context_state_level(flags, &request, sdk, emulated);
        if !chosen.is_null() {
            let number = level.map_or(0, |level| level.number().cast_signed());
            // SAFETY: COM's contract.
            unsafe { chosen.write(D3D_FEATURE_LEVEL(number)) };
        }
        let create = || {
            // Windows' device is one of Direct3D 10, too, from here on, whatever the state emulates.
            self.inner.serve_d3d10();
            Ok(state_object::new(self).as_ptr().cast())
        };
        out.fill(|| level.map(|_| ()), create)
    }

    fn OpenSharedResource1(
        &self,
        handle: HANDLE,
        riid: *const GUID,
        resource: *mut *mut c_void,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        unsafe { self.open_shared(share::by_nt_handle(handle), riid, resource) }
    }

    fn OpenSharedResourceByName(
        &self,
        name: &PCWSTR,
        access: u32,
        riid: *const GUID,
        resource: *mut *mut c_void,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract: null or zero-terminated.
        let shared = unsafe { share::by_name(*name, access) };
        // SAFETY: COM's contract.
        unsafe { self.open_shared(shared, riid, resource) }
    }
}
