// fxc: hs_5_0 main
// One control point comes in, four go out.
cbuffer Factors : register(b0) { float4 edge; float4 inner; };
struct V { float4 position : POSITION; uint number : NUMBER; };
struct C { float edges[4] : SV_TessFactor; float inside[2] : SV_InsideTessFactor; uint number : NUMBER; };
C constants(InputPatch<V, 1> patch, const OutputPatch<V, 4> points, uint primitive : SV_PrimitiveID) {
    C c;
    c.edges[0] = edge.x; c.edges[1] = edge.y; c.edges[2] = edge.z; c.edges[3] = edge.w;
    c.inside[0] = inner.x; c.inside[1] = inner.y;
    c.number = patch[0].number * 100 + points[3].number + primitive * 10000;
    return c;
}
[domain("quad")] [partitioning("fractional_even")] [outputtopology("triangle_cw")] [outputcontrolpoints(4)] [patchconstantfunc("constants")]
V main(InputPatch<V, 1> patch, uint i : SV_OutputControlPointID) {
    V v = { patch[0].position + float4(i & 1, i >> 1, 0, 0), patch[0].number + i };
    return v;
}
