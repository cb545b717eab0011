// fxc: ps_5_0 main
// It runs for each sample, but the position is that of the pixel's centre.
float4 main(float4 position : SV_Position, uint index : SV_SampleIndex) : SV_Target { return position + (index > 7 ? 1 : 0); }
