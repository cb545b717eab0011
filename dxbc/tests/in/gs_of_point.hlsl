// fxc: gs_5_0 main
struct V { uint number : NUMBER; };
struct O { uint4 a : A; uint4 b : B; };
[maxvertexcount(1)] void main(point V input[1], uint primitive : SV_PrimitiveID, inout PointStream<O> stream) { O o = { input[0].number, 99, 99, 99, 99, 99, primitive, 1 }; stream.Append(o); }
