// fxc: hs_5_0 main
// The tessellator treats powers of two as integers: rounding to them, and to the limit, is up to shader code.
cbuffer Factors : register(b0) { float4 edge; float4 inner; };
struct V { float4 position : POSITION; uint number : NUMBER; };
struct P { float4 position : POSITION; uint2 ids : IDS; };
struct C { float edges[4] : SV_TessFactor; float inside[2] : SV_InsideTessFactor; float4 sum : SUM; uint3 ids : IDS; };
C constants(InputPatch<V, 4> patch) {
    C c;
    c.edges[0] = edge.x; c.edges[1] = edge.y; c.edges[2] = edge.z; c.edges[3] = edge.w;
    c.inside[0] = inner.x; c.inside[1] = inner.y;
    c.sum = 0; c.ids = 0;
    return c;
}
[domain("quad")] [partitioning("pow2")] [outputtopology("triangle_cw")] [outputcontrolpoints(4)] [patchconstantfunc("constants")] [maxtessfactor(8)]
P main(InputPatch<V, 4> patch, uint i : SV_OutputControlPointID) { P p = { patch[i].position, patch[i].number, i }; return p; }
