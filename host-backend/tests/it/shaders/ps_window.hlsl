// fxc: ps_5_0 main
// The sum of the first and the eighteenth constant.
cbuffer C : register(b0) { float4 constants[64]; };
float4 main(float4 position : SV_Position) : SV_Target { return constants[0] + constants[17]; }
