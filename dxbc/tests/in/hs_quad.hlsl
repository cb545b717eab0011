// fxc: hs_5_0 main
cbuffer Constants : register(b0) { float4 factor; };
struct V { float4 position : SV_Position; float3 normal : NORMAL; };
struct O { float4 position : POSITION; float3 normal : NORMAL; uint primitive : PRIMITIVE; };
struct C { float edges[4] : SV_TessFactor; float inside[2] : SV_InsideTessFactor; float3 middle : MIDDLE; };
C constants(InputPatch<V, 4> patch, OutputPatch<O, 4> points, uint primitive : SV_PrimitiveID)
{
    C c;
    [unroll] for (uint i = 0; i < 4; i++) c.edges[i] = factor[i & 3] + patch[i % 4].normal.x;
    c.inside[0] = 3; c.inside[1] = factor.w;
    c.middle = 0;
    for (uint n = 0; n < 4; n++) c.middle += points[n].normal * primitive;
    return c;
}
[domain("quad")] [partitioning("integer")] [outputtopology("triangle_ccw")] [outputcontrolpoints(4)] [patchconstantfunc("constants")] [maxtessfactor(15.0)]
O main(InputPatch<V, 4> patch, uint i : SV_OutputControlPointID, uint primitive : SV_PrimitiveID)
{
    O o;
    o.position = patch[i].position + patch[(i + 1) % 4].position;
    o.normal = patch[i].normal;
    o.primitive = primitive;
    return o;
}
