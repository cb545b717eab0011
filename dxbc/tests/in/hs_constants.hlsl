// fxc: hs_5_0 main
cbuffer Constants : register(b0) { uint pick; float4 table[8]; };
Texture2D<float4> heights : register(t0);
struct V { float4 position : POSITION; float4 extra[3] : EXTRA; };
struct C { float edges[3] : SV_TessFactor; float inside : SV_InsideTessFactor; float4 corners[6] : CORNER; float2 pair : PAIR; uint tag : TAG; };
C constants(InputPatch<V, 8> patch, const OutputPatch<V, 5> points, uint primitive : SV_PrimitiveID)
{
    C c;
    [unroll] for (uint n = 0; n < 6; n++) { c.corners[n] = patch[(n + pick) & 7].position * table[n] + points[(n + pick) % 5].extra[(n + primitive) % 3]; }
    float sum = 0;
    [unroll] for (uint e = 0; e < 3; e++) { c.edges[e] = length(points[e].position - points[(e + 1) % 3].position) * table[e].w; sum += c.edges[e]; }
    c.inside = sum / 3;
    c.pair = heights.Load(int3(pick, 0, 0)).xy;
    c.tag = primitive + pick;
    if (pick > 3) c.corners[3] = 1;
    return c;
}
[domain("tri")] [partitioning("fractional_odd")] [outputtopology("triangle_cw")] [outputcontrolpoints(5)] [patchconstantfunc("constants")] [maxtessfactor(64.0)]
V main(InputPatch<V, 8> patch, uint i : SV_OutputControlPointID)
{
    V v = patch[(i + pick) & 7];
    v.extra[1] = patch[i].extra[pick % 3];
    return v;
}
