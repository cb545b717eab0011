// fxc: hs_5_0 main
struct V { float4 position : POSITION; };
struct C { float edges[3] : SV_TessFactor; float inside : SV_InsideTessFactor; };
C constants(InputPatch<V, 3> patch) { C c; c.edges[0] = c.edges[1] = c.edges[2] = patch[0].position.w; c.inside = 4; return c; }
[domain("tri")] [partitioning("fractional_odd")] [outputtopology("triangle_cw")] [outputcontrolpoints(3)] [patchconstantfunc("constants")]
V main(InputPatch<V, 3> patch, uint i : SV_OutputControlPointID) { V v = patch[i]; v.position.x += 1; return v; }
