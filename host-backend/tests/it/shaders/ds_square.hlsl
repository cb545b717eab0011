// fxc: ds_5_0 main
struct V { float4 position : POSITION; float4 color : COLOR; };
struct C { float edges[4] : SV_TessFactor; float inside[2] : SV_InsideTessFactor; float4 tint : TINT; };
struct O { float4 position : SV_Position; float4 color : COLOR; };
[domain("quad")] O main(C c, float2 at : SV_DomainLocation, const OutputPatch<V, 4> corners)
{
    float4 upper = lerp(corners[0].position, corners[1].position, at.x);
    float4 lower = lerp(corners[2].position, corners[3].position, at.x);
    // Red runs with u, green with v: mistaken axes show.
    O o = { lerp(upper, lower, at.y), float4(at, c.tint.z, 1) };
    return o;
}
