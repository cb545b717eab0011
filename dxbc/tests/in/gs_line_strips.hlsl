// fxc: gs_4_0 main
// As gs_triangle_strips, of lines, in shader model 4.
Buffer<uint> list : register(t0);
struct V { uint number : NUMBER; };
[maxvertexcount(20)] void main(point V input[1], inout LineStream<V> stream) {
    uint count = list.Load(0);
    for (uint i = 1; i <= count; i++) {
        uint item = list.Load(i);
        if (item == 0) { stream.RestartStrip(); continue; }
        V v = { item + 1000 * input[0].number };
        stream.Append(v);
    }
}
