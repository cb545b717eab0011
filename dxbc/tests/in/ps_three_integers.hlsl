// fxc: ps_5_0 main
struct Targets { uint4 a : SV_Target0; uint4 b : SV_Target1; uint4 c : SV_Target2; };
Targets main(float4 position : SV_Position, nointerpolation uint4 f : F, nointerpolation uint4 i : I, nointerpolation uint4 u : U) { Targets t = { f, i, u }; return t; }
