// fxc: hs_5_0 main
// Four corners, divided into 4 × 2.
struct V { float4 position : POSITION; float4 color : COLOR; };
struct C { float edges[4] : SV_TessFactor; float inside[2] : SV_InsideTessFactor; float4 tint : TINT; };
C constants(InputPatch<V, 4> patch)
{
    C c;
    c.edges[0] = c.edges[2] = 2;
    c.edges[1] = c.edges[3] = 4;
    c.inside[0] = 4;
    c.inside[1] = 2;
    c.tint = patch[3].color;
    return c;
}
[domain("quad")] [partitioning("integer")] [outputtopology("triangle_cw")] [outputcontrolpoints(4)] [patchconstantfunc("constants")]
V main(InputPatch<V, 4> patch, uint i : SV_OutputControlPointID) { return patch[i]; }
