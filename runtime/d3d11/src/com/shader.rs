//! Shaders of all stages, and input layouts.

use core::ffi::c_void;

use pvgpu_dxbc::container::Linkage;
use pvgpu_umd_ddi::{
    D3D10DDIARG_CREATEELEMENTLAYOUT, D3D10DDIARG_INPUT_ELEMENT_DESC,
    D3D11DDIARG_CREATEGEOMETRYSHADERWITHSTREAMOUTPUT, D3D11DDIARG_STREAM_OUTPUT_DECLARATION_ENTRY,
};
use windows::Win32::Graphics::Direct3D10::{
    ID3D10GeometryShader_Vtbl, ID3D10InputLayout_Vtbl, ID3D10PixelShader_Vtbl, ID3D10VertexShader_Vtbl,
};
use windows::Win32::Graphics::Direct3D11::{
    ID3D11ComputeShader_Impl, ID3D11ComputeShader_Vtbl, ID3D11DomainShader_Impl, ID3D11DomainShader_Vtbl,
    ID3D11GeometryShader_Impl, ID3D11GeometryShader_Vtbl, ID3D11HullShader_Impl, ID3D11HullShader_Vtbl,
    ID3D11InputLayout_Impl, ID3D11InputLayout_Vtbl, ID3D11PixelShader_Impl, ID3D11PixelShader_Vtbl,
    ID3D11VertexShader_Impl, ID3D11VertexShader_Vtbl,
};
use windows_core::GUID;

use super::d3d10;
use super::device::Device;
use super::driver::{Object, Stage};
use super::guard::{Guard, Locked};
use super::linkage::ClassLinkage;
use super::object::{CHAINS, Class, Com, Vtables, vtable};
use crate::hresult::Result;
use crate::signature::{self, Program};

/// A shader of any stage.
pub struct Shader {
    stage: Stage,
    /// Its interfaces and classes. `None` for a shader without any, or created without a class linkage.
    pub linkage: Option<Linkage>,
    /// Whether it needs class instances.
    pub has_interfaces: bool,
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
    pub fn create_shader(
        &self,
        stage: Stage,
        bytecode: &[u8],
        linkage: Option<&Com<ClassLinkage>>,
    ) -> Result<*mut c_void> {
        self.inner.kernel.require_alive()?;
        let program = Program::new(bytecode, &[program_stage(stage)])?;
        program.require_level(bytecode, self.inner.feature_level)?;
        let memory = Guard::new(&self.inner).driver.create_shader(stage, &program)?;
        Ok(self.new_shader(stage, memory, program.linkage(bytecode)?, linkage))
    }

    /// Creates a geometry shader with stream output, of a geometry, vertex or domain shader's container.
    ///
    /// # Errors
    /// As [`Self::create_shader`].
    pub fn create_stream_output_shader(
        &self,
        program: &Program,
        output: &StreamOutput<'_>,
        linkage: (Linkage, Option<&Com<ClassLinkage>>),
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
        let memory = Guard::new(&self.inner).driver.create_stream_output_shader(program, &argument)?;
        Ok(self.new_shader(Stage::Geometry, memory, linkage.0, linkage.1))
    }

    fn new_shader(
        &self,
        stage: Stage,
        mut memory: Object,
        own: Linkage,
        linkage: Option<&Com<ClassLinkage>>,
    ) -> *mut c_void {
        let handle = memory.handle();
        let has_interfaces = own.slots() != 0;
        let linkage = linkage.filter(|_| has_interfaces).map(|linkage| {
            linkage.inner.learn(&own);
            own
        });
        let shader = Shader { stage, linkage, has_interfaces, _memory: memory };
        Com::new(vtables(stage), self, handle, shader).as_ptr().cast()
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
        vtables[d3d10::CHAIN] = vtable!(ID3D10InputLayout_Vtbl, Com<InputLayout>, 4);
        Ok(Com::new(vtables, self, handle, InputLayout { _memory: memory }).as_ptr().cast())
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
        if found {
            return Some(0);
        }
        let old = match self.stage {
            Stage::Vertex => ID3D10VertexShader_Vtbl::matches(iid),
            Stage::Geometry => ID3D10GeometryShader_Vtbl::matches(iid),
            Stage::Pixel => ID3D10PixelShader_Vtbl::matches(iid),
            Stage::Hull | Stage::Domain | Stage::Compute => false,
        };
        old.then_some(d3d10::CHAIN)
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
    vtables[d3d10::CHAIN] = match stage {
        Stage::Vertex => vtable!(ID3D10VertexShader_Vtbl, Com<Shader>, 4),
        Stage::Geometry => vtable!(ID3D10GeometryShader_Vtbl, Com<Shader>, 4),
        Stage::Pixel => vtable!(ID3D10PixelShader_Vtbl, Com<Shader>, 4),
        Stage::Hull | Stage::Domain | Stage::Compute => core::ptr::null(),
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
        if ID3D11InputLayout_Vtbl::matches(iid) {
            return Some(0);
        }
        ID3D10InputLayout_Vtbl::matches(iid).then_some(d3d10::CHAIN)
    }

    fn destroy(&self, handle: *mut c_void, locked: &mut Locked) {
        locked.driver.destroy_element_layout(handle);
    }
}

impl ID3D11InputLayout_Impl for Com<InputLayout> {}
