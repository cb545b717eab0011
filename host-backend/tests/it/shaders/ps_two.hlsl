// fxc: ps_5_0 main
// The colour to the first target, and its half to the second.
struct O { float4 position : SV_Position; float4 color : COLOR; };
struct T { float4 first : SV_Target0; float4 second : SV_Target1; };
T main(O o) { T t = { o.color, o.color / 2 }; return t; }
