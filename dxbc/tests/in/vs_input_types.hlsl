// fxc: vs_5_0 main
// The bits of inputs of every type; the vertex buffer holds fewer components than are read.
struct V { float4 position : SV_Position; nointerpolation uint4 f : F; nointerpolation uint4 i : I; nointerpolation uint4 u : U; };
V main(uint vertex : SV_VertexID, float4 f : F, int4 i : I, uint4 u : U) {
    V v;
    v.position = float4((vertex + 0.5) / 2 - 1, 0, 0, 1);
    v.f = asuint(f * 2);
    v.i = i >> 1;
    v.u = u >> 1;
    return v;
}
