// fxc: gs_5_0 main
struct V { uint number : NUMBER; };
struct O { uint4 a : A; uint4 b : B; };
[maxvertexcount(1)] void main(lineadj V input[4], uint primitive : SV_PrimitiveID, inout PointStream<O> stream) { O o = { input[0].number, input[1].number, input[2].number, input[3].number, 99, 99, primitive, 4 }; stream.Append(o); }
