// fxc: ps_5_0 main
float4 main(float4 position : SV_Position, float2 cull : SV_CullDistance, nointerpolation float4 a : A) : SV_Target { return float4(cull, a.xy); }
