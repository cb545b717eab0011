// fxc: gs_5_0 main
// As many components as a geometry shader may write: 128 vertices of two registers.
struct O { float4 position : SV_Position; float4 color : COLOR; };
[maxvertexcount(128)] void main(point O input[1], inout PointStream<O> stream)
{
    for (uint i = 0; i < 128; i++) {
        O o = input[0];
        o.position.xy += float2(i % 16, i / 16) / 32;
        stream.Append(o);
    }
}
