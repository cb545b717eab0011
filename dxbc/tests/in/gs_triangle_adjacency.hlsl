// fxc: gs_5_0 main
StructuredBuffer<uint> order : register(t0);
struct V { float4 position : SV_Position; float4 a : A; float4 b : B; };
[maxvertexcount(64)] void main(triangleadj V input[6], inout TriangleStream<V> stream)
{
    uint n = order[0];
    [loop] for (uint i = 0; i < n; i++) {
        V v = input[order[i + 1]];
        if (v.a.x < 0) break;
        stream.Append(v);
        if (order[i + 1] & 1) stream.RestartStrip();
    }
}
