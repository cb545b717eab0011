// fxc: gs_5_0 main
// The list says what to do: 0 cuts the strip, any other number becomes a vertex. More than 20 vertices are too many.
Buffer<uint> list : register(t0);
struct V { uint number : NUMBER; };
[maxvertexcount(20)] void main(point V input[1], inout TriangleStream<V> stream) {
    uint count = list[0];
    for (uint i = 1; i <= count; i++) {
        uint item = list[i];
        if (item == 0) { stream.RestartStrip(); continue; }
        V v = { item + 1000 * input[0].number };
        stream.Append(v);
    }
}
