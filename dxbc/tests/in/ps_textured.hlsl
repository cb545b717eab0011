// fxc: ps_5_0 main
Texture2D albedo : register(t0);
Texture2DArray layers : register(t1);
SamplerState linear_sampler : register(s0);
SamplerComparisonState shadow_sampler : register(s1);
Texture2D<float> shadow : register(t2);
cbuffer light : register(b1) { float3 direction; float threshold; };
struct In { float4 position : SV_Position; float3 normal : NORMAL; float2 uv : TEXCOORD0; float4 color : COLOR; nointerpolation uint bone : BONE; bool front : SV_IsFrontFace; };
float4 main(In i) : SV_Target {
    float4 texel = albedo.Sample(linear_sampler, i.uv, int2(1, -2));
    texel += layers.SampleBias(linear_sampler, float3(i.uv, i.bone), 0.5);
    clip(texel.a - threshold);
    float lit = shadow.SampleCmp(shadow_sampler, i.uv, i.position.z);
    lit += shadow.SampleCmpLevelZero(shadow_sampler, i.uv, i.position.w);
    float diffuse = max(dot(i.normal, direction), 0);
    if (!i.front) diffuse = -diffuse;
    return texel * i.color * (diffuse + lit);
}
