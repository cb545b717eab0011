// fxc: hs_5_0 main
struct V { float4 position : SV_Position; float2 coordinate : TEXCOORD0; };
struct C { float edges[4] : SV_TessFactor; float inside[2] : SV_InsideTessFactor; };
C constants(InputPatch<V, 4> patch) { C c; c.edges[0] = c.edges[1] = c.edges[2] = c.edges[3] = patch[1].coordinate.x; c.inside[0] = c.inside[1] = 2; return c; }
[domain("quad")] [partitioning("fractional_odd")] [outputtopology("triangle_cw")] [outputcontrolpoints(4)] [patchconstantfunc("constants")]
V main(InputPatch<V, 4> patch, uint i : SV_OutputControlPointID) { return patch[i]; }
