// fxc: ps_5_0 main
uint4 main(float4 position : SV_Position, nointerpolation uint4 ids : IDS) : SV_Target { return ids + uint4(1, 1, 0, 0); }
