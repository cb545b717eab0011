// fxc: hs_5_0 main
// Control points mix two inputs; patch constants come from both kinds of control points and the primitive.
cbuffer Factors : register(b0) { float4 edge; float4 inner; };
struct V { float4 position : POSITION; uint number : NUMBER; };
struct P { float4 position : POSITION; uint2 ids : IDS; };
struct C { float edges[2] : SV_TessFactor;  float4 sum : SUM; uint3 ids : IDS; };
C constants(InputPatch<V, 2> patch, const OutputPatch<P, 2> points, uint primitive : SV_PrimitiveID) {
    C c;
    [unroll] for (uint i = 0; i < 2; i++) c.edges[i] = edge[i];
    
    c.sum = 0;
    for (uint n = 0; n < 2; n++) c.sum += points[n].position;
    c.ids = uint3(patch[0].number, points[2 - 1].ids.y, primitive);
    return c;
}
[domain("isoline")] [partitioning("integer")] [outputtopology("point")] [outputcontrolpoints(2)] [patchconstantfunc("constants")]
P main(InputPatch<V, 2> patch, uint i : SV_OutputControlPointID, uint primitive : SV_PrimitiveID) {
    P p;
    p.position = patch[i].position + patch[(i + 1) % 2].position;
    p.ids = uint2(patch[i].number, primitive * 100 + i);
    return p;
}
