// fxc: vs_5_0 main
struct V { float4 position : SV_Position; float4 color : COLOR; };
V main(float4 position : POSITION, float4 color : COLOR) { V v = { position, color }; return v; }
