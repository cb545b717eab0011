// fxc: ds_5_0 main
struct P { float4 position : POSITION; uint2 ids : IDS; };
struct C { float edges[4] : SV_TessFactor; float inside[2] : SV_InsideTessFactor; float4 sum : SUM; uint3 ids : IDS; };
struct D { float4 place : PLACE; float4 sum : SUM; uint4 ids : IDS; float4 position : SV_Position; float4 factors : FACTORS; };
[domain("quad")] D main(C c, float2 place : SV_DomainLocation, const OutputPatch<P, 4> points, uint primitive : SV_PrimitiveID) {
    D d;
    d.place = float4(place, 0, 0);
    d.sum = c.sum;
    d.ids = uint4(c.ids.xy, c.ids.z * 10 + primitive, points[1].ids.y);
    d.position = float4(place.x * 2 - 1, 1 - place.y * 2, 0, 1) + 0 * points[0].position;
    d.factors = float4(c.edges[0], c.edges[1], c.inside[0], c.inside[1]);
    return d;
}
