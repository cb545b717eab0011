// fxc: gs_5_0 main
// Colours to the first stream, and numbers to the second: one of each point, and another.
struct O { float4 position : SV_Position; float4 color : COLOR; };
struct N { uint2 number : NUMBER; };
[maxvertexcount(3)] void main(point O input[1], uint primitive : SV_PrimitiveID, inout PointStream<O> first, inout PointStream<N> second)
{
    first.Append(input[0]);
    for (uint i = 0; i < 2; i++) {
        N n = { primitive, i + 100 };
        second.Append(n);
    }
}
