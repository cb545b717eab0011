// fxc: ps_5_0 main
Texture2D image : register(t0);
TextureCube cube : register(t1);
TextureCubeArray cubes : register(t2);
Texture2D<float> shadow : register(t3);
Texture2DMS<float4> samples : register(t4);
Texture2DMSArray<int4> layers : register(t5);
SamplerState s : register(s0);
SamplerComparisonState c : register(s1);
float4 main(float4 position : SV_Position, float3 uv : TEXCOORD0, nointerpolation int2 o : O, uint prim : SV_PrimitiveID, uint index : SV_SampleIndex, uint coverage : SV_Coverage) : SV_Target {
    float4 r = image.Gather(s, uv.xy) + image.GatherGreen(s, uv.xy, int2(3, -4)) + image.GatherBlue(s, uv.xy, o);
    r += shadow.GatherCmp(c, uv.xy, uv.z) + shadow.GatherCmp(c, uv.xy, uv.z, o);
    r += cube.Sample(s, uv) + cubes.Sample(s, float4(uv, 3)) + cube.GatherAlpha(s, uv);
    r += image.SampleGrad(s, uv.xy, ddx(uv.xy), ddy_fine(uv.xy)) + image.SampleLevel(s, uv.xy, 1.5);
    r += samples.Load(position.xy, index) + layers.Load(int3(position.xy, 1), 2);
    r.x += image.CalculateLevelOfDetail(s, uv.xy) + image.CalculateLevelOfDetailUnclamped(s, uv.xy) + coverage + prim;
    uint w, h, e, n; samples.GetDimensions(w, h, n); r.y += w * n; layers.GetDimensions(w, h, e, n); r.z += e;
    float fw, fh, fl; image.GetDimensions(1, fw, fh, fl); r.w += fw / fl;
    r.xy += samples.GetSamplePosition(index) + GetRenderTargetSamplePosition(1) + GetRenderTargetSampleCount();
    return r;
}
