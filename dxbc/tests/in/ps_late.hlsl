// fxc: ps_5_0 main
RWByteAddressBuffer counter : register(u1);
float4 main(float4 position : SV_Position) : SV_Target { counter.InterlockedAdd(0, 1); return 1; }
