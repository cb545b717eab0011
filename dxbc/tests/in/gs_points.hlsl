// fxc: gs_5_0 main
struct V { float4 position : SV_Position; float4 color : COLOR; };
[maxvertexcount(4)] void main(point V input[1], inout TriangleStream<V> stream) { [unroll] for (int i = 0; i < 4; i++) { V v = input[0]; v.position.xy += float2(i & 1, i >> 1); stream.Append(v); } }
