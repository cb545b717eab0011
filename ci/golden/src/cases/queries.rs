//! Queries, and draws that depend on them.

use super::common::*;
use crate::kit::*;

cases![
    event, occlusion, occlusion_multisampled, occlusion_predicate, timestamp, statistics, compute_statistics,
    predicated_draw => |t| predicated(t, false, false),
    predicated_draw_hinted => |t| predicated(t, true, false),
    predicated_clear => |t| predicated(t, false, true),
];

fn event(t: &mut Test<'_>) -> Result<()> {
    let query = t.gpu.query(D3D11_QUERY_EVENT)?;
    t.full(&Pass::default())?;
    t.gpu.end(&query)?;
    t.equal("event", &t.gpu.data::<i32>(&query)?, &1);
    Ok(())
}

/// A pass whose depth test lets the left quarter of its pixels pass, and writes no depth, with its target.
fn quarter(t: &Test<'_>, samples: u32) -> Result<Pass> {
    let canvas = Canvas { samples, ..Canvas::default() };
    let target = t.target(&Pass { canvas, ..Pass::default() })?;
    let bind = D3D11_BIND_DEPTH_STENCIL;
    let depths =
        t.gpu.texture(&Shape { format: DXGI_FORMAT_D32_FLOAT, samples, bind, ..Shape::default() }, &[])?;
    let view = t.gpu.dsv(&depths)?;
    t.gpu.clear_depth(&view, D3D11_CLEAR_DEPTH, 0.5, 0);
    let vertices =
        [rectangle([0.0, 0.0, 16.0, 64.0], 0.25, WHITE), rectangle([16.0, 0.0, 64.0, 64.0], 0.75, WHITE)];
    let test = D3D11_DEPTH_STENCIL_DESC { DepthWriteMask: D3D11_DEPTH_WRITE_MASK_ZERO, ..depth_stencil() };
    Ok(Pass {
        targets: vec![t.gpu.rtv(&target)?],
        depth: Some(view),
        depth_stencil: Some(test),
        canvas,
        ..coloured(t, vertices.as_flattened())?
    })
}

fn counted(t: &mut Test<'_>, samples: u32) -> Result<u64> {
    let query = t.gpu.query(D3D11_QUERY_OCCLUSION)?;
    let pass = quarter(t, samples)?;
    t.gpu.bind(&pass)?;
    t.gpu.begin(&query)?;
    t.gpu.call(&Call::Vertices(12));
    t.gpu.end(&query)?;
    t.gpu.data(&query)
}

fn occlusion(t: &mut Test<'_>) -> Result<()> {
    let count = counted(t, 1)?;
    t.equal("pixels", &count, &1024);
    Ok(())
}

/// Samples count, not pixels.
fn occlusion_multisampled(t: &mut Test<'_>) -> Result<()> {
    let count = counted(t, 4)?;
    t.equal("samples", &count, &4096);
    Ok(())
}

fn occlusion_predicate(t: &mut Test<'_>) -> Result<()> {
    let pass = quarter(t, 1)?;
    for (first, expected) in [(0, 1), (6, 0)] {
        let predicate = t.gpu.predicate(D3D11_QUERY_OCCLUSION_PREDICATE, false)?;
        t.gpu.bind(&pass)?;
        t.gpu.begin(&predicate)?;
        t.gpu.call(&Call::Instances(6, 1, first, 0));
        t.gpu.end(&predicate)?;
        t.equal("something is drawn", &t.gpu.data::<i32>(&predicate)?, &expected);
    }
    Ok(())
}

fn timestamp(t: &mut Test<'_>) -> Result<()> {
    let around = t.gpu.query(D3D11_QUERY_TIMESTAMP_DISJOINT)?;
    let (before, after) = (t.gpu.query(D3D11_QUERY_TIMESTAMP)?, t.gpu.query(D3D11_QUERY_TIMESTAMP)?);
    t.gpu.begin(&around)?;
    t.gpu.end(&before)?;
    let pass = Pass::default();
    let target = t.target(&pass)?;
    t.gpu.draw(&Pass { targets: vec![t.gpu.rtv(&target)?], ..pass }, &Call::Vertices(3))?;
    t.gpu.end(&after)?;
    t.gpu.end(&around)?;
    let disjoint: D3D11_QUERY_DATA_TIMESTAMP_DISJOINT = t.gpu.data(&around)?;
    let (start, end): (u64, u64) = (t.gpu.data(&before)?, t.gpu.data(&after)?);
    t.holds("there is a frequency", disjoint.Frequency > 0);
    t.holds("time runs forwards", start <= end);
    t.holds("a draw takes less than ten seconds", end - start < disjoint.Frequency * 10);
    Ok(())
}

fn statistics(t: &mut Test<'_>) -> Result<()> {
    let query = t.gpu.query(D3D11_QUERY_PIPELINE_STATISTICS)?;
    let pass = quarter(t, 1)?;
    t.gpu.bind(&pass)?;
    t.gpu.begin(&query)?;
    t.gpu.call(&Call::Instances(12, 2, 0, 0));
    t.gpu.end(&query)?;
    let found: D3D11_QUERY_DATA_PIPELINE_STATISTICS = t.gpu.data(&query)?;
    t.equal("vertices", &found.IAVertices, &24);
    t.equal("primitives", &found.IAPrimitives, &8);
    t.equal("vertex shaders", &found.VSInvocations, &24);
    t.equal("primitives to clip", &found.CInvocations, &8);
    t.equal("hull shaders", &found.HSInvocations, &0);
    t.equal("geometry shaders", &found.GSInvocations, &0);
    t.holds("pixel shaders ran", found.PSInvocations >= 1024);
    Ok(())
}

fn compute_statistics(t: &mut Test<'_>) -> Result<()> {
    let query = t.gpu.query(D3D11_QUERY_PIPELINE_STATISTICS)?;
    t.gpu.begin(&query)?;
    t.dispatch(
        Dispatch { cs: shader!("compute.thread_numbers"), groups: [2, 2, 2], ..Dispatch::default() },
        128,
    )?;
    t.gpu.end(&query)?;
    let found: D3D11_QUERY_DATA_PIPELINE_STATISTICS = t.gpu.data(&query)?;
    t.equal("compute shaders", &found.CSInvocations, &128);
    Ok(())
}

/// Draws, or clears, while predicates say no, and while they say yes.
fn predicated(t: &mut Test<'_>, hint: bool, clear: bool) -> Result<()> {
    let pass = quarter(t, 1)?;
    let target = t.target(&Pass::default())?;
    let view = t.gpu.rtv(&target)?;
    for (first, value, expected) in [(0, false, true), (0, true, false), (6, false, false), (6, true, true)] {
        let predicate = t.gpu.predicate(D3D11_QUERY_OCCLUSION_PREDICATE, hint)?;
        t.gpu.bind(&pass)?;
        t.gpu.begin(&predicate)?;
        t.gpu.call(&Call::Instances(6, 1, first, 0));
        t.gpu.end(&predicate)?;
        t.gpu.clear(&view, RED);
        // With a hint the GPU may go on before the result is there, so wait for it here.
        t.gpu.data::<i32>(&predicate)?;
        t.gpu.bind(&Pass { targets: vec![view.clone()], ..Pass::default() })?;
        t.gpu.set_predication(Some(&predicate), value);
        if clear {
            t.gpu.clear(&view, WHITE);
        } else {
            t.gpu.call(&Call::Vertices(3));
        }
        t.gpu.set_predication(None, false);
        let found = t.show(&target)?;
        // What the predicate equals is not drawn.
        t.expect(&found, |_, _| if expected { WHITE } else { RED });
    }
    Ok(())
}
