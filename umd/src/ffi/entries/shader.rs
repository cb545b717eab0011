//! Shaders and vertex layouts.

use core::ffi::c_void;

use pvgpu_protocol::command::{SignatureElement, StreamOutputEntry, stage};
use pvgpu_protocol::limits::{INPUT_ELEMENTS, MAX_SHADER_TOKENS, MAX_SIGNATURE_ELEMENTS};
use pvgpu_umd_ddi::*;

use crate::error::Error;
use crate::ffi::argument::{Argument, In, InOrNull, List, Place, Runtime, Taken, entries, entry_index};
use crate::object::{ElementLayout, Object, Shader};
use crate::shader::{Signatures, StreamOutput};

/// `D3D10_SB_GEOMETRY_SHADER`, the program type in the first token.
const D3D10_SB_GEOMETRY_SHADER: u32 = 2;

/// The tokens of a shader; the second says how many there are.
///
/// # Safety
/// `code` is the runtime's, which has checked the container it is from.
unsafe fn tokens<'a>(code: *const u32) -> Result<&'a [u32], Error> {
    if code.is_null() {
        return Err(Error::BadArgument("a shader without code"));
    }
    // SAFETY: code begins with the version and the length.
    let head = unsafe { core::slice::from_raw_parts(code, 2) };
    let length = head.last().copied().unwrap_or(0);
    if !(2..=MAX_SHADER_TOKENS).contains(&length) {
        return Err(Error::BadArgument("a shader whose length is out of range"));
    }
    // SAFETY: the length is the code's own.
    Ok(unsafe { core::slice::from_raw_parts(code, length as usize) })
}

/// A signature of one DDI version.
trait Entry: Copy {
    fn map(&self) -> SignatureElement;
}

impl Entry for D3D10DDIARG_SIGNATURE_ENTRY {
    fn map(&self) -> SignatureElement {
        SignatureElement {
            system_value: self.SystemValue,
            register: self.Register,
            mask: u32::from(self.Mask),
            component_type: D3D10_SB_REGISTER_COMPONENT_UNKNOWN,
            stream: 0,
        }
    }
}

impl Entry for D3D11_1DDIARG_SIGNATURE_ENTRY2 {
    fn map(&self) -> SignatureElement {
        SignatureElement {
            system_value: self.SystemValue,
            register: self.Register,
            mask: u32::from(self.Mask),
            component_type: self.RegisterComponentType,
            // `Stream` lies in what was padding before WDDM 2.0; the declarations among the tokens tell it as well.
            stream: 0,
        }
    }
}

/// The elements of a signature.
///
/// # Safety
/// List and count belong together and are the runtime's.
unsafe fn elements<E: Entry>(list: *const E, count: u32) -> Result<Vec<SignatureElement>, Error> {
    if list.is_null() || count == 0 {
        return Ok(Vec::new());
    }
    if count as usize > MAX_SIGNATURE_ELEMENTS {
        return Err(Error::BadArgument("a signature with too many elements"));
    }
    // SAFETY: passed on from the caller.
    let list = unsafe { core::slice::from_raw_parts(list, count as usize) };
    Ok(list.iter().map(Entry::map).collect())
}

/// The signatures in the struct of one DDI version.
trait IoSignatures: Copy {
    /// # Safety
    /// The lists are the runtime's.
    unsafe fn map(&self) -> Result<Signatures, Error>;
}

/// Members that a struct does not have come from the expression behind the semicolon.
macro_rules! io_signatures {
    ($($type:ident { $($field:ident: $list:ident $count:ident),+ $(; $rest:expr)? })+) => {$(
        impl IoSignatures for $type {
            unsafe fn map(&self) -> Result<Signatures, Error> {
                Ok(Signatures {
                    $(
                        // SAFETY: list and count belong together.
                        $field: unsafe { elements(self.$list, self.$count) }?,
                    )+
                    $(..$rest)?
                })
            }
        }
    )+};
}

io_signatures! {
    D3D10DDIARG_STAGE_IO_SIGNATURES {
        input: pInputSignature NumInputSignatureEntries,
        output: pOutputSignature NumOutputSignatureEntries;
        Signatures::default()
    }
    D3D11_1DDIARG_STAGE_IO_SIGNATURES {
        input: pInputSignature NumInputSignatureEntries,
        output: pOutputSignature NumOutputSignatureEntries;
        Signatures::default()
    }
    D3D11DDIARG_TESSELLATION_IO_SIGNATURES {
        input: pInputSignature NumInputSignatureEntries,
        output: pOutputSignature NumOutputSignatureEntries,
        patch_constant: pPatchConstantSignature NumPatchConstantSignatureEntries
    }
    D3D11_1DDIARG_TESSELLATION_IO_SIGNATURES {
        input: pInputSignature NumInputSignatureEntries,
        output: pOutputSignature NumOutputSignatureEntries,
        patch_constant: pPatchConstantSignature NumPatchConstantSignatureEntries
    }
}

/// Declares the creation of one stage's shaders, with the signatures of one DDI version.
macro_rules! shader_entries {
    ($($(#[$doc:meta])* $name:ident at $member:ident: $stage:ident with $signatures:ident;)+) => {
        entries! {$(
            $(#[$doc])*
            $name at entry_index!($member) =>
            |device, code: Runtime<*const u32>, place: Place<Shader>, _rt: Runtime<D3D10DDI_HRTSHADER>,
                signatures: InOrNull<$signatures>| {
                // SAFETY: the code is the runtime's.
                let tokens = unsafe { tokens(code.0) }?;
                let signatures = match &signatures.0 {
                    // SAFETY: the lists are the runtime's.
                    Some(signatures) => unsafe { signatures.map() }?,
                    None => Signatures::default(),
                };
                device.create_shader(stage::$stage, tokens, &signatures).map(|shader| place.put(shader))
            };
        )+}
    };
}

/// What of one register goes to which buffer.
fn map_entry(entry: &D3D11DDIARG_STREAM_OUTPUT_DECLARATION_ENTRY) -> StreamOutputEntry {
    StreamOutputEntry {
        stream: entry.Stream,
        buffer: entry.OutputSlot,
        register: entry.RegisterIndex,
        mask: u32::from(entry.RegisterMask),
    }
}

/// The tokens of a geometry shader. Without code, or with that of the stage before, there are none: what that stage gives is
/// passed through.
///
/// # Safety
/// `code` is null or the runtime's.
unsafe fn geometry_tokens<'a>(code: *const u32) -> Result<&'a [u32], Error> {
    if code.is_null() {
        return Ok(&[]);
    }
    // SAFETY: passed on from the caller.
    let tokens = unsafe { tokens(code) }?;
    let program_type = tokens.first().map(|version| version >> 16);
    Ok(if program_type == Some(D3D10_SB_GEOMETRY_SHADER) { tokens } else { &[] })
}

/// Declares the creation of geometry shaders with stream output, with the signatures of one DDI version.
macro_rules! stream_output_entries {
    ($($(#[$doc:meta])* $name:ident with $signatures:ident;)+) => {
        entries! {$(
            $(#[$doc])*
            $name at entry_index!(pfnCreateGeometryShaderWithStreamOutput) =>
            |device, desc: In<D3D11DDIARG_CREATEGEOMETRYSHADERWITHSTREAMOUTPUT>, place: Place<Shader>,
                _rt: Runtime<D3D10DDI_HRTSHADER>, signatures: InOrNull<$signatures>| {
                // SAFETY: the code is the runtime's.
                let tokens = unsafe { geometry_tokens(desc.pShaderCode) }?;
                let signatures = match &signatures.0 {
                    // SAFETY: the lists are the runtime's.
                    Some(signatures) => unsafe { signatures.map() }?,
                    None => Signatures::default(),
                };
                // SAFETY: the list is the runtime's.
                let entries = unsafe { List::take(desc.pOutputStreamDecl) }?;
                // SAFETY: the count came with the list.
                let entries: Vec<_> = unsafe { entries.get(desc.NumEntries) }.iter().map(map_entry).collect();
                // SAFETY: the list is the runtime's.
                let strides = unsafe { List::take(desc.BufferStridesInBytes) }?;
                // SAFETY: the count came with the list.
                let strides = unsafe { strides.get(desc.NumStrides) };
                let output = StreamOutput { entries: &entries, strides, rasterized_stream: desc.RasterizedStream };
                device.create_stream_output_shader(tokens, &signatures, &output).map(|shader| place.put(shader))
            };
        )+}
    };
}

stream_output_entries! {
    /// `pfnCreateGeometryShaderWithStreamOutput` of 11.0.
    create_stream_output_shader_11_0 with D3D10DDIARG_STAGE_IO_SIGNATURES;
    /// `pfnCreateGeometryShaderWithStreamOutput` of 11.1.
    create_stream_output_shader with D3D11_1DDIARG_STAGE_IO_SIGNATURES;
}

shader_entries! {
    /// `pfnCreateVertexShader` of 11.0.
    create_vertex_shader_11_0 at pfnCreateVertexShader: VERTEX with D3D10DDIARG_STAGE_IO_SIGNATURES;
    /// `pfnCreateVertexShader` of 11.1.
    create_vertex_shader at pfnCreateVertexShader: VERTEX with D3D11_1DDIARG_STAGE_IO_SIGNATURES;
    /// `pfnCreateGeometryShader` of 11.0.
    create_geometry_shader_11_0 at pfnCreateGeometryShader: GEOMETRY with D3D10DDIARG_STAGE_IO_SIGNATURES;
    /// `pfnCreateGeometryShader` of 11.1.
    create_geometry_shader at pfnCreateGeometryShader: GEOMETRY with D3D11_1DDIARG_STAGE_IO_SIGNATURES;
    /// `pfnCreatePixelShader` of 11.0.
    create_pixel_shader_11_0 at pfnCreatePixelShader: PIXEL with D3D10DDIARG_STAGE_IO_SIGNATURES;
    /// `pfnCreatePixelShader` of 11.1.
    create_pixel_shader at pfnCreatePixelShader: PIXEL with D3D11_1DDIARG_STAGE_IO_SIGNATURES;
    /// `pfnCreateHullShader` of 11.0.
    create_hull_shader_11_0 at pfnCreateHullShader: HULL with D3D11DDIARG_TESSELLATION_IO_SIGNATURES;
    /// `pfnCreateHullShader` of 11.1.
    create_hull_shader at pfnCreateHullShader: HULL with D3D11_1DDIARG_TESSELLATION_IO_SIGNATURES;
    /// `pfnCreateDomainShader` of 11.0.
    create_domain_shader_11_0 at pfnCreateDomainShader: DOMAIN with D3D11DDIARG_TESSELLATION_IO_SIGNATURES;
    /// `pfnCreateDomainShader` of 11.1.
    create_domain_shader at pfnCreateDomainShader: DOMAIN with D3D11_1DDIARG_TESSELLATION_IO_SIGNATURES;
}

entries! {
    /// `pfnCreateComputeShader`.
    create_compute_shader at entry_index!(pfnCreateComputeShader) =>
    |device, code: Runtime<*const u32>, place: Place<Shader>, _rt: Runtime<D3D10DDI_HRTSHADER>| {
        // SAFETY: the code is the runtime's.
        let tokens = unsafe { tokens(code.0) }?;
        device.create_shader(stage::COMPUTE, tokens, &Signatures::default()).map(|shader| place.put(shader))
    };

    /// `pfnDestroyShader`.
    destroy_shader at entry_index!(pfnDestroyShader) => |device, shader: Taken<Shader>| device.destroy(shader.0.id());

    /// `pfnAssignDebugBinary`: for debuggers, which there are none.
    assign_debug_binary at entry_index!(pfnAssignDebugBinary) =>
    |_device, _shader: Runtime<D3D10DDI_HSHADER>, _size: u32, _binary: Runtime<*const c_void>| Ok(());

    /// `pfnCreateElementLayout`.
    create_element_layout at entry_index!(pfnCreateElementLayout) =>
    |device, desc: In<D3D10DDIARG_CREATEELEMENTLAYOUT>, place: Place<ElementLayout>,
        _rt: Runtime<D3D10DDI_HRTELEMENTLAYOUT>| {
        if desc.NumElements as usize > INPUT_ELEMENTS {
            return Err(Error::BadArgument("a vertex layout with too many elements"));
        }
        // SAFETY: the list is the runtime's.
        let elements = unsafe { List::take(desc.pVertexElements) }?;
        // SAFETY: the count came with the list.
        let elements = unsafe { elements.get(desc.NumElements) };
        device.create_element_layout(elements).map(|layout| place.put(layout))
    };

    /// `pfnDestroyElementLayout`.
    destroy_element_layout at entry_index!(pfnDestroyElementLayout) =>
    |device, layout: Taken<ElementLayout>| device.destroy(layout.0.id());
}
