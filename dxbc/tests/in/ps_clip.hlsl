// fxc: ps_5_0 main
struct Targets { float4 a : SV_Target0; float4 b : SV_Target1; };
Targets main(float4 position : SV_Position, float4 clip0 : SV_ClipDistance0, float2 clip1 : SV_ClipDistance1) { Targets t = { clip0, clip1, 1, 1 }; return t; }
