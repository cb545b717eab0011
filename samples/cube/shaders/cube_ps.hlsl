// fxc: ps_5_0 main
// Texture times tint, lit by one light and by a sky that is brighter above than below.

cbuffer Frame : register(b0)
{
    row_major float4x4 view_projection;
    float4 towards_light; // world space, xyz of length 1
};

Texture2D<float4> surface : register(t0);
SamplerState trilinear : register(s0);

struct Varying
{
    float4 position : SV_Position;
    float3 normal : NORMAL;
    float2 uv : TEXCOORD;
    float3 tint : COLOR;
};

float4 main(Varying input) : SV_Target
{
    float3 normal = normalize(input.normal);
    float sun = saturate(dot(normal, towards_light.xyz));
    float3 sky = lerp(float3(0.16, 0.14, 0.12), float3(0.30, 0.34, 0.40), normal.y * 0.5 + 0.5);
    float3 colour = surface.Sample(trilinear, input.uv).rgb * input.tint;
    return float4(colour * (sky + 0.75 * sun), 1);
}
