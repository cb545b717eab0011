// fxc: vs_5_0 main
// Moves a vertex into clip space and its normal into world space. Matrices multiply row vectors from the right.

cbuffer Frame : register(b0)
{
    row_major float4x4 view_projection;
    float4 towards_light; // world space, xyz of length 1
};

cbuffer Object : register(b1)
{
    row_major float4x4 world; // rotation, uniform scale and translation
    float4 tint;
};

struct Vertex
{
    float3 position : POSITION;
    float3 normal : NORMAL;
    float2 uv : TEXCOORD;
};

struct Varying
{
    float4 position : SV_Position;
    float3 normal : NORMAL;
    float2 uv : TEXCOORD;
    float3 tint : COLOR;
};

Varying main(Vertex vertex)
{
    Varying result;
    result.position = mul(mul(float4(vertex.position, 1), world), view_projection);
    result.normal = mul(vertex.normal, (float3x3)world);
    result.uv = vertex.uv;
    result.tint = tint.rgb;
    return result;
}
