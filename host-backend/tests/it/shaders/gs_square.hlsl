// fxc: gs_5_0 main
// A square of half the target's size around each point.
struct O { float4 position : SV_Position; float4 color : COLOR; };
[maxvertexcount(4)] void main(point O input[1], inout TriangleStream<O> stream)
{
    for (uint i = 0; i < 4; i++) {
        O o = input[0];
        o.position.xy += float2(i & 1 ? 0.5 : -0.5, i & 2 ? -0.5 : 0.5);
        stream.Append(o);
    }
}
