// fxc: vs_5_0 main
struct V { float4 position : POSITION; uint number : NUMBER; };
V main(float4 position : POSITION, uint vertex : SV_VertexID) { V v = { position, vertex }; return v; }
