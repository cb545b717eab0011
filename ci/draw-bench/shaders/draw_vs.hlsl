// fxc: vs_5_0 main
// Places a vertex by the constants that change with every draw.

cbuffer Object : register(b0)
{
    row_major float4x4 place;
};

struct Varying
{
    float4 position : SV_Position;
    float2 uv : TEXCOORD;
};

Varying main(float3 position : POSITION, float2 uv : TEXCOORD)
{
    Varying output;
    output.position = mul(float4(position, 1), place);
    output.uv = uv;
    return output;
}
