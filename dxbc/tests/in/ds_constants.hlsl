// fxc: ds_5_0 main
cbuffer Constants : register(b0) { uint pick; };
Texture2D<float4> heights : register(t0);
SamplerState linear_sampler : register(s0);
struct V { float4 position : POSITION; float4 extra[3] : EXTRA; };
struct C { float edges[3] : SV_TessFactor; float inside : SV_InsideTessFactor; float4 corners[6] : CORNER; float2 pair : PAIR; uint tag : TAG; };
struct D { float4 position : SV_Position; float4 color : COLOR; float2 pair : PAIR; nointerpolation uint tag : TAG; };
[domain("tri")] D main(C c, float3 at : SV_DomainLocation, const OutputPatch<V, 5> points)
{
    D d;
    d.position = points[0].position * at.x + points[1].position * at.y + points[(pick + 2) % 5].position * at.z;
    d.position.z += heights.SampleLevel(linear_sampler, at.xy, 0).x;
    d.color = c.corners[pick % 6] + points[pick % 5].extra[(pick + 1) % 3] * c.inside;
    d.pair = c.pair;
    d.tag = c.tag;
    return d;
}
