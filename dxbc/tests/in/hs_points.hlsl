// fxc: hs_5_0 main
cbuffer Constants : register(b0) { float4 factor; };
struct V { float4 position : SV_Position; float3 normal : NORMAL; };
struct O { float4 position : POSITION; float3 normal : NORMAL; uint primitive : PRIMITIVE; };
struct C { float edges[3] : SV_TessFactor; float inside : SV_InsideTessFactor; float3 middle : MIDDLE; };
C constants(InputPatch<V, 3> patch, OutputPatch<O, 3> points, uint primitive : SV_PrimitiveID)
{
    C c;
    [unroll] for (uint i = 0; i < 3; i++) c.edges[i] = factor[i & 3] + patch[i % 3].normal.x;
    c.inside = factor.z;
    c.middle = 0;
    for (uint n = 0; n < 3; n++) c.middle += points[n].normal * primitive;
    return c;
}
[domain("tri")] [partitioning("fractional_even")] [outputtopology("point")] [outputcontrolpoints(3)] [patchconstantfunc("constants")] [maxtessfactor(8.0)]
O main(InputPatch<V, 3> patch, uint i : SV_OutputControlPointID, uint primitive : SV_PrimitiveID)
{
    O o;
    o.position = patch[i].position + patch[(i + 1) % 3].position;
    o.normal = patch[i].normal;
    o.primitive = primitive;
    return o;
}
