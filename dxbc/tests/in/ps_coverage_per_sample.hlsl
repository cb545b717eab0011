// fxc: ps_5_0 main
float4 main(float4 position : SV_Position, uint covered : SV_Coverage, uint index : SV_SampleIndex) : SV_Target { return float4(covered, index, 2, 3); }
