//! `ID3D11Device1`: creation functions, and the COM edge of the device.
//!
//! "COM's contract" in the SAFETY comments: pointers that are not null are valid, arrays are as long as the call says, and
//! interfaces are this runtime's.

use core::ffi::{CStr, c_void};
use core::sync::atomic::Ordering;

use pvgpu_umd_ddi::{D3D10_DDIARG_SUBRESOURCE_UP, D3D11DDIARG_STREAM_OUTPUT_DECLARATION_ENTRY};
use windows::Win32::Foundation::HANDLE;
use windows::Win32::Graphics::Direct3D::D3D_FEATURE_LEVEL;
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::DXGI_FORMAT;
use windows_core::{GUID, Interface, OutRef, PCSTR, PCWSTR, PSTR, Ref, Type};

use super::convert::{self, com, error};
use super::device::Device;
use super::driver::Stage;
use super::object::Com;
use super::resource::Resource;
use super::shader::StreamOutput;
use super::state_object::Desc as StateDesc;
use super::view::read_desc;
use crate::desc::resource::{Flags, Usage, bind, misc};
use crate::desc::texture::Dimension;
use crate::desc::view::{Class, Shape};
use crate::desc::{buffer, state, texture};
use crate::format;
use crate::hresult::{E_INVALIDARG, E_NOTIMPL, Result, S_FALSE, require};
use crate::signature::{self, InputElement, Program};

/// `D3D11_SO_NO_RASTERIZED_STREAM`.
const NO_RASTERIZED_STREAM: u32 = u32::MAX;
/// Most entries of a stream-output declaration (`D3D11_SO_OUTPUT_COMPONENT_COUNT` × `D3D11_SO_STREAM_COUNT`).
const MAX_SO_ENTRIES: usize = 512;
/// `D3D11_RESOURCE_MISC_*` of resources that other processes, GDI or several adapters use: not served in this version.
const UNSUPPORTED_MISC: u32 = misc::SHARED | misc::SHARED_KEYEDMUTEX | misc::GDI_COMPATIBLE;
/// `D3D11_FORMAT_SUPPORT_RENDER_TARGET`, `…_DEPTH_STENCIL`.
const RENDER_TARGET_SUPPORT: u32 = 0x4000;
const DEPTH_STENCIL_SUPPORT: u32 = 0x1_0000;

/// Where a creation function leaves its object.
struct Out(*mut *mut c_void);

impl Out {
    fn new<I: Type<I>>(out: OutRef<'_, I>) -> Self {
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
    require(misc & UNSUPPORTED_MISC == 0)?;
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
            self.require_format(&desc)?;
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

    /// Refuses textures in formats that the host cannot do.
    fn require_format(&self, desc: &texture::Desc) -> Result {
        let (support, _) = self.format_support(desc.format)?;
        require(support != 0)?;
        if !format::is_typeless(desc.format) {
            let bound = desc.flags.bind;
            require(bound & bind::RENDER_TARGET == 0 || support & RENDER_TARGET_SUPPORT != 0)?;
            require(bound & bind::DEPTH_STENCIL == 0 || support & DEPTH_STENCIL_SUPPORT != 0)?;
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
        let check = || crate::desc::view::View::new(class, &resource.inner.shape, desc).map(|_| ());
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
        out: Out,
    ) -> windows_core::Result<()> {
        // SAFETY: the caller's promise.
        let bytecode = unsafe { bytes(bytecode, length) };
        // Without a place for the shader its container is still parsed, by the creation that is thrown away.
        out.fill(|| Ok(()), || self.create_shader(stage, bytecode))
    }
}

macro_rules! shader {
    ($name:ident, $stage:ident, $interface:ident) => {
        fn $name(
            &self,
            bytecode: *const c_void,
            length: usize,
            _linkage: Ref<ID3D11ClassLinkage>,
            shader: OutRef<$interface>,
        ) -> windows_core::Result<()> {
            // SAFETY: COM's contract.
            unsafe { self.create_shader_from(Stage::$stage, bytecode, length, Out::new(shader)) }
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
        Ok((StateDesc::Blend(Box::new(desc)), key))
    }

    fn blend_state1(&self, desc: &D3D11_BLEND_DESC1) -> Checked {
        let logic_op = super::guard::Guard::new(&self.inner).driver.caps.logic_op;
        let (desc, key) = state::blend(&convert::blend1(desc), logic_op)?;
        Ok((StateDesc::Blend(Box::new(desc)), key))
    }

    fn depth_stencil_state(&self, desc: &D3D11_DEPTH_STENCIL_DESC) -> Checked {
        let (desc, key) = state::depth_stencil(&convert::depth_stencil(desc))?;
        Ok((StateDesc::DepthStencil(desc), key))
    }

    fn rasterizer_state(&self, desc: &D3D11_RASTERIZER_DESC) -> Checked {
        let (desc, key) = state::rasterizer(&convert::rasterizer(desc))?;
        Ok((StateDesc::Rasterizer(desc), key))
    }

    fn rasterizer_state1(&self, desc: &D3D11_RASTERIZER_DESC1) -> Checked {
        let (desc, key) = state::rasterizer(&convert::rasterizer1(desc))?;
        Ok((StateDesc::Rasterizer(desc), key))
    }

    fn sampler_state(&self, desc: &D3D11_SAMPLER_DESC) -> Checked {
        let (desc, key) = state::sampler(&convert::sampler(desc))?;
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
                buffer::Desc::new(desc.ByteWidth, flags, desc.StructureByteStride, !data.is_null())
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
        let described = if elements.is_null() {
            &[]
        } else {
            // SAFETY: COM's contract.
            unsafe { core::slice::from_raw_parts(elements, count as usize) }
        };
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
        _linkage: Ref<ID3D11ClassLinkage>,
        shader: OutRef<ID3D11GeometryShader>,
    ) -> windows_core::Result<()> {
        let out = Out::new(shader);
        // SAFETY: COM's contract.
        let bytecode = unsafe { bytes(bytecode, length) };
        let stages = [signature::Stage::Geometry, signature::Stage::Vertex, signature::Stage::Domain];
        let program = com(Program::new(bytecode, &stages))?;
        com(require(count as usize <= MAX_SO_ENTRIES && stride_count <= 4))?;
        com(require(rasterized <= 3 || rasterized == NO_RASTERIZED_STREAM))?;
        let declared = if declaration.is_null() {
            &[]
        } else {
            // SAFETY: COM's contract.
            unsafe { core::slice::from_raw_parts(declaration, count as usize) }
        };
        let strides = if strides.is_null() {
            &[]
        } else {
            // SAFETY: COM's contract.
            unsafe { core::slice::from_raw_parts(strides, stride_count as usize) }
        };
        let mut entries = Vec::with_capacity(declared.len());
        for entry in declared {
            let output = if entry.SemanticName.is_null() {
                None
            } else {
                // SAFETY: COM's contract.
                Some(com(unsafe { semantic(entry.SemanticName) })?)
            };
            entries.push(com(stream_output_entry(&program, entry, output.as_deref()))?);
        }
        let output = StreamOutput { entries: &entries, strides, rasterized };
        out.fill(|| Ok(()), || self.create_stream_output_shader(&program, &output))
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
        out.fill(|| Ok(()), || self.create_query(desc, false))
    }

    fn CreatePredicate(
        &self,
        desc: *const D3D11_QUERY_DESC,
        predicate: OutRef<ID3D11Predicate>,
    ) -> windows_core::Result<()> {
        let out = Out::new(predicate);
        // SAFETY: COM's contract.
        let desc = com(unsafe { desc.as_ref() }.ok_or(E_INVALIDARG))?;
        out.fill(|| Ok(()), || self.create_query(desc, true))
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
        _flags: u32,
        context: OutRef<ID3D11DeviceContext>,
    ) -> windows_core::Result<()> {
        // `CheckFeatureSupport(THREADING)` says that the driver has no command lists.
        Out::new(context).fill(|| Err(E_NOTIMPL), || Err(E_NOTIMPL))
    }

    fn OpenSharedResource(
        &self,
        _handle: HANDLE,
        _riid: *const GUID,
        resource: *mut *mut c_void,
    ) -> windows_core::Result<()> {
        if !resource.is_null() {
            // SAFETY: COM's contract.
            unsafe { resource.write(core::ptr::null_mut()) };
        }
        Err(error(E_NOTIMPL))
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
        com(self.inner.kernel.require_alive())
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
    fn put_context(&self, out: Out) {
        if let Some(context) = self.inner.context().filter(|_| !out.0.is_null()) {
            // SAFETY: COM's contract.
            unsafe { out.0.write(context.hand_out()) };
        }
    }
}

/// Resolves one stream-output entry against the program's output signature.
fn stream_output_entry(
    program: &Program,
    entry: &D3D11_SO_DECLARATION_ENTRY,
    semantic: Option<&str>,
) -> Result<D3D11DDIARG_STREAM_OUTPUT_DECLARATION_ENTRY> {
    require(entry.Stream <= 3 && entry.OutputSlot <= 3)?;
    let (start, count) = (u32::from(entry.StartComponent), u32::from(entry.ComponentCount));
    let (register, mask) = match semantic {
        // A gap of `count` components.
        None => (u32::MAX, mask_of(0, count.min(4))),
        Some(name) => {
            require(count != 0 && start + count <= 4)?;
            let output = program.output(name, entry.SemanticIndex, entry.Stream).ok_or(E_INVALIDARG)?;
            // Components count from the element's first, which need not be the register's.
            let first = u32::from(output.1).trailing_zeros();
            (output.0, mask_of(first + start, count))
        }
    };
    Ok(D3D11DDIARG_STREAM_OUTPUT_DECLARATION_ENTRY {
        Stream: entry.Stream,
        OutputSlot: u32::from(entry.OutputSlot),
        RegisterIndex: register,
        RegisterMask: mask,
    })
}

/// `count` bits from bit `start` of a component mask.
fn mask_of(start: u32, count: u32) -> u8 {
    // CAST: four bits.
    ((((1_u32 << count.min(4)) - 1) << start.min(4)) & 0xf) as u8
}

impl ID3D11Device1_Impl for Com<Device> {
    fn GetImmediateContext1(&self, context: OutRef<ID3D11DeviceContext1>) {
        self.put_context(Out::new(context));
    }

    fn CreateDeferredContext1(
        &self,
        _flags: u32,
        context: OutRef<ID3D11DeviceContext1>,
    ) -> windows_core::Result<()> {
        Out::new(context).fill(|| Err(E_NOTIMPL), || Err(E_NOTIMPL))
    }

    state!(CreateBlendState1, D3D11_BLEND_DESC1, ID3D11BlendState1, Self::blend_state1);
    state!(CreateRasterizerState1, D3D11_RASTERIZER_DESC1, ID3D11RasterizerState1, Self::rasterizer_state1);

    fn CreateDeviceContextState(
        &self,
        _flags: u32,
        _levels: *const D3D_FEATURE_LEVEL,
        _count: u32,
        _sdk: u32,
        _emulated: *const GUID,
        _chosen: *mut D3D_FEATURE_LEVEL,
        state: OutRef<ID3DDeviceContextState>,
    ) -> windows_core::Result<()> {
        Out::new(state).fill(|| Err(E_NOTIMPL), || Err(E_NOTIMPL))
    }

    fn OpenSharedResource1(
        &self,
        handle: HANDLE,
        riid: *const GUID,
        resource: *mut *mut c_void,
    ) -> windows_core::Result<()> {
        self.OpenSharedResource(handle, riid, resource)
    }

    fn OpenSharedResourceByName(
        &self,
        _name: &PCWSTR,
        _access: u32,
        riid: *const GUID,
        resource: *mut *mut c_void,
    ) -> windows_core::Result<()> {
        self.OpenSharedResource(HANDLE::default(), riid, resource)
    }
}
