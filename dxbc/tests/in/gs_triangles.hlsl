// fxc: gs_5_0 main
cbuffer Constants : register(b0) { uint first; uint count; float scale; };
struct V { float4 position : SV_Position; float3 color[3] : COLOR; };
struct O { float4 position : SV_Position; float3 color : COLOR; float2 clip : SV_ClipDistance; float cull : SV_CullDistance; uint layer : SV_RenderTargetArrayIndex; uint viewport : SV_ViewportArrayIndex; };
[maxvertexcount(9)] [instance(4)] void main(triangle V input[3], uint instance : SV_GSInstanceID, uint primitive : SV_PrimitiveID, inout TriangleStream<O> stream)
{
    for (uint i = 0; i < count; i++) {
        O o;
        uint vertex = (i + first) % 3;
        o.position = input[vertex].position * scale;
        o.color = input[vertex].color[(i + instance) % 3];
        o.clip = o.position.xy;
        o.cull = o.position.z;
        o.layer = instance;
        o.viewport = primitive & 3;
        stream.Append(o);
        if (i % 3 == 2) stream.RestartStrip();
    }
}
