//! The commands: their opcodes, how they are encoded in place, how they are decoded.
//!
//! A command is a plain struct that mirrors one entry of the D3D11 user-mode DDI (or, on ring 0, of the kernel-mode
//! driver's). [`encode`] writes it through a [`RecordSink`], straight into the ring, without an intermediate buffer.
//! [`decode`] takes the words that the host copied out of the ring and gives a checked reference into that copy.
//!
//! # Rules for every command
//! - The archived struct is aligned to 8 and its fields fill a multiple of 8 bytes (asserted below), so that a record ends
//!   with it and nothing in it is padding.
//! - Fields named `reserved` are zero; [`decode`] does not look at them, later versions may use them.
//! - No command is answered. Object numbers are chosen by the guest. Mistakes come back as [`crate::event`]s.

mod display;
mod draw;
mod kernel;
mod resource;
mod shader;
mod share;
mod sizes;
mod state;
mod sync;
mod tiled;
mod transfer;

use rkyv::rancor::{Failure, Strategy};
use rkyv::ser::allocator::SubAllocator;
use rkyv::ser::{Positional, Serializer, Writer};
use rkyv::{Archive, Serialize};

pub use display::*;
pub use draw::*;
pub use kernel::*;
pub use resource::*;
pub use shader::*;
pub use share::*;
pub use state::*;
pub use sync::*;
pub use tiled::*;
pub use transfer::*;

use crate::limits::MAX_RECORD_BYTES;
use crate::record::{HEADER_BYTES, RecordError, RecordHeader};

/// Takes the bytes of a record's payload in order; implemented by whatever fronts a ring reservation.
pub trait RecordSink {
    /// Appends bytes. The caller has reserved enough room before.
    fn write(&mut self, bytes: &[u8]);
}

impl<F: FnMut(&[u8])> RecordSink for F {
    #[inline(always)]
    fn write(&mut self, bytes: &[u8]) {
        self(bytes);
    }
}

/// rkyv's view of a [`RecordSink`]: adds the position.
pub struct SinkWriter<'s, S> {
    sink: &'s mut S,
    position: usize,
}

impl<'s, S> SinkWriter<'s, S> {
    /// Starts at position 0.
    #[inline(always)]
    pub fn new(sink: &'s mut S) -> Self {
        Self { sink, position: 0 }
    }
}

impl<S> Positional for SinkWriter<'_, S> {
    #[inline(always)]
    fn pos(&self) -> usize {
        self.position
    }
}

impl<S: RecordSink, E> Writer<E> for SinkWriter<'_, S> {
    #[inline(always)]
    fn write(&mut self, bytes: &[u8]) -> Result<(), E> {
        self.sink.write(bytes);
        self.position += bytes.len();
        Ok(())
    }
}

/// The serializer that commands are written with: it never allocates.
pub type RecordSerializer<'s, 'a, S> = Strategy<Serializer<SinkWriter<'s, S>, SubAllocator<'a>, ()>, Failure>;

/// A command or event that travels as one record.
pub trait Command: Archive {
    /// Its opcode.
    const OPCODE: u16;

    /// Bytes of the slices that it refers to; 0 for commands of fixed size.
    #[inline(always)]
    fn slice_bytes(&self) -> usize {
        0
    }

    /// The most bytes that its record can take, header included; a multiple of 8.
    #[inline(always)]
    fn record_bound(&self) -> u32 {
        // Each of at most three slices and the root may be preceded by up to 7 bytes of padding.
        let slices = self.slice_bytes();
        let padding = if slices == 0 { 0 } else { 32 };
        let bytes = slices.saturating_add(padding + HEADER_BYTES as usize + size_of::<Self::Archived>());
        u32::try_from(bytes.next_multiple_of(8)).unwrap_or(u32::MAX)
    }
}

/// A command that is too large for a record; nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// The bytes that it would need at most.
    pub bound: u32,
}

impl core::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "a record of up to {} bytes exceeds the limit of {MAX_RECORD_BYTES}", self.bound)
    }
}

impl core::error::Error for TooLarge {}

/// Writes a command's payload (all but the header word) and returns its header.
///
/// The caller has reserved [`Command::record_bound`] bytes, and writes the returned header as the record's first word
/// when it commits.
///
/// # Errors
/// [`TooLarge`] before the first byte is written, when the bound exceeds [`MAX_RECORD_BYTES`].
#[inline(always)]
pub fn encode<C, S>(command: &C, sink: &mut S) -> Result<RecordHeader, TooLarge>
where
    S: RecordSink,
    C: Command + for<'s, 'a> Serialize<RecordSerializer<'s, 'a, S>>,
{
    let bound = command.record_bound();
    if bound > MAX_RECORD_BYTES {
        return Err(TooLarge { bound });
    }
    let mut serializer = Serializer::new(SinkWriter::new(sink), SubAllocator::new(&mut []), ());
    rkyv::api::serialize_using::<_, Failure>(command, &mut serializer).map_err(|_| TooLarge { bound })?;
    let length = HEADER_BYTES + serializer.pos() as u32;
    Ok(RecordHeader { length, opcode: C::OPCODE, flags: 0 })
}

/// Declares opcodes: implements [`Command`], and builds the decoder's enum of checked references.
macro_rules! opcodes {
    ($enum:ident, $what:literal, $decode:ident; $($code:literal $name:ident $(<$life:lifetime>)? $(: $($slice:ident)+)?),+ $(,)?) => {
        $(
            const _: () = assert!(size_of::<rkyv::Archived<$name>>() % 8 == 0);

            impl $(<$life>)? $crate::command::Command for $name $(<$life>)? {
                const OPCODE: u16 = $code;
                $(
                    #[inline(always)]
                    fn slice_bytes(&self) -> usize {
                        0usize $(.saturating_add(size_of_val(self.$slice)))+
                    }
                )?
            }
        )+

        #[doc = concat!("A checked reference to one ", $what, ", borrowed from the copy of its record.")]
        #[derive(Clone, Copy)]
        pub enum $enum<'r> {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name(&'r rkyv::Archived<$name $(<$life>)?>)),+
        }

        impl $enum<'_> {
            /// The opcode.
            pub const fn opcode(&self) -> u16 {
                match self { $(Self::$name(_) => $code),+ }
            }

            /// The name of the struct it decodes to, for logs.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name)),+ }
            }

            /// Every opcode with its name, ascending.
            pub const OPCODES: &'static [(u16, &'static str)] = &[$(($code, stringify!($name))),+];
        }

        #[doc = concat!("Decodes one ", $what, " from the words of its record, header word included.")]
        ///
        /// Total: any words give a value or an error.
        ///
        /// # Errors
        /// [`RecordError`](crate::record::RecordError) names the broken rule.
        pub fn $decode(words: &[u64]) -> Result<$enum<'_>, $crate::record::RecordError> {
            let (opcode, payload) = $crate::command::payload(words)?;
            match opcode {
                $($code => $crate::command::check::<rkyv::Archived<$name>>(payload, opcode).map($enum::$name),)+
                _ => Err($crate::record::RecordError::Opcode { opcode }),
            }
        }
    };
}
pub(crate) use opcodes;

/// Splits a record into its opcode and the payload's bytes, after checking the header.
pub(crate) fn payload(words: &[u64]) -> Result<(u16, &[u8]), RecordError> {
    let (first, rest) = words.split_first().ok_or(RecordError::Length { length: 0 })?;
    let header = RecordHeader::from_word(*first);
    header.check(size_of_val(words))?;
    Ok((header.opcode, bytemuck::cast_slice(rest)))
}

/// Validates the payload as the archived type whose root ends it.
pub(crate) fn check<T>(payload: &[u8], opcode: u16) -> Result<&T, RecordError>
where
    T: rkyv::Portable + for<'a> rkyv::bytecheck::CheckBytes<rkyv::api::low::LowValidator<'a, Failure>>,
{
    rkyv::api::low::access::<T, Failure>(payload).map_err(|_| RecordError::Archive { opcode })
}

opcodes! { CommandRef, "command", decode;
    0x0001 Fence,
    0x0002 Gate,
    0x0003 WaitFence,

    0x0010 CreateContext,
    0x0011 DestroyContext,
    0x0012 GrantHeap,
    0x0013 RevokeHeap,
    0x0014 OpenGate,

    0x0020 BlitHeap,
    0x0021 FillHeap,
    0x0022 SetScanout,
    0x0023 SetPointerShape,
    0x0024 SetPointerPosition,

    0x0100 CreateResource,
    0x0101 DestroyObject,
    0x0102 CreateView,
    0x0103 CreateQuery,
    0x0110 CreateShader<'r>: input output patch_constant,
    0x0111 CreateElementLayout<'r>: elements,
    0x0120 CreateBlendState,
    0x0121 CreateDepthStencilState,
    0x0122 CreateRasterizerState,
    0x0123 CreateSampler,
    0x0130 CreateStreamOutputShader<'r>: input output entries,
    0x0150 ShareResource,
    0x0151 OpenSharedResource,
    0x0152 TryOpenSharedResource,
    0x0160 LinkShader<'r>: instances,
    0x0170 DescribeTiling,
    0x0171 UpdateTileMappings<'r>: runs,
    0x0172 CopyTileMappings<'r>: pairs,
    0x0173 CopyTiles<'r>: spans,
    0x0174 UpdateTiles<'r>: spans,
    0x0175 TiledResourceBarrier,
    0x0176 ResizeTilePool,

    0x0200 SetVertexBuffers<'r>: buffers,
    0x0201 SetIndexBuffer,
    0x0202 SetInputLayout,
    0x0203 SetTopology,
    0x0204 SetShader,
    0x0205 SetConstantBuffers<'r>: buffers,
    0x0206 SetShaderResources<'r>: views,
    0x0207 SetSamplers<'r>: samplers,
    0x0208 SetRenderTargets<'r>: render_targets uavs,
    0x0209 SetComputeUavs<'r>: uavs,
    0x020a SetViewports<'r>: viewports,
    0x020b SetScissorRects<'r>: rects,
    0x020c SetBlendState,
    0x020d SetDepthStencilState,
    0x020e SetRasterizerState,
    0x0210 SetStreamOutputTargets<'r>: targets,
    0x0211 SetPredication,

    0x0300 Draw,
    0x0301 DrawIndexed,
    0x0302 Dispatch,
    0x0303 DrawIndirect,
    0x0304 DrawAuto,
    0x0310 BeginQuery,
    0x0311 EndQuery,

    0x0400 ClearRenderTargetView,
    0x0401 ClearDepthStencilView,
    0x0402 ClearUnorderedAccessView,
    0x0403 ClearView<'r>: rects,
    0x0410 CopyResource,
    0x0411 CopyRegion,
    0x0412 ResolveSubresource,
    0x0413 GenerateMips,
    0x0414 CopyStructureCount,
    0x0415 SetResourceMinLod,
    0x0420 UpdateSubresource,
    0x0421 UpdateInline<'r>: data,
    0x0422 DiscardBuffer,
    0x0423 WriteNoOverwrite,
    0x0424 PlaceBuffer,
    0x0425 WriteStaging,
    0x0430 RotateResourceIdentities<'r>: resources,
    0x0440 Present,
}
