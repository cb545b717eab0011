// fxc: vs_5_0 main
struct V { float4 position : SV_Position; float4 a : A; float4 b : B; float4 c : C; };
V main(float4 position : POSITION, float4 a : A, float4 b : B, float4 c : C) { V v = { position, a, b, c }; return v; }
