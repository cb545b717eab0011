// fxc: ps_5_0 main
float4 main(float4 position : SV_Position, uint covered : SV_Coverage) : SV_Target { return float4(covered, 1, 2, 3); }
