// fxc: gs_5_0 main
struct V { float4 position : SV_Position; float4 color : COLOR; uint2 id : ID; };
struct A { float4 position : SV_Position; float4 color : COLOR; };
struct B { uint2 id : ID; float value : VALUE; };
struct C { float3 sum : SUM; };
[maxvertexcount(12)] void main(point V input[1], uint primitive : SV_PrimitiveID, inout PointStream<A> first, inout PointStream<B> second, inout PointStream<C> third)
{
    A a = { input[0].position, input[0].color };
    first.Append(a);
    for (uint i = 0; i < 4; i++) {
        B b = { input[0].id + i, input[0].color.y };
        second.Append(b);
        if (i & 1) second.RestartStrip();
    }
    C c = { input[0].color.xyz + primitive };
    third.Append(c);
    third.RestartStrip();
}
