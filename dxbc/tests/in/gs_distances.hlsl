// fxc: gs_5_0 main
// Distances of the stage before are inputs like any other.
struct V { float4 position : SV_Position; float4 clip0 : SV_ClipDistance0; float2 clip1 : SV_ClipDistance1; };
[maxvertexcount(3)] void main(triangle V input[3], inout TriangleStream<V> stream) {
    for (uint i = 0; i < 3; i++) {
        V v = input[i];
        v.clip0 = v.clip0.wzyx;
        v.clip1 = -input[i].clip1 + input[0].clip0.w;
        stream.Append(v);
    }
}
