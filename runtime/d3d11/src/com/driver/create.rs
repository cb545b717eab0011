//! Creation and destruction of driver objects.
//!
//! Each kind has three entries: one says how much memory the driver wants, one creates the object in it, one destroys it.

use pvgpu_umd_ddi as ddi;

use super::{BROKEN, Driver, Raw, Stage};
use crate::com::kernel::OpenedResource;
use crate::com::memory::DriverMemory;
use crate::hresult::Result;
use crate::signature::Program;

/// A driver object and the memory it lives in. The class that owns it destroys it.
#[derive(Debug)]
pub struct Object {
    memory: DriverMemory,
}

impl Object {
    /// The driver's handle.
    pub fn handle(&mut self) -> Raw {
        self.memory.address()
    }
}

macro_rules! creates {
    ($($(#[$doc:meta])* $create:ident, $destroy:ident($arg:ident: $type:ty) =>
        $calc_entry:ident, $create_entry:ident, $destroy_entry:ident, $handle:ident, $runtime_handle:ident;)*) => {
        impl Driver {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// What the driver reports.
                pub fn $create(&mut self, $arg: &$type) -> Result<Object> {
                    let (Some(calc), Some(create)) = (self.funcs.$calc_entry, self.funcs.$create_entry) else {
                        return Err(BROKEN);
                    };
                    // SAFETY: the argument is complete, and what it points to lives until the call returns.
                    let bytes = unsafe { calc(self.device, $arg) };
                    let mut memory = DriverMemory::new(bytes);
                    let address = memory.address();
                    self.clear_error();
                    let (handle, own) = (ddi::$handle(address), ddi::$runtime_handle(address));
                    // SAFETY: as above, and the memory is as large as the driver asked.
                    unsafe { create(self.device, $arg, handle, own) };
                    self.take_error()?;
                    Ok(Object { memory })
                }

                /// Destroys what the function above created. The handle is dead after.
                pub fn $destroy(&mut self, handle: Raw) {
                    if let Some(destroy) = self.funcs.$destroy_entry {
                        // SAFETY: the owner gives up a live object; the lock orders this after its last use.
                        unsafe { destroy(self.device, ddi::$handle(handle)) };
                    }
                }
            )*
        }
    };
}

creates! {
    /// Creates a buffer or texture.
    create_resource, destroy_resource(desc: ddi::D3D11DDIARG_CREATERESOURCE) =>
        pfnCalcPrivateResourceSize, pfnCreateResource, pfnDestroyResource, D3D10DDI_HRESOURCE, D3D10DDI_HRTRESOURCE;
    /// Creates a shader-resource view.
    create_shader_resource_view, destroy_shader_resource_view(desc: ddi::D3D11DDIARG_CREATESHADERRESOURCEVIEW) =>
        pfnCalcPrivateShaderResourceViewSize, pfnCreateShaderResourceView, pfnDestroyShaderResourceView,
        D3D10DDI_HSHADERRESOURCEVIEW, D3D10DDI_HRTSHADERRESOURCEVIEW;
    /// Creates a render-target view.
    create_render_target_view, destroy_render_target_view(desc: ddi::D3D10DDIARG_CREATERENDERTARGETVIEW) =>
        pfnCalcPrivateRenderTargetViewSize, pfnCreateRenderTargetView, pfnDestroyRenderTargetView,
        D3D10DDI_HRENDERTARGETVIEW, D3D10DDI_HRTRENDERTARGETVIEW;
    /// Creates a depth-stencil view.
    create_depth_stencil_view, destroy_depth_stencil_view(desc: ddi::D3D11DDIARG_CREATEDEPTHSTENCILVIEW) =>
        pfnCalcPrivateDepthStencilViewSize, pfnCreateDepthStencilView, pfnDestroyDepthStencilView,
        D3D10DDI_HDEPTHSTENCILVIEW, D3D10DDI_HRTDEPTHSTENCILVIEW;
    /// Creates an unordered-access view.
    create_unordered_access_view, destroy_unordered_access_view(desc: ddi::D3D11DDIARG_CREATEUNORDEREDACCESSVIEW) =>
        pfnCalcPrivateUnorderedAccessViewSize, pfnCreateUnorderedAccessView, pfnDestroyUnorderedAccessView,
        D3D11DDI_HUNORDEREDACCESSVIEW, D3D11DDI_HRTUNORDEREDACCESSVIEW;
    /// Creates an input layout.
    create_element_layout, destroy_element_layout(desc: ddi::D3D10DDIARG_CREATEELEMENTLAYOUT) =>
        pfnCalcPrivateElementLayoutSize, pfnCreateElementLayout, pfnDestroyElementLayout,
        D3D10DDI_HELEMENTLAYOUT, D3D10DDI_HRTELEMENTLAYOUT;
    /// Creates a blend state.
    create_blend_state, destroy_blend_state(desc: ddi::D3D11_1_DDI_BLEND_DESC) =>
        pfnCalcPrivateBlendStateSize, pfnCreateBlendState, pfnDestroyBlendState,
        D3D10DDI_HBLENDSTATE, D3D10DDI_HRTBLENDSTATE;
    /// Creates a depth-stencil state.
    create_depth_stencil_state, destroy_depth_stencil_state(desc: ddi::D3D10_DDI_DEPTH_STENCIL_DESC) =>
        pfnCalcPrivateDepthStencilStateSize, pfnCreateDepthStencilState, pfnDestroyDepthStencilState,
        D3D10DDI_HDEPTHSTENCILSTATE, D3D10DDI_HRTDEPTHSTENCILSTATE;
    /// Creates a rasterizer state.
    create_rasterizer_state, destroy_rasterizer_state(desc: ddi::D3D11_1_DDI_RASTERIZER_DESC) =>
        pfnCalcPrivateRasterizerStateSize, pfnCreateRasterizerState, pfnDestroyRasterizerState,
        D3D10DDI_HRASTERIZERSTATE, D3D10DDI_HRTRASTERIZERSTATE;
    /// Creates a sampler.
    create_sampler, destroy_sampler(desc: ddi::D3D10_DDI_SAMPLER_DESC) =>
        pfnCalcPrivateSamplerSize, pfnCreateSampler, pfnDestroySampler, D3D10DDI_HSAMPLER, D3D10DDI_HRTSAMPLER;
    /// Creates a query or predicate.
    create_query, destroy_query(desc: ddi::D3D10DDIARG_CREATEQUERY) =>
        pfnCalcPrivateQuerySize, pfnCreateQuery, pfnDestroyQuery, D3D10DDI_HQUERY, D3D10DDI_HRTQUERY;
}

impl Driver {
    /// Opens what another device shares. `open` has the kernel open its allocations under the handle that it gets, which is
    /// the resource's.
    ///
    /// # Errors
    /// Those of `open`; what the driver reports.
    pub fn open_resource(&mut self, open: impl FnOnce(usize) -> Result<OpenedResource>) -> Result<Object> {
        let (Some(calc), Some(create)) =
            (self.funcs.pfnCalcPrivateOpenedResourceSize, self.funcs.pfnOpenResource)
        else {
            return Err(BROKEN);
        };
        let nothing = ddi::D3D10DDIARG_OPENRESOURCE::default();
        // SAFETY: the argument is complete: a resource of which the driver may look at nothing yet.
        let bytes = unsafe { calc(self.device, &nothing) };
        let mut memory = DriverMemory::new(bytes);
        let address = memory.address();
        let opened = open(address as usize)?;
        let mut allocations: Vec<ddi::D3DDDI_OPENALLOCATIONINFO> = opened
            .allocations
            .iter()
            .map(|(handle, private)| ddi::D3DDDI_OPENALLOCATIONINFO {
                hAllocation: *handle,
                pPrivateDriverData: private.as_ptr().cast(),
                // CAST: what was set had a 32-bit size.
                PrivateDriverDataSize: private.len() as u32,
            })
            .collect();
        let argument = ddi::D3D10DDIARG_OPENRESOURCE {
            // CAST: a resource has a few.
            NumAllocations: allocations.len() as u32,
            pOpenAllocationInfo: allocations.as_mut_ptr(),
            pPrivateDriverData: opened.private.as_ptr().cast_mut().cast(),
            // CAST: what was set had a 32-bit size.
            PrivateDriverDataSize: opened.private.len() as u32,
            ..nothing
        };
        self.clear_error();
        let (handle, own) = (ddi::D3D10DDI_HRESOURCE(address), ddi::D3D10DDI_HRTRESOURCE(address));
        // SAFETY: the argument is complete, what it points to lives until the call returns, and the memory is as large as the
        // driver asked.
        unsafe { create(self.device, &argument, handle, own) };
        self.take_error()?;
        Ok(Object { memory })
    }

    /// Creates a shader of any stage.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn create_shader(&mut self, stage: Stage, program: &Program) -> Result<Object> {
        let device = self.device;
        let code = program.tokens();
        let plain = program.signatures();
        let tessellation = program.tessellation_signatures();
        let bytes = if matches!(stage, Stage::Hull | Stage::Domain) {
            let calc = self.funcs.pfnCalcPrivateTessellationShaderSize.ok_or(BROKEN)?;
            // SAFETY: `program` checked the length token and lives until this function returns.
            unsafe { calc(device, code, &tessellation) }
        } else {
            let calc = self.funcs.pfnCalcPrivateShaderSize.ok_or(BROKEN)?;
            // SAFETY: as above.
            unsafe { calc(device, code, &plain) }
        };
        let mut memory = DriverMemory::new(bytes);
        let handle = ddi::D3D10DDI_HSHADER(memory.address());
        let own = ddi::D3D10DDI_HRTSHADER(memory.address());
        self.clear_error();
        match stage {
            Stage::Compute => {
                let create = self.funcs.pfnCreateComputeShader.ok_or(BROKEN)?;
                // SAFETY: as above, and the memory is as large as the driver asked.
                unsafe { create(device, code, handle, own) };
            }
            Stage::Hull | Stage::Domain => {
                let hull = stage == Stage::Hull;
                let entry =
                    if hull { self.funcs.pfnCreateHullShader } else { self.funcs.pfnCreateDomainShader };
                let create = entry.ok_or(BROKEN)?;
                // SAFETY: as above.
                unsafe { create(device, code, handle, own, &tessellation) };
            }
            Stage::Vertex | Stage::Geometry | Stage::Pixel => {
                let entry = match stage {
                    Stage::Vertex => self.funcs.pfnCreateVertexShader,
                    Stage::Geometry => self.funcs.pfnCreateGeometryShader,
                    _ => self.funcs.pfnCreatePixelShader,
                };
                let create = entry.ok_or(BROKEN)?;
                // SAFETY: as above.
                unsafe { create(device, code, handle, own, &plain) };
            }
        }
        self.take_error()?;
        Ok(Object { memory })
    }

    /// Creates a geometry shader with stream output.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn create_stream_output_shader(
        &mut self,
        program: &Program,
        argument: &ddi::D3D11DDIARG_CREATEGEOMETRYSHADERWITHSTREAMOUTPUT,
    ) -> Result<Object> {
        let signatures = program.signatures();
        let calc = self.funcs.pfnCalcPrivateGeometryShaderWithStreamOutput.ok_or(BROKEN)?;
        // SAFETY: the argument and the signatures are complete and live until this function returns.
        let bytes = unsafe { calc(self.device, argument, &signatures) };
        let mut memory = DriverMemory::new(bytes);
        let handle = ddi::D3D10DDI_HSHADER(memory.address());
        let own = ddi::D3D10DDI_HRTSHADER(memory.address());
        let create = self.funcs.pfnCreateGeometryShaderWithStreamOutput.ok_or(BROKEN)?;
        self.clear_error();
        // SAFETY: as above, and the memory is as large as the driver asked.
        unsafe { create(self.device, argument, handle, own, &signatures) };
        self.take_error()?;
        Ok(Object { memory })
    }

    /// Destroys a shader of any stage.
    pub fn destroy_shader(&mut self, handle: Raw) {
        if let Some(destroy) = self.funcs.pfnDestroyShader {
            // SAFETY: the owner gives up a live shader; the lock orders this after its last use.
            unsafe { destroy(self.device, ddi::D3D10DDI_HSHADER(handle)) };
        }
    }
}
