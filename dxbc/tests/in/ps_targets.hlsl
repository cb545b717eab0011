// fxc: ps_5_0 main
// Outputs of every type; the third register is not an output.
struct Targets { float4 a : SV_Target0; uint4 b : SV_Target1; int4 c : SV_Target3; };
Targets main(float4 position : SV_Position) { Targets t = { position, uint4(position), -int4(position) }; return t; }
