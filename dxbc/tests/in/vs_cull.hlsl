// fxc: vs_5_0 main
struct V { float4 position : SV_Position; float2 cull : SV_CullDistance; nointerpolation float4 a : A; };
V main(float4 position : POSITION, float2 cull : CULL, float4 a : A) { V v = { position, cull, a }; return v; }
