// fxc: ps_5_0 main
struct Targets { float4 a : SV_Target0; float4 b : SV_Target1; };
Targets main(float4 position : SV_Position, float4 a : A, float4 b : B) { Targets t = { a, b }; return t; }
