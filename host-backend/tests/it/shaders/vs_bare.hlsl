// fxc: vs_5_0 main
// A position without a colour.
float4 main(float4 position : POSITION) : SV_Position { return position; }
