// fxc: hs_5_0 main
// The control points pass through: there is no phase for them.
cbuffer Factors : register(b0) { float4 edge; float4 inner; };
struct V { float4 position : POSITION; uint number : NUMBER; };
struct C { float edges[3] : SV_TessFactor; float inside : SV_InsideTessFactor; };
C constants() { C c; c.edges[0] = edge.x; c.edges[1] = edge.y; c.edges[2] = edge.z; c.inside = inner.x; return c; }
[domain("tri")] [partitioning("fractional_odd")] [outputtopology("triangle_ccw")] [outputcontrolpoints(3)] [patchconstantfunc("constants")]
V main(InputPatch<V, 3> patch, uint i : SV_OutputControlPointID) { return patch[i]; }
