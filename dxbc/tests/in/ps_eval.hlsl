// fxc: ps_5_0 main
// Evaluations of parts of an input are not combined here: fxc swizzles them wrongly.
cbuffer C { int2 offset; int index; };
struct Targets { float4 a : SV_Target0; float4 b : SV_Target1; float4 c : SV_Target2; float4 d : SV_Target3; float4 e : SV_Target4; };
Targets main(float4 position : SV_Position, float4 a : A, noperspective float4 b : B, centroid float4 c : C) {
    Targets t;
    t.a = EvaluateAttributeAtSample(a, index);
    t.b = EvaluateAttributeSnapped(b, offset);
    t.c = EvaluateAttributeCentroid(a);
    t.d = EvaluateAttributeSnapped(c, int2(-8, 7));
    t.e = EvaluateAttributeAtSample(c, 2);
    return t;
}
