// fxc: ds_5_0 main
// The corners go to a square of the target that the first point says.
struct V { float4 position : POSITION; uint number : NUMBER; };
struct C { float edges[4] : SV_TessFactor; float inside[2] : SV_InsideTessFactor; uint number : NUMBER; };
struct D { float4 position : SV_Position; float4 color : COLOR; uint number : NUMBER; };
[domain("quad")] D main(C c, float2 place : SV_DomainLocation, const OutputPatch<V, 4> points) {
    D d;
    float4 upper = lerp(points[0].position, points[1].position, place.x);
    float4 lower = lerp(points[2].position, points[3].position, place.x);
    d.position = lerp(upper, lower, place.y) * float4(0.5, -0.5, 0, 0) + float4(-1, 1, 0.5, 1);
    d.color = float4(place, points[2].number, 1);
    d.number = c.number;
    return d;
}
