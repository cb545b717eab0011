// fxc: ps_5_0 main
float4 main(float4 position : SV_Position) : SV_Target { return position; }
