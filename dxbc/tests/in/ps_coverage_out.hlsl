// fxc: ps_5_0 main
float4 main(float4 position : SV_Position, nointerpolation uint4 mask : A, out uint coverage : SV_Coverage) : SV_Target { coverage = mask[(uint)position.x & 3]; return 1; }
