// fxc: vs_5_0 main
// What geometry and hull shaders of the stream-output tests take.
struct V { float4 position : SV_Position; float4 color : COLOR; uint2 id : ID; };
V main(V v) { v.id += 1; return v; }
