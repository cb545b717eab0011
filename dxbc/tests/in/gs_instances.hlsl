// fxc: gs_5_0 main
struct V { uint number : NUMBER; };
struct O { uint4 ids : IDS; };
[maxvertexcount(2)] [instance(5)] void main(point V input[1], uint instance : SV_GSInstanceID, uint primitive : SV_PrimitiveID, inout PointStream<O> stream) {
    O o = { input[0].number, instance, primitive, 7 };
    if (instance != 3) stream.Append(o);
    o.ids.w = 8;
    if (instance & 1) stream.Append(o);
}
