// fxc: vs_5_0 main
struct Out { float4 position : SV_Position; float4 clip0 : SV_ClipDistance0; float2 clip1 : SV_ClipDistance1; float cull : SV_CullDistance0; float2 a : A; float2 b : B; };
Buffer<float4> positions : register(t3);
Out main(uint vertex : SV_VertexID, uint instance : SV_InstanceID, int4 extra : EXTRA, uint2 more : MORE) {
    Out o;
    o.position = positions[vertex] + float4(instance, extra.xy, 0);
    o.clip0 = o.position; o.clip1 = o.position.xy * 2; o.cull = more.y;
    o.a = sin(o.position.xy); o.b = cos(o.position.xy) + tan(more.x);
    return o;
}
