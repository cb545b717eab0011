// fxc: ps_5_0 main
// The sum of four textures.

Texture2D<float4> first : register(t0);
Texture2D<float4> second : register(t1);
Texture2D<float4> third : register(t2);
Texture2D<float4> fourth : register(t3);
SamplerState point_sampler : register(s0);

float4 main(float4 position : SV_Position, float2 uv : TEXCOORD) : SV_Target
{
    return first.Sample(point_sampler, uv) + second.Sample(point_sampler, uv) + third.Sample(point_sampler, uv) +
           fourth.Sample(point_sampler, uv);
}
