// fxc: vs_5_0 main
struct V { float4 position : SV_Position; nointerpolation uint4 a : A; };
V main(float4 position : POSITION, uint4 a : A) { V v = { position, a }; return v; }
