// fxc: gs_5_0 main
struct V { float4 position : SV_Position; float weight : WEIGHT; };
[maxvertexcount(4)] void main(lineadj V input[4], inout PointStream<V> stream)
{
    [unroll] for (int i = 0; i < 4; i++) { V v = input[3 - i]; v.weight *= i; stream.Append(v); }
}
