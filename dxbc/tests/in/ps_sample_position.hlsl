// fxc: ps_5_0 main
// The position at the sample makes the shader run for each sample.
float4 main(linear noperspective sample float4 position : SV_Position) : SV_Target { return position; }
