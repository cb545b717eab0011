// fxc: ps_5_0 main
struct Out { float4 a : SV_Target0; uint2 b : SV_Target1; int c : SV_Target3; float depth : SV_DepthGreaterEqual; uint coverage : SV_Coverage; };
struct In { float4 position : SV_Position; noperspective float2 a : A; centroid float2 b : B; sample float c : C; linear float4 d : D; float2 clip : SV_ClipDistance0; uint layer : SV_RenderTargetArrayIndex; uint viewport : SV_ViewportArrayIndex; };
Out main(In i) {
    Out o;
    o.a = float4(i.a, i.b) + i.c + EvaluateAttributeCentroid(i.d) + EvaluateAttributeAtSample(i.d, 1) + EvaluateAttributeSnapped(i.d, int2(3, -4)) + i.clip.x;
    o.b = uint2(i.layer, i.viewport);
    o.c = -5;
    o.depth = i.position.z + 0.1;
    o.coverage = 5;
    return o;
}
