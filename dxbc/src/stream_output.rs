//! Stream-output declarations: which components of which outputs go where in which buffer.

use crate::reflection::stages::{StreamOutputBuffer, StreamOutputReflection};
use crate::{Error, limits};

/// One entry, as `D3D11_SO_DECLARATION_ENTRY` has it with the semantic looked up. The entries of a buffer follow each
/// other without space between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamOutputEntry {
    /// The geometry shader stream; 0 in other stages.
    pub stream: u32,
    /// The output register; `None` leaves a gap.
    pub register: Option<u32>,
    /// The first component of the register, 0 to 3.
    pub first_component: u32,
    /// How many components are captured, or how many dwords a gap has: 1 to 4.
    pub component_count: u32,
    /// The buffer, 0 to 3.
    pub buffer: u32,
}

/// A stream-output declaration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamOutput {
    /// The entries in order.
    pub entries: Vec<StreamOutputEntry>,
    /// Bytes from one vertex to the next for each buffer; 0: as many as its entries need.
    pub strides: [u32; 4],
    /// The stream that is rasterized; `None` is `D3D11_SO_NO_RASTERIZED_STREAM`.
    pub rasterized_stream: Option<u32>,
}

/// A captured entry and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The stream.
    pub stream: u32,
    /// The register.
    pub register: u32,
    /// The first component.
    pub first: u32,
    /// The number of components.
    pub count: u32,
    /// The buffer.
    pub buffer: u32,
    /// Bytes from the start of a vertex.
    pub offset: u32,
}

fn invalid(rule: &'static str) -> Error {
    Error::Invalid { opcode: "stream output", offset: 0, rule }
}

fn limit(what: &'static str, value: u64, limit: u64) -> Result<(), Error> {
    if value > limit { Err(Error::Limit { what, value, limit }) } else { Ok(()) }
}

impl StreamOutput {
    /// Checks the declaration and gives every captured entry its place.
    pub(crate) fn place(&self) -> Result<(Vec<Placed>, StreamOutputReflection), Error> {
        let entries = self.entries.len() as u64;
        limit("stream-output entries", entries, limits::STREAM_OUTPUT_ENTRIES as u64)?;
        if self.rasterized_stream.is_some_and(|stream| stream >= limits::STREAMS) {
            return Err(invalid("the rasterized stream is above 3"));
        }
        let mut sizes = [0u32; 4];
        let mut streams = [None; 4];
        let mut components = [0u32; 4];
        let mut placed = Vec::new();
        for entry in &self.entries {
            let StreamOutputEntry { stream, first_component: first, component_count: count, buffer, .. } =
                *entry;
            if stream >= limits::STREAMS || buffer >= limits::STREAM_OUTPUT_BUFFERS {
                return Err(invalid("a stream or buffer is above 3"));
            }
            if !(1..=4).contains(&count) {
                return Err(invalid("an entry has not 1 to 4 components"));
            }
            let slot = buffer as usize;
            let (Some(size), Some(owner)) = (sizes.get_mut(slot), streams.get_mut(slot)) else { continue };
            if owner.is_some_and(|owner| owner != stream) {
                return Err(invalid("a buffer takes two streams"));
            }
            *owner = Some(stream);
            if let Some(register) = entry.register {
                if first > 3 || first + count > 4 {
                    return Err(invalid("an entry captures components past w"));
                }
                placed.push(Placed { stream, register, first, count, buffer, offset: *size });
                if let Some(captured) = components.get_mut(stream as usize) {
                    *captured += count;
                    let most = limits::STREAM_OUTPUT_COMPONENTS;
                    limit("stream-output components of a vertex", (*captured).into(), most.into())?;
                }
            }
            // At most 512 entries of 16 bytes.
            *size += count * 4;
        }
        let mut buffers = [None; 4];
        for (slot, buffer) in buffers.iter_mut().enumerate() {
            let size = sizes.get(slot).copied().unwrap_or(0);
            let stride = match self.strides.get(slot).copied().unwrap_or(0) {
                0 => size,
                stride if !stride.is_multiple_of(4) || stride < size => {
                    return Err(invalid("a stride is not a multiple of 4, or smaller than its entries"));
                }
                stride => stride,
            };
            limit("bytes of a stream-output vertex", stride.into(), limits::STREAM_OUTPUT_STRIDE.into())?;
            if let Some(stream) = streams.get(slot).copied().flatten() {
                *buffer = Some(StreamOutputBuffer { stride, stream });
            }
        }
        let rasterized_stream = self.rasterized_stream;
        Ok((placed, StreamOutputReflection { buffers, rasterized_stream }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(
        register: Option<u32>,
        first_component: u32,
        component_count: u32,
        buffer: u32,
    ) -> StreamOutputEntry {
        StreamOutputEntry { stream: 0, register, first_component, component_count, buffer }
    }

    fn place(entries: Vec<StreamOutputEntry>, strides: [u32; 4]) -> Result<Vec<(u32, u32)>, Error> {
        let output = StreamOutput { entries, strides, rasterized_stream: Some(0) };
        let (placed, _) = output.place()?;
        Ok(placed.iter().map(|entry| (entry.buffer, entry.offset)).collect())
    }

    #[test]
    fn entries_follow_each_other_with_gaps() {
        let entries = vec![
            entry(Some(0), 0, 4, 0),
            entry(None, 0, 3, 0),
            entry(Some(2), 1, 2, 1),
            entry(Some(0), 3, 1, 0),
        ];
        assert_eq!(place(entries, [0; 4]), Ok(vec![(0, 0), (1, 0), (0, 28)]));
    }

    #[test]
    fn broken_declarations_are_named() {
        let past = "an entry captures components past w";
        assert_eq!(place(vec![entry(Some(0), 2, 3, 0)], [0; 4]), Err(invalid(past)));
        let count = "an entry has not 1 to 4 components";
        assert_eq!(place(vec![entry(None, 0, 0, 0)], [0; 4]), Err(invalid(count)));
        let number = "a stream or buffer is above 3";
        assert_eq!(place(vec![entry(None, 0, 1, 4)], [0; 4]), Err(invalid(number)));
        let stride = "a stride is not a multiple of 4, or smaller than its entries";
        assert_eq!(place(vec![entry(None, 0, 4, 0)], [12, 0, 0, 0]), Err(invalid(stride)));
        let two = vec![entry(None, 0, 4, 0), StreamOutputEntry { stream: 1, ..entry(None, 0, 4, 0) }];
        assert_eq!(place(two, [0; 4]), Err(invalid("a buffer takes two streams")));
        assert!(matches!(
            place(vec![entry(None, 0, 1, 0); 513], [0; 4]),
            Err(Error::Limit { value: 513, .. })
        ));
        let wide = place(vec![], [4096, 0, 0, 0]);
        assert!(matches!(wide, Err(Error::Limit { value: 4096, limit: 2048, .. })));
    }
}
