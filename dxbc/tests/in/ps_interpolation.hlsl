// fxc: ps_5_0 main
struct Targets { float4 a : SV_Target0; float4 b : SV_Target1; float4 c : SV_Target2; };
Targets main(float4 position : SV_Position, float4 a : A, noperspective float4 b : B, nointerpolation float4 c : C) { Targets t = { a, b, c }; return t; }
