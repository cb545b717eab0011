// fxc: vs_5_0 main
// Hands position and colour on.
struct V { float4 position : POSITION; float4 color : COLOR; };
struct O { float4 position : SV_Position; float4 color : COLOR; };
O main(V v) { O o = { v.position, v.color }; return o; }
