//! Shaders of all stages, input layouts, and class linkage.

use core::ffi::c_void;

use pvgpu_umd_ddi::{
    D3D10DDIARG_CREATEELEMENTLAYOUT, D3D10DDIARG_INPUT_ELEMENT_DESC,
    D3D11DDIARG_CREATEGEOMETRYSHADERWITHSTREAMOUTPUT, D3D11DDIARG_STREAM_OUTPUT_DECLARATION_ENTRY,
};
use windows::Win32::Graphics::Direct3D11::{
    ID3D11ClassInstance, ID3D11ClassLinkage_Impl, ID3D11ClassLinkage_Vtbl, ID3D11ComputeShader_Impl,
    ID3D11ComputeShader_Vtbl, ID3D11DomainShader_Impl, ID3D11DomainShader_Vtbl, ID3D11GeometryShader_Impl,
    ID3D11GeometryShader_Vtbl, ID3D11HullShader_Impl, ID3D11HullShader_Vtbl, ID3D11InputLayout_Impl,
    ID3D11InputLayout_Vtbl, ID3D11PixelShader_Impl, ID3D11PixelShader_Vtbl, ID3D11VertexShader_Impl,
    ID3D11VertexShader_Vtbl,
};
use windows_core::{GUID, PCSTR};

use super::convert::error;
use super::device::Device;
use super::driver::{Object, Stage};
use super::guard::{Guard, Locked};
use super::object::{CHAINS, Class, Com, Vtables, vtable};
use crate::hresult::{E_NOTIMPL, Result};
use crate::signature::{self, Program};

/// A shader of any stage.
pub struct Shader {
    stage: Stage,
    _memory: Object,
}

/// Stream output of a geometry shader.
pub struct StreamOutput<'a> {
    /// What goes where.
    pub entries: &'a [D3D11DDIARG_STREAM_OUTPUT_DECLARATION_ENTRY],
    /// Bytes from vertex to vertex of each buffer.
    pub strides: &'a [u32],
    /// The stream that is drawn, or `D3D11_SO_NO_RASTERIZED_STREAM`.
    pub rasterized: u32,
}

impl Com<Device> {
    /// Creates a shader from a container: a public reference as an interface pointer of chain 0.
    ///
    /// # Errors
    /// `E_INVALIDARG` for a container that is malformed or of another stage, and the driver's.
    pub fn create_shader(&self, stage: Stage, bytecode: &[u8]) -> Result<*mut c_void> {
        self.inner.kernel.require_alive()?;
        let program = Program::new(bytecode, &[program_stage(stage)])?;
        let mut guard = Guard::new(&self.inner);
        let memory = guard.driver.create_shader(stage, &program)?;
        Ok(self.new_shader(stage, memory))
    }

    /// Creates a geometry shader with stream output, of a geometry, vertex or domain shader's container.
    ///
    /// # Errors
    /// As [`Self::create_shader`].
    pub fn create_stream_output_shader(
        &self,
        program: &Program,
        output: &StreamOutput<'_>,
    ) -> Result<*mut c_void> {
        self.inner.kernel.require_alive()?;
        let argument = D3D11DDIARG_CREATEGEOMETRYSHADERWITHSTREAMOUTPUT {
            pShaderCode: program.tokens(),
            pOutputStreamDecl: output.entries.as_ptr(),
            // CAST: both counts were checked: at most 512 and 4.
            NumEntries: output.entries.len() as u32,
            BufferStridesInBytes: output.strides.as_ptr(),
            NumStrides: output.strides.len() as u32,
            RasterizedStream: output.rasterized,
        };
        let mut guard = Guard::new(&self.inner);
        let memory = guard.driver.create_stream_output_shader(program, &argument)?;
        Ok(self.new_shader(Stage::Geometry, memory))
    }

    fn new_shader(&self, stage: Stage, mut memory: Object) -> *mut c_void {
        let handle = memory.handle();
        Com::new(vtables(stage), self, handle, Shader { stage, _memory: memory }).as_ptr().cast()
    }

    /// Creates an input layout: a public reference as an interface pointer of chain 0.
    ///
    /// # Errors
    /// The driver's.
    pub fn create_input_layout(&self, elements: &[D3D10DDIARG_INPUT_ELEMENT_DESC]) -> Result<*mut c_void> {
        self.inner.kernel.require_alive()?;
        let argument = D3D10DDIARG_CREATEELEMENTLAYOUT {
            pVertexElements: elements.as_ptr(),
            // CAST: the layout's check allows 32.
            NumElements: elements.len() as u32,
        };
        let mut guard = Guard::new(&self.inner);
        let mut memory = guard.driver.create_element_layout(&argument)?;
        let handle = memory.handle();
        let mut vtables = [core::ptr::null(); CHAINS];
        vtables[0] = vtable!(ID3D11InputLayout_Vtbl, Com<InputLayout>, 0);
        Ok(Com::new(vtables, self, handle, InputLayout { _memory: memory }).as_ptr().cast())
    }

    /// Creates a class linkage: a public reference as an interface pointer of chain 0.
    pub fn create_class_linkage(&self) -> *mut c_void {
        let mut vtables = [core::ptr::null(); CHAINS];
        vtables[0] = vtable!(ID3D11ClassLinkage_Vtbl, Com<ClassLinkage>, 0);
        Com::new(vtables, self, core::ptr::null_mut(), ClassLinkage).as_ptr().cast()
    }
}

fn program_stage(stage: Stage) -> signature::Stage {
    match stage {
        Stage::Vertex => signature::Stage::Vertex,
        Stage::Hull => signature::Stage::Hull,
        Stage::Domain => signature::Stage::Domain,
        Stage::Geometry => signature::Stage::Geometry,
        Stage::Pixel => signature::Stage::Pixel,
        Stage::Compute => signature::Stage::Compute,
    }
}

impl Class for Shader {
    fn chain(&self, iid: &GUID) -> Option<usize> {
        let found = match self.stage {
            Stage::Vertex => ID3D11VertexShader_Vtbl::matches(iid),
            Stage::Hull => ID3D11HullShader_Vtbl::matches(iid),
            Stage::Domain => ID3D11DomainShader_Vtbl::matches(iid),
            Stage::Geometry => ID3D11GeometryShader_Vtbl::matches(iid),
            Stage::Pixel => ID3D11PixelShader_Vtbl::matches(iid),
            Stage::Compute => ID3D11ComputeShader_Vtbl::matches(iid),
        };
        found.then_some(0)
    }

    fn destroy(&self, handle: *mut c_void, locked: &mut Locked) {
        locked.driver.destroy_shader(handle);
    }
}

fn vtables(stage: Stage) -> Vtables {
    let mut vtables = [core::ptr::null(); CHAINS];
    vtables[0] = match stage {
        Stage::Vertex => vtable!(ID3D11VertexShader_Vtbl, Com<Shader>, 0),
        Stage::Hull => vtable!(ID3D11HullShader_Vtbl, Com<Shader>, 0),
        Stage::Domain => vtable!(ID3D11DomainShader_Vtbl, Com<Shader>, 0),
        Stage::Geometry => vtable!(ID3D11GeometryShader_Vtbl, Com<Shader>, 0),
        Stage::Pixel => vtable!(ID3D11PixelShader_Vtbl, Com<Shader>, 0),
        Stage::Compute => vtable!(ID3D11ComputeShader_Vtbl, Com<Shader>, 0),
    };
    vtables
}

impl ID3D11VertexShader_Impl for Com<Shader> {}
impl ID3D11HullShader_Impl for Com<Shader> {}
impl ID3D11DomainShader_Impl for Com<Shader> {}
impl ID3D11GeometryShader_Impl for Com<Shader> {}
impl ID3D11PixelShader_Impl for Com<Shader> {}
impl ID3D11ComputeShader_Impl for Com<Shader> {}

/// An input layout.
pub struct InputLayout {
    _memory: Object,
}

impl Class for InputLayout {
    fn chain(&self, iid: &GUID) -> Option<usize> {
        ID3D11InputLayout_Vtbl::matches(iid).then_some(0)
    }

    fn destroy(&self, handle: *mut c_void, locked: &mut Locked) {
        locked.driver.destroy_element_layout(handle);
    }
}

impl ID3D11InputLayout_Impl for Com<InputLayout> {}

/// A class linkage. Dynamic linkage itself is not supported: its instances cannot be made.
pub struct ClassLinkage;

impl Class for ClassLinkage {
    fn chain(&self, iid: &GUID) -> Option<usize> {
        ID3D11ClassLinkage_Vtbl::matches(iid).then_some(0)
    }

    fn destroy(&self, _handle: *mut c_void, _locked: &mut Locked) {}
}

impl ID3D11ClassLinkage_Impl for Com<ClassLinkage> {
    fn GetClassInstance(&self, _name: &PCSTR, _index: u32) -> windows_core::Result<ID3D11ClassInstance> {
        Err(error(E_NOTIMPL))
    }

    fn CreateClassInstance(
        &self,
        _type_name: &PCSTR,
        _constant_buffer: u32,
        _constant_vector: u32,
        _texture: u32,
        _sampler: u32,
    ) -> windows_core::Result<ID3D11ClassInstance> {
        Err(error(E_NOTIMPL))
    }
}
