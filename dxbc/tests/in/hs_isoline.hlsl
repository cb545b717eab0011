// fxc: hs_5_0 main
cbuffer Constants : register(b0) { float4 factor; };
struct V { float4 position : SV_Position; float3 normal : NORMAL; };
struct O { float4 position : POSITION; float3 normal : NORMAL; uint primitive : PRIMITIVE; };
struct C { float edges[2] : SV_TessFactor;  float3 middle : MIDDLE; };
C constants(InputPatch<V, 2> patch, OutputPatch<O, 2> points, uint primitive : SV_PrimitiveID)
{
    C c;
    [unroll] for (uint i = 0; i < 2; i++) c.edges[i] = factor[i & 3] + patch[i % 2].normal.x;
    
    c.middle = 0;
    for (uint n = 0; n < 2; n++) c.middle += points[n].normal * primitive;
    return c;
}
[domain("isoline")] [partitioning("pow2")] [outputtopology("line")] [outputcontrolpoints(2)] [patchconstantfunc("constants")] 
O main(InputPatch<V, 2> patch, uint i : SV_OutputControlPointID, uint primitive : SV_PrimitiveID)
{
    O o;
    o.position = patch[i].position + patch[(i + 1) % 2].position;
    o.normal = patch[i].normal;
    o.primitive = primitive;
    return o;
}
