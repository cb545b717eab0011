// fxc: ds_5_0 main
struct O { float4 position : POSITION; float3 normal : NORMAL; uint primitive : PRIMITIVE; };
struct C { float edges[3] : SV_TessFactor; float inside : SV_InsideTessFactor; float3 middle : MIDDLE; };
struct D { float4 position : SV_Position; float3 normal : NORMAL; nointerpolation uint primitive : PRIMITIVE; float2 clip : SV_ClipDistance; };
[domain("tri")] D main(C c, float3 at : SV_DomainLocation, const OutputPatch<O, 3> points, uint primitive : SV_PrimitiveID)
{
    D d;
    d.position = lerp(points[0].position, points[1].position, at.x) * (1 - at.y) + points[3 - 1].position * at.y;
    d.normal = points[(uint)(at.x * 3)].normal + c.middle + c.edges[1];
    d.primitive = points[0].primitive * 100 + primitive;
    d.clip = at.xy;
    return d;
}
