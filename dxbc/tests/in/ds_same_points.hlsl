// fxc: ds_5_0 main
struct V { float4 position : POSITION; uint number : NUMBER; };
struct C { float edges[3] : SV_TessFactor; float inside : SV_InsideTessFactor; };
struct D { float4 position : SV_Position; uint3 numbers : NUMBERS; };
[domain("tri")] D main(C c, float3 place : SV_DomainLocation, const OutputPatch<V, 3> points) {
    D d;
    d.position = points[0].position * place.x + points[1].position * place.y + points[2].position * place.z;
    d.numbers = uint3(points[0].number, points[1].number, points[2].number);
    return d;
}
