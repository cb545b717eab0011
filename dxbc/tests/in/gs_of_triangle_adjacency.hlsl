// fxc: gs_5_0 main
struct V { uint number : NUMBER; };
struct O { uint4 a : A; uint4 b : B; };
[maxvertexcount(1)] void main(triangleadj V input[6], uint primitive : SV_PrimitiveID, inout PointStream<O> stream) { O o = { input[0].number, input[1].number, input[2].number, input[3].number, input[4].number, input[5].number, primitive, 6 }; stream.Append(o); }
