// fxc: ps_5_0 main
// The vertex shader writes none of these.
struct Targets { float4 a : SV_Target0; uint4 b : SV_Target1; };
Targets main(float4 position : SV_Position, float4 a : A, nointerpolation uint4 b : B) { Targets t = { a + 1, b + 2 }; return t; }
