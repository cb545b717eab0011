// fxc: ps_5_0 main
struct O { float4 position : SV_Position; float4 color : COLOR; };
float4 main(O o) : SV_Target { return o.color; }
