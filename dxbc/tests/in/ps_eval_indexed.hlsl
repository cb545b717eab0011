// fxc: ps_5_0 main
// A computed index chooses which input is interpolated anew.
cbuffer C { uint number; int2 offset; };
struct Targets { float4 a : SV_Target0; float4 b : SV_Target1; };
Targets main(float4 position : SV_Position, float4 a[2] : A) {
    Targets t;
    t.a = EvaluateAttributeAtSample(a[number], 1);
    t.b = EvaluateAttributeSnapped(a[number], offset);
    return t;
}
