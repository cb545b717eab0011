//! Stream output: from vertex and geometry shaders, to several buffers and streams, with gaps, appended, drawn again.

use super::common::*;
use crate::kit::*;

cases![
    vertex_shader,
    geometry_shader,
    parts,
    gaps,
    several_buffers,
    start_offset,
    appended,
    full_buffer,
    strips_as_lists,
    streams,
    rasterized_too,
    draw_auto,
    statistics,
];

/// A buffer for so many words, all of them 0xdeadbeef.
fn buffer(t: &Test<'_>, count: usize) -> Result<Buffer> {
    t.gpu.buffer(D3D11_BIND_STREAM_OUTPUT | D3D11_BIND_VERTEX_BUFFER, &words(&vec![UNTOUCHED; count]))
}

const UNTOUCHED: u32 = 0xdead_beef;

/// The entry for all of `VALUES`, in slot 0.
fn values() -> (u32, windows::core::PCSTR, u32, u8, u8, u8) {
    (0, s!("VALUES"), 0, 0, 4, 0)
}

fn output(buffers: Vec<(Buffer, u32)>) -> StreamOutput {
    StreamOutput { entries: vec![values()], strides: vec![16], rasterized: None, buffers }
}

/// A pass that draws points and writes them to buffers.
fn pass(gs: Code, output: StreamOutput) -> Pass {
    Pass {
        vs: shader!("stream.numbers"),
        gs,
        ps: None,
        topology: D3D_PRIMITIVE_TOPOLOGY_POINTLIST,
        stream_output: Some(output),
        ..Pass::default()
    }
}

/// What `VALUES` holds for a vertex.
fn value(id: u32, component: u32) -> u32 {
    // CAST: small.
    (id as f32 + component as f32 / 4.0).to_bits()
}

fn all_values(ids: impl IntoIterator<Item = u32>) -> Vec<u32> {
    ids.into_iter().flat_map(|id| (0..4).map(move |component| value(id, component))).collect()
}

fn expect(t: &mut Test<'_>, buffer: &Buffer, mut expected: Vec<u32>) -> Result<()> {
    let found = t.gpu.read_words(buffer)?;
    expected.resize(found.len(), UNTOUCHED);
    t.expect_words(&found, &expected);
    Ok(())
}

/// Without a geometry shader the vertex shader's output is written.
fn vertex_shader(t: &mut Test<'_>) -> Result<()> {
    let buffer = buffer(t, 40)?;
    t.gpu.draw(&pass(None, output(vec![(buffer.clone(), 0)])), &Call::Vertices(8))?;
    expect(t, &buffer, all_values(0..8))
}

fn geometry_shader(t: &mut Test<'_>) -> Result<()> {
    let buffer = buffer(t, 40)?;
    t.gpu.draw(&pass(shader!("stream.doubled"), output(vec![(buffer.clone(), 0)])), &Call::Vertices(4))?;
    expect(t, &buffer, all_values((0..4).flat_map(|id| [id, id + 100])))
}

/// Some components of some outputs, in another order than the shader's.
fn parts(t: &mut Test<'_>) -> Result<()> {
    let buffer = buffer(t, 32)?;
    let entries = vec![(0, s!("WORDS"), 0, 1, 1, 0), (0, s!("VALUES"), 0, 1, 2, 0)];
    let output = StreamOutput { entries, strides: vec![12], ..output(vec![(buffer.clone(), 0)]) };
    t.gpu.draw(&pass(shader!("stream.doubled"), output), &Call::Vertices(2))?;
    let vertex = |id: u32, number: u32| [!id, value(number, 1), value(number, 2)];
    expect(t, &buffer, [vertex(0, 0), vertex(0, 100), vertex(1, 1), vertex(1, 101)].concat())
}

/// An entry without a name leaves what is there.
fn gaps(t: &mut Test<'_>) -> Result<()> {
    let buffer = buffer(t, 32)?;
    let none = windows::core::PCSTR::null();
    let entries = vec![(0, none, 0, 0, 2, 0), (0, s!("VALUES"), 0, 0, 1, 0), (0, none, 0, 0, 1, 0)];
    let output = StreamOutput { entries, ..output(vec![(buffer.clone(), 0)]) };
    t.gpu.draw(&pass(None, output), &Call::Vertices(5))?;
    expect(t, &buffer, (0..5).flat_map(|id| [UNTOUCHED, UNTOUCHED, value(id, 0), UNTOUCHED]).collect())
}

fn several_buffers(t: &mut Test<'_>) -> Result<()> {
    let buffers = [buffer(t, 20)?, buffer(t, 20)?, buffer(t, 20)?];
    let entries =
        vec![(0, s!("VALUES"), 0, 0, 1, 0), (0, s!("WORDS"), 0, 0, 2, 1), (0, s!("VALUES"), 0, 1, 3, 2)];
    let output = StreamOutput {
        entries,
        strides: vec![4, 8, 12],
        ..output(buffers.iter().map(|buffer| (buffer.clone(), 0)).collect())
    };
    t.gpu.draw(&pass(None, output), &Call::Vertices(5))?;
    let [first, second, third] = &buffers;
    expect(t, first, (0..5).map(|id| value(id, 0)).collect())?;
    expect(t, second, (0..5).flat_map(|id| [id * 1000, !id]).collect())?;
    expect(t, third, (0..5).flat_map(|id| [1, 2, 3].map(|component| value(id, component))).collect())
}

fn start_offset(t: &mut Test<'_>) -> Result<()> {
    let buffer = buffer(t, 32)?;
    t.gpu.draw(&pass(None, output(vec![(buffer.clone(), 32)])), &Call::Vertices(3))?;
    expect(t, &buffer, [vec![UNTOUCHED; 8], all_values(0..3)].concat())
}

/// An offset of -1 goes on where the last output has ended.
fn appended(t: &mut Test<'_>) -> Result<()> {
    let buffer = buffer(t, 48)?;
    t.gpu.draw(&pass(None, output(vec![(buffer.clone(), 0)])), &Call::Vertices(3))?;
    t.gpu.draw(&pass(None, output(vec![(buffer.clone(), u32::MAX)])), &Call::Vertices(5))?;
    expect(t, &buffer, all_values((0..3).chain(0..5)))
}

/// Primitives that have no place left are dropped whole.
fn full_buffer(t: &mut Test<'_>) -> Result<()> {
    let buffer = buffer(t, 18)?;
    t.gpu.draw(&pass(None, output(vec![(buffer.clone(), 0)])), &Call::Vertices(9))?;
    expect(t, &buffer, all_values(0..4))
}

fn strips_as_lists(t: &mut Test<'_>) -> Result<()> {
    let buffer = buffer(t, 20)?;
    let entries = vec![(0, s!("VALUES"), 0, 0, 1, 0)];
    let output = StreamOutput { entries, strides: vec![4], ..output(vec![(buffer.clone(), 0)]) };
    t.gpu.draw(&pass(shader!("stream.strip"), output), &Call::Vertices(2))?;
    // The second triangle is turned, so that it faces as the first does.
    let strip = [0.0, 1.0, 2.0, 1.0, 3.0, 2.0].map(f32::to_bits);
    expect(t, &buffer, strip.repeat(2))
}

fn streams(t: &mut Test<'_>) -> Result<()> {
    let buffers = [buffer(t, 24)?, buffer(t, 24)?, buffer(t, 24)?];
    let entries =
        vec![(0, s!("FIRST"), 0, 0, 4, 0), (1, s!("SECOND"), 0, 0, 2, 1), (2, s!("THIRD"), 0, 0, 1, 2)];
    let output = StreamOutput {
        entries,
        strides: vec![16, 8, 4],
        rasterized: None,
        buffers: buffers.iter().map(|buffer| (buffer.clone(), 0)).collect(),
    };
    t.gpu.draw(&pass(shader!("stream.streams"), output), &Call::Vertices(4))?;
    let [first, second, third] = &buffers;
    expect(t, first, all_values(0..4))?;
    // CAST: small.
    let pair = |id: u32, more: f32| [id as f32 * 2.0 + more, id as f32 * 2.0 + 0.5 + more].map(f32::to_bits);
    expect(t, second, (0..4).flat_map(|id| [pair(id, 0.0), pair(id, 0.125)]).flatten().collect())?;
    expect(t, third, (0..4).flat_map(|id| [id * 1000, id * 1000, id * 1000 + 7]).collect())
}

/// Stream 1 is drawn while all are written.
fn rasterized_too(t: &mut Test<'_>) -> Result<()> {
    let buffer = buffer(t, 24)?;
    let entries = vec![(0, s!("FIRST"), 0, 0, 4, 0)];
    let output = StreamOutput { entries, rasterized: Some(1), ..output(vec![(buffer.clone(), 0)]) };
    let pass = Pass { ps: shader!("stream.blue"), ..pass(shader!("stream.streams"), output) };
    let found = t.draw(&pass, Call::Vertices(4))?;
    t.expect(&found, |x, y| if x < 8 && x % 2 == 0 && y == x / 2 * 3 { BLUE } else { BLACK });
    expect(t, &buffer, all_values(0..4))
}

/// Draws what was written before, without the CPU knowing how much that is.
fn draw_auto(t: &mut Test<'_>) -> Result<()> {
    let buffer = buffer(t, 128)?;
    let entries = vec![(0, s!("SV_Position"), 0, 0, 4, 0), values()];
    let output = StreamOutput { entries, strides: vec![32], ..output(vec![(buffer.clone(), 0)]) };
    t.gpu.draw(&pass(None, output), &Call::Vertices(7))?;
    let pass = Pass {
        vs: shader!("stream.again"),
        ps: shader!("common.coloured_ps"),
        topology: D3D_PRIMITIVE_TOPOLOGY_POINTLIST,
        elements: vec![
            element(s!("POSITION"), DXGI_FORMAT_R32G32B32A32_FLOAT, 0),
            element(s!("VALUES"), DXGI_FORMAT_R32G32B32A32_FLOAT, 16),
        ],
        vertices: vec![(buffer, 32, 0)],
        ..Pass::default()
    };
    let found = t.draw(&pass, Call::Auto)?;
    t.expect(&found, |x, y| {
        let id = x / 2;
        // CAST: small.
        let colour = [id as f32 / 16.0, (id as f32 + 0.25) / 16.0, 1.0, 1.0];
        if x % 2 == 0 && id < 7 && y == id * 3 { colour } else { BLACK }
    });
    Ok(())
}

fn statistics(t: &mut Test<'_>) -> Result<()> {
    let buffer = buffer(t, 18)?;
    let query = t.gpu.query(D3D11_QUERY_SO_STATISTICS)?;
    let overflow = t.gpu.predicate(D3D11_QUERY_SO_OVERFLOW_PREDICATE, false)?;
    t.gpu.bind(&pass(None, output(vec![(buffer, 0)])))?;
    t.gpu.begin(&query)?;
    t.gpu.begin(&overflow)?;
    t.gpu.call(&Call::Vertices(9));
    t.gpu.end(&overflow)?;
    t.gpu.end(&query)?;
    let found: D3D11_QUERY_DATA_SO_STATISTICS = t.gpu.data(&query)?;
    t.equal("primitives written", &found.NumPrimitivesWritten, &4);
    t.equal("primitives without a limit", &found.PrimitivesStorageNeeded, &9);
    t.equal("overflow", &t.gpu.data::<i32>(&overflow)?, &1);
    Ok(())
}
