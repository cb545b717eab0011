// fxc: vs_5_0 main
// A control point.
struct V { float4 position : POSITION; float4 color : COLOR; };
V main(V v) { return v; }
