//! Function types of the device table that create and destroy shaders.
//!
//! Each type is an `Option`: a null pointer is `None`. Null handles unbind.
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]

use core::ffi::c_void;

use crate::*;

/// Bytes of driver memory for a shader; `pCode[1]` is the code's length in `u32`s.
pub type PFND3D10DDI_CALCPRIVATESHADERSIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCode: *const u32,
        pSignatures: *const D3D10DDIARG_STAGE_IO_SIGNATURES,
    ) -> usize,
>;

/// As [`PFND3D10DDI_CALCPRIVATESHADERSIZE`], with 11.1 signatures.
pub type PFND3D11_1DDI_CALCPRIVATESHADERSIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pShaderCode: *const u32,
        pSignatures: *const D3D11_1DDIARG_STAGE_IO_SIGNATURES,
    ) -> usize,
>;

/// Creates a vertex shader from SHDR/SHEX tokens.
pub type PFND3D10DDI_CREATEVERTEXSHADER = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCode: *const u32,
        hShader: D3D10DDI_HSHADER,
        hRTShader: D3D10DDI_HRTSHADER,
        pSignatures: *const D3D10DDIARG_STAGE_IO_SIGNATURES,
    ),
>;

/// As [`PFND3D10DDI_CREATEVERTEXSHADER`], with 11.1 signatures.
pub type PFND3D11_1DDI_CREATEVERTEXSHADER = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pShaderCode: *const u32,
        hShader: D3D10DDI_HSHADER,
        hRTShader: D3D10DDI_HRTSHADER,
        pSignatures: *const D3D11_1DDIARG_STAGE_IO_SIGNATURES,
    ),
>;

/// Creates a geometry shader from SHDR/SHEX tokens.
pub type PFND3D10DDI_CREATEGEOMETRYSHADER = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCode: *const u32,
        hShader: D3D10DDI_HSHADER,
        hRTShader: D3D10DDI_HRTSHADER,
        pSignatures: *const D3D10DDIARG_STAGE_IO_SIGNATURES,
    ),
>;

/// As [`PFND3D10DDI_CREATEGEOMETRYSHADER`], with 11.1 signatures.
pub type PFND3D11_1DDI_CREATEGEOMETRYSHADER = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pShaderCode: *const u32,
        hShader: D3D10DDI_HSHADER,
        hRTShader: D3D10DDI_HRTSHADER,
        pSignatures: *const D3D11_1DDIARG_STAGE_IO_SIGNATURES,
    ),
>;

/// Creates a pixel shader from SHDR/SHEX tokens.
pub type PFND3D10DDI_CREATEPIXELSHADER = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCode: *const u32,
        hShader: D3D10DDI_HSHADER,
        hRTShader: D3D10DDI_HRTSHADER,
        pSignatures: *const D3D10DDIARG_STAGE_IO_SIGNATURES,
    ),
>;

/// As [`PFND3D10DDI_CREATEPIXELSHADER`], with 11.1 signatures.
pub type PFND3D11_1DDI_CREATEPIXELSHADER = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pShaderCode: *const u32,
        hShader: D3D10DDI_HSHADER,
        hRTShader: D3D10DDI_HRTSHADER,
        pSignatures: *const D3D11_1DDIARG_STAGE_IO_SIGNATURES,
    ),
>;

/// Bytes of driver memory for a geometry shader with stream output.
pub type PFND3D11DDI_CALCPRIVATEGEOMETRYSHADERWITHSTREAMOUTPUT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateGeometryShaderWithStreamOutput: *const D3D11DDIARG_CREATEGEOMETRYSHADERWITHSTREAMOUTPUT,
        pSignatures: *const D3D10DDIARG_STAGE_IO_SIGNATURES,
    ) -> usize,
>;

/// As [`PFND3D11DDI_CALCPRIVATEGEOMETRYSHADERWITHSTREAMOUTPUT`], with 11.1 signatures.
pub type PFND3D11_1DDI_CALCPRIVATEGEOMETRYSHADERWITHSTREAMOUTPUT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pOutput: *const D3D11DDIARG_CREATEGEOMETRYSHADERWITHSTREAMOUTPUT,
        pSignatures: *const D3D11_1DDIARG_STAGE_IO_SIGNATURES,
    ) -> usize,
>;

/// Creates a geometry shader with stream output (code may be null: the previous stage streams out).
pub type PFND3D11DDI_CREATEGEOMETRYSHADERWITHSTREAMOUTPUT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateGeometryWithShaderOutput: *const D3D11DDIARG_CREATEGEOMETRYSHADERWITHSTREAMOUTPUT,
        hShader: D3D10DDI_HSHADER,
        hRTShader: D3D10DDI_HRTSHADER,
        pSignatures: *const D3D10DDIARG_STAGE_IO_SIGNATURES,
    ),
>;

/// As [`PFND3D11DDI_CREATEGEOMETRYSHADERWITHSTREAMOUTPUT`], with 11.1 signatures.
pub type PFND3D11_1DDI_CREATEGEOMETRYSHADERWITHSTREAMOUTPUT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pOutput: *const D3D11DDIARG_CREATEGEOMETRYSHADERWITHSTREAMOUTPUT,
        hShader: D3D10DDI_HSHADER,
        hRTShader: D3D10DDI_HRTSHADER,
        pSignatures: *const D3D11_1DDIARG_STAGE_IO_SIGNATURES,
    ),
>;

/// Bytes of driver memory for a hull or domain shader.
pub type PFND3D11DDI_CALCPRIVATETESSELLATIONSHADERSIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCode: *const u32,
        pSignatures: *const D3D11DDIARG_TESSELLATION_IO_SIGNATURES,
    ) -> usize,
>;

/// As [`PFND3D11DDI_CALCPRIVATETESSELLATIONSHADERSIZE`], with 11.1 signatures.
pub type PFND3D11_1DDI_CALCPRIVATETESSELLATIONSHADERSIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pShaderCode: *const u32,
        pSignatures: *const D3D11_1DDIARG_TESSELLATION_IO_SIGNATURES,
    ) -> usize,
>;

/// Creates a hull shader.
pub type PFND3D11DDI_CREATEHULLSHADER = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCode: *const u32,
        hShader: D3D10DDI_HSHADER,
        hRTShader: D3D10DDI_HRTSHADER,
        pSignatures: *const D3D11DDIARG_TESSELLATION_IO_SIGNATURES,
    ),
>;

/// As [`PFND3D11DDI_CREATEHULLSHADER`], with 11.1 signatures.
pub type PFND3D11_1DDI_CREATEHULLSHADER = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pShaderCode: *const u32,
        hShader: D3D10DDI_HSHADER,
        hRTShader: D3D10DDI_HRTSHADER,
        pSignatures: *const D3D11_1DDIARG_TESSELLATION_IO_SIGNATURES,
    ),
>;

/// Creates a domain shader.
pub type PFND3D11DDI_CREATEDOMAINSHADER = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCode: *const u32,
        hShader: D3D10DDI_HSHADER,
        hRTShader: D3D10DDI_HRTSHADER,
        pSignatures: *const D3D11DDIARG_TESSELLATION_IO_SIGNATURES,
    ),
>;

/// As [`PFND3D11DDI_CREATEDOMAINSHADER`], with 11.1 signatures.
pub type PFND3D11_1DDI_CREATEDOMAINSHADER = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pShaderCode: *const u32,
        hShader: D3D10DDI_HSHADER,
        hRTShader: D3D10DDI_HRTSHADER,
        pSignatures: *const D3D11_1DDIARG_TESSELLATION_IO_SIGNATURES,
    ),
>;

/// Creates a compute shader (no signatures; its size is asked through `pfnCalcPrivateShaderSize`).
pub type PFND3D11DDI_CREATECOMPUTESHADER = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCode: *const u32,
        hShader: D3D10DDI_HSHADER,
        hRTShader: D3D10DDI_HRTSHADER,
    ),
>;

/// Destroys a shader of any stage.
pub type PFND3D10DDI_DESTROYSHADER =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hShader: D3D10DDI_HSHADER)>;

/// Hands the driver the whole container of a shader, for debuggers.
pub type PFND3D11_1DDI_ASSIGNDEBUGBINARY = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hShader: D3D10DDI_HSHADER,
        uBinarySize: u32,
        pBinary: *const c_void,
    ),
>;
